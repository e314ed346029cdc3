#include "source.hpp"

#include <algorithm>

#include "layout.hpp"
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

Result<std::string> DatabaseSource::node_fault(const TreeNode& node) const {
  STEGPASS_TRY(stored, database_.get(layout::node(node.level, node.index)));
  if (stored && std::ranges::equal(*stored, node.hash)) return std::string{};
  return std::string(stored ? "another" : "no") + " hash is stored for tree node (level " + std::to_string(node.level) +
         ", index " + std::to_string(node.index) + ") than its entries give";
}

Result<std::string> DatabaseSource::index_fault(std::uint64_t index, const Digest32& leaf) const {
  STEGPASS_TRY(stored, database_.get(layout::index_of(leaf)));
  if (stored && *stored == layout::number_value(index)) return std::string{};
  return std::string("it is not found under its own hash");
}

}  // namespace stegpass::ledger
