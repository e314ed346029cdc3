#pragma once

#include <string>

#include "output.hpp"

namespace stegpass::cli {

/// Judges the proof that `ledger list --prove` wrote, under a trust policy: verify --list.
int verify_list(const std::string& proof, const std::string& policy, Output& output);

}  // namespace stegpass::cli
