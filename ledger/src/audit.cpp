#include <stegpass/ledger/audit.hpp>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>

#include "ledger_parts.hpp"
#include "parallel.hpp"
#include "replay.hpp"

namespace stegpass::ledger {
namespace {

using credential::NoteVerifier;

std::string counted(std::uint64_t count, const std::string& singular, const std::string& plural) {
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

std::string entries(std::uint64_t count) { return counted(count, "entry", "entries"); }

/// The three checks of statements stop together at the first bad entry; the one it belongs to is invalid.
void report_entries(const Replay& found, Verdict& verdict) {
  const auto report = [&](const char* code, const std::string& holds) {
    if (!found.fault) verdict.add(code, Outcome::valid, holds);
    else if (found.fault->code == code) verdict.add(code, Outcome::invalid, found.fault->detail);
    else
      verdict.add(code, Outcome::not_checked, "stopped at entry " + std::to_string(found.fault->index) + ", for what " +
                                                  found.fault->code + " says; before it all hold");
  };
  report("audit.entries", entries(found.entries) + ", each in its one encoding");
  report("audit.signatures", entries(found.entries) + ", each signed by the key entitled to it");
  report("audit.policy", entries(found.entries) + ", each accepted by the rules in entry 0");
}

void report_tree(const Replay& found, const Head& head, Verdict& verdict) {
  const auto size = std::to_string(head.checkpoint.tree_size), root = to_hex(found.tree.root());
  if (found.tree_fault) verdict.add("audit.tree", Outcome::invalid, *found.tree_fault);
  else if (found.tree.root() != head.checkpoint.root)
    verdict.add("audit.tree", Outcome::invalid, "the entries give root " + root + ", the checkpoint of size " + size + " says " +
                                                    to_hex(head.checkpoint.root));
  else verdict.add("audit.tree", Outcome::valid, "root " + root + " at size " + size + ", from the entries as from the stored nodes");
}

/// What is wrong with one commit (its note, or the signed root that receipts of its size are made of); empty when nothing is.
std::string commit_fault(const Database& database, const StoredCommit& commit, const Digest32& root, const NoteVerifier& verifier) {
  if (!commit.checkpoint) return commit.fault;
  auto checkpoint = check_note(commit.note, verifier);
  if (!checkpoint) return checkpoint.error().detail;
  const auto size = commit.tree_size;
  if (checkpoint->tree_size != size) return "it says size " + std::to_string(checkpoint->tree_size);
  if (checkpoint->root != root) return "it says root " + to_hex(checkpoint->root) + ", the entries give " + to_hex(root);
  auto signed_root = read_signed_root(database, size);
  if (!signed_root) return signed_root.error().detail;
  auto last = read_entry(database, size - 1);
  if (!last) return last.error().detail;
  auto path = inclusion_path(node_reader(database), size - 1, size);
  if (!path) return path.error().detail;
  auto receipt = verify_receipt(encode_receipt(*signed_root, {size, size - 1, *path}), *last, verifier.key);
  if (!receipt) return "its receipts do not verify: " + receipt.error().detail;
  if (receipt->origin != verifier.name) return "its receipts name log " + receipt->origin;
  return {};
}

/// The first commit at fault, as a sentence; empty when all hold.
std::string first_commit_fault(const Database& database, const std::vector<StoredCommit>& commits, const Replay& found,
                               const NoteVerifier& verifier) {
  std::vector<std::string> faults(commits.size());
  for_each_parallel(commits.size(), [&](std::size_t i) {
    if (commits[i].tree_size == 0 || commits[i].tree_size > found.tree.size()) faults[i] = "it has no such entries";
    else faults[i] = commit_fault(database, commits[i], found.roots.at(commits[i].tree_size), verifier);
  });
  std::int64_t time = 0;
  for (std::size_t i = 0; i < commits.size(); ++i) {
    const auto name = "the checkpoint of size " + std::to_string(commits[i].tree_size) + ": ";
    if (!faults[i].empty()) return name + faults[i];
    if (commits[i].checkpoint->time < time) return name + "its time lies before that of an older one";
    time = commits[i].checkpoint->time;
  }
  return {};
}

/// Why the auditor's key is not this log's; empty when it is, or when none was given.
std::string key_fault(const NoteVerifier& own, const std::optional<NoteVerifier>& trusted) {
  if (!trusted || (trusted->name == own.name && trusted->key == own.key)) return {};
  return "the log is " + own.to_vkey() + ", and the auditor trusts " + trusted->to_vkey();
}

}  // namespace

Result<AuditReport> audit(const Ledger& ledger, const std::optional<NoteVerifier>& log_key,
                          const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const auto& log = LedgerParts::of(ledger);
  const auto lock = log.hold_still();
  STEGPASS_TRY(commits, read_commits(log.database));
  STEGPASS_TRY(found, replay(log.database, commits, progress));
  AuditReport report{{}, log.head.checkpoint, {}};
  report_entries(found, report.verdict);
  report_tree(found, log.head, report.verdict);

  auto fault = key_fault(log.verifier, log_key);
  if (fault.empty()) fault = first_commit_fault(log.database, commits, found, log.verifier);
  const auto by = log_key ? "the key that the auditor trusts" : "the key in entry 0, since the auditor named none";
  report.verdict.add("audit.checkpoint", fault.empty() ? Outcome::valid : Outcome::invalid,
                     fault.empty() ? counted(commits.size(), "checkpoint", "checkpoints") + ", signed by " + by : fault);

  const auto seen = compare_outside(log.database, log.outside, log.head, log.verifier);
  const auto size = [](const credential::Checkpoint& checkpoint) { return std::to_string(checkpoint.tree_size); };
  if (!seen) report.verdict.add("audit.outside-checkpoint", Outcome::invalid, seen.error().detail);
  else
    report.verdict.add("audit.outside-checkpoint", Outcome::valid,
                       "the file beside the database stands at size " + size(*seen) + " of " + size(log.head.checkpoint) + ", and agrees");
  report.state = std::move(found.state);
  return report;
}

}  // namespace stegpass::ledger
