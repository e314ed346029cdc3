#pragma once

#include <cstdint>
#include <string>

#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/verification.hpp>

namespace stegpass::credential {

/// An outcome with its sentence, before a code is put to it.
struct Finding {
  Outcome outcome = Outcome::undecided;
  std::string detail;
};

/// Whether something made at `made` is fresh at `now`: undecided without a maximal age, when too old, or when made after `now`.
Finding judge_age(std::string_view what, std::int64_t made, std::int64_t now, std::optional<std::int64_t> max_age_s);

/// Whether a license is in force at `now`. A trusted log's time that lies after both `now` and its beginning (0: none is known)
/// shows that this clock is wrong: then what is not yet valid is undecided.
Finding judge_dates(const License& license, std::int64_t now, std::int64_t log_time);

/// Compares a checkpoint with the newest one remembered of its log: undecided when it is older, invalid when it has the same size
/// and another root.
Finding judge_memory(const Checkpoint& checkpoint, const VerifierMemory& memory);

}  // namespace stegpass::credential
