#include "verification_memory.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <stegpass/credential/core/text.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kHead = "stegpass.verifier-memory.v1\n";
constexpr std::size_t kMaxMemory = std::size_t{1} << 20;

Error wrong(int line, const std::string& detail) {
  return {Errc::malformed, "verifier memory, line " + std::to_string(line) + ": " + detail};
}

// The next word of a line, which is cut off it together with the space after it.
std::string_view take_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

bool read_number(std::string_view word, std::uint64_t& out) {
  const auto [end, failure] = std::from_chars(word.data(), word.data() + word.size(), out);
  return failure == std::errc{} && end == word.data() + word.size() && std::to_string(out) == word;
}

// <size> <base64 root> <time> <origin>
bool read_line(std::string_view line, Checkpoint& out) {
  std::uint64_t time = 0;
  const bool sized = read_number(take_word(line), out.tree_size);
  const Result<Bytes> root = parse_base64(take_word(line));
  if (!sized || !root || root->size() != out.root.size() || !read_number(take_word(line), time)) return false;
  if (time > static_cast<std::uint64_t>(kMaxTime) || !is_plain_text(line, 1000)) return false;
  std::copy(root->begin(), root->end(), out.root.begin());
  out.time = static_cast<std::int64_t>(time);
  out.origin = line;
  return true;
}

std::string size_text(const Checkpoint& checkpoint) { return "size " + std::to_string(checkpoint.tree_size); }

}  // namespace

Result<VerifierMemory> parse_verifier_memory(std::string_view text) {
  if (text.size() > kMaxMemory) return Error{Errc::malformed, "verifier memory of over 1 MiB"};
  if (!text.starts_with(kHead)) return wrong(1, "expected stegpass.verifier-memory.v1");
  VerifierMemory out;
  int number = 1;
  for (text.remove_prefix(kHead.size()); !text.empty();) {
    ++number;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return wrong(number, "does not end in a line feed: truncated");
    Checkpoint checkpoint;
    if (!read_line(text.substr(0, end), checkpoint)) return wrong(number, "expected <size> <base64 root> <time> <origin>");
    if (!out.newest.empty() && checkpoint.origin <= out.newest.rbegin()->first) return wrong(number, "origins are not in order");
    out.newest.emplace(checkpoint.origin, checkpoint);
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string encode_verifier_memory(const VerifierMemory& memory) {
  std::string out(kHead);
  for (const auto& [origin, checkpoint] : memory.newest) {
    out += std::to_string(checkpoint.tree_size) + " " + to_base64(checkpoint.root) + " " + std::to_string(checkpoint.time) + " " +
           origin + "\n";
  }
  return out;
}

std::string utc_text(std::int64_t seconds) {
  if (seconds < 0 || seconds > kMaxTime) return "second " + std::to_string(seconds);
  using namespace std::chrono;
  const sys_seconds moment{std::chrono::seconds(seconds)};
  const sys_days day = floor<days>(moment);
  const year_month_day date(day);
  const hh_mm_ss time(moment - day);
  std::array<char, 64> out{};
  std::snprintf(out.data(), out.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()));
  return out.data();
}

Finding judge_age(std::string_view what, std::int64_t made, std::int64_t now, std::optional<std::int64_t> max_age_s) {
  const std::string from = std::string(what) + " is from " + utc_text(made);
  if (made > now + kClockSkew) return {Outcome::undecided, from + ", which lies after this clock's " + utc_text(now)};
  const std::int64_t age = std::max<std::int64_t>(0, now - made);
  const std::string old = from + ", " + std::to_string(age) + " s old";
  if (!max_age_s) return {Outcome::undecided, old + "; the policy gives no max-age"};
  if (age > *max_age_s) return {Outcome::undecided, old + ": stale, at most " + std::to_string(*max_age_s) + " s count"};
  return {Outcome::valid, old + ", at most " + std::to_string(*max_age_s) + " s count"};
}

Finding judge_dates(const License& license, std::int64_t now, std::int64_t log_time) {
  const std::string term = utc_text(license.not_before) + " to " + utc_text(license.expires) + ", now " + utc_text(now);
  if (now >= license.expires) return {Outcome::invalid, "expired: " + term};
  if (now >= license.not_before) return {Outcome::valid, "in force: " + term};
  if (log_time > now + kClockSkew && log_time >= license.not_before)
    return {Outcome::undecided, "this clock lies behind the log's checkpoint of " + utc_text(log_time) + ": " + term};
  return {Outcome::invalid, "not yet valid: " + term};
}

Finding judge_memory(const Checkpoint& checkpoint, const VerifierMemory& memory) {
  const auto found = memory.newest.find(checkpoint.origin);
  if (found == memory.newest.end()) return {Outcome::valid, "first checkpoint seen of this log, " + size_text(checkpoint)};
  const Checkpoint& newest = found->second;
  if (checkpoint.tree_size < newest.tree_size) {
    return {Outcome::undecided, size_text(checkpoint) + " is older than " + size_text(newest) + ", which was seen before: stale"};
  }
  if (checkpoint.tree_size == newest.tree_size) {
    if (checkpoint.root == newest.root) return {Outcome::valid, "the tree seen before, " + size_text(checkpoint)};
    return {Outcome::invalid, "forked: " + size_text(checkpoint) + " with root " + to_hex(checkpoint.root) +
                                  ", seen before with " + to_hex(newest.root)};
  }
  if (checkpoint.time < newest.time) {
    return {Outcome::undecided,
            "dated " + utc_text(checkpoint.time) + ", before " + utc_text(newest.time) + ", which was seen already: stale"};
  }
  return {Outcome::valid, size_text(checkpoint) + ", seen before " + size_text(newest)};
}

}  // namespace stegpass::credential
