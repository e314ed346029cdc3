#include "replay.hpp"

#include <algorithm>

#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>

#include "parallel.hpp"

namespace stegpass::ledger {
namespace {

using credential::PublicKey, credential::Statement;

constexpr std::size_t kChunkEntries = 1024;

std::string entry_name(std::uint64_t index) { return "entry " + std::to_string(index); }

/// One entry on its way through the passes.
struct Item {
  std::uint64_t index = 0;
  Bytes octets;
  Digest32 leaf{};
  std::optional<Statement> statement;
  std::optional<PublicKey> key;  // that the statement has to be signed by
  std::string fault;             // of decoding, then of the signature

  void decode() {
    leaf = credential::merkle_leaf(octets);
    auto decoded = Statement::decode(octets);
    if (!decoded) fault = decoded.error().detail;
    else if (decoded->entry() != octets) fault = "not in the form that the ledger keeps (empty unprotected header)";
    else statement = std::move(*decoded);
  }
  void verify() {
    if (auto status = verify_statement(*statement, *key); !status) fault = status.error().detail;
  }
};

/// The log's time when it took entry `index`: that of the first commit beyond it.
std::int64_t commit_time(const std::vector<StoredCommit>& commits, std::uint64_t index) {
  const auto at = std::find_if(std::partition_point(commits.begin(), commits.end(), [&](const auto& c) { return c.tree_size <= index; }),
                               commits.end(), [](const auto& commit) { return commit.checkpoint.has_value(); });
  return at == commits.end() ? 0 : at->checkpoint->time;
}

class Replayer {
 public:
  Replayer(const LogSource& source, const std::vector<StoredCommit>& commits) : source_(source), commits_(commits) {
    for (const auto& commit : commits) found_.roots[commit.tree_size];
  }

  Status take_chunk(std::vector<Item>& chunk) {
    for_each_parallel(chunk.size(), [&](std::size_t i) { chunk[i].decode(); });
    for (const auto& item : chunk) STEGPASS_CHECK_OK(grow_tree(item));
    if (!found_.fault) STEGPASS_CHECK_OK(judge(chunk));
    return Done{};
  }

  /// A gap in the numbering: nothing can be said of what follows it.
  void break_off(std::uint64_t index) {
    note(index, entry_name(index) + " is missing");
    if (!found_.tree_fault) found_.tree_fault = entry_name(index) + " is missing, so the tree cannot be rebuilt";
    broken_off_ = true;
  }
  void note(std::uint64_t index, const std::string& detail) {
    if (!found_.fault) found_.fault = Fault{index, "audit.entries", detail};
  }

  Replay finish() && { return std::move(found_); }
  Replay& found() { return found_; }
  bool broken_off() const { return broken_off_; }

 private:
  /// Takes statements in order until a rule is broken, then checks the signatures of those taken.
  Status judge(std::vector<Item>& chunk) {
    std::size_t taken = 0;
    for (; taken < chunk.size() && !found_.fault; ++taken) take(chunk[taken]);
    if (found_.fault) --taken;
    for_each_parallel(taken, [&](std::size_t i) { chunk[i].verify(); });
    const auto bad = std::find_if(chunk.begin(), chunk.begin() + taken, [](const Item& item) { return !item.fault.empty(); });
    if (bad == chunk.begin() + taken) return Done{};
    found_.fault = Fault{bad->index, "audit.signatures", entry_name(bad->index) + ": " + bad->fault};
    return restate(bad->index);
  }

  void take(Item& item) {
    if (!item.statement) {
      found_.fault = Fault{item.index, "audit.entries", entry_name(item.index) + ": " + item.fault};
      return;
    }
    auto key = found_.state.accept_unverified(*item.statement, item.index, commit_time(commits_, item.index));
    if (key) item.key = *key;
    else found_.fault = Fault{item.index, "audit.policy", entry_name(item.index) + ": " + key.error().detail};
  }

  /// The state as it was before entry `end`, whose signature turned out bad after it had been taken.
  Status restate(std::uint64_t end) {
    STEGPASS_TRY(state, state_before(source_, commits_, end));
    found_.state = std::move(state);
    return Done{};
  }

  Status grow_tree(const Item& item) {
    std::vector<TreeNode> nodes;
    found_.tree.append(item.leaf, [&](const TreeNode& node) { nodes.push_back(node); });
    if (const auto root = found_.roots.find(found_.tree.size()); root != found_.roots.end()) root->second = found_.tree.root();
    for (const auto& node : nodes) STEGPASS_CHECK_OK(compare_node(item, node));
    return compare_index(item);
  }

  Status compare_node(const Item& item, const TreeNode& node) {
    if (found_.tree_fault) return Done{};
    STEGPASS_TRY(fault, source_.node_fault(node));
    if (!fault.empty()) found_.tree_fault = entry_name(item.index) + ": " + fault;
    return Done{};
  }

  Status compare_index(const Item& item) {
    if (found_.tree_fault) return Done{};
    STEGPASS_TRY(fault, source_.index_fault(item.index, item.leaf));
    if (!fault.empty()) found_.tree_fault = entry_name(item.index) + ": " + fault;
    return Done{};
  }

  const LogSource& source_;
  const std::vector<StoredCommit>& commits_;
  Replay found_;
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

Result<Replay> replay(const LogSource& source, const std::vector<StoredCommit>& commits,
                      const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  Replayer replayer(source, commits);
  const std::uint64_t total = commits.empty() ? 0 : commits.back().tree_size;
  std::vector<Item> chunk;
  const auto flush = [&]() -> Status {
    STEGPASS_CHECK_OK(replayer.take_chunk(chunk));
    chunk.clear();
    if (progress) progress(std::min(replayer.found().tree.size(), total), total);
    return Done{};
  };
  const auto visit = [&](std::uint64_t number, ByteView value) -> Status {
    const auto index = replayer.found().entries++;
    if (replayer.broken_off() || index >= total) return Done{};
    if (number != index) {
      STEGPASS_CHECK_OK(flush());  // what came before the gap is judged first
      replayer.break_off(index);
      return Done{};
    }
    chunk.push_back(Item{index, to_bytes(value), {}, {}, {}, {}});
    return chunk.size() < kChunkEntries ? Done{} : flush();
  };
  STEGPASS_CHECK_OK(source.for_each_entry(visit));
  STEGPASS_CHECK_OK(flush());
  const auto entries = replayer.found().entries;
  if (entries < total && !replayer.broken_off()) replayer.break_off(entries);
  if (entries > total) replayer.note(total, entry_name(total) + " lies beyond the newest checkpoint");
  return std::move(replayer).finish();
}

}  // namespace stegpass::ledger
