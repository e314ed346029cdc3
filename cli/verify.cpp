#include <filesystem>
#include <memory>
#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/verification.hpp>

#include "bundle_file.hpp"
#include "card.hpp"
#include "command.hpp"
#include "files.hpp"
#include "license_terms.hpp"
#include "model_checks.hpp"
#include "policy_files.hpp"
#include "report.hpp"
#include "verify_list.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::size_t kMaxNonceBytes = 64;

struct VerifyOptions {
  std::string bundle, list, policy, model, passport, isn, presentation, audience, nonce, memory, contract, report, card;
  bool force = false;
  const CLI::App* command = nullptr;  // for the report, which says how to repeat it
};

/// The presentation with what the verifier asked for; none when none is given.
Result<std::optional<PossessionChallenge>> read_challenge(const VerifyOptions& options) {
  if (options.presentation.empty() && options.audience.empty() && options.nonce.empty()) return std::optional<PossessionChallenge>{};
  if (options.presentation.empty() || options.audience.empty() || options.nonce.empty()) {
    return Error{Errc::usage, "--presentation, --audience and --nonce go together"};
  }
  auto nonce = parse_hex(options.nonce);
  if (!nonce || nonce->empty() || nonce->size() > kMaxNonceBytes) {
    return Error{Errc::usage, "--nonce is not 1 to 64 bytes in hexadecimal"};
  }
  STEGPASS_TRY(file, read_evidence(options.presentation, kMaxSmallFile, "a presentation"));
  return std::optional(PossessionChallenge{std::move(file.bytes), options.audience, std::move(*nonce)});
}

/// What this verifier remembers; nothing yet when the file is not there.
Result<VerifierMemory> read_memory(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    if (!path.empty()) STEGPASS_CHECK_OK(check_output(path, false));
    return VerifierMemory{};
  }
  STEGPASS_TRY(bytes, read_file(path, kMaxSmallFile, "a verifier's memory"));
  auto memory = parse_verifier_memory(as_text(bytes));
  if (!memory) return Error{memory.error().code, path + " is no verifier's memory: " + memory.error().detail};
  return memory;
}

Result<std::optional<EvidenceFile>> read_optional(const std::string& path, std::uint64_t max_bytes, std::string_view expected) {
  if (path.empty()) return std::optional<EvidenceFile>{};
  STEGPASS_TRY(file, read_evidence(path, max_bytes, expected));
  return std::optional(std::move(file));
}

struct Inputs {
  TrustPolicy policy;
  EvidenceFile bundle;
  PaperOptions papers;
  ModelEvidence evidence;
  std::optional<EvidenceFile> contract, card;
};

