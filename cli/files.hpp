#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::cli {

/// Size classes of the files we read: nothing larger is loaded.
inline constexpr std::uint64_t kMaxSmallFile = 1 << 20;      ///< keys, policies, statements, text
inline constexpr std::uint64_t kMaxPictureFile = 64u << 20;  ///< pictures, bundles, vaults
inline constexpr std::uint64_t kMaxModelFile = 16ull << 30;  ///< weights

/// Reads a whole regular file of at most `max_bytes`.
/// Errors  not_found, io (folder, device, permission), usage (empty or larger), each naming the file and what was expected.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes, std::string_view expected);

/// Whether an output may be written: absent, or `force`. Its folder must exist. Errors exists; not_found; usage (a device).
Status check_output(const std::filesystem::path& path, bool force);

/// Writes a file whole or not at all: a temporary file beside it, synced, renamed; the temporary is removed on any failure and on
/// Ctrl-C. `secret` files are readable by their owner alone. Without `force` an existing file is left as it is. Errors exists;
/// io.
struct WriteOptions {
  bool force = false;
  bool secret = false;
};
Status write_file(const std::filesystem::path& path, ByteView content, WriteOptions options = {});

/// Makes SIGINT and SIGTERM set a flag that `interrupted()` reads, and remove unfinished temporary files if they end the process.
void install_signal_handlers();
bool interrupted();

}  // namespace stegpass::cli
