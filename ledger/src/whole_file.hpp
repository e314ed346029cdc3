#pragma once

#include <cstddef>
#include <filesystem>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

// Files beside the database, which are there whole or not at all.
namespace stegpass::ledger {

/// Errors  not_found; malformed when it is over `max_bytes`; io.
Result<Bytes> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Writes `path` under a temporary name (with ".new" at its end) and renames it. Errors io; the temporary is removed.
/// With `sync` it returns when the disk has file and name; without, a power cut may leave an empty file until `sync_file_system`.
Status write_whole_file(const std::filesystem::path& path, ByteView content, bool sync);

/// Makes a rename within `folder` last through a power cut. Errors io.
Status sync_folder(const std::filesystem::path& folder);
/// Makes all that was written to the file system of `folder` last. Errors io.
Status sync_file_system(const std::filesystem::path& folder);

}  // namespace stegpass::ledger
