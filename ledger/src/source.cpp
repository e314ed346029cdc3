#include "source.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "layout.hpp"
#include "node_tile.hpp"
#include "stored.hpp"

namespace stegpass::ledger {

Status DatabaseSource::for_each_entry(const std::function<Status(std::uint64_t, ByteView)>& visit) const {
  return database_.for_each(layout::entries(), [&](ByteView key, ByteView value) {
    return visit(key.size() == 9 ? layout::parse_number(key.subspan(1)) : ~std::uint64_t{0}, value);
  });
}

Result<Bytes> DatabaseSource::entry(std::uint64_t index) const { return read_entry(database_, index); }
Result<Digest32> DatabaseSource::node(int level, std::uint64_t index) const { return read_node(database_, level, index); }
Result<credential::Sign1> DatabaseSource::signed_root(std::uint64_t tree_size) const {
  return read_signed_root(database_, tree_size);
}

Result<std::string> DatabaseSource::tile_fault(int level, std::uint64_t index, ByteView nodes) const {
  STEGPASS_TRY(stored, database_.pin(layout::tile(level, index)));
  const auto found = stored ? stored->bytes() : ByteView{};
  const auto differs = static_cast<std::size_t>(std::ranges::mismatch(found, nodes).in2 - nodes.begin());
  if (differs == nodes.size() && found.size() == nodes.size()) return std::string{};
  const auto name = [&](std::size_t position) {
    const auto node = node_tile::node_at({level, index, position});
    return "tree node (level " + std::to_string(node.level) + ", index " + std::to_string(node.index) + ")";
  };
  if (differs == nodes.size()) return "hashes are stored beyond " + name(nodes.size() / sizeof(Digest32) - 1);
  return std::string(differs < found.size() ? "another" : "no") + " hash is stored for " + name(differs / sizeof(Digest32)) +
         " than its entries give";
}

Result<std::string> DatabaseSource::index_writes_fault(const WriteSet& expected) const {
  const auto differs = [](ByteView key) { return "the index at " + to_hex(key) + " is another than the entries come to"; };
  // Nearly all are of single entries, which stand in one row: they are read along it, the others one by one.
  std::vector<const WriteSet::value_type*> of_entries;
  for (const auto& write : expected) {
    if (write.first[0] == layout::index_entry(0)[0]) {
      of_entries.push_back(&write);
      continue;
    }
    STEGPASS_TRY(stored, database_.pin(write.first));
    if (!stored || !std::ranges::equal(stored->bytes(), write.second)) return differs(write.first);
  }
  auto next = of_entries.begin();
  const auto compare = [&](ByteView key, ByteView value) -> Result<bool> {
    if (!std::ranges::equal((*next)->first, key) || !std::ranges::equal((*next)->second, value)) return false;
    return ++next != of_entries.end();
  };
  if (!of_entries.empty()) STEGPASS_CHECK_OK(database_.for_each_from(of_entries.front()->first, 1, compare));
  return next == of_entries.end() ? std::string{} : differs((*next)->first);
}

Result<std::vector<std::string>> DatabaseSource::index_faults(std::uint64_t first, const std::vector<Digest32>& leaves) const {
  std::vector<Bytes> keys;
  for (const auto& leaf : leaves) keys.push_back(layout::index_of(leaf));
  STEGPASS_TRY(stored, database_.get_all(keys));
  std::vector<std::string> faults(leaves.size());
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (stored[i] != layout::number_value(first + i)) faults[i] = "it is not found under its own hash";
  return faults;
}

}  // namespace stegpass::ledger
