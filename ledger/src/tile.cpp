#include "tile.hpp"

namespace stegpass::ledger::tile {

std::string path(std::string_view kind, std::uint64_t index, std::uint64_t width) {
  std::string groups;
  for (bool last = true; last || index > 0; last = false, index /= 1000) {
    const auto digits = std::to_string(1000 + index % 1000).substr(1);
    groups = (last ? "/" : "/x") + digits + groups;
  }
  return std::string(kind) + groups + (width < kWidth ? ".p/" + std::to_string(width) : "");
}

void append_item(Bytes& bundle, ByteView item) {
  append_big_endian(bundle, item.size(), 2);
  append(bundle, item);
}

Result<std::vector<Bytes>> split_items(ByteView bundle) {
  std::vector<Bytes> items;
  while (!bundle.empty()) {
    const std::size_t size = bundle.size() < 2 ? 0 : std::size_t{bundle[0]} << 8 | bundle[1];
    if (bundle.size() < 2 + size)
      return {Errc::malformed, "item " + std::to_string(items.size()) + " is cut off, expected " + std::to_string(size) +
                                   " bytes behind its length"};
    items.push_back(to_bytes(bundle.subspan(2, size)));
    bundle = bundle.subspan(2 + size);
  }
  return items;
}

}  // namespace stegpass::ledger::tile
