#include "program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace stegpass::test {
namespace {

namespace fs = std::filesystem;

fs::path new_folder() {
  std::string pattern = (fs::temp_directory_path() / "stegpass-cli-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder: " + pattern);
  return pattern;
}

/// What a run under a limit of file sizes prints goes through FIFOs, which have none; it must fit in one (64 KiB).
class Fifos {
 public:
  explicit Fifos(const fs::path& folder) {
    for (const char* name : {"out", "err"}) {
      const std::string path = (folder / name).string();
      if (::mkfifo(path.c_str(), 0600) != 0) throw std::runtime_error("no fifo: " + path);
      ends_.push_back(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    }
  }
  ~Fifos() {
    for (const int end : ends_) ::close(end);
  }
  std::string read(std::size_t which) const {
    std::string text(65536, '\0');
    const ssize_t count = ::read(ends_[which], text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }

 private:
  std::vector<int> ends_;
};

void redirect(int target, const fs::path& path, int flags) {
  const int fd = ::open(path.c_str(), flags, 0600);
  if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(126);
}

/// Starts a command with its output in `folder`/out and `folder`/err, in a session of its own: there is no terminal to ask at.
pid_t start(const Args& command, const RunOptions& options, const fs::path& folder) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child > 0) return child;
  ::setsid();
  redirect(0, "/dev/null", O_RDONLY);
  redirect(1, folder / "out", O_WRONLY | O_CREAT | O_TRUNC);
  redirect(2, folder / "err", O_WRONLY | O_CREAT | O_TRUNC);
  ::setenv("STEGPASS_NOW", std::to_string(options.now).c_str(), 1);
  for (const auto& [name, value] : options.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (options.max_file_bytes) {
    const rlimit limit{*options.max_file_bytes, *options.max_file_bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  std::vector<char*> raw;
  for (const std::string& argument : command) raw.push_back(const_cast<char*>(argument.c_str()));
  raw.push_back(nullptr);
  ::execvp(raw[0], raw.data());
  ::_exit(127);
}

int exit_code(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status); }

Ran collect(int status, const fs::path& folder) {
  Ran ran;
  ran.code = exit_code(status);
  ran.out = read_text(folder / "out");
  ran.err = read_text(folder / "err");
  fs::remove_all(folder);
  return ran;
}

Args command_of(const Args& args, const RunOptions& options) {
  Args command = options.before;
  command.push_back(program_path());
  command.insert(command.end(), args.begin(), args.end());
  return command;
}

const Json* find_check(const Json& object, const std::string& code) {
  if (!object.is_object() || !object.contains("checks")) return nullptr;
  for (const Json& check : object["checks"]) {
    if (check["code"] == code) return &check;
  }
  return nullptr;
}

}  // namespace

Json Ran::json() const {
  Json parsed = Json::parse(out, nullptr, false);
  return parsed.is_object() ? parsed : Json();
}

std::string Ran::outcome(const std::string& code) const {
  const Json object = json();
  const Json* check = find_check(object, code);
  return check == nullptr ? "" : (*check)["outcome"].get<std::string>();
}

std::string Ran::detail(const std::string& code) const {
  const Json object = json();
  const Json* check = find_check(object, code);
  return check == nullptr ? "" : (*check)["detail"].get<std::string>();
}

Ran run_program(const Args& command, const RunOptions& options) {
  const fs::path folder = new_folder();
  std::optional<Fifos> fifos;
  if (options.max_file_bytes) fifos.emplace(folder);
  const pid_t child = start(command, options, folder);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (!fifos) return collect(status, folder);
  Ran ran{.code = exit_code(status), .out = fifos->read(0), .err = fifos->read(1)};
  fs::remove_all(folder);
  return ran;
}

Ran run(const Args& args, const RunOptions& options) { return run_program(command_of(args, options), options); }

Ran run_json(Args args, const RunOptions& options) {
  args.push_back("--json");
  return run(args, options);
}

Running::Running(const Args& args) : folder_(new_folder()), child_(start(command_of(args, {}), {}, folder_)) {}

Running::~Running() {
  if (status_) return;
  ::kill(child_, SIGKILL);
  int status = 0;
  ::waitpid(child_, &status, 0);
  fs::remove_all(folder_);
}

void Running::signal(int number) const { ::kill(child_, number); }

bool Running::ended() {
  int status = 0;
  if (!status_ && ::waitpid(child_, &status, WNOHANG) == child_) status_ = status;
  return status_.has_value();
}

Ran Running::wait() {
  int status = 0;
  if (!status_ && ::waitpid(child_, &status, 0) == child_) status_ = status;
  return collect(status_.value_or(-1), folder_);
}

TempFolder::TempFolder() : path_(new_folder()) {}
TempFolder::~TempFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string TempFolder::write(const std::string& name, const std::string& content) const {
  std::ofstream stream(path_ / name, std::ios::binary);
  stream << content;
  if (!stream.flush()) throw std::runtime_error("cannot write " + file(name));
  return file(name);
}

std::string TempFolder::copy(const std::string& fixture_name) const {
  const fs::path target = path_ / fs::path(fixture_name).filename();
  fs::copy(fixture(fixture_name), target, fs::copy_options::recursive);
  return target.string();
}

std::vector<std::string> TempFolder::files() const {
  std::vector<std::string> names;
  for (const auto& [name, content] : contents_of(path_)) names.push_back(name);
  return names;
}

std::string fixture(const std::string& name) { return (fs::path(STEGPASS_FIXTURE_DIR) / name).string(); }

Args with_passphrase(Args args) {
  args.insert(args.end(), {"--passphrase-file", fixture("passphrase")});
  return args;
}

std::string program_path() { return STEGPASS_PROGRAM; }

std::string read_text(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).string();
    if (entry.is_regular_file()) out[name] = read_text(entry.path());
  }
  return out;
}

std::string message_fault(const Ran& ran) {
  if (!ran.out.empty()) return "standard output is not empty: " + ran.out;
  if (!ran.err.starts_with("stegpass: ")) return "standard error does not begin with 'stegpass: ': " + ran.err;
  const std::size_t first = ran.err.find('\n');
  if (first == std::string::npos || ran.err[first - 1] == '.') return "no line, or one with a full stop: " + ran.err;
  const std::string rest = ran.err.substr(first + 1);
  const bool hint = rest.starts_with("hint: ") && std::count(rest.begin(), rest.end(), '\n') == 1;
  return rest.empty() || hint ? "" : "more than one line and a hint: " + ran.err;
}

std::string json_fault(const Ran& ran) {
  const Json object = ran.json();
  if (!object.is_object()) return "standard output is not one JSON object: " + ran.out + ran.err;
  if (object.value("ok", true)) return "\"ok\" is not false: " + ran.out;
  if (object.value("error", "").empty() || object.value("detail", "").empty()) return "no \"error\" or no \"detail\": " + ran.out;
  return "";
}

}  // namespace stegpass::test
