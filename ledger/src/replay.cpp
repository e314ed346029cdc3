#include "replay.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>

#include "index.hpp"
#include "node_tile.hpp"
#include "parallel.hpp"

namespace stegpass::ledger {
namespace {

using credential::PublicKey, credential::Statement;

constexpr std::size_t kChunkEntries = 1024, kRunEntries = 32;  // of a chunk; of what one core decodes at a time

/// One entry on its way through the passes.
struct Item {
  std::uint64_t index = 0;
  Bytes octets;
  Digest32 leaf{};
  std::optional<Statement> statement;
  std::optional<PublicKey> key;                   // that the statement has to be signed by
  std::string fault;                              // of decoding, then of the signature
  Result<std::string> way_fault = std::string{};  // of the way from its hash to it

  void decode() {
    leaf = credential::merkle_leaf(octets);
    auto decoded = Statement::decode(octets);
    if (!decoded)
      fault = decoded.error().detail;
    else if (decoded->entry() != octets)
      fault = "not in the form that the ledger keeps (empty unprotected header)";
    else
      statement = std::move(*decoded);
  }
  void verify() {
    if (auto status = verify_statement(*statement, *key); !status) fault = status.error().detail;
  }
};

/// Consecutive entries.
struct Chunk {
  std::vector<Item> items;
  std::size_t taken = 0;  // how many of them the rules took

  std::size_t runs() const { return (items.size() + kRunEntries - 1) / kRunEntries; }
  void decode_run(std::size_t run, const LogSource& source) {
    const std::span run_items(items.data() + run * kRunEntries, std::min(kRunEntries, items.size() - run * kRunEntries));
    std::vector<Digest32> leaves;
    for (auto& item : run_items) {
      item.decode();
      leaves.push_back(item.leaf);
    }
    auto faults = source.index_faults(run_items[0].index, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      run_items[i].way_fault = faults ? Result<std::string>(std::move((*faults)[i])) : Result<std::string>(faults.error());
  }
};

/// The log's time when it took entry `index`: that of the first commit beyond it.
std::int64_t commit_time(const std::vector<StoredCommit>& commits, std::uint64_t index) {
  const auto at =
      std::find_if(std::partition_point(commits.begin(), commits.end(), [&](const auto& c) { return c.tree_size <= index; }),
                   commits.end(), [](const auto& commit) { return commit.checkpoint.has_value(); });
  return at == commits.end() ? 0 : at->checkpoint->time;
}

/// Entries pass in chunks: decoded, then taken by the rules in order, then their signatures checked. Each step does all three at
/// once on three chunks; only the middle one is bound to one thread.
class Replayer {
 public:
  Replayer(const LogSource& source, const std::vector<StoredCommit>& commits, std::uint64_t verified)
      : source_(source), commits_(commits), verified_(verified) {
    if (verified > 0) found_.roots[verified];
    for (const auto& commit : commits) {
      found_.roots[commit.tree_size];
      if (commit.checkpoint && commit.checkpoint->index_root) found_.index_roots[commit.tree_size];
    }
  }

  Status add(std::uint64_t index, ByteView octets) {
    incoming_.items.reserve(kChunkEntries);
    incoming_.items.emplace_back().index = index;
    incoming_.items.back().octets = to_bytes(octets);
    return incoming_.items.size() < kChunkEntries ? Done{} : step();
  }

  /// Brings all that was added to its end.
  Status flush() {
    for (int passes = 0; passes < 3; ++passes) STEGPASS_CHECK_OK(step());
    return Done{};
  }

  /// A gap in the numbering: nothing can be said of what follows it.
  void break_off(std::uint64_t index) {
    note(index, "entry " + std::to_string(index) + " is missing");
    if (!found_.tree_fault) found_.tree_fault = "entry " + std::to_string(index) + " is missing, so the tree cannot be rebuilt";
    broken_off_ = true;
  }
  void note(std::uint64_t index, const std::string& detail) {
    if (!found_.fault) found_.fault = Fault{index, "audit.entries", detail};
  }

  Result<Replay> finish() && {
    if (!broken_off_ && found_.tree.size() > 0) STEGPASS_CHECK_OK(compare_tiles(tiles_.take()));
    return std::move(found_);
  }
  Replay& found() { return found_; }
  bool broken_off() const { return broken_off_; }

 private:
  Status step() {
    Status taken = Done{};
    const auto signatures = judged_.taken;
    for_each_parallel(1 + signatures + incoming_.runs(), [&](std::size_t i) {
      if (i == 0)
        taken = take_chunk(decoded_);
      else if (i <= signatures)
        verify(judged_.items[i - 1]);
      else
        incoming_.decode_run(i - 1 - signatures, source_);
    });
    STEGPASS_CHECK_OK(taken);
    STEGPASS_CHECK_OK(settle(judged_));
    judged_ = std::exchange(decoded_, std::exchange(incoming_, {}));
    return Done{};
  }

  void verify(Item& item) const {
    if (item.index >= verified_) item.verify();
  }

