#pragma once

#include <string>

#include "model_checks.hpp"

namespace stegpass::cli {

/// Largest bundle that is also written as text, so that the text is no larger than any bundle may be.
inline constexpr std::uint64_t kMaxArmoredBundle = 47u << 20;

/// Reads a bundle that somebody brings, in binary or as text for mail; `bytes` are the binary ones. Text that is no armored
/// bundle to the letter leaves a `problem`, as of `read_evidence`. Errors  not_found, io.
Result<EvidenceFile> read_bundle(const std::string& path);

}  // namespace stegpass::cli
