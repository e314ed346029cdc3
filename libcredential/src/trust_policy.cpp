#include <stegpass/credential/trust_policy.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include <stegpass/credential/core/text.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxPolicy = std::size_t{1} << 20, kMaxName = 200, kMaxCode = 100;
constexpr std::int64_t kMaxAge = 100LL * 366 * 86400;
constexpr double kLeastBound = -1e6;

using Words = std::vector<std::string_view>;

// The words of a line up to one that starts with '#'.
Words split_words(std::string_view line) {
  Words out;
  for (std::size_t at = 0; (at = line.find_first_not_of(" \t", at)) != std::string_view::npos && line[at] != '#';) {
    const std::size_t end = std::min(line.find_first_of(" \t", at), line.size());
    out.push_back(line.substr(at, end - at));
    at = end;
  }
  return out;
}

Status wrong(const std::string& detail) { return Error{Errc::malformed, detail}; }

Status read_log(const Words& words, TrustPolicy& out) {
  if (words.size() != 2 && words.size() != 3) return wrong("expected: log <vkey>");  // C2SP allows an address after it
  STEGPASS_TRY(verifier, NoteVerifier::parse(words[1]));
  const auto same = [&](const NoteVerifier& log) { return log.to_vkey() == verifier.to_vkey(); };
  if (std::any_of(out.logs.begin(), out.logs.end(), same)) return wrong("this log is named twice");
  out.logs.push_back(std::move(verifier));
  return Done{};
}

Status read_issuer(const Words& words, TrustPolicy& out) {
  if (words.size() != 3 || !is_plain_text(words[1], kMaxName)) return wrong("expected: issuer <name> <thumbprint URI>");
  STEGPASS_TRY(thumbprint, parse_thumbprint_uri(words[2]));
  const auto same = [&](const TrustPolicy::Issuer& issuer) { return issuer.thumbprint == thumbprint; };
  if (std::any_of(out.issuers.begin(), out.issuers.end(), same)) return wrong("this issuer is named twice");
  out.issuers.push_back({std::string(words[1]), thumbprint});
  return Done{};
}

Status read_root(const Words& words, std::vector<TrustedRoot>& out) {
  if (words.size() != 3 || !is_plain_text(words[1], kMaxName)) return wrong("expected: " + std::string(words[0]) + " <name> <certificate in base64>");
  STEGPASS_TRY(der, parse_base64(words[2]));
  STEGPASS_CHECK_OK(check_certificate(der));
  const auto same = [&](const TrustedRoot& root) { return root.certificate == der; };
  if (std::any_of(out.begin(), out.end(), same)) return wrong("this certificate is named twice");
  out.push_back({std::string(words[1]), std::move(der)});
  return Done{};
}

Status read_max_age(const Words& words, TrustPolicy& out) {
  if (out.max_age_s) return wrong("max-age is given twice");
  if (words.size() != 2 || words[1].size() < 2) return wrong("expected: max-age <n>(s|h|d)");
  const std::string_view digits = words[1].substr(0, words[1].size() - 1);
  const std::size_t unit = std::string_view("shd").find(words[1].back());
  std::int64_t count = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  constexpr std::array<std::int64_t, 3> seconds = {1, 3600, 86400};
  if (unit == std::string_view::npos || failure != std::errc{} || end != digits.data() + digits.size()) {
    return wrong("expected: max-age <n>(s|h|d)");
  }
  if (count < 1 || count > kMaxAge / seconds[unit]) return wrong("max-age is not from 1 second to 100 years");
  out.max_age_s = count * seconds[unit];
  return Done{};
}

Status read_require(const Words& words, TrustPolicy& out) {
  const auto code_character = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  if (words.size() != 2 || words[1].size() > kMaxCode || !std::all_of(words[1].begin(), words[1].end(), code_character)) {
    return wrong("expected: require <check code>");
  }
  if (std::find(out.required.begin(), out.required.end(), words[1]) != out.required.end())
    return wrong("this check is required twice");
  out.required.emplace_back(words[1]);
  return Done{};
}

Status read_mark_bound(const Words& words, TrustPolicy& out) {
  double bound = 0;
  const char* end = words.size() == 2 ? words[1].data() + words[1].size() : nullptr;
  if (!end || std::from_chars(words[1].data(), end, bound, std::chars_format::fixed).ptr != end) {
    return wrong("expected: mark-bound <log10 p>");
  }
  if (!(bound >= kLeastBound && bound <= -1)) return wrong("mark-bound is not a number from -1000000 to -1");
  out.mark_bound_log10 = bound;
  return Done{};
}

Status read_line(const Words& words, TrustPolicy& out) {
  const std::string_view word = words[0];
  if (word == "log") return read_log(words, out);
  if (word == "issuer") return read_issuer(words, out);
  if (word == "x509") return read_root(words, out.certifiers);
  if (word == "time") return read_root(words, out.time_roots);
  if (word == "max-age") return read_max_age(words, out);
  if (word == "require") return read_require(words, out);
  if (word == "mark-bound") return read_mark_bound(words, out);
  if (word == "quorum" && words.size() == 2 && words[1] == "none") return Done{};
  if (word == "witness" || word == "group" || word == "quorum")
    return Error{Errc::unsupported, "witnesses are not checked by this version"};
  return wrong("starts with none of log, issuer, x509, time, max-age, require, mark-bound");
}

}  // namespace

Result<TrustPolicy> parse_trust_policy(std::string_view text) {
  if (text.size() > kMaxPolicy) return Error{Errc::malformed, "trust policy of over 1 MiB"};
  TrustPolicy out;
  int number = 0, bounds = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Words words = split_words(line);
    if (words.empty()) continue;
    Status read = read_line(words, out);
    bounds += words[0] == "mark-bound";
    if (read && bounds > 1) read = wrong("mark-bound is given twice");
    if (!read) return Error{read.error().code, "line " + std::to_string(number) + ": " + read.error().detail};
  }
  return out;
}

std::string encode_trust_policy(const TrustPolicy& policy) {
  std::string out;
  for (const NoteVerifier& log : policy.logs) out += "log " + log.to_vkey() + "\n";
  for (const TrustPolicy::Issuer& issuer : policy.issuers)
    out += "issuer " + issuer.name + " " + thumbprint_uri(issuer.thumbprint) + "\n";
  for (const TrustedRoot& root : policy.certifiers) out += "x509 " + root.name + " " + to_base64(root.certificate) + "\n";
  for (const TrustedRoot& root : policy.time_roots) out += "time " + root.name + " " + to_base64(root.certificate) + "\n";
  if (policy.max_age_s) out += "max-age " + std::to_string(*policy.max_age_s) + "s\n";
  for (const std::string& code : policy.required) out += "require " + code + "\n";
  std::array<char, 64> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), policy.mark_bound_log10, std::chars_format::fixed);
  return out + "mark-bound " + std::string(number.data(), end.ptr) + "\n";
}

}  // namespace stegpass::credential
