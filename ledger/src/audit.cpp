#include <stegpass/ledger/audit.hpp>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/ledger/tiles.hpp>

#include "cosigned.hpp"
#include "ledger_parts.hpp"
#include "memory.hpp"
#include "parallel.hpp"
#include "replay.hpp"
#include "tile_source.hpp"

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
    if (!found.fault)
      verdict.add(code, Outcome::valid, holds);
    else if (found.fault->code == code)
      verdict.add(code, Outcome::invalid, found.fault->detail);
    else
      verdict.add(code, Outcome::not_checked,
                  "stopped at entry " + std::to_string(found.fault->index) + ", for what " + found.fault->code +
                      " says; before it all hold");
  };
  report("audit.entries", entries(found.entries) + ", each in its one encoding");
  report("audit.signatures", entries(found.entries) + ", each signed by the key entitled to it");
  report("audit.policy", entries(found.entries) + ", each accepted by the rules in entry 0");
}

void report_tree(const Replay& found, const credential::Checkpoint& checkpoint, Verdict& verdict) {
  const auto size = std::to_string(checkpoint.tree_size), root = to_hex(found.tree.root());
  if (found.tree_fault)
    verdict.add("audit.tree", Outcome::invalid, *found.tree_fault);
  else if (found.tree.root() != checkpoint.root)
    verdict.add("audit.tree", Outcome::invalid,
                "the entries give root " + root + ", the checkpoint of size " + size + " says " + to_hex(checkpoint.root));
  else
    verdict.add("audit.tree", Outcome::valid,
                "root " + root + " at size " + size + ", from the entries as from the stored nodes");
}

/// What is wrong with one commit (its note, or the signed root that receipts of its size are made of); empty when nothing is.
std::string commit_fault(const LogSource& source, const StoredCommit& commit, const Digest32& root,
                         const NoteVerifier& verifier) {
  if (!commit.checkpoint) return commit.fault;
  auto checkpoint = check_note(commit.note, verifier);
  if (!checkpoint) return checkpoint.error().detail;
  const auto size = commit.tree_size;
  if (checkpoint->tree_size != size) return "it says size " + std::to_string(checkpoint->tree_size);
  if (checkpoint->root != root) return "it says root " + to_hex(checkpoint->root) + ", the entries give " + to_hex(root);
  auto signed_root = source.signed_root(size);
  if (!signed_root) return signed_root.error().detail;
  auto last = source.entry(size - 1);
  if (!last) return last.error().detail;
  auto path = inclusion_path(node_reader(source), size - 1, size);
  if (!path) return path.error().detail;
  auto receipt = verify_receipt(encode_receipt(*signed_root, {size, size - 1, *path}), *last, verifier.key);
  if (!receipt) return "its receipts do not verify: " + receipt.error().detail;
  if (receipt->origin != verifier.name) return "its receipts name log " + receipt->origin;
  return {};
}

