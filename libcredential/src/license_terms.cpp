#include "license_terms.hpp"

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>

namespace stegpass::credential {
namespace {

constexpr std::uint64_t kMaxSeats = 1'000'000'000;
constexpr std::size_t kMaxTerms = 32, kMaxName = 64, kMaxValue = 1000;
constexpr std::array<std::string_view, 5> kKnown = {"scope", "territory", "seats", "sublicensing", "text"};

CborMap read_other(Fields& terms) {
  CborMap other = terms.rest();
  terms.require(other.size() <= kMaxTerms, [&] { return std::to_string(other.size()) + " further terms, expected at most 32"; });
  for (const auto& [name, value] : other) {
    const std::string* text = name.as_text();
    terms.require(text && is_plain_text(*text, kMaxName), "the name of a term is not 1 to 64 bytes of text");
    terms.require(encode_cbor(value).size() <= kMaxValue, "the value of a term has more than 1000 bytes");
  }
  return other;
}

bool names_a_term(const LicenseTerms& terms, const std::string& name) {
  if (name == "sublicensing") return terms.sublicensing;
  if (name == "text") return terms.text.has_value();
  if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) return true;
  return std::any_of(terms.other.begin(), terms.other.end(), [&](const auto& term) { return term.first == Cbor::text(name); });
}

// An empty list is not written, so it is not read either.
std::vector<std::string> read_critical(Fields& terms) {
  std::vector<std::string> out;
  if (!terms.has("critical")) return out;
  for (const CborView item : terms.array("critical", 1, kMaxTerms)) {
    const auto name = item.as_text();
    if (!name) return terms.refuse("a critical term is not named by text"), out;
    terms.require(out.empty() || std::string_view(out.back()) < *name, "critical terms are not in ascending order");
    out.emplace_back(*name);
  }
  return out;
}

}  // namespace

Cbor write_terms(const LicenseTerms& terms) {
  CborMap out = terms.other;
  out.push_back(field("scope", Cbor::text(terms.scope)));
  out.push_back(field("territory", Cbor::text(terms.territory)));
  out.push_back(field("seats", cbor_number(terms.seats)));
  if (terms.sublicensing) out.push_back(field("sublicensing", Cbor::boolean(true)));
  if (terms.text) out.push_back(field("text", Cbor::bytes(*terms.text)));
  CborArray critical;
  for (const std::string& name : terms.critical) critical.push_back(Cbor::text(name));
  if (!critical.empty()) out.push_back(field("critical", Cbor::array(std::move(critical))));
  return Cbor::map(std::move(out));
}

LicenseTerms read_terms(Fields terms) {
  LicenseTerms out;
  out.scope = terms.text("scope");
  out.territory = terms.text("territory");
  out.seats = terms.number("seats", 0, kMaxSeats);
  out.sublicensing = terms.flag("sublicensing");
  if (terms.has("text")) out.text = terms.digest<32>("text");
  out.critical = read_critical(terms);
  out.other = read_other(terms);
  for (const std::string& name : out.critical) {
    terms.require(names_a_term(out, name),
                  [&] { return "the critical term " + cbor_diagnostic(Cbor::text(name)) + " is not among the terms"; });
  }
  return out;
}

std::vector<std::string> unknown_critical_terms(const LicenseTerms& terms) {
  std::vector<std::string> out;
  std::copy_if(terms.critical.begin(), terms.critical.end(), std::back_inserter(out),
               [](const std::string& name) { return std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end(); });
  return out;
}

std::string describe_terms(const LicenseTerms& terms) {
  std::string out = terms.scope + ", " + terms.territory + ", ";
  out += terms.seats == 0 ? "seats not limited" : std::to_string(terms.seats) + (terms.seats == 1 ? " seat" : " seats");
  out += terms.sublicensing ? ", sublicensing allowed" : ", no sublicensing";
  for (const auto& [name, value] : terms.other) out += ", " + cbor_diagnostic(name) + ": " + cbor_diagnostic(value);
  if (terms.text) out += ", text with SHA-256 " + to_hex(*terms.text);
  return out;
}

}  // namespace stegpass::credential
