#include "processes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace stegpass::cli {
namespace {

Status read_number(const char* name, int low, int high, int& to) {
  const char* text = std::getenv(name);
  if (text == nullptr) return Done{};
  int value = 0;
  const char* end = text + std::strlen(text);
  const auto [rest, error] = std::from_chars(text, end, value);
  if (error != std::errc() || rest != end || value < low || value > high) {
    return Error{Errc::usage, std::string(name) + " is '" + text + "', a number from " + std::to_string(low) + " to " +
                                  std::to_string(high) + " expected"};
  }
  to = value;
  return Done{};
}

/// This process's own arguments without the source of its passphrase, which comes over `passphrase_fd`.
std::vector<std::string> arguments_with(int passphrase_fd) {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) arguments.emplace_back(text.c_str() + at);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--passphrase-file" || argument == "--passphrase-fd") {
      ++i;
    } else if (argument.rfind("--passphrase-f", 0) != 0) {
      out.push_back(argument);
    }
  }
  if (passphrase_fd >= 0) out.insert(out.end(), {"--passphrase-fd", std::to_string(passphrase_fd)});
  return out;
}

/// This process's environment with what a launcher says; each companion gets its share of the cores.
std::vector<std::string> environment_for(const Processes& at) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    if (name != "RANK" && name != "WORLD_SIZE" && name != "MASTER_ADDR" && name != "MASTER_PORT" && name != "OMP_NUM_THREADS")
      out.emplace_back(text);
  }
  const unsigned cores = std::max(1u, std::thread::hardware_concurrency() / static_cast<unsigned>(at.size));
  out.insert(out.end(), {"RANK=" + std::to_string(at.rank), "WORLD_SIZE=" + std::to_string(at.size), "MASTER_ADDR=" + at.address,
                         "MASTER_PORT=" + std::to_string(at.port), "OMP_NUM_THREADS=" + std::to_string(cores)});
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

/// Starts one companion; its standard streams lead nowhere, and `passphrase_fd`, unless -1, stays open in it alone.
Result<pid_t> spawn(const Processes& at, int passphrase_fd) {
  std::vector<std::string> arguments = arguments_with(passphrase_fd), environment = environment_for(at);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  if (passphrase_fd >= 0)
    ::posix_spawn_file_actions_adddup2(&actions, passphrase_fd, passphrase_fd);  // onto itself: takes close-on-exec off
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, "/proc/self/exe", &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error{Errc::io, std::string("another process does not start: ") + std::strerror(error)};
  return child;
}

/// The same, with the passphrase in a pipe.
Result<pid_t> spawn_with(const credential::SecretBytes& passphrase, const Processes& at) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error{Errc::io, "no pipe for another process"};
  const ByteView text = passphrase.expose();
  const bool written =
      ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::write(ends[1], "\n", 1) == 1;
  ::close(ends[1]);
  auto child = written ? spawn(at, ends[0]) : Result<pid_t>(Error{Errc::io, "no pipe for another process"});
  ::close(ends[0]);
  return child;
}

}  // namespace

Result<Processes> processes_from_environment() {
  Processes at;
  STEGPASS_CHECK_OK(read_number("WORLD_SIZE", 1, 1024, at.size));
  STEGPASS_CHECK_OK(read_number("RANK", 0, at.size - 1, at.rank));
  STEGPASS_CHECK_OK(read_number("MASTER_PORT", 1, 65535, at.port));
  if (const char* address = std::getenv("MASTER_ADDR")) at.address = address;
  return at;
}

Result<Companions> Companions::start(int size, const credential::SecretBytes* passphrase, Processes& at) {
  std::error_code error;
  std::string folder = (std::filesystem::temp_directory_path(error) / "stegpass-XXXXXX").string();
  if (error || ::mkdtemp(folder.data()) == nullptr) return Error{Errc::io, "no temporary folder for the processes to meet in"};
  Companions out;
  out.folder_ = folder;
  at = {.rank = 0, .size = size, .address = "file://" + folder + "/meeting"};
  for (int rank = 1; rank < size; ++rank) {
    Processes of_child = at;
    of_child.rank = rank;
    auto child = passphrase == nullptr ? spawn(of_child, -1) : spawn_with(*passphrase, of_child);
    if (!child) return Error(child.error());
    out.children_.push_back(*child);
  }
  return out;
}

Companions::~Companions() {
  for (const pid_t child : children_) {
    ::kill(child, SIGTERM);
    ::waitpid(child, nullptr, 0);
  }
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

Status Companions::finish() {
  bool good = true;
  for (const pid_t child : children_) {
    int status = 0;
    good = ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 && good;
  }
  children_.clear();
  if (!good) return Error{Errc::internal, "another process of this run did not end well"};
  return Done{};
}

}  // namespace stegpass::cli
