#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>

namespace stegpass::credential {

/// Whom a verifier trusts, and what he demands: a small text file, C2SP tlog-policy lines plus ours. Nobody is trusted unasked.
///     log <vkey>                  a log whose checkpoints count
///     issuer <name> <thumbprint URI>  an owner whose registrations count
///     x509 <name> <base64>            a certificate (DER) that certifies owners: registrations whose x5chain leads to it count
///     time <name> <base64>            a certificate (DER) that the certificates of timestamp authorities lead to
///     max-age <n>(s|h|d)          oldest checkpoint and status that still count; without it freshness is undecided
///     require <check code>        a check that must be made, or the verdict is undecided
///     mark-bound <log10 p>        most that an opened mark's corrected log10 p may be (default -30)
/// A word that starts with '#' begins a comment. Schema  schemas/trust-policy.md
/// Errors  malformed with the line; unsupported for `witness`, `group` and `quorum` lines other than `quorum none`.
struct TrustPolicy {
  struct Issuer {
    std::string name;
    Digest32 thumbprint{};
  };
  std::vector<NoteVerifier> logs;
  std::vector<Issuer> issuers;
  std::vector<TrustedRoot> certifiers;   ///< lines x509
  std::vector<TrustedRoot> time_roots;   ///< lines time
  std::optional<std::int64_t> max_age_s;
  std::vector<std::string> required;
  double mark_bound_log10 = -30;
};

Result<TrustPolicy> parse_trust_policy(std::string_view text);
std::string encode_trust_policy(const TrustPolicy& policy);

}  // namespace stegpass::credential
