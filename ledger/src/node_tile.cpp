#include "node_tile.hpp"

#include <algorithm>
#include <bit>

#include "layout.hpp"

namespace stegpass::ledger::node_tile {
namespace {

constexpr std::size_t kHashBytes = sizeof(Digest32);

/// Nodes that `leaves` hashes complete, all levels told: one for each hash, and one for each carry.
std::size_t completed(std::uint64_t leaves) { return 2 * leaves - static_cast<std::size_t>(std::popcount(leaves)); }

}  // namespace

Place place_of(int level, std::uint64_t index) {
  const int row = level % kHeight;
  const auto in_tile = index & ((kWidth >> row) - 1);
  const auto last = ((in_tile + 1) << row) - 1;  // the hash that completes the node; its own come first, then row by row
  return {level / kHeight, index >> (kHeight - row), completed(last) + static_cast<std::size_t>(row)};
}

TreeNode node_at(const Place& place) {
  std::uint64_t last = place.position / 2;  // completed(last) <= position < completed(last + 1)
  while (completed(last + 1) <= place.position) ++last;
  const auto row = static_cast<int>(place.position - completed(last));
  return {kHeight * place.level + row, ((place.index * kWidth + last + 1) >> row) - 1, {}};
}

std::size_t nodes_of(std::uint64_t width) { return std::min(completed(width), kNodes); }

Bytes lowest_level(ByteView tile, std::uint64_t width) {
  Bytes hashes;
  hashes.reserve(width * kHashBytes);
  for (std::uint64_t i = 0; i < width; ++i) append(hashes, tile.subspan(completed(i) * kHashBytes, kHashBytes));
  return hashes;
}

void Builder::add(const TreeNode& node) {
  const auto place = place_of(node.level, node.index);
  const std::pair key(place.level, place.index);
  auto& tile = tiles_[key];
  append(tile, node.hash);
  changed_.insert(key);
  if (tile.size() < kNodes * kHashBytes) return;
  whole_[key] = std::move(tile);
  tiles_.erase(key);
  changed_.erase(key);
}

Builder::Tiles Builder::take_whole() { return std::exchange(whole_, {}); }

Builder::Tiles Builder::take() {
  auto taken = take_whole();
  for (const auto& key : changed_) taken[key] = tiles_.at(key);
  changed_.clear();
  return taken;
}

void put_tiles(Builder& builder, WriteSet& writes) {
  for (auto& [key, octets] : builder.take()) writes.emplace_back(layout::tile(key.first, key.second), octets);
}

}  // namespace stegpass::ledger::node_tile
