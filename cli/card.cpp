#include "card.hpp"

#include <algorithm>
#include <variant>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "model_part.hpp"

namespace stegpass::cli {
namespace {

using credential::PaperVerdict;

constexpr std::string_view kFamily = "stegpass:card:", kPrefix = "stegpass:card:1:";
constexpr std::size_t kIdHex = 32, kDigestHex = 64;

Error bad(std::string detail) { return {Errc::malformed, "card code: " + std::move(detail)}; }

/// Why a picture says nothing, as an outcome: what is no picture is proved no card, what does not read may read from a better
/// picture.
struct Unread {
  Outcome outcome;
  std::string detail;
};

std::variant<CardCode, Unread> read_card(const EvidenceFile& picture) {
  if (!picture.problem.empty()) return Unread{Outcome::invalid, picture.problem};
  auto part = load_model_part();
  if (!part) return Unread{Outcome::undecided, "the picture cannot be read: " + part.error().detail};
  auto text = (*part)->read_code(picture.bytes);
  if (!text && text.error().code == Errc::malformed)
    return Unread{Outcome::invalid, picture.path + " is no picture: " + text.error().detail};
  if (!text) return Unread{Outcome::undecided, picture.path + ": " + text.error().detail};
  auto code = parse_card_code(*text);
  if (code) return *code;
  return Unread{code.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid, code.error().detail};
}

void compare_license(Verdict& verdict, const CardCode& code, const PaperVerdict& papers) {
  constexpr const char* name = "card.license";
  if (!papers.license || !papers.registration)
    return verdict.add(name, Outcome::undecided, "there is no verified license to compare the card with");
  const bool same = code.license == papers.license->id && code.registration == papers.registration->id;
  verdict.add(name, same ? Outcome::valid : Outcome::invalid,
              "the card names license " + to_hex(code.license) +
                  (same ? ", as the bundle does" : ", the bundle is of " + to_hex(papers.license->id)));
}

}  // namespace

std::string encode_card_code(const CardCode& code) {
  return std::string(kPrefix) + to_hex(code.license) + ":" + to_hex(code.registration) + ":" + to_hex(code.bundle);
}

Result<CardCode> parse_card_code(std::string_view text) {
  if (!text.starts_with(kFamily)) return bad("this is no license card's; expected " + std::string(kPrefix) + "...");
  if (!text.starts_with(kPrefix)) return Error{Errc::unsupported, "card code: of another version than 1"};
  text.remove_prefix(kPrefix.size());
  if (text.size() != 2 * kIdHex + kDigestHex + 2 || text[kIdHex] != ':' || text[2 * kIdHex + 1] != ':')
    return bad("expected two ids and a SHA-256 in hexadecimal");
  const auto license = parse_hex(text.substr(0, kIdHex)), registration = parse_hex(text.substr(kIdHex + 1, kIdHex)),
             digest = parse_hex(text.substr(2 * kIdHex + 2));
  if (!license || !registration || !digest) return bad("expected two ids and a SHA-256 in hexadecimal");
  CardCode out{*license, *registration, {}};
  std::copy(digest->begin(), digest->end(), out.bundle.begin());
  if (encode_card_code(out) != std::string(kPrefix) + std::string(text)) return bad("expected lower-case hexadecimal");
  return out;
}

void check_card(Verdict& verdict, const std::optional<EvidenceFile>& picture, const EvidenceFile& bundle,
                const PaperVerdict& papers) {
  if (!picture) return;
  const auto read = read_card(*picture);
  if (const auto* unread = std::get_if<Unread>(&read)) return verdict.add("card.license", unread->outcome, unread->detail);
  const CardCode& code = std::get<CardCode>(read);
  compare_license(verdict, code, papers);
  if (code.bundle == credential::fast_sha256(bundle.bytes))
    return verdict.add("card.bundle", Outcome::valid, "the card names this bundle, SHA-256 " + to_hex(code.bundle));
  // A later bundle of the same license has another digest, so this alone proves nothing false.
  verdict.add("card.bundle", Outcome::undecided,
              "the card names another bundle, SHA-256 " + to_hex(code.bundle) + "; bring that one, or a card of this one");
}

}  // namespace stegpass::cli
