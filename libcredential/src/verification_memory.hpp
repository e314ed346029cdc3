#pragma once

#include <cstdint>
#include <string>

#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/verification.hpp>

namespace stegpass::credential {

inline constexpr std::int64_t kClockSkew = 300;  // how far ahead of the verifier's clock a time may lie

/// An outcome with its sentence, before a code is put to it.
struct Finding {
  Outcome outcome = Outcome::undecided;
  std::string detail;
};

/// Whether something made at `made` is fresh at `now`: undecided without a maximal age, when too old, or when made after `now`.
Finding judge_age(std::string_view what, std::int64_t made, std::int64_t now, std::optional<std::int64_t> max_age_s);

/// Compares a checkpoint with the newest one remembered of its log: undecided when it is older, invalid when it has the same size
/// and another root.
Finding judge_memory(const Checkpoint& checkpoint, const VerifierMemory& memory);

}  // namespace stegpass::credential