Result<Inputs> read_inputs(const VerifyOptions& options) {
  STEGPASS_TRY(policy, read_trust_policy(options.policy));
  STEGPASS_TRY(memory, read_memory(options.memory));
  STEGPASS_TRY(challenge, read_challenge(options));
  STEGPASS_TRY(bundle, read_bundle(options.bundle));
  STEGPASS_TRY(model, read_optional(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(passport, read_optional(options.passport, kMaxPictureFile, "a user passport (PNG)"));
  STEGPASS_TRY(isn, read_optional(options.isn, kMaxPictureFile, "ISN weights (safetensors)"));
  STEGPASS_TRY(contract, read_optional(options.contract, kMaxPictureFile, "the contract's text"));
  STEGPASS_TRY(card, read_optional(options.card, kMaxPictureFile, "a picture of a license card (PNG or JPEG)"));
  PaperOptions papers{current_time(), std::move(memory), std::move(challenge)};
  return Inputs{std::move(policy), std::move(bundle), std::move(papers), {std::move(model), std::move(passport), std::move(isn)}, std::move(contract), std::move(card)};
}

PaperVerdict judge_papers(const Inputs& inputs) {
  if (inputs.bundle.problem.empty()) return verify_papers(inputs.bundle.bytes, inputs.policy, inputs.papers);
  PaperVerdict unreadable;
  unreadable.memory = inputs.papers.memory;
  unreadable.verdict.add("bundle.bytes", Outcome::invalid, inputs.bundle.problem);
  return unreadable;
}

/// Whether the text that was brought is the one that the license names; no check where there is neither.
void check_contract(Verdict& verdict, const std::optional<License>& license, const std::optional<EvidenceFile>& contract) {
  constexpr const char* code = "license.text";
  const std::optional<Digest32> named = license ? license->terms.text : std::nullopt;
  if (!contract && !named) return;
  if (!contract) return verdict.add(code, Outcome::not_checked, "would need the contract's text (--contract), SHA-256 " + to_hex(*named));
  if (!contract->problem.empty()) return verdict.add(code, Outcome::invalid, contract->problem);
  if (!license) return verdict.add(code, Outcome::undecided, "there is no verified license to compare the contract with");
  if (!named) return verdict.add(code, Outcome::undecided, "the license names no text");
  const Digest32 found = fast_sha256(contract->bytes);
  if (found == *named) return verdict.add(code, Outcome::valid, "the text that the license names, SHA-256 " + to_hex(found));
  verdict.add(code, Outcome::invalid, "SHA-256 is " + to_hex(found) + ", the license names " + to_hex(*named));
}

/// Keeps what the papers added to the memory, also when the verdict is bad: a verifier who has seen a revocation must not be shown
/// the day before.
Status keep_memory(const VerifyOptions& options, const VerifierMemory& before, const VerifierMemory& after) {
  const std::string text = encode_verifier_memory(after);
  if (options.memory.empty() || text == encode_verifier_memory(before)) return Done{};
  return write_file(options.memory, as_bytes(text), {.force = true});
}

Json describe(const Registration& registration, const TrustPolicy& policy) {
  Json name;
  for (const auto& issuer : policy.issuers) {
    if (issuer.thumbprint == registration.owner.thumbprint()) name = issuer.name;
  }
  return {{"id", to_hex(registration.id)},
          {"model", registration.model_name},
          {"model_sha256", to_hex(registration.model_digest)},
          {"owner", registration.owner.thumbprint_uri()},
          {"owner_name", name}};
}

Json describe(const License& license) {
  return {{"id", to_hex(license.id)},
          {"licensee", license.licensee.thumbprint_uri()},
          {"not_before", utc_time(license.not_before)},
          {"expires", utc_time(license.expires)},
          {"terms", terms_json(license.terms)}};
}

Json describe(const VerifyOptions& options, const Inputs& inputs, const PaperVerdict& papers, const Json& figures) {
  Json out = {{"bundle", options.bundle},
              {"policy", {{"file", options.policy}, {"required", inputs.policy.required}, {"mark_bound_log10", inputs.policy.mark_bound_log10}}},
              {"registration", papers.registration ? describe(*papers.registration, inputs.policy) : Json()},
              {"license", papers.license ? describe(*papers.license) : Json()}};
  out["policy"]["max_age_s"] = inputs.policy.max_age_s ? Json(*inputs.policy.max_age_s) : Json();
  Json personal = Json::object();
  for (const PersonalClaim& claim : papers.personal) personal[claim.name] = claim.value;
  out["personal"] = personal;
  out.update(figures);
  return out;
}

/// The report, if one was asked for.
Status write_report(const VerifyOptions& options, const ReportInputs& inputs) {
  if (options.report.empty()) return Done{};
  return write_file(options.report, as_bytes(verification_report(inputs)), {.force = options.force});
}

int run(const VerifyOptions& options, Output& output) {
  if (auto free = options.report.empty() ? Status(Done{}) : check_output(options.report, options.force); !free) return output.fail(free.error());
  if (!options.list.empty()) return verify_list(options.list, options.policy, output);
  if (options.bundle.empty()) return output.fail({Errc::usage, "one of --bundle and --list is needed"}, "e.g. --bundle license.bundle");
  auto inputs = read_inputs(options);
  if (!inputs) return output.fail(inputs.error());
  const PaperVerdict papers = judge_papers(*inputs);
  const ModelVerdict models = check_models(papers, inputs->policy, inputs->evidence);
  Verdict all = papers.verdict;
  check_contract(all, papers.license, inputs->contract);
  check_card(all, inputs->card, inputs->bundle, papers);
  all.append(models.verdict);
  apply_requirements(all, inputs->policy);
  if (auto kept = keep_memory(options, inputs->papers.memory, papers.memory); !kept) {
    return output.fail(kept.error(), "the verdict is withheld, since it could not be remembered");
  }
  Json description = describe(options, *inputs, papers, models.figures);
  if (auto written = write_report(options, {all, papers, inputs->policy, inputs->evidence, inputs->bundle, inputs->papers.now,
                                            given_arguments(*options.command), description}); !written) return output.fail(written.error());
  if (!options.report.empty()) description["report"] = options.report;
  return output.judged(all, papers.as_of, description);
}

}  // namespace

void setup_verify(Commands& commands) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *commands.app.add_subcommand("verify", "Judge a bundle, and what is brought with it, offline and under your own trust policy");
  auto* bundle = command.add_option("--bundle", options->bundle, "The bundle to judge");
  command.add_option("--list", options->list, "Instead: a proof by stegpass ledger list that its entries are all of a model, licensee or issuer")
      ->excludes(bundle);
  command.add_option("--policy", options->policy, "Your trust policy (stegpass policy init writes one)")->required();
  command.add_option("--model", options->model, "Model file that is said to be licensed");
  command.add_option("--passport", options->passport, "The licensee's user passport");
  command.add_option("--isn", options->isn, "ISN weights, if not those that come with the program");
  command.add_option("--presentation", options->presentation, "The licensee's answer to your nonce");
  command.add_option("--audience", options->audience, "Who you said you are when you asked for the presentation");
  command.add_option("--nonce", options->nonce, "The nonce you asked with, in hexadecimal");
  command.add_option("--contract", options->contract, "The contract's text, which the license may name by its SHA-256");
  command.add_option("--card", options->card, "A picture of the license card, whose QR code names license and bundle");
  command.add_option("--memory", options->memory, "File that remembers the newest checkpoint seen of each log; older ones are refused");
  command.add_option("--report", options->report, "File for the verdict as an HTML page that can be read offline and printed")->excludes("--list");
  command.add_flag("--force", options->force, "Replace the report if it exists");
  options->command = &command;
  command.footer(
      "Exit codes: 0 valid, 1 proved false, 2 usage, 3 undecided, 4 file or environment.\n"
      "Example: stegpass verify --bundle license.bundle --policy trust.policy --model release.safetensors --passport user-passport.png");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
