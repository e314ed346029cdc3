#include "traced.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace stegpass::test {
namespace {

constexpr std::size_t kMaxRead = 256u << 20;

std::vector<char*> raw(const Args& command) {
  std::vector<char*> out;
  for (const std::string& argument : command) out.push_back(const_cast<char*>(argument.c_str()));
  out.push_back(nullptr);
  return out;
}

Args command_of(const Args& args) {
  Args command{program_path()};
  command.insert(command.end(), args.begin(), args.end());
  return command;
}

[[noreturn]] void become(const Args& command) {
  ::setsid();
  for (const int fd : {1, 2}) ::dup2(::open("/dev/null", O_RDWR), fd);
  ::setenv("STEGPASS_NOW", std::to_string(kNow).c_str(), 1);
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // the leak sanitizer wants to trace too
  ::execvp(command[0].c_str(), raw(command).data());
  ::_exit(127);
}

std::string proc(pid_t process, const char* name) { return "/proc/" + std::to_string(process) + "/" + name; }

std::string read_memory(pid_t process, std::uint64_t at, std::size_t size) {
  std::string out(std::min(size, kMaxRead), '\0');
  const int fd = ::open(proc(process, "mem").c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t count = fd < 0 ? -1 : ::pread(fd, out.data(), out.size(), static_cast<off_t>(at));
  if (fd >= 0) ::close(fd);
  out.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return out;
}

/// Everything that the process may read, but for the pages of its files that nobody changed.
std::string all_memory(pid_t process) {
  std::istringstream maps(read_text(proc(process, "maps")));
  std::string line, out;
  while (std::getline(maps, line)) {
    std::uint64_t begin = 0, end = 0;
    char rights[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3 || rights[0] != 'r') continue;
    if (rights[1] == 'w') out += read_memory(process, begin, end - begin);
  }
  return out;
}

/// What a thread is about to hand to the system.
std::string written_by(pid_t thread, const __ptrace_syscall_info& call) {
  const auto& args = call.entry.args;
  if (call.entry.nr == SYS_write || call.entry.nr == SYS_pwrite64 || call.entry.nr == SYS_sendto)
    return read_memory(thread, args[1], args[2]);
  if (call.entry.nr != SYS_writev && call.entry.nr != SYS_pwritev) return {};
  const std::string vectors = read_memory(thread, args[1], args[2] * sizeof(iovec));
  std::string out;
  for (std::size_t at = 0; at + sizeof(iovec) <= vectors.size(); at += sizeof(iovec)) {
    iovec one{};
    std::copy_n(vectors.data() + at, sizeof(iovec), reinterpret_cast<char*>(&one));
    out += read_memory(thread, reinterpret_cast<std::uint64_t>(one.iov_base), one.iov_len);
  }
  return out;
}

class Tracer {
 public:
  explicit Tracer(pid_t child) : child_(child) {}

  Traced run() {
    int status = 0;
    if (::waitpid(child_, &status, 0) != child_ || !WIFSTOPPED(status)) throw std::runtime_error("cannot trace");
    const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
    if (::ptrace(PTRACE_SETOPTIONS, child_, 0, options) != 0) throw std::runtime_error("cannot trace");
    go_on(child_, 0);
    for (;;) {
      const pid_t thread = ::waitpid(-1, &status, __WALL);
      if (thread < 0 && errno == EINTR) continue;
      if (thread < 0) throw std::runtime_error("lost the traced program");
      if (thread == child_ && (WIFEXITED(status) || WIFSIGNALED(status))) break;
      if (WIFSTOPPED(status)) stopped(thread, status);
    }
    out_.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return std::move(out_);
  }

 private:
  static void go_on(pid_t thread, int signal) { ::ptrace(PTRACE_SYSCALL, thread, 0, signal); }

  void stopped(pid_t thread, int status) {
    const int signal = WSTOPSIG(status), event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) return called(thread);
    if (event == PTRACE_EVENT_EXIT && thread == child_) ended();
    const bool ours = event != 0 || signal == SIGTRAP || signal == SIGSTOP;  // of tracing, not of the program
    go_on(thread, ours ? 0 : signal);
  }

  void called(pid_t thread) {
    __ptrace_syscall_info call{};
    ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(call), &call);
    if (call.op == PTRACE_SYSCALL_INFO_ENTRY) out_.written += written_by(thread, call);
    go_on(thread, 0);
  }

  void ended() {
    out_.memory = all_memory(child_);
    out_.arguments = read_text(proc(child_, "cmdline")) + read_text(proc(child_, "environ"));
  }

  pid_t child_;
  Traced out_;
};

bool waits_in_read(pid_t process, int fd) {
  std::istringstream call(read_text(proc(process, "syscall")));
  std::string number, first;
  call >> number >> first;
  return number == std::to_string(SYS_read) && std::strtol(first.c_str(), nullptr, 16) == fd;
}

}  // namespace

Traced run_traced(const Args& args) {
  const Args command = command_of(args);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, 0, 0);
    become(command);
  }
  return Tracer(child).run();
}

bool dumps_core_while_reading(const Args& command, int fd) {
  const TempFolder folder;  // where the core would lie
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    rlimit limit{};
    ::getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_CORE, &limit);
    if (::chdir(folder.path().c_str()) != 0) ::_exit(126);
    become(command);
  }
  int status = 0;
  for (int tries = 0; !waits_in_read(child, fd); ++tries) {
    if (::waitpid(child, &status, WNOHANG) == child || tries == 2000) {
      ::kill(child, SIGKILL);
      throw std::runtime_error("the program did not wait for its input");
    }
    ::usleep(10'000);
  }
  ::kill(child, SIGABRT);
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) && WCOREDUMP(status);
}

}  // namespace stegpass::test
