#include "outside.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace stegpass::ledger {
namespace {

constexpr std::size_t kMaxNoteBytes = 64 * 1024;

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

Error io_error(const std::filesystem::path& path, std::string_view what) {
  return {Errc::io, path.string() + ": cannot " + std::string(what) + ": " + std::strerror(errno)};
}

Status write_whole(const std::filesystem::path& path, std::string_view text) {
  const Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return io_error(path, "write");
  while (!text.empty()) {
    const auto written = ::write(file.number(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error(path, "write");
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(file.number()) != 0) return io_error(path, "sync");
  return Done{};
}

}  // namespace

std::filesystem::path outside_checkpoint_path(const std::filesystem::path& ledger_folder) { return ledger_folder / "checkpoint"; }

Result<std::string> read_outside_checkpoint(const std::filesystem::path& ledger_folder) {
  const auto path = outside_checkpoint_path(ledger_folder);
  const Descriptor file(path, O_RDONLY);
  if (!file.ok() && errno == ENOENT)
    return {Errc::malformed, path.string() + ": absent, so that a rolled-back database could not be told from a whole one"};
  if (!file.ok()) return io_error(path, "read");
  std::string text(kMaxNoteBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto count = ::read(file.number(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error(path, "read");
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > kMaxNoteBytes)
    return {Errc::malformed, path.string() + ": over " + std::to_string(kMaxNoteBytes) + " bytes, expected a signed checkpoint"};
  text.resize(size);
  return text;
}

Status replace_outside_checkpoint(const std::filesystem::path& ledger_folder, const std::string& note) {
  const auto path = outside_checkpoint_path(ledger_folder);
  auto temporary = path;
  temporary += ".new";  // there is one writer, so one name serves
  if (auto written = write_whole(temporary, note); !written) {
    ::unlink(temporary.c_str());
    return written;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return io_error(path, "replace");
  return sync_folder(ledger_folder);
}

Status sync_folder(const std::filesystem::path& folder) {
  const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
  if (!descriptor.ok() || ::fsync(descriptor.number()) != 0) return io_error(folder, "sync");
  return Done{};
}

}  // namespace stegpass::ledger
