#include "torch_file.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "byte_cursor.hpp"
#include "printable.hpp"
#include "zip_reader.hpp"

namespace stegpass::model {
namespace {

// Two pickle streams: the magic number 0x1950a86a20f9469cfc6c and the protocol number 1001.
constexpr std::array<std::uint8_t, 21> kLegacyHead = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a,
                                                      0xa8, 0x50, 0x19, 0x2e, 0x80, 0x02, 0x4d, 0xe9, 0x03, 0x2e};
constexpr std::size_t kLegacyMagic = 15;
constexpr std::string_view kDataName = "data.pkl";

bool starts_with(ByteView file, ByteView head) {
  return file.size() >= head.size() && std::equal(head.begin(), head.end(), file.begin());
}

Error big_endian() { return {Errc::unsupported, "PyTorch file: its numbers are big-endian, little-endian expected"}; }

Error wrong_size(const PickleStorage& storage, std::uint64_t bytes) {
  return bad_torch_file("storage " + printable(storage.key) + " has " + std::to_string(bytes) +
                        " bytes where the tensors expect " + std::to_string(storage.elements) + " elements of " +
                        std::to_string(storage.width));
}

/// Without the product, which may overflow.
bool fits(const PickleStorage& storage, std::uint64_t bytes) {
  return bytes % storage.width == 0 && bytes / storage.width == storage.elements;
}

/// The folder that all entries lie in: that of the one data.pkl.
Result<std::string_view> folder_of(const std::vector<ZipEntry>& entries) {
  std::vector<std::string_view> found;
  for (const ZipEntry& entry : entries) {
    const std::size_t slash = entry.name.find('/');
    if (slash != std::string_view::npos && entry.name.substr(slash + 1) == kDataName)
      found.push_back(entry.name.substr(0, slash + 1));
  }
  if (found.size() != 1)
    return bad_torch_file("the archive holds " + std::to_string(found.size()) + " streams NAME/data.pkl, 1 expected");
  return found.front();
}

using Entries = std::map<std::string_view, ZipEntry>;

Status check_byte_order(const Entries& entries, const std::string& folder) {
  const auto found = entries.find(folder + "byteorder");
  if (found != entries.end() && as_text(found->second.data) != "little") return big_endian();
  return Done{};
}

Result<ByteView> storage_of(const Entries& entries, const std::string& folder, const PickleStorage& storage) {
  const auto found = entries.find(folder + "data/" + std::string(storage.key));
  if (found == entries.end()) return bad_torch_file("storage " + printable(storage.key) + " is absent from the archive");
  if (!fits(storage, found->second.data.size())) return wrong_size(storage, found->second.data.size());
  return checked_data(found->second);
}

/// Reads one more stream; its facts about the machine are only looked at for the byte order.
Status skip_machine(ByteCursor& cursor, ByteView file) {
  STEGPASS_TRY(facts, read_pickle(file.subspan(cursor.at())));
  const PickleNode& root = facts.at(facts.root);
  if (root.kind != PickleKind::dict)
    return bad_torch_file("its facts about the machine are " + std::string(pickle_kind_name(root.kind)) + ", a dict expected");
  const PickleNode* little = facts.find(root, "little_endian");
  if (little != nullptr && little->kind == PickleKind::boolean && little->integer == 0) return big_endian();
  cursor.take(facts.bytes);
  return Done{};
}

/// The storages in the order of their bytes, as places in pickle.storages.
Result<std::vector<std::size_t>> storage_order(ByteCursor& cursor, ByteView file, const Pickle& pickle) {
  STEGPASS_TRY(keys, read_pickle(file.subspan(cursor.at())));
  const PickleNode& list = keys.at(keys.root);
  if (list.kind != PickleKind::list || list.items.size() != pickle.storages.size()) {
    return bad_torch_file("the list of storages has " + std::to_string(list.items.size()) + " entries, " +
                          std::to_string(pickle.storages.size()) + " expected");
  }
  std::map<std::string_view, std::size_t> left;
  for (std::size_t i = 0; i < pickle.storages.size(); ++i) left.emplace(pickle.storages[i].key, i);
  std::vector<std::size_t> order;
  for (const PickleRef item : list.items) {
    const auto found = left.find(keys.at(item).text);
    if (found == left.end())
      return bad_torch_file("the list of storages names " + printable(keys.at(item).text) +
                            ", which no tensor uses or which came before");
    order.push_back(found->second);
    left.erase(found);
  }
  cursor.take(keys.bytes);
  return order;
}

Result<ByteView> next_storage(ByteCursor& cursor, const PickleStorage& storage) {
  const auto count = cursor.number(8);
  if (!count) return bad_torch_file("it ends before storage " + printable(storage.key));
  if (*count != storage.elements) {
    return bad_torch_file("storage " + printable(storage.key) + " has " + std::to_string(*count) + " elements, " +
                          std::to_string(storage.elements) + " expected");
  }
  if (*count > cursor.left() / storage.width) return wrong_size(storage, cursor.left());
  return *cursor.take(*count * storage.width);
}

}  // namespace

bool is_torch_zip(ByteView file) { return starts_with(file, as_bytes("PK\x03\x04")); }
bool is_torch_legacy(ByteView file) { return starts_with(file, ByteView(kLegacyHead).first(kLegacyMagic)); }

Result<TorchFile> read_torch_zip(ByteView file) {
  STEGPASS_TRY(list, read_zip(file));
  STEGPASS_TRY(folder_view, folder_of(list));
  const std::string folder(folder_view);
  Entries entries;
  for (const ZipEntry& entry : list) entries.emplace(entry.name, entry);
  STEGPASS_CHECK_OK(check_byte_order(entries, folder));
  STEGPASS_TRY(stream, checked_data(entries.at(folder + std::string(kDataName))));
  STEGPASS_TRY(pickle, read_pickle(stream));
  if (pickle.bytes != stream.size()) return bad_torch_file("its stream goes on after the STOP");
  TorchFile out;
  for (const PickleStorage& storage : pickle.storages) {
    STEGPASS_TRY(bytes, storage_of(entries, folder, storage));
    out.storages.push_back(bytes);
  }
  out.pickle = std::move(pickle);
  return out;
}

Result<TorchFile> read_torch_legacy(ByteView file) {
  if (!starts_with(file, kLegacyHead)) return bad_torch_file("the older form with another protocol number than 1001");
  ByteCursor cursor(file);
  cursor.take(kLegacyHead.size());
  STEGPASS_CHECK_OK(skip_machine(cursor, file));
  STEGPASS_TRY(pickle, read_pickle(file.subspan(cursor.at())));
  cursor.take(pickle.bytes);
  STEGPASS_TRY(order, storage_order(cursor, file, pickle));
  TorchFile out;
  out.storages.resize(pickle.storages.size());
  for (const std::size_t i : order) {
    STEGPASS_TRY(bytes, next_storage(cursor, pickle.storages[i]));
    out.storages[i] = bytes;
  }
  if (cursor.left() != 0) return bad_torch_file(std::to_string(cursor.left()) + " bytes follow the last storage");
  out.pickle = std::move(pickle);
  return out;
}

}  // namespace stegpass::model
