#include <stegpass/credential/trust_policy.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include <stegpass/credential/core/text.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxPolicy = std::size_t{1} << 20, kMaxName = 200, kMaxCode = 100;
constexpr std::size_t kMaxWitnesses = 100, kMaxGroups = 100;  // C2SP asks for 32
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

bool is_defined(std::string_view name, const TrustPolicy& policy) {
  const auto named = [&](const auto& item) { return item.name == name; };
  return std::any_of(policy.witnesses.begin(), policy.witnesses.end(), named) ||
         std::any_of(policy.groups.begin(), policy.groups.end(), named);
}

// A name for a witness or group that is not taken.
Status check_new_name(std::string_view name, const TrustPolicy& policy) {
  if (!is_plain_text(name, kMaxName) || name == "none") return wrong("not a name for a witness or group");
  if (is_defined(name, policy)) return wrong("the name " + std::string(name) + " is given twice");
  return Done{};
}

Status read_witness(const Words& words, TrustPolicy& out) {
  if (words.size() != 3 && words.size() != 4) return wrong("expected: witness <name> <vkey>");  // C2SP allows an address after it
  STEGPASS_CHECK_OK(check_new_name(words[1], out));
  STEGPASS_TRY(verifier, NoteVerifier::parse(words[2], NoteKind::witness));
  const auto same = [&](const TrustPolicy::Witness& witness) { return witness.key.key == verifier.key; };
  if (std::any_of(out.witnesses.begin(), out.witnesses.end(), same)) return wrong("this witness's key is named twice");
  if (out.witnesses.size() == kMaxWitnesses) return wrong("more than 100 witnesses");
  out.witnesses.push_back({std::string(words[1]), std::move(verifier)});
  return Done{};
}

// Each name in one group at most, so that no witness counts twice (C2SP tlog-policy).
Status check_members(const TrustPolicy::Group& group, const TrustPolicy& policy) {
  std::set<std::string_view> taken;
  for (const TrustPolicy::Group& other : policy.groups) taken.insert(other.members.begin(), other.members.end());
  for (const std::string& member : group.members) {
    if (!is_defined(member, policy)) return wrong("no witness or group " + member + " is named above");
    if (!taken.insert(member).second) return wrong(member + " is a member twice");
  }
  return Done{};
}

Status read_group(const Words& words, TrustPolicy& out) {
  if (words.size() < 4) return wrong("expected: group <name> all|any|<k> <name>...");
  STEGPASS_CHECK_OK(check_new_name(words[1], out));
  TrustPolicy::Group group{std::string(words[1]), 0, {words.begin() + 3, words.end()}};
  const std::string_view count = words[2];
  const auto [end, failure] = std::from_chars(count.data(), count.data() + count.size(), group.needed);
  if (count == "all")
    group.needed = group.members.size();
  else if (count == "any")
    group.needed = 1;
  else if (failure != std::errc{} || end != count.data() + count.size() || group.needed < 1)
    return wrong("a group needs all, any, or a number from 1 to that of its members");
  if (group.needed > group.members.size())
    return wrong("can never be met: " + std::to_string(group.needed) + " needed of a group of " +
                 std::to_string(group.members.size()));
  STEGPASS_CHECK_OK(check_members(group, out));
  if (out.groups.size() == kMaxGroups) return wrong("more than 100 groups");
  out.groups.push_back(std::move(group));
  return Done{};
}

Status read_quorum(const Words& words, TrustPolicy& out) {
  if (words.size() != 2) return wrong("expected: quorum <name>|none");
  if (words[1] == "none") return Done{};
  if (!is_defined(words[1], out)) return wrong("no witness or group " + std::string(words[1]) + " is named above");
  out.quorum = words[1];
  return Done{};
}

Status read_root(const Words& words, std::vector<TrustedRoot>& out) {
  if (words.size() != 3 || !is_plain_text(words[1], kMaxName))
    return wrong("expected: " + std::string(words[0]) + " <name> <certificate in base64>");
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

Status read_model(const Words& words, TrustPolicy& out) {
  if (words.size() != 2 || (words[1] != "exact" && words[1] != "descends")) return wrong("expected: model exact|descends");
  out.descent_suffices = words[1] == "descends";
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
  if (word == "model") return read_model(words, out);
  if (word == "witness") return read_witness(words, out);
  if (word == "group") return read_group(words, out);
  if (word == "quorum") return read_quorum(words, out);
  return wrong("starts with none of log, issuer, x509, time, witness, group, quorum, max-age, require, mark-bound, model");
}

}  // namespace

Result<TrustPolicy> parse_trust_policy(std::string_view text) {
  if (text.size() > kMaxPolicy) return Error{Errc::malformed, "trust policy of over 1 MiB"};
  TrustPolicy out;
  int number = 0;
  std::set<std::string> once;  // lines that are said once
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    const Words words = split_words(line);
    if (words.empty()) continue;
    Status read = read_line(words, out);
    const bool single = words[0] == "mark-bound" || words[0] == "quorum" || words[0] == "model";
    if (read && single && !once.emplace(words[0]).second) read = wrong(std::string(words[0]) + " is given twice");
    if (!read) return Error{read.error().code, "line " + std::to_string(number) + ": " + read.error().detail};
  }
  if (!out.witnesses.empty() && !once.contains("quorum"))
    return Error{Errc::malformed, "witnesses are named without a quorum line, which says who of them has to have cosigned"};
  return out;
}

std::string encode_trust_policy(const TrustPolicy& policy) {
  std::string out;
  for (const NoteVerifier& log : policy.logs) out += "log " + log.to_vkey() + "\n";
  for (const TrustPolicy::Issuer& issuer : policy.issuers)
    out += "issuer " + issuer.name + " " + thumbprint_uri(issuer.thumbprint) + "\n";
  for (const TrustedRoot& root : policy.certifiers) out += "x509 " + root.name + " " + to_base64(root.certificate) + "\n";
  for (const TrustedRoot& root : policy.time_roots) out += "time " + root.name + " " + to_base64(root.certificate) + "\n";
  for (const TrustPolicy::Witness& witness : policy.witnesses)
    out += "witness " + witness.name + " " + witness.key.to_vkey() + "\n";
  for (const TrustPolicy::Group& group : policy.groups) {
    out += "group " + group.name + " " + std::to_string(group.needed);
    for (const std::string& member : group.members) out += " " + member;
    out += "\n";
  }
  if (!policy.quorum.empty() || !policy.witnesses.empty())
    out += "quorum " + (policy.quorum.empty() ? "none" : policy.quorum) + "\n";
  if (policy.max_age_s) out += "max-age " + std::to_string(*policy.max_age_s) + "s\n";
  for (const std::string& code : policy.required) out += "require " + code + "\n";
  if (policy.descent_suffices) out += "model descends\n";
  std::array<char, 64> number{};
  const auto end = std::to_chars(number.data(), number.data() + number.size(), policy.mark_bound_log10, std::chars_format::fixed);
  return out + "mark-bound " + std::string(number.data(), end.ptr) + "\n";
}

}  // namespace stegpass::credential
