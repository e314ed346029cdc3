#pragma once

#include "verify_inputs.hpp"

namespace stegpass::cli {

/// Judges the proof that `ledger list --prove` wrote, under a trust policy and a memory: verify --list. Of what the policy
/// requires the checks of a checkpoint count; the others are of a bundle.
int verify_list(const VerifyOptions& options, Output& output);

}  // namespace stegpass::cli
