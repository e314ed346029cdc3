#pragma once

#include <stegpass/credential/dispute.hpp>

#include "dispute_pairs.hpp"

namespace stegpass::credential {

/// Writes out what a decision rests on, how likely its parts are wrong, and what would change it.
void state_grounds(const DisputeView& view, DisputeDecision& decision);

}  // namespace stegpass::credential
