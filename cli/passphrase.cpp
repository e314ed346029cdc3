#include "passphrase.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iostream>

#include "files.hpp"

namespace stegpass::cli {
namespace {

using credential::SecretBytes;

/// The first line that comes from `fd`, without its line feed; at most 1,024 bytes.
Result<SecretBytes> read_line(int fd) {
  SecretBytes buffer(1024);
  std::size_t size = 0;
  for (; size < buffer.size(); ++size) {
    std::uint8_t* at = buffer.expose_mutable() + size;
    const ssize_t count = ::read(fd, at, 1);
    if (count < 0 && errno == EINTR) return Error{Errc::interrupted, "stopped at the passphrase"};
    if (count < 0) return Error{Errc::io, "cannot read the passphrase"};
    if (count == 0 || *at == '\n') break;
  }
  if (size == buffer.size()) return Error{Errc::usage, "the passphrase is longer than 1,023 bytes"};
  if (size == 0) return Error{Errc::usage, "the passphrase is empty"};
  return SecretBytes::copy_of(buffer.expose().first(size));
}

volatile std::sig_atomic_t g_signal = 0;

/// While it lives a signal that would end or stop the process only ends the reading, so that the echo comes back first; what had
/// been asked of the process is asked again afterwards.
class SignalsHeld {
 public:
  SignalsHeld() {
    g_signal = 0;
    struct sigaction note {};
    note.sa_handler = [](int number) { g_signal = number; };
    sigemptyset(&note.sa_mask);  // and no SA_RESTART
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &note, &before_[i]);
  }
  ~SignalsHeld() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    if (g_signal != 0) ::raise(g_signal);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  static constexpr std::array<int, 5> kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
  std::array<struct sigaction, kSignals.size()> before_{};
};

Result<SecretBytes> ask_once(int terminal, const std::string& prompt) {
  termios before{};
  if (::tcgetattr(terminal, &before) != 0) return Error{Errc::io, "cannot use the terminal"};
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  const SignalsHeld held;
  ::tcsetattr(terminal, TCSAFLUSH, &silent);
  std::cerr << prompt << ": " << std::flush;
  auto line = read_line(terminal);
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  std::cerr << "\n";
  return line;
}

/// Who stopped the process to go on later is asked again.
Result<SecretBytes> ask(int terminal, const std::string& prompt) {
  for (;;) {
    auto line = ask_once(terminal, prompt);
    if (line || g_signal != SIGTSTP) return line;
  }
}

Result<SecretBytes> ask_terminal(const std::string& prompt, bool confirm) {
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
  if (terminal < 0)
    return Error{Errc::usage, "no passphrase: there is no terminal to ask at; give --passphrase-file or --passphrase-fd"};
  auto first = ask(terminal, prompt);
  if (first && confirm) {
    auto second = ask(terminal, prompt + " again");
    if (!second)
      first = Error(second.error());
    else if (!(*first == *second))
      first = Error{Errc::usage, "the two passphrases differ"};
  }
  ::close(terminal);
  return first;
}

}  // namespace

void add_passphrase_options(CLI::App& command, PassphraseSource& source, const std::string& which) {
  const std::string name = which.empty() ? "the passphrase" : "the " + which.substr(0, which.size() - 1) + " passphrase";
  auto* file = command.add_option("--" + which + "passphrase-file", source.file, "File whose first line is " + name);
  command
      .add_option("--" + which + "passphrase-fd", source.fd,
                  "File descriptor to read " + name + " from, up to the first line feed")
      ->excludes(file);
}

Result<SecretBytes> read_passphrase(const PassphraseSource& source, const std::string& prompt, bool confirm) {
  ::prctl(PR_SET_DUMPABLE, 0);  // from here on there are secrets in this process: it leaves no core
  if (source.fd >= 0) return read_line(source.fd);
  if (source.file.empty()) return ask_terminal(prompt, confirm);
  const int fd = ::open(source.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Error{Errc::not_found, "cannot read the passphrase file " + source.file};
  auto line = read_line(fd);
  ::close(fd);
  if (!line) return Error{line.error().code, line.error().detail + " (" + source.file + ")"};
  return line;
}

}  // namespace stegpass::cli
