#include <stegpass/ledger/ledger.hpp>

#include <algorithm>
#include <map>

#include <stegpass/credential/receipt.hpp>

#include "commit.hpp"
#include "ledger_parts.hpp"
#include "outside.hpp"

namespace stegpass::ledger {
namespace {

using credential::PrivateKey, credential::Statement;

constexpr std::size_t kMaxEntryBytes = 65'535;  // what an entry bundle of tlog-tiles can hold

/// Where each statement of a call belongs: entries that are new, in order, and the answer for every statement.
struct Sorted {
  std::vector<Bytes> entries;
  std::vector<const Statement*> statements;  // of `entries`
  std::vector<Appended> answers;
};

Result<Sorted> sort_out(const Database& database, std::uint64_t size, const std::vector<Statement>& statements) {
  Sorted sorted;
  std::map<Digest32, std::uint64_t> in_this_call;
  for (const auto& statement : statements) {
    auto entry = statement.entry();
    if (entry.size() > kMaxEntryBytes)
      return {Errc::refused, "rule entry-size: an entry of " + std::to_string(entry.size()) + " bytes, expected at most " +
                                 std::to_string(kMaxEntryBytes)};
    const auto stored = find_entry(database, entry);
    if (!stored && stored.error().code != Errc::not_found) return stored.error();
    const auto next = size + sorted.entries.size();
    const auto [known, is_new] = in_this_call.emplace(credential::merkle_leaf(entry), stored ? *stored : next);
    const bool was_there = stored.ok() || !is_new;
    sorted.answers.push_back({known->second, was_there});
    if (was_there) continue;
    sorted.entries.push_back(std::move(entry));
    sorted.statements.push_back(&statement);
  }
  return sorted;
}

/// The time that the next commit carries. The log's times never fall: a clock that went back a little is waited out by standing still.
Result<std::int64_t> commit_time(std::int64_t now, std::int64_t newest, std::int64_t skew) {
  if (now >= newest || newest - now <= skew) return std::max(now, newest);
  return {Errc::refused, "the clock says " + std::to_string(now) + ", more than " + std::to_string(skew) +
                             " s before the newest checkpoint at " + std::to_string(newest) + "; set the clock right"};
}

Status judge(RegistrationPolicy& policy, const std::vector<const Statement*>& statements, std::uint64_t size, std::int64_t now) {
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const auto status = policy.accept(*statements[i], size + i, now);
    if (status) continue;
    if (statements.size() == 1) return status;
    return {status.error().code, "new statement " + std::to_string(i + 1) + " of " + std::to_string(statements.size()) + ": " +
                                     status.error().detail};
  }
  return Done{};
}

}  // namespace

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

const std::string& Ledger::origin() const { return impl_->verifier.name; }
const credential::PublicKey& Ledger::log_key() const { return impl_->verifier.key; }

std::uint64_t Ledger::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->head.checkpoint.tree_size;
}

Result<std::vector<Appended>> Ledger::append(const std::vector<Statement>& statements, const PrivateKey& log_key, std::int64_t now) {
  auto& log = *impl_;
  const std::lock_guard lock(log.mutex);
  if (!log.writing) return {Errc::usage, "the ledger is open for reading, so nothing can be registered"};
  if (log.failed) return {Errc::io, log.folder.string() + ": an earlier write failed; open the ledger again"};
  if (log_key.public_key() != log.verifier.key)
    return {Errc::usage, "this is not the log's key: found " + log_key.public_key().thumbprint_uri() + ", expected " +
                             log.verifier.key.thumbprint_uri()};
  const auto& newest = log.head.checkpoint;
  STEGPASS_TRY(sorted, sort_out(log.database, newest.tree_size, statements));
  if (!sorted.entries.empty()) {
    STEGPASS_TRY(time, commit_time(now, newest.time, log.policy.ledger_policy()->clock_skew_s));
    // One statement is taken or leaves no trace by itself; several are tried on a copy.
    std::optional<RegistrationPolicy> trial;
    if (sorted.statements.size() > 1) trial = log.policy;
    STEGPASS_CHECK_OK(judge(trial ? *trial : log.policy, sorted.statements, newest.tree_size, time));
    auto commit = prepare_commit(log.tree, sorted.entries, newest.origin, log_key, time);
    if (auto written = log.database.write(commit.writes); !written) {
      log.failed = true;
      return written.error();
    }
    if (trial) log.policy = std::move(*trial);
    log.tree = std::move(commit.tree);
    log.head = std::move(commit.head);
  }
  if (log.outside != log.head.note) {
    if (auto replaced = replace_outside_checkpoint(log.folder, log.head.note); !replaced)
      return {Errc::io, "registered, but the checkpoint file was left behind: " + replaced.error().detail};
    log.outside = log.head.note;
  }
  return std::move(sorted.answers);
}

Result<Bytes> Ledger::entry(std::uint64_t index) const {
  if (const auto end = size(); index >= end)
    return {Errc::not_found, "no entry " + std::to_string(index) + ": the log has " + std::to_string(end)};
  return read_entry(impl_->database, index);
}

Result<std::uint64_t> Ledger::find(ByteView entry) const { return find_entry(impl_->database, entry); }

Result<std::string> Ledger::checkpoint() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->head.note;
}

Result<credential::InclusionProof> Ledger::inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const {
  if (const auto end = size(); tree_size > end || index >= tree_size)
    return {Errc::usage, "no proof of entry " + std::to_string(index) + " in a tree of " + std::to_string(tree_size) + ": the log has " +
                             std::to_string(end) + " entries"};
  STEGPASS_TRY(path, inclusion_path(node_reader(impl_->database), index, tree_size));
  return credential::InclusionProof{tree_size, index, std::move(path)};
}

Result<credential::ConsistencyProof> Ledger::consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const {
  if (const auto end = size(); old_size == 0 || old_size > new_size || new_size > end)
    return {Errc::usage, "no proof between sizes " + std::to_string(old_size) + " and " + std::to_string(new_size) +
                             ": expected 1 to " + std::to_string(end) + ", the older first"};
  STEGPASS_TRY(path, consistency_path(node_reader(impl_->database), old_size, new_size));
  return credential::ConsistencyProof{old_size, new_size, std::move(path)};
}

Result<Bytes> Ledger::receipt(std::uint64_t index) const {
  const auto head = [&] {
    const std::lock_guard lock(impl_->mutex);
    return impl_->head;
  }();
  const auto size = head.checkpoint.tree_size;
  if (index >= size) return {Errc::not_found, "no entry " + std::to_string(index) + ": the log has " + std::to_string(size)};
  STEGPASS_TRY(proof, inclusion_proof(index, size));
  return encode_receipt(head.signed_root, proof);
}

}  // namespace stegpass::ledger
