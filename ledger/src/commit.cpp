#include "commit.hpp"

#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/receipt.hpp>

#include "layout.hpp"

namespace stegpass::ledger {

Commit prepare_commit(TreeBuilder tree, const std::vector<Bytes>& entries, const std::string& origin, const credential::PrivateKey& log_key,
                      std::int64_t now) {
  Commit commit{{}, std::move(tree), {}};
  for (const auto& entry : entries) {
    const auto index = commit.tree.size();
    const auto leaf = credential::merkle_leaf(entry);
    commit.writes.emplace_back(layout::entry(index), entry);
    commit.writes.emplace_back(layout::index_of(leaf), layout::number_value(index));
    commit.tree.append(leaf, [&](const TreeNode& node) {
      commit.writes.emplace_back(layout::node(node.level, node.index), to_bytes(node.hash));
    });
  }
  const auto size = commit.tree.size();
  commit.head.checkpoint = {origin, size, commit.tree.root(), now};
  credential::Note note{encode_checkpoint(commit.head.checkpoint), {}};
  sign_note(note, origin, log_key);
  commit.head.note = encode_note(note);
  commit.head.signed_root = sign_tree_root(log_key, origin, commit.head.checkpoint.root);
  commit.writes.emplace_back(layout::checkpoint(size), to_bytes(commit.head.note));
  commit.writes.emplace_back(layout::signed_root(size), encode_sign1(commit.head.signed_root));
  return commit;
}

}  // namespace stegpass::ledger
