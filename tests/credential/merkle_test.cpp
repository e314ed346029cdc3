#include <stegpass/credential/merkle.hpp>

#include <stegpass/credential/crypto.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

constexpr std::size_t kMost = 40;

using Leaves = std::vector<Digest32>;

Leaves sample_leaves(std::size_t count) {
  Leaves leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(merkle_leaf(sample_bytes("leaf " + std::to_string(i), 10)));
  return leaves;
}

std::size_t split_of(std::size_t size) {
  std::size_t split = 1;
  while (2 * split < size) split *= 2;
  return split;
}

Leaves part(const Leaves& leaves, std::size_t from, std::size_t to) {
  return Leaves(leaves.begin() + static_cast<std::ptrdiff_t>(from), leaves.begin() + static_cast<std::ptrdiff_t>(to));
}

// The tree as RFC 9162 section 2.1.1 defines it, over core's SHA-256.
Digest32 naive_root(const Leaves& leaves) {
  if (leaves.empty()) return sha256({});
  if (leaves.size() == 1) return leaves[0];
  const std::size_t split = split_of(leaves.size());
  Bytes node = {0x01};
  append(node, naive_root(part(leaves, 0, split)));
  append(node, naive_root(part(leaves, split, leaves.size())));
  return sha256(node);
}

// PATH of section 2.1.3.1.
Leaves naive_path(const Leaves& leaves, std::size_t index) {
  if (leaves.size() <= 1) return {};
  const std::size_t split = split_of(leaves.size());
  const Leaves left = part(leaves, 0, split), right = part(leaves, split, leaves.size());
  Leaves path = index < split ? naive_path(left, index) : naive_path(right, index - split);
  path.push_back(naive_root(index < split ? right : left));
  return path;
}

// SUBPROOF of section 2.1.4.1.
Leaves naive_consistency(const Leaves& leaves, std::size_t old_size, bool whole) {
  if (old_size == leaves.size()) return whole ? Leaves{} : Leaves{naive_root(leaves)};
  const std::size_t split = split_of(leaves.size());
  const Leaves left = part(leaves, 0, split), right = part(leaves, split, leaves.size());
  Leaves path = old_size <= split ? naive_consistency(left, old_size, whole) : naive_consistency(right, old_size - split, false);
  path.push_back(naive_root(old_size <= split ? right : left));
  return path;
}

}  // namespace

