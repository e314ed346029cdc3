#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

namespace stegpass::ledger {

/// What replaying a log from nothing came to.
struct AuditReport {
  Verdict verdict;  ///< codes audit.entries, audit.signatures, audit.policy, audit.tree, audit.checkpoint, audit.outside-checkpoint
  credential::Checkpoint checkpoint;
  RegistrationPolicy state;
};

/// What a verdict that is not valid rests on, in one line: the first check that is invalid, or undecided.
std::string first_fault(const Verdict& verdict);

/// Replays every entry from the database: decodes it, checks its signature and the policy's decision, rebuilds the tree, and compares root, stored
/// nodes and signed checkpoint. Names the first bad entry. The same log gives the same report on any machine.
/// `log_key`, when given, is the key the auditor trusts; otherwise entry 0's is used and the report says so.
Result<AuditReport> audit(const Ledger& ledger, const std::optional<credential::NoteVerifier>& log_key,
                          const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

}  // namespace stegpass::ledger
