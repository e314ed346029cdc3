#include "verification_openings.hpp"

#include <charconv>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>

#include "verification_memory.hpp"

namespace stegpass::credential {
namespace {

constexpr std::int64_t kMaxPresentationAge = 600;

// One commitment with what is said to open it.
struct Opening {
  std::string code, label;
  const Digest32* committed = nullptr;  // null: the statement with the commitment did not hold
  ByteView salt, content;
};

bool judge_opening(const Opening& opening, PaperVerdict& out) {
  if (!opening.committed || !out.registration) {
    out.verdict.add(opening.code, Outcome::undecided, "no verified statement commits to it");
    return false;
  }
  const Digest32 found = commitment(opening.label, out.registration->owner.thumbprint(), opening.salt, opening.content);
  const bool opens = equal_constant_time(found, *opening.committed);
  const std::string committed = "commitment " + to_hex(*opening.committed);
  out.verdict.add(opening.code, opens ? Outcome::valid : Outcome::invalid,
                  opens ? "opens the " + committed : "gives " + to_hex(found) + ", not the " + committed);
  return opens;
}

void not_opened(const std::string& code, Purpose purpose, PaperVerdict& out) {
  out.verdict.add(
      code, Outcome::not_checked,
      "not opened in this " + std::string(purpose_name(purpose)) + " bundle; needs a verifier or arbiter bundle that opens it");
}

void judge_cover(const Bundle& bundle, PaperVerdict& out) {
  const auto& cover = bundle.disclosures.cover;
  if (!cover) return not_opened("opening.cover", bundle.purpose, out);
  const Digest32* committed = out.registration ? &out.registration->mark.cover : nullptr;
  if (judge_opening({"opening.cover", "mark-seed", committed, cover->salt, cover->seed}, out)) out.disclosures.cover = cover;
}

void judge_isn_key(const Bundle& bundle, PaperVerdict& out) {
  const auto& key = bundle.disclosures.isn_key;
  if (!key) return not_opened("opening.isn-key", bundle.purpose, out);
  const Digest32* committed = out.license ? &out.license->isn_key : nullptr;
  if (judge_opening({"opening.isn-key", "isn-key", committed, key->salt, key->key}, out)) out.disclosures.isn_key = key;
}

void judge_identity(const Bundle& bundle, PaperVerdict& out) {
  const auto& identity = bundle.disclosures.identity;
  if (!identity) return not_opened("opening.identity", bundle.purpose, out);
  const Digest32* committed = out.license ? &out.license->identity : nullptr;
  const Digest32 picture = fast_sha256(identity->picture);
  if (judge_opening({"opening.identity", "identity", committed, identity->salt, picture}, out))
    out.disclosures.identity = identity;
}

// The commitment that a role names: the cover's, or that of reserve-N; null when the registration has no such reserve.
const Digest32* committed_seed(const MarkClaim& mark, const std::string& role) {
  if (role == "cover") return &mark.cover;
  std::size_t number = 0;
  const std::string_view digits = std::string_view(role).substr(role.find('-') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number >= 1 && number <= mark.reserves.size() ? &mark.reserves[number - 1] : nullptr;
}

void judge_passport(const PassportOpening& passport, PaperVerdict& out) {
  const std::string code = "opening.passport-" + passport.role;
  const Digest32* committed = out.registration ? committed_seed(out.registration->mark, passport.role) : nullptr;
  if (out.registration && !committed) {
    const std::string count = std::to_string(out.registration->mark.reserves.size());
    return out.verdict.add(code, Outcome::invalid, "the registration commits to " + count + " reserves only");
  }
  if (judge_opening({code, "mark-seed", committed, passport.seed.salt, passport.seed.seed}, out))
    out.disclosures.passports.push_back(passport);
}

Finding judge_presentation(const PossessionChallenge& challenge, const License& license, std::int64_t now) {
  const Result<Presentation> read = verify_presentation(challenge.presentation, license.licensee);
  if (!read) return {read.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid, read.error().detail};
  if (read->audience != challenge.audience)
    return {Outcome::invalid, "made for audience \"" + read->audience + "\", not \"" + challenge.audience + "\""};
  if (read->nonce != challenge.nonce)
    return {Outcome::invalid, "answers nonce " + to_hex(read->nonce) + ", not " + to_hex(challenge.nonce)};
  if (read->license_id != license.id)
    return {Outcome::invalid, "made for license " + to_hex(read->license_id) + ", not " + to_hex(license.id)};
  return judge_age("the presentation", read->issued_at, now, kMaxPresentationAge);
}

}  // namespace

void judge_openings(const Bundle& bundle, PaperVerdict& out) {
  judge_cover(bundle, out);
  judge_isn_key(bundle, out);
  judge_identity(bundle, out);
  for (const PassportOpening& passport : bundle.disclosures.passports) judge_passport(passport, out);
}

void judge_possession(const PaperOptions& options, PaperVerdict& out) {
  constexpr const char* code = "holder.possession";
  if (!options.possession)
    return out.verdict.add(code, Outcome::not_checked, "needs a presentation, and the audience and nonce it answers");
  if (!out.license) return out.verdict.add(code, Outcome::undecided, "no verified license names the holder's key");
  const Finding finding = judge_presentation(*options.possession, *out.license, options.now);
  out.verdict.add(code, finding.outcome, finding.detail);
}

}  // namespace stegpass::credential
