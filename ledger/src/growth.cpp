#include "growth.hpp"

#include "layout.hpp"
#include "stored.hpp"

namespace stegpass::ledger {

Result<Growth> Growth::load(const Database& database, std::uint64_t size) {
  STEGPASS_TRY(edge, read_right_edge(database, size));
  STEGPASS_TRY(index, IndexBuilder::load(database, size));
  return Growth{std::move(edge.first), std::move(edge.second), std::move(index)};
}

void Growth::add(const TakenEntry& entry, WriteSet& writes) {
  const auto number = tree.size();
  writes.emplace_back(layout::entry(number), entry.octets);
  writes.emplace_back(layout::index_of(entry.leaf), layout::number_value(number));
  tree.append(entry.leaf, [this](const TreeNode& node) { tiles.add(node); });
  index.add(entry.keys, writes);
}

}  // namespace stegpass::ledger
