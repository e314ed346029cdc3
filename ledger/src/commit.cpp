#include "commit.hpp"

#include <stegpass/credential/receipt.hpp>

#include "layout.hpp"

namespace stegpass::ledger {

Commit prepare_commit(Growth& growth, const std::vector<TakenEntry>& entries, const std::string& origin,
                      const credential::PrivateKey& log_key, std::int64_t now) {
  Commit commit;
  for (const auto& entry : entries) growth.add(entry, commit.writes);
  put_tiles(growth.tiles, commit.writes);
  const auto size = growth.tree.size();
  commit.head.checkpoint = {origin, size, growth.tree.root(), now, growth.index.root()};
  credential::Note note{encode_checkpoint(commit.head.checkpoint), {}};
  sign_note(note, origin, log_key);
  commit.head.note = encode_note(note);
  commit.head.signed_root = sign_tree_root(log_key, origin, commit.head.checkpoint.root);
  commit.writes.emplace_back(layout::checkpoint(size), to_bytes(commit.head.note));
  commit.writes.emplace_back(layout::signed_root(size), encode_sign1(commit.head.signed_root));
  return commit;
}

}  // namespace stegpass::ledger
