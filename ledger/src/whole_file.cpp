#include "whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace stegpass::ledger {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : number_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int number() const { return number_; }
  bool ok() const { return number_ >= 0; }

 private:
  int number_;
};

Error io_error(const std::filesystem::path& path, const std::string& what) {
  return {Errc::io, path.string() + ": cannot " + what + ": " + std::strerror(errno)};
}

Status write_all(const std::filesystem::path& path, ByteView content, bool sync) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return io_error(path, "write");
  while (!content.empty()) {
    const auto written = ::write(file.number(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(path, "write");
    content = content.subspan(static_cast<std::size_t>(written));
  }
  if (sync && ::fsync(file.number()) != 0) return io_error(path, "sync");
  return Done{};
}

}  // namespace

Result<Bytes> read_whole_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const Descriptor file(path, O_RDONLY);
  if (!file.ok() && (errno == ENOENT || errno == ENOTDIR)) return {Errc::not_found, path.string() + ": absent"};
  if (!file.ok()) return io_error(path, "read");
  constexpr std::size_t kStep = 64 * 1024;
  Bytes content;
  for (std::size_t size = 0;;) {
    content.resize(std::min(size + kStep, max_bytes + 1));
    const auto count = ::read(file.number(), content.data() + size, content.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error(path, "read");
    size += static_cast<std::size_t>(count);
    if (size > max_bytes) return {Errc::malformed, path.string() + ": over " + std::to_string(max_bytes) + " bytes"};
    if (count > 0) continue;
    content.resize(size);
    return content;
  }
}

Status write_whole_file(const std::filesystem::path& path, ByteView content, bool sync) {
  auto temporary = path;
  temporary += ".new";
  if (auto written = write_all(temporary, content, sync); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const auto error = io_error(path, "replace");
    ::unlink(temporary.c_str());
    return error;
  }
  return sync ? sync_folder(path.parent_path()) : Done{};
}

Status sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.ok() || ::fsync(descriptor.number()) != 0) return io_error(folder, "sync");
  return Done{};
}

Status sync_file_system(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.ok() || ::syncfs(descriptor.number()) != 0) return io_error(folder, "sync");
  return Done{};
}

}  // namespace stegpass::ledger
