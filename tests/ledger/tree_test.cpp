#include "tree.hpp"
#include "node_tile.hpp"

#include <map>

#include <stegpass/credential/merkle.hpp>

#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;

namespace {

/// A tree of `size` leaves, its nodes as the database would hold them, and all its leaves.
struct Grown {
  TreeBuilder builder;
  std::map<std::pair<int, std::uint64_t>, Digest32> nodes;
  std::vector<Digest32> leaves;
  mutable std::size_t reads = 0;

  explicit Grown(std::uint64_t size) {
    for (std::uint64_t i = 0; i < size; ++i) {
      Bytes entry;
      append_big_endian(entry, i, 8);
      leaves.push_back(credential::merkle_leaf(entry));
      builder.append(leaves.back(), [&](const TreeNode& node) { nodes[{node.level, node.index}] = node.hash; });
    }
  }
  NodeReader reader() const {
    return [this](int level, std::uint64_t index) -> Result<Digest32> {
      ++reads;
      const auto found = nodes.find({level, index});
      if (found == nodes.end()) return {Errc::malformed, "no such node"};
      return found->second;
    };
  }
  Digest32 naive_root(std::uint64_t size) const {
    return credential::merkle_root({leaves.begin(), leaves.begin() + static_cast<long>(size)});
  }
};

}  // namespace

TEST_CASE("a tree grown leaf by leaf has the root of the list at every size") {
  for (std::uint64_t size = 0; size <= 70; ++size) {
    const Grown tree(size);
    CHECK(tree.builder.size() == size);
    CHECK(tree.builder.root() == tree.naive_root(size));
  }
}

TEST_CASE("stored nodes give the root of every smaller tree") {
  const Grown tree(70);
  for (std::uint64_t size = 1; size <= 70; ++size) CHECK(*range_root(tree.reader(), 0, size) == tree.naive_root(size));
}

TEST_CASE("stored nodes give the audit path that the list gives, for every leaf and size") {
  const Grown tree(40);
  for (std::uint64_t size = 1; size <= 40; ++size)
    for (std::uint64_t index = 0; index < size; ++index)
      CHECK(*inclusion_path(tree.reader(), index, size) ==
            credential::merkle_path({tree.leaves.begin(), tree.leaves.begin() + static_cast<long>(size)}, index));
}

TEST_CASE("consistency paths verify between all sizes") {
  const Grown tree(40);
  for (std::uint64_t old_size = 1; old_size <= 40; ++old_size)
    for (std::uint64_t new_size = old_size; new_size <= 40; ++new_size)
      CHECK(credential::verify_consistency(tree.naive_root(old_size), tree.naive_root(new_size),
                                           {old_size, new_size, *consistency_path(tree.reader(), old_size, new_size)}));
}

TEST_CASE("a tree of n leaves stores one hash for each complete subtree") {
  const Grown tree(37);
  CHECK(tree.nodes.size() == 37u + 18 + 9 + 4 + 2 + 1);
}

TEST_CASE("a proof reads a number of nodes that grows as the logarithm") {
  const Grown tree(4095);
  REQUIRE(inclusion_path(tree.reader(), 1234, 4095));
  CHECK(tree.reads <= 2 * 12);
  tree.reads = 0;
  REQUIRE(consistency_path(tree.reader(), 2047, 4095));
  CHECK(tree.reads <= 2 * 12);
}

TEST_CASE("a missing node is an error, not a path") {
  Grown tree(20);
  tree.nodes.erase({2, 1});
  CHECK_FALSE(inclusion_path(tree.reader(), 0, 20).ok());
}

TEST_CASE("a node has its own place in its tile, and the place tells the node") {
  std::set<std::tuple<int, std::uint64_t, std::size_t>> places;
  TreeBuilder tree;
  for (int i = 0; i < 600; ++i)
    tree.append({}, [&](const TreeNode& node) {
      const auto place = node_tile::place_of(node.level, node.index);
      CHECK(places.insert({place.level, place.index, place.position}).second);
      const auto back = node_tile::node_at(place);
      CHECK(std::pair(back.level, back.index) == std::pair(node.level, node.index));
    });
  CHECK(places.count({0, 0, node_tile::kNodes - 1}) == 1);
  CHECK(places.count({0, 0, node_tile::kNodes}) == 0);
}

TEST_CASE("a partial tile is the beginning of the whole one") {
  TreeBuilder tree;
  node_tile::Builder tiles;
  Bytes last;
  for (std::uint64_t width = 1; width <= 256; ++width) {
    tree.append(sha256(Bytes{static_cast<std::uint8_t>(width)}), [&](const TreeNode& node) { tiles.add(node); });
    const auto tile = tiles.take().at({0, 0});
    CHECK(tile.size() == 32 * node_tile::nodes_of(width));
    CHECK(std::equal(last.begin(), last.end(), tile.begin()));
    last = tile;
  }
  CHECK(last.size() == 32 * node_tile::kNodes);
}
