#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/care.hpp>

#include "ledger_parts.hpp"
#include "source.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kEntriesAtOnce = 1024;  // between two calls of the progress

/// An error of reading that says what is wrong with the ledger is a finding; any other is an error.
bool is_finding(const Error& error) { return error.code == Errc::malformed || error.code == Errc::not_found; }

Status report(Verdict& verdict, const char* code, const Status& found, const std::string& holds) {
  if (!found && !is_finding(found.error())) return found;
  verdict.add(code, found ? Outcome::valid : Outcome::invalid, found ? holds : found.error().detail);
  return Done{};
}

Status check_entry(const DatabaseSource& source, std::uint64_t index, ByteView octets) {
  const auto leaf = credential::merkle_leaf(octets);
  const auto name = "entry " + std::to_string(index) + ": ";
  STEGPASS_TRY(node, source.node(0, index));
  if (node != leaf) return {Errc::malformed, name + "the tree has another leaf for it"};
  STEGPASS_TRY(faults, source.index_faults(index, {leaf}));
  const auto& fault = faults.front();
  if (!fault.empty()) return {Errc::malformed, name + fault};
  return Done{};
}

Status check_entries(const DatabaseSource& source, std::uint64_t size,
                     const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::uint64_t next = 0;
  const auto visit = [&](std::uint64_t index, ByteView octets) -> Status {
    if (index >= size && next == size) return Done{};  // of a commit that came since
    if (index != next) return {Errc::malformed, "entry " + std::to_string(next) + " is missing"};
    ++next;
    if (progress && next % kEntriesAtOnce == 0) progress(next, size);
    return check_entry(source, index, octets);
  };
  STEGPASS_CHECK_OK(source.for_each_entry(visit));
  if (next < size) return {Errc::malformed, "entry " + std::to_string(next) + " is missing"};
  return Done{};
}

Status check_commits(const DatabaseSource& source, const std::vector<StoredCommit>& commits, std::uint64_t size) {
  for (const auto& commit : commits) {
    if (commit.tree_size > size) break;
    const auto name = "the checkpoint of size " + std::to_string(commit.tree_size) + ": ";
    if (!commit.checkpoint) return {Errc::malformed, name + commit.fault};
    STEGPASS_TRY(root, range_root(node_reader(source), 0, commit.tree_size));
    if (root != commit.checkpoint->root || commit.checkpoint->tree_size != commit.tree_size)
      return {Errc::malformed, name + "the stored tree has root " + to_hex(root)};
  }
  return Done{};
}

/// The checkpoints beside the database, as they were at opening: a writer may have gone on since.
Status check_beside(const LedgerParts::Impl& log, const Head& head, const std::string& outside, Verdict& verdict) {
  const auto agrees = [&](std::string_view note) -> Status {
    auto seen = compare_outside(log.database, note, head, log.verifier);
    return seen ? Status(Done{}) : Status(seen.error());
  };
  STEGPASS_CHECK_OK(report(verdict, "check.outside-checkpoint", agrees(outside), "the file beside the database agrees"));
  if (log.cosigned)
    return report(verdict, "check.cosigned", agrees(*log.cosigned), "the checkpoint that witnesses cosigned agrees");
  verdict.add("check.cosigned", Outcome::not_checked, "no witness has cosigned");
  return Done{};
}

/// Adds the files of the ledger's folder. Ones that vanish meanwhile, as a writer tidies, are passed over.
void count_files(const fs::path& folder, Stats& stats) {
  std::error_code error;
  for (fs::recursive_directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    std::error_code gone;
    const auto bytes = file->is_regular_file(gone) ? file->file_size(gone) : 0;
    if (gone || bytes == 0) continue;
    ++stats.files;
    stats.file_bytes += bytes;
  }
}

}  // namespace

Result<Verdict> check(const Ledger& ledger, const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const auto& log = LedgerParts::of(ledger);
  const auto [head, outside] = [&] {
    const std::lock_guard lock(log.mutex);
    return std::pair(log.head, log.outside);
  }();
  const auto size = head.checkpoint.tree_size;
  const DatabaseSource source(log.database);
  Verdict verdict;
  STEGPASS_CHECK_OK(report(verdict, "check.files", log.database.verify(), "the checksum of every block holds"));
  STEGPASS_CHECK_OK(report(verdict, "check.entries", check_entries(source, size, progress),
                           std::to_string(size) + " entries, each in the tree and found by its hash"));
  const auto commits = read_commits(log.database);
  const auto roots = commits ? check_commits(source, *commits, size) : Status(commits.error());
  STEGPASS_CHECK_OK(report(verdict, "check.commits", roots,
                           (commits ? std::to_string(commits->size()) : "") + " commits, each with the root of the stored tree"));
  STEGPASS_CHECK_OK(check_beside(log, head, outside, verdict));
  return verdict;
}

Result<Stats> stats(const Ledger& ledger) {
  const auto& log = LedgerParts::of(ledger);
  Stats out;
  STEGPASS_TRY(commits, read_commits(log.database));
  out.commits = commits.size();
  const auto visit = [&](std::uint64_t, std::int64_t time, ByteView octets) -> Status {
    if (out.entries++ == 0) out.first_time = time;
    out.last_time = time;
    out.entry_bytes += octets.size();
    out.largest_entry = std::max<std::uint64_t>(out.largest_entry, octets.size());
    const auto statement = credential::Statement::decode(octets);
    ++out.kinds[statement ? std::string(statement_kind_name(statement->kind())) : "unreadable"];
    return Done{};
  };
  STEGPASS_CHECK_OK(for_each_entry(ledger, 0, visit));
  count_files(log.folder, out);
  return out;
}

Status for_each_entry(const Ledger& ledger, std::uint64_t from,
                      const std::function<Status(std::uint64_t, std::int64_t, ByteView)>& visit) {
  const auto& log = LedgerParts::of(ledger);
  const auto size = ledger.size();
  STEGPASS_TRY(commits, read_commits(log.database));
  auto commit = commits.begin();
  for (auto index = from; index < size; ++index) {
    while (commit != commits.end() && (commit->tree_size <= index || !commit->checkpoint)) ++commit;
    STEGPASS_TRY(octets, read_entry(log.database, index));
    STEGPASS_CHECK_OK(visit(index, commit == commits.end() ? 0 : commit->checkpoint->time, octets));
  }
  return Done{};
}

}  // namespace stegpass::ledger
