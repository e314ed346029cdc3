// Preloaded into a program, makes one call of the file system fail, or all from one on. Told by the environment:
//   FAULT_UNDER   calls on files below this path count, and no others
//   FAULT_CALL    write, sync, rename, open, or change (opening to write, renaming, making a folder)
//   FAULT_AT      the number of the first call that fails, from 1
//   FAULT_ERRNO   with which error; for write also "short": half of it is written, and that is said
//   FAULT_LASTING "1": all later ones fail, too ("short" then goes on as no space left)
//   FAULT_REPORT  a file that is made when a call failed

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_below(const char* path) {
  static const std::string under = setting("FAULT_UNDER");
  return path && !under.empty() && std::strncmp(path, under.c_str(), under.size()) == 0;
}

bool is_below(int fd) {
  char path[PATH_MAX + 1] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return ::readlink(link.c_str(), path, PATH_MAX) > 0 && is_below(path);
}

void say_so() {
  static const auto open_file = real<int (*)(const char*, int, ...)>("open");
  const int fd = open_file(setting("FAULT_REPORT").c_str(), O_CREAT | O_WRONLY, 0644);
  if (fd >= 0) ::close(fd);
}

/// How a call of this kind goes: 0 as it should, otherwise the error; -1 for a short write.
int fault(const char* call) {
  static const std::string wanted = setting("FAULT_CALL"), how = setting("FAULT_ERRNO");
  static const long at = std::atol(setting("FAULT_AT").c_str());
  static const bool lasting = setting("FAULT_LASTING") == "1";
  static std::atomic<long> count{0};
  if (wanted != call) return 0;
  const long number = ++count;
  if (number != at && !(lasting && number > at)) return 0;
  say_so();
  if (how == "short") return number == at ? -1 : ENOSPC;
  return std::atoi(how.c_str());
}

/// Whether a call fails; then with errno set.
bool fails(const char* call) {
  const int error = fault(call);
  if (error <= 0) return false;
  errno = error;
  return true;
}

bool open_fails(const char* path, int flags) {
  const bool changes = (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0;
  return is_below(path) && (fails("open") || (changes && fails("change")));
}

int open_as(const char* name, const char* path, int flags, mode_t mode) {
  if (open_fails(path, flags)) return -1;
  return real<int (*)(const char*, int, ...)>(name)(path, flags, mode);
}

mode_t mode_of(int flags, va_list more) { return (flags & O_CREAT) != 0 ? static_cast<mode_t>(va_arg(more, int)) : 0; }

template <class Write, class... Where>
ssize_t write_as(Write write, int fd, const void* bytes, size_t count, Where... where) {
  const int error = is_below(fd) ? fault("write") : 0;
  if (error > 0) {
    errno = error;
    return -1;
  }
  return write(fd, bytes, error < 0 ? (count + 1) / 2 : count, where...);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_as("open", path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = mode_of(flags, more);
  va_end(more);
  return open_as("open64", path, flags, mode);
}

FILE* fopen(const char* path, const char* how) {
  if (open_fails(path, *how == 'r' ? O_RDONLY : O_WRONLY)) return nullptr;
  return real<FILE* (*)(const char*, const char*)>("fopen")(path, how);
}

FILE* fopen64(const char* path, const char* how) {
  if (open_fails(path, *how == 'r' ? O_RDONLY : O_WRONLY)) return nullptr;
  return real<FILE* (*)(const char*, const char*)>("fopen64")(path, how);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  return write_as(real<ssize_t (*)(int, const void*, size_t)>("write"), fd, bytes, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at) {
  return write_as(real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite"), fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at) {
  return write_as(real<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64"), fd, bytes, count, at);
}

int fsync(int fd) { return is_below(fd) && fails("sync") ? -1 : real<int (*)(int)>("fsync")(fd); }
int fdatasync(int fd) { return is_below(fd) && fails("sync") ? -1 : real<int (*)(int)>("fdatasync")(fd); }
int syncfs(int fd) noexcept { return is_below(fd) && fails("sync") ? -1 : real<int (*)(int)>("syncfs")(fd); }

int rename(const char* from, const char* to) noexcept {
  if (is_below(from) && (fails("rename") || fails("change"))) return -1;
  return real<int (*)(const char*, const char*)>("rename")(from, to);
}

int mkdir(const char* path, mode_t mode) noexcept {
  if (is_below(path) && fails("change")) return -1;
  return real<int (*)(const char*, mode_t)>("mkdir")(path, mode);
}

}  // extern "C"
