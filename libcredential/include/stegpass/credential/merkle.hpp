#pragma once

#include <cstdint>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// SHA-256(00 || entry) and SHA-256(01 || left || right): RFC 9162 section 2.1.1.
Digest32 merkle_leaf(ByteView entry);
Digest32 merkle_node(const Digest32& left, const Digest32& right);
/// The root of a list of leaf hashes; SHA-256 of nothing for none.
Digest32 merkle_root(const std::vector<Digest32>& leaves);
/// The audit path of leaf `index`, from leaf to root. Requires index < leaves.size().
std::vector<Digest32> merkle_path(const std::vector<Digest32>& leaves, std::uint64_t index);

/// Position of a leaf in a tree, with its audit path from leaf to root.
struct InclusionProof {
  std::uint64_t tree_size = 0;
  std::uint64_t leaf_index = 0;
  std::vector<Digest32> path;
};

/// Recomputes the root from a leaf hash and its audit path.
/// Errors  malformed when the path does not fit index and size.
/// Source  RFC 9162, section 2.1.3.2.
Result<Digest32> root_from_inclusion(const Digest32& leaf, const InclusionProof& proof);

struct ConsistencyProof {
  std::uint64_t old_size = 0;
  std::uint64_t new_size = 0;
  std::vector<Digest32> path;
};

/// Recomputes the root of the larger tree from that of the smaller one.
/// Errors  malformed when the path does not fit the sizes or does not lead to `old_root`, and for an old size of 0.
Result<Digest32> root_from_consistency(const Digest32& old_root, const ConsistencyProof& proof);

/// Checks that the tree of `new_root` starts with the tree of `old_root`.
/// Errors  malformed when the path does not fit the sizes or leads to other roots, and for an old size of 0: the empty tree
///         starts every tree, so there is nothing to prove.
/// Source  RFC 9162, section 2.1.4.2.
Status verify_consistency(const Digest32& old_root, const Digest32& new_root, const ConsistencyProof& proof);

}  // namespace stegpass::credential
