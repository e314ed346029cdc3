#include "tree.hpp"

#include <bit>

#include <stegpass/credential/merkle.hpp>

namespace stegpass::ledger {
namespace {

using credential::merkle_node;

/// The largest power of two strictly below `count`, which is where RFC 9162 splits. Requires count > 1.
std::uint64_t split(std::uint64_t count) { return std::bit_floor(count - 1); }

/// PATH(m, D[n]) of section 2.1.3.1, over the leaves that begin at `start`.
Status path_within(const NodeReader& read, std::uint64_t index, std::uint64_t start, std::uint64_t count,
                   std::vector<Digest32>& path) {
  if (count == 1) return Done{};
  const auto left = split(count);
  const bool in_left = index < left;
  STEGPASS_CHECK_OK(in_left ? path_within(read, index, start, left, path)
                            : path_within(read, index - left, start + left, count - left, path));
  STEGPASS_TRY(sibling, in_left ? range_root(read, start + left, count - left) : range_root(read, start, left));
  path.push_back(sibling);
  return Done{};
}

/// SUBPROOF(m, D[n], b) of section 2.1.4.1; `whole` is its b: the old tree is all of what lies here.
Status subproof(const NodeReader& read, std::uint64_t old_size, std::uint64_t start, std::uint64_t count, bool whole,
                std::vector<Digest32>& path) {
  if (old_size == count) {
    if (whole) return Done{};
    STEGPASS_TRY(root, range_root(read, start, count));
    path.push_back(root);
    return Done{};
  }
  const auto left = split(count);
  const bool in_left = old_size <= left;
  STEGPASS_CHECK_OK(in_left ? subproof(read, old_size, start, left, whole, path)
                            : subproof(read, old_size - left, start + left, count - left, false, path));
  STEGPASS_TRY(other, in_left ? range_root(read, start + left, count - left) : range_root(read, start, left));
  path.push_back(other);
  return Done{};
}

}  // namespace

void TreeBuilder::append(const Digest32& leaf, const std::function<void(const TreeNode&)>& node) {
  TreeNode made{0, size_, leaf};
  node(made);
  for (; made.index & 1; node(made)) {  // a right child: its left sibling is the last peak
    made = {made.level + 1, made.index / 2, merkle_node(peaks_.back(), made.hash)};
    peaks_.pop_back();
  }
  peaks_.push_back(made.hash);
  ++size_;
}

Digest32 TreeBuilder::root() const {
  if (peaks_.empty()) return credential::merkle_root({});
  Digest32 root = peaks_.back();
  for (auto peak = peaks_.rbegin() + 1; peak != peaks_.rend(); ++peak) root = merkle_node(*peak, root);
  return root;
}

Result<Digest32> range_root(const NodeReader& read, std::uint64_t start, std::uint64_t count) {
  if (std::has_single_bit(count)) {
    const int level = std::countr_zero(count);
    return read(level, start >> level);
  }
  const auto left = split(count);
  STEGPASS_TRY(left_root, range_root(read, start, left));
  STEGPASS_TRY(right_root, range_root(read, start + left, count - left));
  return merkle_node(left_root, right_root);
}

Result<std::vector<Digest32>> inclusion_path(const NodeReader& read, std::uint64_t index, std::uint64_t tree_size) {
  std::vector<Digest32> path;
  STEGPASS_CHECK_OK(path_within(read, index, 0, tree_size, path));
  return path;
}

Result<std::vector<Digest32>> consistency_path(const NodeReader& read, std::uint64_t old_size, std::uint64_t new_size) {
  std::vector<Digest32> path;
  STEGPASS_CHECK_OK(subproof(read, old_size, 0, new_size, true, path));
  return path;
}

}  // namespace stegpass::ledger
