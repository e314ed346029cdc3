#pragma once

#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// One stored file of an archive; both views live as long as the archive's bytes.
struct ZipEntry {
  std::string_view name;
  ByteView data;
  std::uint32_t crc = 0;  ///< as the archive states it
};

/// Lists an archive as torch.save writes it: stored entries, zip64 or not, no comment, one disk. Takes nothing beyond the list.
/// Errors  malformed when a record is absent, reaches outside the file, differs from its copy at the entry, when names repeat, or
/// the
///         entries together claim more bytes than the file has; unsupported on compressed or encrypted entries.
/// Source  PKWARE APPNOTE 6.3.9, sections 4.3.7, 4.3.12 to 4.3.16, 4.5.3.
Result<std::vector<ZipEntry>> read_zip(ByteView file);

/// The entry's bytes, once their CRC-32 is that of the archive. Errors  malformed.
Result<ByteView> checked_data(const ZipEntry& entry);

/// CRC-32 of ISO 3309, as zip has it.
std::uint32_t crc32_of(ByteView bytes);

}  // namespace stegpass::model
