#include <algorithm>
#include <iterator>
#include <map>

#include <stegpass/credential/merkle.hpp>

#include "commit.hpp"
#include "ledger_parts.hpp"
#include "memory.hpp"
#include "parallel.hpp"

// Group commit: a call prepares its statements on its own thread (encoding, hashes, signatures) and stands in line. Who finds
// nobody committing commits for all in line; the others wait for their answers. The window in which calls come together is the
// time that the batch before them takes; a call that comes alone waits for nobody.
namespace stegpass::ledger {
namespace {

using credential::PrivateKey, credential::Statement;

constexpr std::size_t kMaxEntryBytes = 65'535;   // what an entry bundle of tlog-tiles can hold
constexpr std::size_t kMaxGroupEntries = 4'096;  // statements in one batch, unless a single call has more

/// The log's next commit, as far as it has been judged.
struct Group {
  std::vector<Submission*> members;
  // Of each member; a good one holds once the batch is written. Kept here until then: a caller who sees his answer is gone, and
  // any of them may wake while the lock is open for the writing.
  std::vector<std::optional<Result<std::vector<Appended>>>> answers;
  std::vector<TakenEntry> entries;            // new ones, in order
  std::vector<const Statement*> statements;   // of `entries`
  std::map<Digest32, std::uint64_t> indices;  // of `entries`, by leaf hash
  std::int64_t time = 0;
};

/// Encodes and hashes. Errors refused: an entry too large.
Status prepare(Submission& mine) {
  for (const auto& statement : *mine.statements) {
    auto entry = statement.entry();
    if (entry.size() > kMaxEntryBytes)
      return {Errc::refused, "rule entry-size: an entry of " + std::to_string(entry.size()) + " bytes, expected at most " +
                                 std::to_string(kMaxEntryBytes)};
    mine.leaves.push_back(credential::merkle_leaf(entry));
    mine.entries.push_back(std::move(entry));
  }
  return Done{};
}

/// Checks signatures while others commit. What cannot be foreseen (a reference to a statement still in line) is left to the
/// judging, as are bad signatures, so that one place says what is wrong.
Status verify_beforehand(LedgerParts::Impl& log, Submission& mine) {
  std::vector<std::optional<credential::PublicKey>> keys;
  {
    const std::lock_guard lock(log.mutex);
    mine.recalled = log.forgotten;
    for (const auto& statement : *mine.statements) {
      STEGPASS_CHECK_OK(RulesMemory::recall(log.database, statement, log.policy));
      auto key = log.policy.key_for(statement, log.head.checkpoint.tree_size, std::max(mine.now, log.head.checkpoint.time));
      keys.push_back(key ? std::optional(std::move(*key)) : std::nullopt);
    }
  }
  mine.verified.resize(keys.size());
  for_each_parallel(keys.size(), [&](std::size_t i) {
    if (keys[i] && verify_statement((*mine.statements)[i], *keys[i])) mine.verified[i] = std::move(keys[i]);
  });
  return Done{};
}

/// The time that the next commit carries. The log's times never fall: a clock that went back a little is waited out by standing
/// still.
Result<std::int64_t> commit_time(std::int64_t now, std::int64_t newest, std::int64_t skew) {
  if (now >= newest || newest - now <= skew) return std::max(now, newest);
  return {Errc::refused, "the clock says " + std::to_string(now) + ", more than " + std::to_string(skew) +
                             " s before the newest checkpoint at " + std::to_string(newest) + "; set the clock right"};
}

/// Takes calls from the line until the batch is full, and settles the commit's time: that of the latest clock.
Group gather(LedgerParts::Impl& log) {
  Group group;
  std::size_t statements = 0;
  const auto& newest = log.head.checkpoint;
  group.time = newest.time;
  while (!log.waiting.empty() &&
         (group.members.empty() || statements + log.waiting.front()->entries.size() <= kMaxGroupEntries)) {
    auto* member = log.waiting.front();
    log.waiting.pop_front();
    group.members.push_back(member);
    auto& answer = group.answers.emplace_back();
    statements += member->entries.size();
    const auto time = commit_time(member->now, newest.time, log.policy.ledger_policy()->clock_skew_s);
    if (time)
      group.time = std::max(group.time, *time);
    else if (!member->entries.empty())
      answer = time.error();
  }
  return group;
}

/// The index of a statement that is in the database or in the group; none for a new one.
Result<std::optional<std::uint64_t>> known_index(const LedgerParts::Impl& log, const Group& group, const Submission& member,
                                                 std::size_t i) {
  if (const auto found = group.indices.find(member.leaves[i]); found != group.indices.end()) return std::optional(found->second);
  if (!RulesMemory::may_be_known(log.policy, (*member.statements)[i])) return std::optional<std::uint64_t>{};
  const auto stored = find_entry(log.database, member.entries[i]);
  if (stored) return std::optional(*stored);
  if (stored.error().code != Errc::not_found) return stored.error();
  return std::optional<std::uint64_t>{};
}

/// Takes a statement into the rules' memory, signature aside.
Status take_again(LedgerParts::Impl& log, const Statement& statement, std::uint64_t index, std::int64_t time) {
  STEGPASS_CHECK_OK(RulesMemory::recall(log.database, statement, log.policy));
  auto key = log.policy.accept_unverified(statement, index, time);
  return key ? Status(Done{}) : Status(key.error());
}

/// Puts the rules' memory back to where it was before a call that was refused in its middle: that of the database, and then of
/// the group so far.
Status take_back(LedgerParts::Impl& log, const Group& group) {
  const auto size = log.head.checkpoint.tree_size;
  const auto restate = [&]() -> Status {
    STEGPASS_TRY(fresh, first_state(log.database));
    log.policy = std::move(fresh);
    ++log.forgotten;
    for (std::size_t i = 0; i < group.statements.size(); ++i)
      STEGPASS_CHECK_OK(take_again(log, *group.statements[i], size + i, group.time));
    return Done{};
  };
  auto restated = restate();
  log.failed = !restated;
  return restated;
}

/// Where a call's statements stand: known ones with their index, new ones with none; a second copy within the call is known by
/// the first.
Result<std::vector<std::optional<std::uint64_t>>> known_indices(const LedgerParts::Impl& log, const Group& group,
                                                                const Submission& member) {
  std::vector<std::optional<std::uint64_t>> known;
  std::map<Digest32, std::uint64_t> in_this_call;
  for (std::size_t i = 0; i < member.entries.size(); ++i) {
    STEGPASS_TRY(index, known_index(log, group, member, i));
    const auto next = log.head.checkpoint.tree_size + group.entries.size() + in_this_call.size();
    if (!index)
      if (const auto [first, is_new] = in_this_call.emplace(member.leaves[i], next); !is_new) index = first->second;
    known.push_back(index);
  }
  return known;
}

/// Takes a call's new statements into the rules' memory and the group; all of them, or none and the rule that one breaks.
Result<std::vector<Appended>> judge(LedgerParts::Impl& log, Group& group, Submission& member) {
  const auto size = log.head.checkpoint.tree_size;
  if (member.recalled != log.forgotten)
    for (const auto& statement : *member.statements) STEGPASS_CHECK_OK(RulesMemory::recall(log.database, statement, log.policy));
  STEGPASS_TRY(known, known_indices(log, group, member));
  const auto count = static_cast<std::size_t>(std::count(known.begin(), known.end(), std::nullopt));
  std::vector<Appended> answers;
  std::vector<std::size_t> taken;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i]) {
      answers.push_back({*known[i], true});
      continue;
    }
    const auto index = size + group.entries.size() + taken.size();
    const auto status = log.policy.accept((*member.statements)[i], index, group.time, member.verified[i]);
    if (!status) {
      if (!taken.empty()) STEGPASS_CHECK_OK(take_back(log, group));
      if (count == 1) return status.error();
      return {status.error().code, "new statement " + std::to_string(taken.size() + 1) + " of " + std::to_string(count) + ": " +
                                       status.error().detail};
    }
    taken.push_back(i);
    answers.push_back({index, false});
  }
  for (const auto i : taken) {
    group.indices.emplace(member.leaves[i], size + group.entries.size());
    group.entries.push_back({std::move(member.entries[i]), member.leaves[i], {}});
    group.statements.push_back(&(*member.statements)[i]);
  }
  return answers;
}

