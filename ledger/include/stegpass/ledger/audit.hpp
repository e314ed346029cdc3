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
  Verdict verdict;  ///< codes audit.entries, audit.signatures, audit.policy, audit.tree, audit.checkpoint, audit.since (if asked
                    ///< for), audit.outside-checkpoint and audit.memory (of a database), audit.index
  credential::Checkpoint checkpoint;
  RegistrationPolicy state;
};

/// What a verdict that is not valid rests on, in one line: the first check that is invalid, or undecided.
std::string first_fault(const Verdict& verdict);
/// Called now and then while an audit runs.
using AuditProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

/// Replays every entry from the database: decodes it, checks its signature and the policy's decision, rebuilds the tree, and
/// compares root, stored nodes and signed checkpoint. Names the first bad entry. The same log gives the same report on any
/// machine. `log_key`, when given, is the key the auditor trusts; otherwise entry 0's is used and the report says so. `since` is
/// the checkpoint, a signed note, up to which an earlier audit found all well. What is before it is read and judged again, for
/// the state, but its signatures are not checked again: if the tree had that root then, these are the same entries. Check
/// audit.since says so.
Result<AuditReport> audit(const Ledger& ledger, const std::optional<credential::NoteVerifier>& log_key,
                          const AuditProgress& progress = {}, const std::optional<std::string>& since = {});

}  // namespace stegpass::ledger
