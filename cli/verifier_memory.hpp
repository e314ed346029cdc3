#pragma once

#include <string>

#include <stegpass/credential/verification.hpp>

namespace stegpass::cli {

/// What this verifier remembers; nothing yet when the file is not there, or none is named.
Result<credential::VerifierMemory> read_memory(const std::string& path);
/// Keeps what was added to the memory, also when the verdict is bad: a verifier who has seen a revocation must not be shown the
/// day before. Errors  busy when another run has kept something else since `before` was read: what it saw must not be lost.
Status keep_memory(const std::string& path, const credential::VerifierMemory& before, const credential::VerifierMemory& after);

}  // namespace stegpass::cli
