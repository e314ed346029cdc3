#include "passport_checks.hpp"

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

/// One run of the checks; its methods add to `out_` in the order in which the codes are listed.
class Checks {
 public:
  Checks(const PaperVerdict& papers, const ModelEvidence& evidence) : papers_(papers), evidence_(evidence) {}

  PassportFindings run() {
    check_passport();
    check_isn();
    check_reveal();
    check_seeds();
    return std::move(out_);
  }

 private:
  void add(std::string code, Outcome outcome, std::string detail) {
    out_.judged.verdict.add(std::move(code), outcome, std::move(detail));
  }
  void skip(std::string code, std::string needed) { add(std::move(code), Outcome::not_checked, "needs " + std::move(needed)); }
  void undecided(std::string code, std::string detail) { add(std::move(code), Outcome::undecided, std::move(detail)); }

  void check_passport();
  void check_isn();
  void check_reveal();
  void judge_picture(const RevealResult& revealed);
  void judge_code(const RevealResult& revealed);
  void check_seeds();
  void check_seed(ModelPart& part, const PassportOpening& opened);

  const PaperVerdict& papers_;
  const ModelEvidence& evidence_;
  PassportFindings out_;
  std::optional<Bytes> isn_;         // the registered ISN weights
  std::uint32_t passport_side_ = 0;  // of the user passport, in pixels
};

void Checks::check_passport() {
  if (!evidence_.passport) return skip("passport.digest", "the user passport (--passport)");
  const EvidenceFile& file = *evidence_.passport;
  if (!file.problem.empty()) return add("passport.digest", Outcome::invalid, file.problem);
  auto part = load_model_part();
  if (!part) return undecided("passport.digest", "the picture cannot be read: " + part.error().detail);
  auto passport = (*part)->read_passport(file.bytes);
  if (!passport) return add("passport.digest", Outcome::invalid, file.path + " is no passport: " + passport.error().detail);
  out_.passport_reads = true;
  passport_side_ = passport->size;
  if (!papers_.license) return undecided("passport.digest", "there is no license to compare the user passport with");
  if (passport->digest == papers_.license->user_passport)
    return add("passport.digest", Outcome::valid, "the user passport of this license");
  add("passport.digest", Outcome::invalid,
      "digest is " + to_hex(passport->digest).substr(0, 16) + "..., this license's is " +
          to_hex(papers_.license->user_passport).substr(0, 16) + "...");
}

void Checks::check_isn() {
  const bool reveals = evidence_.passport && papers_.disclosures.isn_key;
  if (!evidence_.isn && !reveals) return skip("isn.digest", "ISN weights (--isn), or what a reveal needs");
  if (evidence_.isn && !evidence_.isn->problem.empty()) return add("isn.digest", Outcome::invalid, evidence_.isn->problem);
  auto weights = evidence_.isn ? Result<Bytes>(evidence_.isn->bytes) : load_isn_weights({});
  if (!weights) return undecided("isn.digest", weights.error().detail);
  if (!papers_.registration) return undecided("isn.digest", "there is no registration to compare the ISN with");
  if (fast_sha256(*weights) == papers_.registration->isn_digest) {
    add("isn.digest", Outcome::valid, "the registered ISN weights");
    isn_ = std::move(*weights);
  } else if (evidence_.isn) {
    add("isn.digest", Outcome::invalid,
        evidence_.isn->path + " is not the registered ISN " + to_hex(papers_.registration->isn_digest));
  } else {
    undecided("isn.digest", "the ISN that comes with this program is not the registered one; give --isn");
  }
}

void Checks::check_reveal() {
  const std::string needed =
      "the user passport (--passport) and a bundle for a verifier, which opens the license's ISN key and identity";
  if (!evidence_.passport || !papers_.disclosures.isn_key || !papers_.disclosures.identity) {
    skip("identity.reveal", needed);
    return skip("identity.qr", needed);
  }
  std::string why;
  if (!out_.passport_reads)
    why = "the user passport cannot be read";
  else if (!isn_)
    why = "there is no registered ISN to reveal with";
  else if (!papers_.license)
    why = "there is no license to compare with";
  else if (passport_side_ != papers_.registration->mark.picture_size)  // a picture of somebody's choice may be very large
    why = "the user passport has " + std::to_string(passport_side_) + " pixels a side, the registered ones " +
          std::to_string(papers_.registration->mark.picture_size);
  auto part = why.empty() ? load_model_part() : Result<ModelPart*>(Errc::unsupported, why);
  auto revealed = part ? (*part)->reveal(evidence_.passport->bytes, papers_.disclosures.isn_key->key, *isn_)
                       : Result<RevealResult>(part.error());
  if (!revealed) {
    undecided("identity.reveal", revealed.error().detail);
    return undecided("identity.qr", revealed.error().detail);
  }
  judge_picture(*revealed);
  judge_code(*revealed);
}

void Checks::judge_picture(const RevealResult& revealed) {
  auto part = load_model_part();
  auto psnr = part ? (*part)->psnr(revealed.picture, papers_.disclosures.identity->picture) : Result<double>(part.error());
  if (!psnr) return undecided("identity.reveal", psnr.error().detail);
  const double bar = papers_.license->reveal_bar_mdb / 1000.0;
  out_.judged.figures["identity"] = {{"reveal_psnr_db", *psnr}, {"bar_db", bar}};
  add("identity.reveal", *psnr >= bar ? Outcome::valid : Outcome::invalid,
      "the revealed picture is the opened identity at " + with_decimals(*psnr, 1) + " dB; the license's bar is " +
          with_decimals(bar, 1) + " dB");
}

void Checks::judge_code(const RevealResult& revealed) {
  if (!revealed.thumbprint)
    return add("identity.qr", Outcome::invalid, "no licensee's key can be read from the revealed picture");
  if (*revealed.thumbprint == papers_.license->licensee.thumbprint()) {
    return add("identity.qr", Outcome::valid, "the revealed picture names the licensee's key");
  }
  add("identity.qr", Outcome::invalid,
      "the revealed picture names the key " + thumbprint_uri(*revealed.thumbprint) + ", the license " +
          papers_.license->licensee.thumbprint_uri());
}

void Checks::check_seeds() {
  if (papers_.disclosures.passports.empty()) return;
  auto part = load_model_part();
  for (const PassportOpening& opened : papers_.disclosures.passports) {
    if (part)
      check_seed(**part, opened);
    else
      undecided("opening.seed-" + opened.role, part.error().detail);
  }
}

void Checks::check_seed(ModelPart& part, const PassportOpening& opened) {
  const std::string code = "opening.seed-" + opened.role;
  if (!papers_.registration) return undecided(code, "there is no registration to compare the passport with");
  auto seed = part.mark_seed(opened.picture, papers_.registration->owner.thumbprint(), opened.seed_salt);
  if (!seed) return add(code, Outcome::invalid, "the opened picture is no passport: " + seed.error().detail);
  if (!equal_constant_time(*seed, opened.seed.seed)) {
    return add(code, Outcome::invalid, "the mark seed does not follow from this picture, the owner's key and the salt");
  }
  add(code, Outcome::valid, "the mark seed follows from the picture, the owner's key and the salt");
  out_.opened.push_back(&opened);
}

}  // namespace

PassportFindings check_passports(const PaperVerdict& papers, const ModelEvidence& evidence) {
  return Checks(papers, evidence).run();
}

}  // namespace stegpass::cli