  /// Grows the tree, and takes statements in order until a rule is broken.
  Status take_chunk(Chunk& chunk) {
    for (const auto& item : chunk.items) STEGPASS_CHECK_OK(grow_tree(item));
    for (auto& item : chunk.items) {
      if (found_.fault) break;
      take(item);
      if (!found_.fault) ++chunk.taken;
    }
    return compare_index_writes();
  }

  /// The first bad signature of a chunk comes before whatever was found in later ones.
  Status settle(const Chunk& chunk) {
    const auto end = chunk.items.begin() + static_cast<std::ptrdiff_t>(chunk.taken);
    const auto bad = std::find_if(chunk.items.begin(), end, [](const Item& item) { return !item.fault.empty(); });
    if (bad == end) return Done{};
    found_.fault = Fault{bad->index, "audit.signatures", "entry " + std::to_string(bad->index) + ": " + bad->fault};
    decoded_.taken = 0;
    STEGPASS_TRY(state, state_before(source_, commits_, bad->index));
    found_.state = std::move(state);
    return Done{};
  }

  Status compare_index_writes() {
    if (found_.index_fault.empty()) {
      STEGPASS_TRY(fault, source_.index_writes_fault(index_writes_));
      found_.index_fault = fault;
    }
    index_writes_.clear();
    return Done{};
  }

  void take(Item& item) {
    if (!item.statement) {
      found_.fault = Fault{item.index, "audit.entries", "entry " + std::to_string(item.index) + ": " + item.fault};
      return;
    }
    auto key = found_.state.accept_unverified(*item.statement, item.index, commit_time(commits_, item.index));
    if (key) {
      item.key = *key;
      index_.add(index_keys(found_.state, *item.statement, item.index), index_writes_);
      if (const auto root = found_.index_roots.find(index_.size()); root != found_.index_roots.end())
        root->second = index_.root();
    } else
      found_.fault = Fault{item.index, "audit.policy", "entry " + std::to_string(item.index) + ": " + key.error().detail};
  }

  Status grow_tree(const Item& item) {
    found_.tree.append(item.leaf, [&](const TreeNode& node) { tiles_.add(node); });
    if (const auto root = found_.roots.find(found_.tree.size()); root != found_.roots.end()) root->second = found_.tree.root();
    if (found_.tree.size() % node_tile::kWidth == 0) STEGPASS_CHECK_OK(compare_tiles(tiles_.take_whole()));
    return compare_index(item);
  }

  Status compare_tiles(const node_tile::Builder::Tiles& tiles) {
    for (const auto& [place, nodes] : tiles) {
      if (found_.tree_fault) return Done{};
      STEGPASS_TRY(fault, source_.tile_fault(place.first, place.second, nodes));
      if (!fault.empty()) found_.tree_fault = fault;
    }
    return Done{};
  }

  Status compare_index(const Item& item) {
    if (!item.way_fault) return item.way_fault.error();
    if (!found_.tree_fault && !item.way_fault->empty())
      found_.tree_fault = "entry " + std::to_string(item.index) + ": " + *item.way_fault;
    return Done{};
  }

  const LogSource& source_;
  const std::vector<StoredCommit>& commits_;
  Replay found_;
  node_tile::Builder tiles_;
  IndexBuilder index_;
  WriteSet index_writes_;  // of the chunk
  Chunk incoming_, decoded_, judged_;
  std::uint64_t verified_;  // entries whose signatures were checked before
  bool broken_off_ = false;
};

}  // namespace

Result<RegistrationPolicy> state_before(const LogSource& source, const std::vector<StoredCommit>& commits, std::uint64_t end) {
  RegistrationPolicy state;
  for (std::uint64_t index = 0; index < end; ++index) {
    STEGPASS_TRY(octets, source.entry(index));
    STEGPASS_TRY(statement, Statement::decode(octets));
    STEGPASS_TRY(key, state.accept_unverified(statement, index, commit_time(commits, index)));
    static_cast<void>(key);
  }
  return state;
}

Result<Replay> replay(const LogSource& source, const std::vector<StoredCommit>& commits, std::uint64_t verified,
                      const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  Replayer replayer(source, commits, verified);
  const std::uint64_t total = commits.empty() ? 0 : commits.back().tree_size;
  const auto visit = [&](std::uint64_t number, ByteView value) -> Status {
    const auto index = replayer.found().entries++;
    if (replayer.broken_off() || index >= total) return Done{};
    if (progress && index % kChunkEntries == 0) progress(std::min(replayer.found().tree.size(), total), total);
    if (number == index) return replayer.add(index, value);
    STEGPASS_CHECK_OK(replayer.flush());  // what came before the gap is judged first
    replayer.break_off(index);
    return Done{};
  };
  STEGPASS_CHECK_OK(source.for_each_entry(visit));
  STEGPASS_CHECK_OK(replayer.flush());
  if (progress) progress(std::min(replayer.found().tree.size(), total), total);
  const auto entries = replayer.found().entries;
  if (entries < total && !replayer.broken_off()) replayer.break_off(entries);
  if (entries > total) replayer.note(total, "entry " + std::to_string(total) + " lies beyond the newest checkpoint");
  return std::move(replayer).finish();
}

}  // namespace stegpass::ledger
