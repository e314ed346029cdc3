#include "child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include <stegpass/credential/core/text.hpp>

namespace stegpass::ledger::test {
namespace {

std::vector<std::string> with_keys(std::vector<std::string> arguments, const credential::PrivateKey& log_key,
                                   const credential::PrivateKey& owner) {
  for (const auto* key : {&log_key, &owner}) arguments.push_back(to_hex(key->signing_secret().expose()));
  return arguments;
}

}  // namespace

Child::Child(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<char*> argv;
  std::string program = LEDGER_WRITER;
  argv.push_back(program.data());
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  std::vector<std::string> settings;
  for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
  std::vector<char*> envp;
  for (auto& setting : settings) envp.push_back(setting.data());
  for (char** ours = environ; *ours; ++ours) envp.push_back(*ours);
  envp.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execve(program.c_str(), argv.data(), envp.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  pipe_ = ends[0];
  if (pid_ < 0) throw std::runtime_error("no child");
}

Child::Child(std::vector<std::string> arguments, const credential::PrivateKey& log_key, const credential::PrivateKey& owner,
             const std::map<std::string, std::string>& environment)
    : Child(with_keys(std::move(arguments), log_key, owner), environment) {}

Child::~Child() {
  kill();
  ::close(pipe_);
}

std::string Child::read_line() {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      auto line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    char some[4096];
    const auto count = ::read(pipe_, some, sizeof some);
    if (count <= 0) return {};  // what lacks its end was not acknowledged
    buffer_.append(some, static_cast<std::size_t>(count));
  }
}

void Child::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
  wait();
}

int Child::wait() {
  if (pid_ <= 0) return -1;
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace stegpass::ledger::test
