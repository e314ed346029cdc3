#include <stegpass/credential/merkle.hpp>

#include <bit>
#include <cassert>

#include "hash_parts.hpp"

namespace stegpass::credential {
namespace {

constexpr std::uint8_t kLeafPrefix = 0x00, kNodePrefix = 0x01;

// The next level up: pairs become their node, a last one without a partner moves up as it is. Since a tree splits at
// the largest power of two below its size, going level by level gives the same root as the recursive definition.
std::vector<Digest32> level_above(const std::vector<Digest32>& level) {
  std::vector<Digest32> above;
  above.reserve((level.size() + 1) / 2);
  for (std::size_t i = 0; i + 1 < level.size(); i += 2) above.push_back(merkle_node(level[i], level[i + 1]));
  if (level.size() % 2 == 1) above.push_back(level.back());
  return above;
}

// Walks from a node towards the root beside the last node of each level (fn and sn of RFC 9162).
struct Walk {
  std::uint64_t node, last;

  // Whether the next hash of the path stands left of the node.
  bool sibling_is_left() const { return node % 2 == 1 || node == last; }

  void step_up() {
    if (sibling_is_left()) {
      while (node % 2 == 0 && node != 0) up();
    }
    up();
  }
  void up() { node >>= 1, last >>= 1; }
};

Error misfit(const char* what, std::size_t hashes) {
  return {Errc::malformed, std::string(what) + " of " + std::to_string(hashes) + " hashes does not fit the tree sizes"};
}

}  // namespace

Digest32 merkle_leaf(ByteView entry) { return sha256_of_parts({ByteView(&kLeafPrefix, 1), entry}); }

Digest32 merkle_node(const Digest32& left, const Digest32& right) {
  return sha256_of_parts({ByteView(&kNodePrefix, 1), left, right});
}

Digest32 merkle_root(const std::vector<Digest32>& leaves) {
  if (leaves.empty()) return sha256_of_parts({});
  std::vector<Digest32> level = leaves;
  while (level.size() > 1) level = level_above(level);
  return level.front();
}

std::vector<Digest32> merkle_path(const std::vector<Digest32>& leaves, std::uint64_t index) {
  assert(index < leaves.size());
  std::vector<Digest32> path, level = leaves;
  for (; level.size() > 1; level = level_above(level), index /= 2) {
    const std::uint64_t sibling = index ^ 1;
    if (sibling < level.size()) path.push_back(level[sibling]);
  }
  return path;
}

Result<Digest32> root_from_inclusion(const Digest32& leaf, const InclusionProof& proof) {
  if (proof.leaf_index >= proof.tree_size) {
    return Error{Errc::malformed, "inclusion proof of entry " + std::to_string(proof.leaf_index) + " in a tree of " +
                                      std::to_string(proof.tree_size)};
  }
  Walk walk{proof.leaf_index, proof.tree_size - 1};
  Digest32 root = leaf;
  for (const Digest32& hash : proof.path) {
    if (walk.last == 0) return misfit("inclusion proof", proof.path.size());
    root = walk.sibling_is_left() ? merkle_node(hash, root) : merkle_node(root, hash);
    walk.step_up();
  }
  if (walk.last != 0) return misfit("inclusion proof", proof.path.size());
  return root;
}

Result<Digest32> root_from_consistency(const Digest32& old_root, const ConsistencyProof& proof) {
  const auto& [old_size, new_size, path] = proof;
  if (old_size == 0 || old_size > new_size) {
    return Error{Errc::malformed, "consistency proof from size " + std::to_string(old_size) + " to " + std::to_string(new_size)};
  }
  if (old_size == new_size) {
    if (!path.empty()) return misfit("consistency proof", path.size());
    return old_root;
  }
  if (path.empty()) return misfit("consistency proof", 0);
  // Where the old tree is complete it is a node of the new one, and the proof leaves its root out.
  const bool complete = std::has_single_bit(old_size);
  Walk walk{old_size - 1, new_size - 1};
  while (walk.node % 2 == 1) walk.up();
  Digest32 from_old = complete ? old_root : path.front(), from_new = from_old;
  for (std::size_t i = complete ? 0 : 1; i < path.size(); ++i) {
    if (walk.last == 0) return misfit("consistency proof", path.size());
    if (walk.sibling_is_left()) {
      from_old = merkle_node(path[i], from_old);
      from_new = merkle_node(path[i], from_new);
    } else {
      from_new = merkle_node(from_new, path[i]);
    }
    walk.step_up();
  }
  if (walk.last != 0) return misfit("consistency proof", path.size());
  if (from_old != old_root) return Error{Errc::malformed, "consistency proof does not lead to the older root"};
  return from_new;
}

Status verify_consistency(const Digest32& old_root, const Digest32& new_root, const ConsistencyProof& proof) {
  STEGPASS_TRY(root, root_from_consistency(old_root, proof));
  if (root == new_root) return Done{};
  if (proof.old_size == proof.new_size) return Error{Errc::malformed, "two roots for one tree size"};
  return Error{Errc::malformed, "consistency proof does not lead to the newer root"};
}

}  // namespace stegpass::credential
