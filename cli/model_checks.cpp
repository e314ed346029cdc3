#include "model_checks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_part.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof(text), "%.*f", digits, value);
  return text;
}

std::string count_text(const MarkReading& reading) {
  return std::to_string(reading.matches) + " of " + std::to_string(reading.bits) + " bits match";
}

MarkDescription describe(const MarkClaim& claim) {
  return {claim.scheme, claim.signature, claim.pooling, claim.architecture, claim.layers, claim.bits};
}

Json describe(const std::string& role, const MarkReading& reading, double corrected) {
  Json layers = Json::array();
  for (const auto& layer : reading.layers) layers.push_back({{"name", layer.name}, {"bits", layer.bits}, {"matches", layer.matches}});
  return {{"passport", role},
          {"bits", reading.bits},
          {"matches", reading.matches},
          {"log10_p", reading.log10_p},
          {"log10_p_corrected", corrected},
          {"layers", layers}};
}

/// One run of the checks; its methods add to `result` in the order in which the codes are listed.
class Checks {
 public:
  Checks(const PaperVerdict& papers, const TrustPolicy& policy, const ModelEvidence& evidence)
      : papers_(papers), policy_(policy), evidence_(evidence) {}

  ModelVerdict run() {
    check_model();
    check_passport();
    check_consistent();
    check_isn();
    check_reveal();
    check_marks();
    return std::move(result_);
  }

 private:
  void add(std::string code, Outcome outcome, std::string detail) { result_.verdict.add(std::move(code), outcome, std::move(detail)); }
  void skip(std::string code, std::string needed) { add(std::move(code), Outcome::not_checked, "needs " + std::move(needed)); }
  void undecided(std::string code, std::string detail) { add(std::move(code), Outcome::undecided, std::move(detail)); }

  void check_model();
  void compare_tensors(const TensorTree& tree);
  void check_passport();
  void check_consistent();
  void check_isn();
  void check_reveal();
  void judge_picture(const RevealResult& revealed);
  void judge_code(const RevealResult& revealed);
  void check_marks();
  void check_mark(ModelPart& part, const PassportOpening& opened);
  void read_owner_mark(ModelPart& part, const PassportOpening& opened);

  const PaperVerdict& papers_;
  const TrustPolicy& policy_;
  const ModelEvidence& evidence_;
  ModelVerdict result_;
  bool model_reads_ = false;     // the model is a safetensors file, registered or not
  bool passport_reads_ = false;  // the user passport is a passport, this license's or not
  std::optional<Bytes> isn_;     // the registered ISN weights
};

void Checks::check_model() {
  if (!evidence_.model) {
    skip("model.digest", "the model's file (--model)");
    return skip("model.tensors", "the model's file (--model)");
  }
  const EvidenceFile& file = *evidence_.model;
  if (!file.problem.empty()) return add("model.digest", Outcome::invalid, file.problem);
  auto tree = tensor_tree(file.bytes);
  if (!tree) return add("model.digest", Outcome::invalid, file.path + " is no model file: " + tree.error().detail);
  model_reads_ = true;
  if (!papers_.registration) return undecided("model.digest", "there is no registration to compare the model with");
  const Digest32 found = fast_sha256(file.bytes);
  const Digest32& expected = papers_.registration->model_digest;
  if (found == expected) add("model.digest", Outcome::valid, "the registered file, SHA-256 " + to_hex(found));
  else add("model.digest", Outcome::invalid, "SHA-256 is " + to_hex(found) + ", registered is " + to_hex(expected));
  compare_tensors(*tree);
}

void Checks::compare_tensors(const TensorTree& tree) {
  const Registration& registered = *papers_.registration;
  const std::string found = std::to_string(tree.names.size()) + " tensors with root " + to_hex(tree.root);
  if (tree.root == registered.tensor_root && tree.names.size() == registered.tensor_count) {
    return add("model.tensors", Outcome::valid, found + ", as registered");
  }
  add("model.tensors", Outcome::invalid,
      found + "; registered are " + std::to_string(registered.tensor_count) + " with root " + to_hex(registered.tensor_root));
}

void Checks::check_passport() {
  if (!evidence_.passport) return skip("passport.digest", "the user passport (--passport)");
  const EvidenceFile& file = *evidence_.passport;
  if (!file.problem.empty()) return add("passport.digest", Outcome::invalid, file.problem);
  auto part = load_model_part();
  if (!part) return undecided("passport.digest", "the picture cannot be read: " + part.error().detail);
  auto passport = (*part)->read_passport(file.bytes);
  if (!passport) return add("passport.digest", Outcome::invalid, file.path + " is no passport: " + passport.error().detail);
  passport_reads_ = true;
  if (!papers_.license) return undecided("passport.digest", "there is no license to compare the user passport with");
  if (passport->digest == papers_.license->user_passport) return add("passport.digest", Outcome::valid, "the user passport of this license");
  add("passport.digest", Outcome::invalid,
      "digest is " + to_hex(passport->digest).substr(0, 16) + "..., this license's is " +
          to_hex(papers_.license->user_passport).substr(0, 16) + "...");
}

