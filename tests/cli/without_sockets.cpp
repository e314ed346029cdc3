// Runs a command in which every attempt to open a socket ends the process with SIGSYS: without_sockets COMMAND [ARGUMENT...].
// With --probe it opens one itself, to show that the filter bites.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

namespace {

sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
sock_filter answer(std::uint32_t what) { return BPF_STMT(BPF_RET | BPF_K, what); }
/// Skips the instruction that follows unless the loaded word is `value`.
sock_filter if_equal(std::uint32_t value) { return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

bool forbid_sockets() {
  std::vector<sock_filter> filter = {load(offsetof(seccomp_data, nr))};
  for (const int call : {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_sendto, SYS_sendmsg,
                         SYS_recvfrom, SYS_recvmsg}) {
    filter.push_back(if_equal(static_cast<std::uint32_t>(call)));
    filter.push_back(answer(SECCOMP_RET_KILL_PROCESS));
  }
  filter.push_back(if_equal(SYS_io_uring_setup));  // through which sockets could be had as well; databases ask and do without
  filter.push_back(answer(SECCOMP_RET_ERRNO | ENOSYS));
  filter.push_back(answer(SECCOMP_RET_ALLOW));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (!forbid_sockets()) {
    std::perror("without_sockets: no filter");
    return 125;
  }
  if (std::strcmp(argv[1], "--probe") == 0) return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0;
  ::execvp(argv[1], argv + 1);
  std::perror("without_sockets");
  return 127;
}
