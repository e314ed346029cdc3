#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>

#include "database.hpp"
#include "tree.hpp"

// How the tree's nodes are stored: eight levels of it, over 256 hashes, in one value. The 510 nodes below the top stand in the
// order in which leaves complete them (leaf 0, leaf 1, their parent, leaf 2, ...), so that a partial tile is the beginning of the
// whole one and a node has one position in both. The top is the next level's hash. Schema: schemas/ledger-database.md.
namespace stegpass::ledger::node_tile {

inline constexpr int kHeight = 8;
inline constexpr std::uint64_t kWidth = 256;
inline constexpr std::size_t kNodes = 2 * kWidth - 2;

/// Where a node stands.
struct Place {
  int level = 0;             ///< of the tile: the node's divided by 8
  std::uint64_t index = 0;   ///< of the tile
  std::size_t position = 0;  ///< of the hash within it
};
Place place_of(int level, std::uint64_t index);

/// The node that stands at a position: what `place_of` is undone by. Its hash is left empty.
TreeNode node_at(const Place& place);

/// How many nodes a tile of `width` hashes holds. Requires at most 256.
std::size_t nodes_of(std::uint64_t width);

/// The hashes of the tile's lowest level, as tlog-tiles have them: the first `width`. Requires nodes_of(width) hashes.
Bytes lowest_level(ByteView tile, std::uint64_t width);

/// Takes nodes as a tree makes them, and gives the tiles that they go into. Holds the tiles at the right edge: at most one a
/// level.
class Builder {
 public:
  using Tiles = std::map<std::pair<int, std::uint64_t>, Bytes>;  ///< by level and index

  void add(const TreeNode& node);
  /// The tiles that nodes came to since they were last taken.
  Tiles take();
  /// Of those, the ones that are whole.
  Tiles take_whole();
  /// Puts a partial tile back. Requires an empty place at this level.
  void restore(int level, std::uint64_t index, Bytes tile) { tiles_.emplace(std::pair(level, index), std::move(tile)); }

 private:
  Tiles tiles_, whole_;                              // at the right edge; and not taken yet
  std::set<std::pair<int, std::uint64_t>> changed_;  // of tiles_, since they were taken
};

/// The same as writes for the database.
void put_tiles(Builder& builder, WriteSet& writes);

}  // namespace stegpass::ledger::node_tile