TEST_CASE("leaf and node hashes have their prefixes") {
  CHECK(merkle_leaf({}) == sha256(Bytes{0x00}));
  CHECK(merkle_leaf(Bytes{7}) == sha256(Bytes{0x00, 7}));
  CHECK(to_hex(merkle_root({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the root of every small tree is the recursive definition's") {
  for (std::size_t size = 0; size <= kMost; ++size) CHECK(merkle_root(sample_leaves(size)) == naive_root(sample_leaves(size)));
}

TEST_CASE("every audit path of every small tree is the definition's and leads to the root") {
  for (std::size_t size = 1; size <= kMost; ++size) {
    const Leaves leaves = sample_leaves(size);
    const Digest32 root = merkle_root(leaves);
    for (std::size_t index = 0; index < size; ++index) {
      const InclusionProof proof{size, index, merkle_path(leaves, index)};
      if (proof.path != naive_path(leaves, index)) FAIL("path of " << index << " in " << size);
      if (require_ok(root_from_inclusion(leaves[index], proof)) != root) FAIL("root of " << index << " in " << size);
    }
  }
}

TEST_CASE("an audit path with a hash more or less does not fit") {
  for (std::size_t size = 1; size <= 20; ++size) {
    const Leaves leaves = sample_leaves(size);
    for (std::size_t index = 0; index < size; ++index) {
      InclusionProof proof{size, index, merkle_path(leaves, index)};
      proof.path.push_back(leaves[0]);
      check_refused(root_from_inclusion(leaves[index], proof), Errc::malformed, "does not fit");
      proof.path.pop_back();
      if (proof.path.empty()) continue;
      proof.path.pop_back();
      check_refused(root_from_inclusion(leaves[index], proof), Errc::malformed, "does not fit");
    }
  }
}

TEST_CASE("a path for another leaf, index or size does not lead to the root") {
  const Leaves leaves = sample_leaves(13);
  const Digest32 root = merkle_root(leaves);
  const InclusionProof proof{13, 5, merkle_path(leaves, 5)};
  for (std::uint64_t size = 0; size < 20; ++size) {
    for (std::uint64_t index = 0; index < 20; ++index) {
      const auto other = root_from_inclusion(leaves[5], {size, index, proof.path});
      const bool leads = other.ok() && *other == root;
      // Sizes 9 to 16 share the shape of this path's way up only where it does not touch the right edge.
      if (leads && index != 5) FAIL("index " << index << " in " << size);
    }
  }
  CHECK_FALSE(require_ok(root_from_inclusion(leaves[6], proof)) == root);
  InclusionProof swapped = proof;
  std::swap(swapped.path[0], swapped.path[1]);
  CHECK_FALSE(require_ok(root_from_inclusion(leaves[5], swapped)) == root);
}

TEST_CASE("an index at or past the size is malformed") {
  check_refused(root_from_inclusion(Digest32{}, {0, 0, {}}), Errc::malformed, "tree of 0");
  check_refused(root_from_inclusion(Digest32{}, {5, 5, {}}), Errc::malformed, "entry 5");
  check_refused(root_from_inclusion(Digest32{}, {UINT64_MAX, UINT64_MAX, {}}), Errc::malformed);
}

TEST_CASE("the largest sizes are walked without overflow") {
  InclusionProof proof{UINT64_MAX, UINT64_MAX - 1, {}};
  for (int i = 0; i < 63; ++i) proof.path.push_back(Digest32{});
  CHECK(root_from_inclusion(Digest32{}, proof).ok());
  proof.leaf_index = 0;
  proof.path.push_back(Digest32{});
  CHECK(root_from_inclusion(Digest32{}, proof).ok());
  proof.path.push_back(Digest32{});
  check_refused(root_from_inclusion(Digest32{}, proof), Errc::malformed, "does not fit");
}

TEST_CASE("every two sizes of a growing tree are shown consistent") {
  const Leaves leaves = sample_leaves(kMost);
  for (std::size_t new_size = 1; new_size <= kMost; ++new_size) {
    const Leaves now = part(leaves, 0, new_size);
    for (std::size_t old_size = 1; old_size <= new_size; ++old_size) {
      const ConsistencyProof proof{old_size, new_size, naive_consistency(now, old_size, true)};
      const Status status = verify_consistency(naive_root(part(leaves, 0, old_size)), naive_root(now), proof);
      if (!status.ok()) FAIL(old_size << " to " << new_size << ": " << status.error().detail);
    }
  }
}

TEST_CASE("a consistency proof fails for other roots, a changed hash, one more and one less") {
  const Leaves leaves = sample_leaves(21);
  const Digest32 new_root = naive_root(leaves);
  for (std::size_t old_size = 1; old_size < leaves.size(); ++old_size) {
    const Digest32 old_root = naive_root(part(leaves, 0, old_size));
    ConsistencyProof proof{old_size, leaves.size(), naive_consistency(leaves, old_size, true)};
    INFO("from " << old_size);
    CHECK_FALSE(verify_consistency(new_root, old_root, proof).ok());
    CHECK_FALSE(verify_consistency(leaves[20], new_root, proof).ok());
    CHECK_FALSE(verify_consistency(old_root, leaves[20], proof).ok());
    for (Digest32& hash : proof.path) {
      hash[31] ^= 1;
      CHECK_FALSE(verify_consistency(old_root, new_root, proof).ok());
      hash[31] ^= 1;
    }
    CHECK(verify_consistency(old_root, new_root, proof).ok());
    proof.path.push_back(leaves[0]);
    check_refused(verify_consistency(old_root, new_root, proof), Errc::malformed);
    proof.path.pop_back(), proof.path.pop_back();
    check_refused(verify_consistency(old_root, new_root, proof), Errc::malformed);
  }
}

TEST_CASE("equal sizes need equal roots and no path; size zero and shrinking are malformed") {
  const Digest32 a = merkle_leaf(Bytes{1}), b = merkle_leaf(Bytes{2});
  CHECK(verify_consistency(a, a, {3, 3, {}}).ok());
  check_refused(verify_consistency(a, b, {3, 3, {}}), Errc::malformed, "two roots");
  check_refused(verify_consistency(a, a, {3, 3, {b}}), Errc::malformed, "does not fit");
  check_refused(verify_consistency(a, a, {0, 3, {}}), Errc::malformed, "size 0");
  check_refused(verify_consistency(a, b, {4, 3, {a}}), Errc::malformed, "4 to 3");
  check_refused(verify_consistency(a, b, {1, 3, {}}), Errc::malformed, "does not fit");
}
