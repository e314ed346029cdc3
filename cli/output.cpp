#include "output.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include <stegpass/credential/printable.hpp>

namespace stegpass::cli {
namespace {

std::string_view error_name(Errc code) {
  switch (code) {
    case Errc::usage: return "usage";
    case Errc::malformed: return "malformed";
    case Errc::unsupported: return "unsupported";
    case Errc::refused: return "refused";
    case Errc::not_found: return "not-found";
    case Errc::exists: return "exists";
    case Errc::locked: return "locked";
    case Errc::busy: return "busy";
    case Errc::io: return "io";
    case Errc::diverged: return "diverged";
    case Errc::interrupted: return "interrupted";
    case Errc::internal: return "internal";
  }
  return "internal";
}

/// What to do next where the caller has no better hint.
std::string_view default_hint(Errc code) {
  switch (code) {
    case Errc::exists: return "choose another name, or add --force";
    case Errc::locked: return "check the passphrase, and that the file is the right one and unchanged";
    case Errc::busy: return "wait until the other process has finished, or stop it";
    case Errc::internal: return "this is a mistake of ours: please report it with the command you ran";
    default: return {};
  }
}

/// Texts of ours come on one line each; what is somebody else's in them must not steer a terminal.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace(out.begin(), out.end(), '\n', ' ');
  return credential::printable(out);
}

std::string_view mark_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::valid: return "ok         ";
    case Outcome::not_checked: return "not checked";
    case Outcome::undecided: return "undecided  ";
    case Outcome::invalid: return "INVALID    ";
  }
  return "undecided  ";
}

/// The sentence people read: the verdict, and what decided it.
std::string summary(const Verdict& verdict, std::int64_t as_of) {
  const Outcome outcome = verdict.outcome();
  std::string line = "verdict: " + std::string(outcome_name(outcome));
  for (const Check& check : verdict.checks()) {
    if (outcome != Outcome::valid && check.outcome == outcome) {
      line += " (" + check.code + ")";
      break;
    }
  }
  return as_of > 0 ? line + ", as of " + utc_time(as_of) : line;
}

}  // namespace

int Output::done(const std::string& text, Json figures) {
  if (json_) {
    Json object = {{"ok", true}};
    object.update(figures);
    out_ << object.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else if (!text.empty()) {
    out_ << text << (text.back() == '\n' ? "" : "\n");
  }
  return flushed(kExitValid, "; what the command does is done");
}

int Output::flushed(int code, std::string_view and_so) {
  if (out_.flush()) return code;
  err_ << "stegpass: cannot write to standard output" << and_so << "\n";
  return kExitEnvironment;
}

Status Output::line(std::string_view text) {
  out_ << text << "\n";
  if (!out_.flush()) return Error{Errc::io, "cannot write to standard output"};
  return Done{};
}

int Output::fail(const Error& error, std::string_view hint) {
  if (hint.empty()) hint = suggestion_;
  const std::string_view next = hint.empty() ? default_hint(error.code) : hint;
  if (json_) {
    Json object = {{"ok", false}, {"error", error_name(error.code)}, {"detail", one_line(error.detail)}};
    if (!next.empty()) object["hint"] = next;
    out_ << object.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    err_ << "stegpass: " << one_line(error.detail) << "\n";
    if (!next.empty()) err_ << "hint: " << next << "\n";
  }
  out_.flush();
  return exit_code_of(error.code);
}

int Output::judged(const Verdict& verdict, std::int64_t as_of, Json more) {
  if (json_) {
    Json object = {{"ok", verdict.outcome() == Outcome::valid}, {"verdict", outcome_name(verdict.outcome())}};
    Json checks = Json::array(), missing = Json::array();
    for (const Check& check : verdict.checks()) {
      checks.push_back({{"code", check.code}, {"outcome", outcome_name(check.outcome)}, {"detail", one_line(check.detail)}});
      const bool absent = check.outcome == Outcome::not_checked || check.outcome == Outcome::undecided;
      if (absent) missing.push_back({{"code", check.code}, {"needed", one_line(check.detail)}});
    }
    object["checks"] = checks;
    object["missing"] = missing;
    object["as_of"] = as_of > 0 ? Json(utc_time(as_of)) : Json();
    object.update(more);
    out_ << object.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    for (const Check& check : verdict.checks()) {
      char code[64];
      std::snprintf(code, sizeof(code), "%-24s", check.code.c_str());
      out_ << mark_of(check.outcome) << "  " << code << "  " << one_line(check.detail) << "\n";
    }
    out_ << summary(verdict, as_of) << "\n";
  }
  return flushed(exit_code_of(verdict.outcome()), "");
}

void Output::note(std::string_view line) { err_ << one_line(line) << "\n"; }
void Output::warn(std::string_view line) { err_ << "warning: " << one_line(line) << "\n"; }

ProgressBar::ProgressBar(std::string title)
    : title_(std::move(title)), visible_(::isatty(2) != 0), start_(std::chrono::steady_clock::now()) {}

ProgressBar::~ProgressBar() {
  if (visible_) std::cerr << "\r\033[K" << std::flush;
}

void ProgressBar::update(double done, double total, std::string_view detail) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || (done < total && now - drawn_ < std::chrono::milliseconds(200))) return;
  drawn_ = now;
  const double fraction = total > 0 ? std::clamp(done / total, 0.0, 1.0) : 0;
  const double passed = std::chrono::duration<double>(now - start_).count();
  const double left = fraction > 0 ? passed * (1 - fraction) / fraction : 0;
  const auto filled = static_cast<std::size_t>(fraction * 30);
  char figures[96];
  std::snprintf(figures, sizeof(figures), " %3.0f %%  %.1f/s  %d:%02d left  ", 100 * fraction, passed > 0 ? done / passed : 0,
                static_cast<int>(left) / 60, static_cast<int>(left) % 60);
  std::cerr << "\r\033[K" << title_ << " [" << std::string(filled, '=') << std::string(30 - filled, ' ') << "]" << figures
            << one_line(detail) << std::flush;
}

std::string utc_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return "@" + std::to_string(seconds);
  char text[32];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string with_time_form(std::string_view text) { return std::string(text) + ": " + std::string(kTimeForm); }

constexpr std::int64_t kLastSecond = 253402300799;  // of the year 9999, as far as statements go

Result<std::int64_t> parse_time(std::string_view text, std::int64_t now) {
  const Error bad{Errc::usage, "'" + std::string(text) + "' is no time; expected " + std::string(kTimeForm)};
  if (!text.empty() && text.front() == '+') {
    std::int64_t count = 0;
    const char* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + 1, end, count);
    if (error != std::errc() || rest + 1 != end || count < 0 || count > 100'000'000) return bad;
    switch (*rest) {
      case 's': break;
      case 'h': count *= 3600; break;
      case 'd': count *= 86400; break;
      default: return bad;
    }
    return now + count > kLastSecond ? Result<std::int64_t>(bad) : now + count;
  }
  std::tm parts{};
  const std::string whole = text.size() == 10 ? std::string(text) + "T00:00:00Z" : std::string(text);
  const char* end = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') return bad;
  const std::int64_t time = ::timegm(&parts);
  return utc_time(time) == whole ? time : Result<std::int64_t>(bad);  // there is no 31 February, and no 61st second
}

std::int64_t current_time() {
  if (const char* fixed = std::getenv("STEGPASS_NOW"); fixed != nullptr) {
    std::int64_t value = 0;
    const std::string_view text = fixed;
    if (std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc() && value > 0) return value;
  }
  return static_cast<std::int64_t>(std::time(nullptr));
}

}  // namespace stegpass::cli
