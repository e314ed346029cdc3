// Runs a command without some of the system's calls: without_calls sockets|links COMMAND [ARGUMENT...].
//   sockets  every attempt to open one ends the process with SIGSYS
//   links    files have one name each, and are renamed in the plain way alone, as on a FAT stick
// `without_calls sockets --probe` opens a socket itself, to show that the filter bites.
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
#include <initializer_list>
#include <vector>

namespace {

class Filter {
 public:
  Filter() { add(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offsetof(seccomp_data, nr)))); }

  void answer(std::initializer_list<int> calls, std::uint32_t what) {
    for (const int call : calls) {
      add(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0,
                   1));  // skips what follows unless it is this one
      add(BPF_STMT(BPF_RET | BPF_K, what));
    }
  }
  bool set() {
    add(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(code_.size()), code_.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  void add(sock_filter instruction) { code_.push_back(instruction); }
  std::vector<sock_filter> code_;
};

bool forbid(const char* what) {
  Filter filter;
  if (std::strcmp(what, "sockets") == 0) {
    filter.answer({SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept4, SYS_sendto, SYS_sendmsg,
                   SYS_recvfrom, SYS_recvmsg},
                  SECCOMP_RET_KILL_PROCESS);
    // Through which sockets could be had as well; databases ask and do without.
    filter.answer({SYS_io_uring_setup}, SECCOMP_RET_ERRNO | ENOSYS);
  } else {
    filter.answer({SYS_link, SYS_linkat}, SECCOMP_RET_ERRNO | EPERM);
    filter.answer({SYS_renameat2}, SECCOMP_RET_ERRNO | EINVAL);
  }
  return filter.set();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (!forbid(argv[1])) {
    std::perror("without_calls: no filter");
    return 125;
  }
  if (std::strcmp(argv[2], "--probe") == 0) return ::socket(AF_INET, SOCK_STREAM, 0) < 0 ? 1 : 0;
  ::execvp(argv[2], argv + 2);
  std::perror("without_calls");
  return 127;
}