/// The first commit at fault, as a sentence; empty when all hold.
std::string first_commit_fault(const LogSource& source, const std::vector<StoredCommit>& commits, const Replay& found,
                               const NoteVerifier& verifier) {
  std::vector<std::string> faults(commits.size());
  for_each_parallel(commits.size(), [&](std::size_t i) {
    if (commits[i].tree_size == 0 || commits[i].tree_size > found.tree.size())
      faults[i] = "it has no such entries";
    else
      faults[i] = commit_fault(source, commits[i], found.roots.at(commits[i].tree_size), verifier);
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

std::string by_whose_key(const std::optional<NoteVerifier>& trusted) {
  return trusted ? "the key that the auditor trusts" : "the key in entry 0, since the auditor named none";
}

/// The checkpoint of the earlier audit, unverified. Errors malformed.
Result<std::optional<credential::Checkpoint>> earlier_audit(const std::optional<std::string>& given) {
  if (!given) return std::optional<credential::Checkpoint>{};
  STEGPASS_TRY(note, credential::parse_note(*given));
  STEGPASS_TRY(checkpoint, credential::parse_checkpoint(note.text));
  return std::optional(std::move(checkpoint));
}

/// Whether the earlier audit was of this log: signed by its key, and the entries come to its root.
void report_since(const std::string& note, const credential::Checkpoint& since, const Replay& found,
                  const std::optional<NoteVerifier>& log, Verdict& verdict) {
  const auto size = std::to_string(since.tree_size);
  const auto add = [&](const std::string& fault) { verdict.add("audit.since", Outcome::invalid, fault); };
  if (!log) return add("entry 0 names no key, and the auditor named none");
  if (auto own = check_note(note, *log); !own) return add(own.error().detail);
  if (since.tree_size == 0 || since.tree_size > found.tree.size())
    return add("the earlier audit ended at size " + size + ", and the log at " + std::to_string(found.tree.size()));
  if (const auto& root = found.roots.at(since.tree_size); root != since.root)
    return add("another history than was audited: at size " + size + " it has root " + to_hex(root) + ", the earlier audit saw " +
               to_hex(since.root));
  verdict.add("audit.since", Outcome::valid,
              "signatures before entry " + size + " rest on the earlier audit, whose root these entries have");
}

/// The index roots that the checkpoints sign, and what is kept of the index.
void report_index(const std::vector<StoredCommit>& commits, const Replay& found, Verdict& verdict) {
  if (found.fault) return verdict.add("audit.index", Outcome::not_checked, "there is a bad entry");
  std::string fault = found.index_fault;
  for (const auto& commit : commits) {
    const auto root = found.index_roots.find(commit.tree_size);
    if (root == found.index_roots.end() || !fault.empty()) continue;
    if (root->second != *commit.checkpoint->index_root)
      fault = "the checkpoint of size " + std::to_string(commit.tree_size) + " signs index root " +
              to_hex(*commit.checkpoint->index_root) + ", the entries come to " + to_hex(root->second);
  }
  if (!fault.empty()) return verdict.add("audit.index", Outcome::invalid, fault);
  if (found.index_roots.empty()) return verdict.add("audit.index", Outcome::not_checked, "no checkpoint signs an index");
  verdict.add("audit.index", Outcome::valid,
              counted(found.index_roots.size(), "index root", "index roots") + ", as the entries come to");
}

/// What a writer would judge by, beside what the entries come to.
Status report_memory(const Database& database, const Replay& found, Verdict& verdict) {
  if (found.fault) {
    verdict.add("audit.memory", Outcome::not_checked, "there is a bad entry");
    return Done{};
  }
  STEGPASS_TRY(fault, RulesMemory::fault(database, found.state));
  verdict.add("audit.memory", fault.empty() ? Outcome::valid : Outcome::invalid,
              fault.empty() ? "the rules' memory in the database is what the entries come to" : fault);
  return Done{};
}

/// The check of every commit; `own` is the log as its entry 0 names it.
void report_commits(const LogSource& source, const std::vector<StoredCommit>& commits, const Replay& found,
                    const NoteVerifier& own, const std::optional<NoteVerifier>& trusted, Verdict& verdict) {
  auto fault = key_fault(own, trusted);
  if (fault.empty()) fault = first_commit_fault(source, commits, found, own);
  verdict.add(
      "audit.checkpoint", fault.empty() ? Outcome::valid : Outcome::invalid,
      fault.empty() ? counted(commits.size(), "checkpoint", "checkpoints") + ", signed by " + by_whose_key(trusted) : fault);
}

/// The checkpoint of tiles that have no commits: its signature alone, by a key that somebody has to name.
void report_lone_checkpoint(const TileSource& tiles, const std::optional<NoteVerifier>& own,
                            const std::optional<NoteVerifier>& trusted, Verdict& verdict) {
  if (!own && !trusted)
    return verdict.add("audit.checkpoint", Outcome::undecided, "entry 0 names no key, and the auditor named none");
  const auto fault = own ? key_fault(*own, trusted) : "";
  const auto checkpoint = check_note(tiles.note(), trusted ? *trusted : *own);
  if (!fault.empty())
    verdict.add("audit.checkpoint", Outcome::invalid, fault);
  else if (!checkpoint)
    verdict.add("audit.checkpoint", Outcome::invalid, checkpoint.error().detail);
  else
    verdict.add("audit.checkpoint", Outcome::valid,
                "the checkpoint alone, signed by " + by_whose_key(trusted) + "; the tiles have no commits");
}

}  // namespace

std::string first_fault(const Verdict& verdict) {
  for (const auto& check : verdict.checks())
    if (check.outcome == verdict.outcome()) return check.code + ": " + check.detail;
  return "no check was made";
}

Result<AuditReport> audit_tiles(const std::filesystem::path& folder, const std::optional<NoteVerifier>& log_key,
                                const AuditProgress& progress, const std::optional<std::string>& since_note) {
  STEGPASS_TRY(tiles, TileSource::open(folder));
  const auto& checkpoint = tiles->checkpoint();
  STEGPASS_TRY(since, earlier_audit(since_note));
  STEGPASS_TRY(found, replay(*tiles, tiles->commits(), since ? since->tree_size : 0, progress));
  AuditReport report{{}, checkpoint, {}};
  report_entries(found, report.verdict);
  report_tree(found, checkpoint, report.verdict);
  const auto first = tiles->entry(0);
  const auto named = first ? verifier_of(*first) : Result<NoteVerifier>(first.error());
  const auto own = named ? std::optional(*named) : std::nullopt;
  if (!tiles->has_commits()) {
    report_lone_checkpoint(*tiles, own, log_key, report.verdict);
  } else if (!own) {
    report.verdict.add("audit.checkpoint", Outcome::invalid, named.error().detail);
  } else if (auto newest = check_note(tiles->note(), *own); !newest) {
    report.verdict.add("audit.checkpoint", Outcome::invalid, newest.error().detail);
  } else if (tiles->commits().empty() || !same_text(tiles->commits().back().note, tiles->note())) {
    report.verdict.add("audit.checkpoint", Outcome::invalid, "the checkpoint is not that of the newest commit");
  } else {
    report_commits(*tiles, tiles->commits(), found, *own, log_key, report.verdict);
  }
  if (since) report_since(*since_note, *since, found, log_key ? log_key : own, report.verdict);
  report_index(tiles->commits(), found, report.verdict);
  report.state = std::move(found.state);
  return report;
}

Result<AuditReport> audit(const Ledger& ledger, const std::optional<NoteVerifier>& log_key, const AuditProgress& progress,
                          const std::optional<std::string>& since_note) {
  const auto& log = LedgerParts::of(ledger);
  const auto lock = log.hold_still();
  STEGPASS_TRY(commits, read_commits(log.database));
  const DatabaseSource source(log.database);
  STEGPASS_TRY(since, earlier_audit(since_note));
  STEGPASS_TRY(found, replay(source, commits, since ? since->tree_size : 0, progress));
  AuditReport report{{}, log.head.checkpoint, {}};
  report_entries(found, report.verdict);
  report_tree(found, log.head.checkpoint, report.verdict);
  report_commits(source, commits, found, log.verifier, log_key, report.verdict);
  if (since) report_since(*since_note, *since, found, log.verifier, report.verdict);

  const auto seen = compare_outside(log.database, log.outside, log.head, log.verifier);
  const auto size = [](const credential::Checkpoint& checkpoint) { return std::to_string(checkpoint.tree_size); };
  if (!seen)
    report.verdict.add("audit.outside-checkpoint", Outcome::invalid, seen.error().detail);
  else
    report.verdict.add(
        "audit.outside-checkpoint", Outcome::valid,
        "the file beside the database stands at size " + size(*seen) + " of " + size(log.head.checkpoint) + ", and agrees");
  report_index(commits, found, report.verdict);
  STEGPASS_CHECK_OK(report_memory(log.database, found, report.verdict));
  report.state = std::move(found.state);
  return report;
}

}  // namespace stegpass::ledger
