#pragma once

#include <cstdint>
#include <vector>

#include <stegpass/credential/index_proof.hpp>

#include "database.hpp"
#include "index.hpp"
#include "node_tile.hpp"
#include "tree.hpp"

namespace stegpass::ledger {

/// An entry that the rules took, with what follows from it.
struct TakenEntry {
  Bytes octets;
  Digest32 leaf{};
  std::vector<credential::IndexKey> keys;
};

/// What grows with every entry: the tree, its stored nodes, the index.
struct Growth {
  TreeBuilder tree;
  node_tile::Builder tiles;
  IndexBuilder index;

  /// Of a log of `size` entries, to go on from. Errors malformed, io.
  static Result<Growth> load(const Database& database, std::uint64_t size);
  /// Adds what the database has to hold of an entry, all but the nodes, which `put_tiles` gives once for many.
  void add(const TakenEntry& entry, WriteSet& writes);
};

}  // namespace stegpass::ledger
