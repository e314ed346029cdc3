#pragma once

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>

#include "exit_code.hpp"

namespace stegpass::cli {

using Json = nlohmann::ordered_json;

/// The one owner of messages. Results go to standard output, all else to standard error; with `--json` standard output holds
/// exactly one JSON object in every outcome, failures included.
class Output {
 public:
  Output(std::ostream& out, std::ostream& err) : out_(out), err_(err) {}

  void set_json(bool json) { json_ = json; }
  bool json() const { return json_; }

  /// Ends a command that did its work: text on standard output, or `figures` as JSON with "ok": true.
  int done(const std::string& text, Json figures = Json::object());
  /// Ends a command that could not: "stegpass: detail" and a hint on standard error, or {"ok": false, "error", "detail", "hint"}
  /// as JSON.
  int fail(const Error& error, std::string_view hint = {});
  /// What to do next, for a `fail` that comes later and has no hint of its own.
  void suggest(std::string hint) { suggestion_ = std::move(hint); }
  /// Ends a judgement: every check on a line, then the verdict in one line; or the JSON of `design.md` section 8
  /// ({"verdict", "checks": [{"code", "outcome", "detail"}], "missing": [...], "as_of", ...} joined with `more`).
  int judged(const Verdict& verdict, std::int64_t as_of, Json more = Json::object());

  /// One line of a result that goes on, on standard output. Errors io: nobody reads it any more, or the disk is full.
  Status line(std::string_view text);
  /// A line on standard error, whatever the mode.
  void note(std::string_view line);
  void warn(std::string_view line);

 private:
  /// Flushes standard output and gives the exit code, or says that it failed `and_so`.
  int flushed(int code, std::string_view and_so);

  std::ostream& out_;
  std::ostream& err_;
  bool json_ = false;
  std::string suggestion_;
};

/// The hint of commands that take no --force, for Errc::exists.
inline constexpr const char* kNothingReplaced = "choose another folder: nothing that is there is replaced";

/// A bar on standard error with rate and time left; silent when that is not a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::string title);
  ~ProgressBar();  ///< clears the line
  void update(double done, double total, std::string_view detail = {});

 private:
  std::string title_;
  bool visible_;
  std::chrono::steady_clock::time_point start_, drawn_;
};

/// 2026-01-31T12:00:00Z
std::string utc_time(std::int64_t seconds);
/// What parse_time takes, as help and errors say it.
inline constexpr std::string_view kTimeForm = "2027-01-31, 2027-01-31T12:00:00Z, or +90d, +12h, +600s from now";
/// The help of an option that takes a time: "TEXT: 2027-01-31, ...".
std::string with_time_form(std::string_view text);
/// Seconds since 1970 of a time in kTimeForm. Errors usage.
Result<std::int64_t> parse_time(std::string_view text, std::int64_t now);
/// The system clock, or STEGPASS_NOW in seconds, which tests set.
std::int64_t current_time();

}  // namespace stegpass::cli
