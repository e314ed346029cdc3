#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace stegpass::test {

using Args = std::vector<std::string>;
using Json = nlohmann::json;

/// The clock under which make_fixture works, and the one under which the program runs here unless a test says otherwise.
inline constexpr std::int64_t kFixtureTime = 1'800'000'000, kNow = kFixtureTime + 300, kDay = 86'400;

/// What a run of the program left behind.
struct Ran {
  int code = -1;  ///< exit code, or -number of the signal that ended it
  std::string out, err;

  /// Standard output as its one JSON object; null when it is not exactly one.
  Json json() const;
  /// Outcome of the first check with this code in --json output; empty when there is none.
  std::string outcome(const std::string& code) const;
  std::string detail(const std::string& code) const;
};

struct RunOptions {
  std::int64_t now = kNow;                         ///< what the program takes for the time
  std::map<std::string, std::string> environment;  ///< added to ours
  std::optional<std::uint64_t> max_file_bytes;     ///< RLIMIT_FSIZE: a full disk for every file over it
  Args before;                                     ///< a program to run it under, e.g. {"unshare", "-rn"}
};

/// Runs build/.../bin/stegpass without a terminal.
Ran run(const Args& args, const RunOptions& options = {});
/// The same with --json at the end.
Ran run_json(Args args, const RunOptions& options = {});
/// Runs any program.
Ran run_program(const Args& command, const RunOptions& options = {});

/// A run in the background.
class Running {
 public:
  explicit Running(const Args& args);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  void signal(int number) const;
  bool ended();
  Ran wait();

 private:
  std::filesystem::path folder_;
  pid_t child_;
  std::optional<int> status_;
};

/// A folder of a test's own, removed at its end.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Writes a file and returns its path.
  std::string write(const std::string& name, const std::string& content) const;
  /// Copies a file or folder of the fixture here and returns its path.
  std::string copy(const std::string& fixture_name) const;
  /// Names of all files in it, sorted, relative to it.
  std::vector<std::string> files() const;

 private:
  std::filesystem::path path_;
};

/// A file or folder that make_fixture left.
std::string fixture(const std::string& name);
/// --passphrase-file with the fixture's passphrase.
Args with_passphrase(Args args);
std::string program_path();

std::string read_text(const std::filesystem::path& path);
/// Every file under a folder with its content; to see that a command changed nothing.
std::map<std::string, std::string> contents_of(const std::filesystem::path& folder);

/// Empty when a failed run said what it must: nothing on standard output, one line "stegpass: ..." and perhaps one "hint: ..." on
/// standard error.
std::string message_fault(const Ran& ran);
/// The same for --json: one object with "ok": false, "error" and "detail".
std::string json_fault(const Ran& ran);

}  // namespace stegpass::test
