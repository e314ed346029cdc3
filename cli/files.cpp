#include "files.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace stegpass::cli {
namespace {

std::atomic<bool> g_interrupted{false};

// The temporary file being written, for the signal handler; empty when there is none.
char g_temporary[4096] = "";

Error system_error(const std::string& what, const std::filesystem::path& path) {
  const int code = errno;
  return {code == ENOENT || code == ENOTDIR ? Errc::not_found : Errc::io,
          what + " " + path.string() + ": " + std::strerror(code)};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool close() { return ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

/// The temporary file; unlinked unless it was renamed away.
class Temporary {
 public:
  Temporary(const std::filesystem::path& target, mode_t mode)
      : path_(target.string() + ".tmp." + std::to_string(::getpid())),
        fd_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)) {
    if (fd_.get() >= 0 && path_.size() < sizeof(g_temporary)) std::strcpy(g_temporary, path_.c_str());
  }
  ~Temporary() {
    if (fd_.get() >= 0 || created_) ::unlink(path_.c_str());
    g_temporary[0] = '\0';
  }
  const std::string& path() const { return path_; }
  Descriptor& fd() { return fd_; }
  void keep_for_unlink() { created_ = true; }
  void renamed() { created_ = false; }

 private:
  std::string path_;
  Descriptor fd_;
  bool created_ = false;
};

bool write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t count = ::write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    content = content.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

/// Gives the temporary file its name; unlike a plain rename it never replaces what appeared meanwhile. Returns 0, or errno.
int name_without_replacing(Temporary& temporary, const std::filesystem::path& path) {
  const char* from = temporary.path().c_str();
  if (::link(from, path.c_str()) == 0) return 0;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
  // FAT, as on the sticks that go to machines without network, has no links.
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, path.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno != EINVAL && errno != ENOSYS) return errno;
    const Descriptor ours(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));  // holds the name
    if (ours.get() < 0) return errno;
    if (::rename(from, path.c_str()) != 0) {
      const int error = errno;
      ::unlink(path.c_str());
      return error;
    }
  }
  temporary.renamed();
  return 0;
}

void sync_folder_of(const std::filesystem::path& path) {
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() >= 0) ::fsync(fd.get());  // some file systems cannot; the rename itself has succeeded
}

void on_signal(int number) {
  // The first signal asks; commands that work in steps look at the flag. A second one ends the process.
  if (!g_interrupted.exchange(true) && number == SIGINT) return;
  if (g_temporary[0] != '\0') ::unlink(g_temporary);
  ::_exit(128 + number);
}

}  // namespace

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t max_bytes, std::string_view expected) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return system_error("cannot read " + std::string(expected), path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return system_error("cannot read " + std::string(expected), path);
  if (!S_ISREG(info.st_mode)) return Error{Errc::io, path.string() + " is not a regular file; expected " + std::string(expected)};
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size == 0) return Error{Errc::usage, path.string() + " is empty; expected " + std::string(expected)};
  if (size > max_bytes) {
    return Error{Errc::usage, path.string() + " has " + std::to_string(size) + " bytes; " + std::string(expected) +
                                  " has at most " + std::to_string(max_bytes)};
  }
  Bytes out(size);
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t count = ::read(fd.get(), out.data() + done, out.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("cannot read " + std::string(expected), path);
    if (count == 0) return Error{Errc::io, path.string() + " became shorter while it was read"};
    done += static_cast<std::size_t>(count);
  }
  return out;
}

Status check_output(const std::filesystem::path& path, bool force) {
  std::error_code error;
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder, error))
    return Error{Errc::not_found, "the folder " + folder.string() + " does not exist"};
  const auto status = std::filesystem::symlink_status(path, error);
  if (std::filesystem::is_directory(status)) return Error{Errc::exists, path.string() + " is a folder"};
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) && !std::filesystem::is_symlink(status)) {
    return Error{Errc::usage, path.string() + " is a device or another special file; expected a name for a regular file"};
  }
  if (std::filesystem::exists(status) && !force) return Error{Errc::exists, path.string() + " exists already"};
  return Done{};
}

Status write_file(const std::filesystem::path& path, ByteView content, WriteOptions options) {
  STEGPASS_CHECK_OK(check_output(path, options.force));
  Temporary temporary(path, options.secret ? 0600 : 0644);
  if (temporary.fd().get() < 0) return system_error("cannot write", path);
  temporary.keep_for_unlink();
  if (!write_all(temporary.fd().get(), content) || ::fsync(temporary.fd().get()) != 0 || !temporary.fd().close()) {
    return system_error("cannot write", path);
  }
  if (options.force) {
    if (::rename(temporary.path().c_str(), path.c_str()) != 0) return system_error("cannot write", path);
    temporary.renamed();
  } else if (const int error = name_without_replacing(temporary, path); error != 0) {
    if (error == EEXIST) return Error{Errc::exists, path.string() + " exists already"};
    errno = error;
    return system_error("cannot write", path);
  }
  sync_folder_of(path);
  return Done{};
}

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a file over the limit is a failed write, not a death
}

bool interrupted() { return g_interrupted.load(); }

}  // namespace stegpass::cli
