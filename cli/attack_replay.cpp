#include <algorithm>
#include <chrono>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/verification.hpp>

#include "attack_isn.hpp"
#include "files.hpp"
#include "model_checks.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using credential::License;
using credential::PaperVerdict;
using credential::TrustPolicy;
using credential::verify_papers;

struct ReplayOptions {
  AttackFiles files;
  std::string bundle, policy, passport, other_bundle, presentation, audience, nonce;
};

/// What a thief shows for a license that is another's, and what a verifier says.
struct Case {
  std::string name, refused_as;  ///< the check that ought to refuse it
  Verdict verdict;
};

struct Stolen {
  TrustPolicy policy;
  Bytes bundle;
  License license;
};

/// The license must be good in its owner's hands, or a refusal would show nothing.
Result<Stolen> read_stolen(const ReplayOptions& options) {
  STEGPASS_TRY(policy, read_trust_policy(options.policy));
  STEGPASS_TRY(bundle, read_file(options.bundle, kMaxPictureFile, "a bundle"));
  const PaperVerdict papers = verify_papers(bundle, policy, {current_time(), {}, {}});
  if (!papers.license || papers.verdict.outcome() == Outcome::invalid)
    return Error{Errc::refused, options.bundle + " holds no license that is in force under " + options.policy};
  return Stolen{std::move(policy), std::move(bundle), *papers.license};
}

Verdict with_presentation(const Stolen& on, Bytes presentation, const std::string& audience, Bytes nonce) {
  return verify_papers(on.bundle, on.policy,
                       {current_time(), {}, credential::PossessionChallenge{std::move(presentation), audience, std::move(nonce)}})
      .verdict;
}

/// The thief signs with a key of his own: for the license, and as if for a verifier that asked him.
Result<Case> with_own_key(const Stolen& on) {
  const Bytes nonce = credential::random_bytes(16);
  STEGPASS_TRY(signature, credential::sign_presentation(credential::PrivateKey::generate(credential::KeyType::ed25519),
                                                        {"replayed", nonce, on.license.id, current_time()}));
  return Case{"a presentation signed by the thief's key", "holder.possession",
              with_presentation(on, std::move(signature), "replayed", nonce)};
}

/// The licensee's own presentation, overheard, shown to verifiers who ask again.
Status add_overheard(const ReplayOptions& options, const Stolen& on, std::vector<Case>& out) {
  if (options.presentation.empty()) return Done{};
  STEGPASS_TRY(overheard, read_file(options.presentation, kMaxSmallFile, "a presentation"));
  auto nonce = parse_hex(options.nonce);
  if (!nonce || nonce->empty()) return Error{Errc::usage, "--nonce is not hexadecimal"};
  Verdict first = with_presentation(on, overheard, options.audience, *nonce);
  const Check* held = first.find("holder.possession");
  if (held == nullptr || held->outcome != Outcome::valid)
    return Error{Errc::refused, options.presentation + " does not answer that audience and nonce, so there is nothing to replay"};
  out.push_back({"the licensee's presentation, for a fresh nonce", "holder.possession",
                 with_presentation(on, overheard, options.audience, credential::random_bytes(16))});
  out.push_back({"the licensee's presentation, for another audience", "holder.possession",
                 with_presentation(on, overheard, options.audience + " next door", *nonce)});
  return Done{};
}

/// Another licensee's user passport beside this license.
Status add_passport(const ReplayOptions& options, const Stolen& on, std::vector<Case>& out) {
  if (options.passport.empty()) return Done{};
  STEGPASS_TRY(passport, read_evidence(options.passport, kMaxPictureFile, "a user passport (PNG)"));
  const PaperVerdict papers = verify_papers(on.bundle, on.policy, {current_time(), {}, {}});
  Verdict verdict = papers.verdict;
  verdict.append(check_models(papers, on.policy, {.model = {}, .passport = std::move(passport), .isn = {}}).verdict);
  out.push_back({"another licensee's user passport", "passport.digest", std::move(verdict)});
  return Done{};
}

