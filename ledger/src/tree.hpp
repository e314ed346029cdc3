#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::ledger {

/// A complete subtree of 2^level leaves, the `index`-th of its level from the left.
struct TreeNode {
  int level = 0;
  std::uint64_t index = 0;
  Digest32 hash{};
};

/// Grows an RFC 9162 tree leaf by leaf, holding only the roots of its complete subtrees (at most 64).
class TreeBuilder {
 public:
  TreeBuilder() = default;
  /// A tree of `size` leaves again, from the roots of its complete subtrees, left to right: one for each bit set in `size`.
  TreeBuilder(std::uint64_t size, std::vector<Digest32> peaks) : size_(size), peaks_(std::move(peaks)) {}
  /// Calls `node` with each subtree that the leaf makes complete, the leaf itself first.
  void append(const Digest32& leaf, const std::function<void(const TreeNode&)>& node);
  std::uint64_t size() const { return size_; }
  /// SHA-256 of nothing for the empty tree.
  Digest32 root() const;

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest32> peaks_;  // left to right, one for each bit set in size_
};

/// Where a stored subtree is read from.
using NodeReader = std::function<Result<Digest32>(int level, std::uint64_t index)>;

/// Root over leaves [start, start + count), from stored complete subtrees; reads one for each bit set in `count`.
/// Requires count > 0, and start a multiple of the greatest power of two not above count.
Result<Digest32> range_root(const NodeReader& read, std::uint64_t start, std::uint64_t count);

/// The audit path, from leaf to root. Requires index < tree_size. Source RFC 9162, section 2.1.3.1.
Result<std::vector<Digest32>> inclusion_path(const NodeReader& read, std::uint64_t index, std::uint64_t tree_size);

/// Requires 0 < old_size <= new_size. Source RFC 9162, section 2.1.4.1.
Result<std::vector<Digest32>> consistency_path(const NodeReader& read, std::uint64_t old_size, std::uint64_t new_size);

}  // namespace stegpass::ledger