void Checks::check_consistent() {
  if (!papers_.disclosures.cover) return skip("user.consistent", "a bundle for a verifier, which opens the cover's seed");
  if (!evidence_.model || !evidence_.passport) return skip("user.consistent", "the model (--model) and the user passport (--passport)");
  if (!model_reads_ || !passport_reads_ || !papers_.registration) return undecided("user.consistent", "model or user passport cannot be read");
  auto part = load_model_part();
  if (!part) return undecided("user.consistent", part.error().detail);
  const OpenPassport read_as_cover{"cover", evidence_.passport->bytes, papers_.disclosures.cover->seed};
  auto reading = (*part)->read_mark(evidence_.model->bytes, describe(papers_.registration->mark), read_as_cover);
  if (!reading) return undecided("user.consistent", reading.error().detail);
  const double share = reading->bits == 0 ? 0 : static_cast<double>(reading->matches) / static_cast<double>(reading->bits);
  result_.figures["user_consistent"] = {{"bits", reading->bits}, {"matches", reading->matches}};
  add("user.consistent", share >= kConsistentShare ? Outcome::valid : Outcome::invalid,
      count_text(*reading) + " with the cover's seed; at least 99 % belong to a user passport of this model");
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
    add("isn.digest", Outcome::invalid, evidence_.isn->path + " is not the registered ISN " + to_hex(papers_.registration->isn_digest));
  } else {
    undecided("isn.digest", "the ISN that comes with this program is not the registered one; give --isn");
  }
}

void Checks::check_reveal() {
  const std::string needed = "the user passport (--passport) and a bundle for a verifier, which opens the license's ISN key and identity";
  if (!evidence_.passport || !papers_.disclosures.isn_key || !papers_.disclosures.identity) {
    skip("identity.reveal", needed);
    return skip("identity.qr", needed);
  }
  std::string why;
  if (!passport_reads_) why = "the user passport cannot be read";
  else if (!isn_) why = "there is no registered ISN to reveal with";
  else if (!papers_.license) why = "there is no license to compare with";
  auto part = why.empty() ? load_model_part() : Result<ModelPart*>(Errc::unsupported, why);
  auto revealed = part ? (*part)->reveal(evidence_.passport->bytes, papers_.disclosures.isn_key->key, *isn_) : Result<RevealResult>(part.error());
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
  result_.figures["identity"] = {{"reveal_psnr_db", *psnr}, {"bar_db", bar}};
  add("identity.reveal", *psnr >= bar ? Outcome::valid : Outcome::invalid,
      "the revealed picture is the opened identity at " + fixed(*psnr, 1) + " dB; the license's bar is " + fixed(bar, 1) + " dB");
}

void Checks::judge_code(const RevealResult& revealed) {
  if (!revealed.thumbprint) return add("identity.qr", Outcome::invalid, "no licensee's key can be read from the revealed picture");
  if (*revealed.thumbprint == papers_.license->licensee.thumbprint()) {
    return add("identity.qr", Outcome::valid, "the revealed picture names the licensee's key");
  }
  add("identity.qr", Outcome::invalid, "the revealed picture names the key " + thumbprint_uri(*revealed.thumbprint) + ", the license " +
                                           papers_.license->licensee.thumbprint_uri());
}

void Checks::check_marks() {
  if (papers_.disclosures.passports.empty()) return skip("owner.mark", "a bundle for an arbiter, which opens a passport, and the model (--model)");
  result_.figures["marks"] = Json::array();
  auto part = load_model_part();
  for (const PassportOpening& opened : papers_.disclosures.passports) {
    if (part) check_mark(**part, opened);
    else undecided("owner.mark", opened.role + ": " + part.error().detail);
  }
}

void Checks::check_mark(ModelPart& part, const PassportOpening& opened) {
  const std::string code = "opening.seed-" + opened.role;
  if (!papers_.registration) return undecided(code, "there is no registration to compare the passport with");
  auto seed = part.mark_seed(opened.picture, papers_.registration->owner.thumbprint(), opened.seed_salt);
  if (!seed) return add(code, Outcome::invalid, "the opened picture is no passport: " + seed.error().detail);
  if (!equal_constant_time(*seed, opened.seed.seed)) {
    return add(code, Outcome::invalid, "the mark seed does not follow from this picture, the owner's key and the salt");
  }
  add(code, Outcome::valid, "the mark seed follows from the picture, the owner's key and the salt");
  read_owner_mark(part, opened);
}

void Checks::read_owner_mark(ModelPart& part, const PassportOpening& opened) {
  if (!evidence_.model) return skip("owner.mark", "the model's file (--model)");
  if (!model_reads_) return undecided("owner.mark", opened.role + ": the model cannot be read");
  auto reading = part.read_mark(evidence_.model->bytes, describe(papers_.registration->mark), {opened.role, opened.picture, opened.seed.seed});
  if (!reading) return undecided("owner.mark", opened.role + ": " + reading.error().detail);
  // The bundle's passports are as many tries; the reading itself allows for those that nobody saw. No probability is over 1.
  const double tries = std::log10(static_cast<double>(papers_.disclosures.passports.size()));
  const double corrected = std::min(0.0, reading->log10_p_corrected + tries);
  result_.figures["marks"].push_back(describe(opened.role, *reading, corrected));
  const bool marked = std::isfinite(corrected) && corrected <= policy_.mark_bound_log10;
  add("owner.mark", marked ? Outcome::valid : Outcome::invalid,
      opened.role + ": " + count_text(*reading) + ", log10 p " + fixed(reading->log10_p, 1) + ", corrected " + fixed(corrected, 1) +
          "; the bound is " + fixed(policy_.mark_bound_log10, 1));
}

}  // namespace

Result<EvidenceFile> read_evidence(const std::string& path, std::uint64_t max_bytes, std::string_view expected) {
  auto bytes = read_file(path, max_bytes, expected);
  if (bytes) return EvidenceFile{path, std::move(*bytes), {}};
  if (bytes.error().code == Errc::usage) return EvidenceFile{path, {}, bytes.error().detail};
  return bytes.error();
}

ModelVerdict check_models(const PaperVerdict& papers, const TrustPolicy& policy, const ModelEvidence& evidence) {
  return Checks(papers, policy, evidence).run();
}

}  // namespace stegpass::cli
