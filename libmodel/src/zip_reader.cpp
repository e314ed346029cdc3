#include "zip_reader.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "byte_cursor.hpp"
#include "printable.hpp"

namespace stegpass::model {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr std::size_t kEndBytes = 22, kLocator64Bytes = 20, kEnd64Bytes = 56, kCentralBytes = 46, kLocalBytes = 30;
constexpr std::uint64_t kSeeExtra = 0xffffffff;

Error bad_zip(const std::string& what) { return {Errc::malformed, "zip archive: " + what}; }

std::uint64_t field(ByteView record, std::size_t at, int width) { return *ByteCursor(record.subspan(at)).number(width); }

/// A record of fixed length that begins with its signature.
Result<ByteView> record_at(ByteView file, std::uint64_t at, std::size_t bytes, std::uint32_t signature, const char* name) {
  if (at > file.size() || file.size() - at < bytes) return bad_zip(std::string("the ") + name + " lies outside the file");
  const ByteView record = file.subspan(static_cast<std::size_t>(at), bytes);
  if (field(record, 0, 4) != signature) return bad_zip(std::string("no ") + name + " at byte " + std::to_string(at));
  return record;
}

struct Directory {
  std::uint64_t entries = 0, bytes = 0, at = 0;
};

Result<Directory> find_directory64(ByteView file, ByteView locator) {
  STEGPASS_TRY(end, record_at(file, field(locator, 8, 8), kEnd64Bytes, kEnd64, "zip64 end record"));
  return Directory{field(end, 32, 8), field(end, 40, 8), field(end, 48, 8)};
}

Result<Directory> find_directory(ByteView file) {
  if (file.size() < kEndBytes) return bad_zip("shorter than its end record");
  const std::size_t at = file.size() - kEndBytes;
  STEGPASS_TRY(end, record_at(file, at, kEndBytes, kEnd, "end record"));
  if (at >= kLocator64Bytes) {
    const ByteView locator = file.subspan(at - kLocator64Bytes, kLocator64Bytes);
    if (field(locator, 0, 4) == kLocator64) return find_directory64(file, locator);
  }
  return Directory{field(end, 10, 2), field(end, 12, 4), field(end, 16, 4)};
}

/// What the directory says of one entry.
struct Listed {
  std::string_view name;
  std::uint64_t flags = 0, method = 0, crc = 0, packed = 0, bytes = 0, at = 0;
};

/// Replaces sizes that the fixed fields leave to the zip64 extra field.
Status read_extra(Listed& listed, ByteView extra) {
  ByteCursor cursor(extra);
  while (cursor.left() > 0) {
    const auto id = cursor.number(2), length = cursor.number(2);
    const auto body = length ? cursor.take(*length) : std::nullopt;
    if (!body) return bad_zip("an extra field of " + printable(listed.name) + " does not end");
    if (*id != 1) continue;
    ByteCursor values(*body);
    for (std::uint64_t* value : {&listed.bytes, &listed.packed, &listed.at}) {
      if (*value != kSeeExtra) continue;
      const auto wide = values.number(8);
      if (!wide) return bad_zip("the zip64 field of " + printable(listed.name) + " is too short");
      *value = *wide;
    }
  }
  return Done{};
}

Result<Listed> read_listed(ByteCursor& cursor) {
  const auto head = cursor.take(kCentralBytes);
  if (!head || field(*head, 0, 4) != kCentralHeader) return bad_zip("the directory has fewer entries than it says");
  Listed listed{{},
                field(*head, 8, 2),
                field(*head, 10, 2),
                field(*head, 16, 4),
                field(*head, 20, 4),
                field(*head, 24, 4),
                field(*head, 42, 4)};
  const auto name = cursor.take(field(*head, 28, 2));
  const auto extra = name ? cursor.take(field(*head, 30, 2)) : std::nullopt;
  if (!extra || !cursor.take(field(*head, 32, 2))) return bad_zip("an entry of the directory does not end");
  listed.name = as_text(*name);
  STEGPASS_CHECK_OK(read_extra(listed, *extra));
  return listed;
}

/// `before` is where the directory begins: entries lie in front of it.
Result<ZipEntry> open_entry(ByteView before, const Listed& listed) {
  if ((listed.flags & 1) != 0 || listed.method != 0 || listed.packed != listed.bytes) {
    return Error{Errc::unsupported,
                 "zip archive: " + printable(listed.name) + " is compressed or encrypted; torch.save stores entries as they are"};
  }
  STEGPASS_TRY(local, record_at(before, listed.at, kLocalBytes, kLocalHeader, "entry header"));
  ByteCursor cursor(before.subspan(static_cast<std::size_t>(listed.at) + kLocalBytes));
  const auto name = cursor.take(field(local, 26, 2));
  if (!name || as_text(*name) != listed.name) return bad_zip(printable(listed.name) + " has another name at its place");
  const auto extra = cursor.take(field(local, 28, 2));
  const auto data = extra ? cursor.take(listed.bytes) : std::nullopt;
  if (!data) {
    return bad_zip(printable(listed.name) + " claims " + std::to_string(listed.bytes) + " bytes, and " +
                   std::to_string(cursor.left()) + " are there");
  }
  return ZipEntry{listed.name, *data, static_cast<std::uint32_t>(listed.crc)};
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = (value & 1) != 0 ? 0xedb88320u ^ value >> 1 : value >> 1;
    table[byte] = value;
  }
  return table;
}

}  // namespace

Result<std::vector<ZipEntry>> read_zip(ByteView file) {
  STEGPASS_TRY(directory, find_directory(file));
  if (directory.at > file.size() || directory.bytes > file.size() - directory.at)
    return bad_zip("the directory lies outside the file");
  if (directory.entries > directory.bytes / kCentralBytes) return bad_zip("the directory has fewer entries than it says");
  const ByteView before = file.first(static_cast<std::size_t>(directory.at));
  ByteCursor cursor(file.subspan(before.size(), static_cast<std::size_t>(directory.bytes)));
  std::vector<ZipEntry> entries;
  std::set<std::string_view> names;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    STEGPASS_TRY(listed, read_listed(cursor));
    STEGPASS_TRY(entry, open_entry(before, listed));
    total += entry.data.size();
    if (total > file.size()) return bad_zip("the entries lie over each other");
    if (!names.insert(entry.name).second) return bad_zip(printable(entry.name) + " is listed twice");
    entries.push_back(entry);
  }
  if (cursor.left() != 0) return bad_zip("the directory has more entries than it says");
  return entries;
}

std::uint32_t crc32_of(ByteView bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_crc_table();
  std::uint32_t crc = 0xffffffffu;
  for (const std::uint8_t byte : bytes) crc = kTable[(crc ^ byte) & 0xff] ^ crc >> 8;
  return ~crc;
}

Result<ByteView> checked_data(const ZipEntry& entry) {
  if (crc32_of(entry.data) != entry.crc) return bad_zip("the bytes of " + printable(entry.name) + " do not fit their CRC-32");
  return entry.data;
}

}  // namespace stegpass::model