Error failed_before(const LedgerParts::Impl& log) {
  return {Errc::io, log.folder.string() + ": an earlier write failed; open the ledger again"};
}

void judge_all(LedgerParts::Impl& log, Group& group) {
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    auto& answer = group.answers[i];
    if (answer) continue;
    if (log.failed)
      answer = failed_before(log);
    else
      answer = judge(log, group, *group.members[i]);
  }
}

/// Gives every call its answer, and wakes the first of those still in line.
void answer_all(LedgerParts::Impl& log, Group& group, const Status& done) {
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    auto& member = *group.members[i];
    auto& answer = *group.answers[i];
    member.answer = done || !answer ? std::move(answer) : Result<std::vector<Appended>>(done.error());
    member.called.notify_one();
  }
  log.committing = false;
  if (!log.waiting.empty()) log.waiting.front()->called.notify_one();
  log.idle.notify_all();
}

}  // namespace

/// One commit for all that stand in line. The lock is held but for the writing.
void LedgerParts::commit_group(Impl& log, std::unique_lock<std::mutex>& lock, const PrivateKey& log_key) {
  log.committing = true;
  auto group = gather(log);
  judge_all(log, group);
  Status done = Done{};
  if (log.failed) done = failed_before(log);
  if (done && !group.entries.empty()) {
    WriteSet memory;
    const auto size = log.head.checkpoint.tree_size;
    for (std::size_t i = 0; i < group.statements.size(); ++i) {
      RulesMemory::remember(log.policy, *group.statements[i], size + i, memory);
      group.entries[i].keys = index_keys(log.policy, *group.statements[i], size + i);
    }
    lock.unlock();
    auto commit = prepare_commit(log.growth, group.entries, log.verifier.name, log_key, group.time);
    std::ranges::move(memory, std::back_inserter(commit.writes));
    done = log.database.write(commit.writes);
    lock.lock();
    log.failed = !done;
    if (done) {
      if (RulesMemory::trim(log.policy)) ++log.forgotten;
      log.head = std::move(commit.head);
    }
  }
  if (done && log.outside != log.head.note) {
    lock.unlock();
    if (auto kept = keep_outside(log); !kept)
      done = Error{Errc::io, "registered, but the checkpoint file was left behind: " + kept.error().detail};
    lock.lock();
  }
  answer_all(log, group, done);
}

Result<std::vector<Appended>> Ledger::append(const std::vector<Statement>& statements, const PrivateKey& log_key,
                                             std::int64_t now) {
  auto& log = *impl_;
  if (!log.writing) return {Errc::usage, "the ledger is open for reading, so nothing can be registered"};
  if (log_key.public_key() != log.verifier.key)
    return {Errc::usage, "this is not the log's key: found " + log_key.public_key().thumbprint_uri() + ", expected " +
                             log.verifier.key.thumbprint_uri()};
  Submission mine;
  mine.statements = &statements;
  mine.now = now;
  STEGPASS_CHECK_OK(prepare(mine));
  STEGPASS_CHECK_OK(verify_beforehand(log, mine));
  std::unique_lock lock(log.mutex);
  log.waiting.push_back(&mine);
  while (!mine.answer) {
    if (log.committing)
      mine.called.wait(lock);
    else
      LedgerParts::commit_group(log, lock, log_key);
  }
  return std::move(*mine.answer);
}

}  // namespace stegpass::ledger