/// This license's statements with what another bundle opens; the file's own SHA-256 fits again, as a liar would see to.
Status add_spliced(const ReplayOptions& options, const Stolen& on, std::vector<Case>& out) {
  if (options.other_bundle.empty()) return Done{};
  STEGPASS_TRY(other_file, read_file(options.other_bundle, kMaxPictureFile, "a bundle"));
  STEGPASS_TRY(bundle, credential::decode_bundle(on.bundle));
  STEGPASS_TRY(other, credential::decode_bundle(other_file));
  if (!bundle.disclosures.isn_key || !other.disclosures.isn_key)
    return Error{Errc::refused, "both bundles must be for verifiers, which open keys"};
  bundle.disclosures.isn_key = other.disclosures.isn_key;
  out.push_back({"another license's opened key", "opening.isn-key",
                 verify_papers(credential::encode_bundle(bundle), on.policy, {current_time(), {}, {}}).verdict});
  STEGPASS_TRY(again, credential::decode_bundle(on.bundle));
  again.disclosures.identity = other.disclosures.identity;
  out.push_back({"another license's opened identity", "opening.identity",
                 verify_papers(credential::encode_bundle(again), on.policy, {current_time(), {}, {}}).verdict});
  return Done{};
}

Json case_json(const Case& one) {
  Json refused = Json::array();
  for (const Check& check : one.verdict.checks()) {
    if (check.outcome == Outcome::invalid) refused.push_back({{"code", check.code}, {"detail", check.detail}});
  }
  const Check* expected = one.verdict.find(one.refused_as);
  return {{"case", one.name},
          {"verdict", outcome_name(one.verdict.outcome())},
          {"expected", one.refused_as},
          {"as_expected", expected != nullptr && expected->outcome == Outcome::invalid},
          {"refused_by", refused}};
}

std::string replay_text(const Json& rows) {
  std::string text = "attack replay";
  for (const Json& row : rows) {
    std::string codes;
    for (const Json& check : row["refused_by"]) codes += (codes.empty() ? "" : ", ") + check["code"].get<std::string>();
    text +=
        "\n  " + row["case"].get<std::string>() + "  " + row["verdict"].get<std::string>() + (codes.empty() ? "" : ": " + codes);
  }
  return text;
}

Result<Report> replay(const ReplayOptions& options) {
  STEGPASS_CHECK_OK(check_attack_files(options.files));
  STEGPASS_TRY(on, read_stolen(options));
  const auto started = std::chrono::steady_clock::now();
  std::vector<Case> cases;
  STEGPASS_TRY(own, with_own_key(on));
  cases.push_back(std::move(own));
  STEGPASS_CHECK_OK(add_overheard(options, on, cases));
  STEGPASS_CHECK_OK(add_passport(options, on, cases));
  STEGPASS_CHECK_OK(add_spliced(options, on, cases));
  AttackRecord record;
  record.attack = "replay";
  record.mark = {{"papers", "a license"}};
  record.settings = {{"license", to_hex(on.license.id)}};
  for (const Case& one : cases) record.curve.push_back(case_json(one));
  std::uint64_t accepted = 0;
  for (const Case& one : cases) accepted += one.verdict.outcome() == Outcome::invalid ? 0 : 1;
  record.details = {{"cases", cases.size()}, {"not_refused", accepted}};
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return finish_isn_attack(record, options.files, "", replay_text(record.curve));
}

int run(const ReplayOptions& options, Output& output) { return finish(output, replay(options)); }

}  // namespace

void setup_attack_replay(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command = group.add_subcommand("replay", "Show another's license as one's own, and see what refuses it");
  command->add_option("--bundle", options->bundle, "A bundle of the license")->required();
  command->add_option("--policy", options->policy, "The verifier's trust policy")->required();
  command->add_option("--passport", options->passport, "A user passport of another license of the same owner");
  command->add_option("--other-bundle", options->other_bundle,
                      "Another license's bundle for verifiers, whose openings are put in the place of this one's");
  auto* presentation =
      command->add_option("--presentation", options->presentation, "A presentation by the licensee that was overheard");
  auto* audience = command->add_option("--audience", options->audience, "For whom it was");
  auto* nonce = command->add_option("--nonce", options->nonce, "What it answered, in hexadecimal");
  presentation->needs(audience)->needs(nonce);
  add_record_files(*command, options->files);
  command->footer(
      "Example: stegpass attack replay --bundle ada.bundle --policy trust.policy --passport bob.png --other-bundle bob.bundle "
      "--out replay.json");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
