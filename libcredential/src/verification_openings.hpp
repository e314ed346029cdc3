#pragma once

#include <stegpass/credential/verification.hpp>

namespace stegpass::credential {

/// Compares what a bundle opens with the commitments of registration and license; those that open go to `out.disclosures`.
/// Where the statement that holds the commitment is not in `out`, the check is undecided.
void judge_openings(const Bundle& bundle, PaperVerdict& out);

/// Checks a presentation against the license in `out`: signature, audience, nonce, license and age (at most 10 minutes).
void judge_possession(const PaperOptions& options, PaperVerdict& out);

}  // namespace stegpass::credential
