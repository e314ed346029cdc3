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
  for (const auto& [key, value] : expected) {
    STEGPASS_TRY(stored, database_.pin(key));
    if (!stored || !std::ranges::equal(stored->bytes(), value)) return "the index at " + to_hex(key) + " is another than the entries come to";
  }
  return std::string{};
}

Result<std::string> DatabaseSource::index_fault(std::uint64_t index, const Digest32& leaf) const {
  STEGPASS_TRY(stored, database_.get(layout::index_of(leaf)));
  if (stored && *stored == layout::number_value(index)) return std::string{};
  return std::string("it is not found under its own hash");
}

}  // namespace stegpass::ledger
