#include <memory>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/verification.hpp>

#include "bundle_file.hpp"
#include "card.hpp"
#include "command.hpp"
#include "license_terms.hpp"
#include "report.hpp"
#include "verifier_memory.hpp"
#include "verify_inputs.hpp"
#include "verify_list.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

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

Json describe(const VerifyOptions& options, const VerifyInputs& inputs, const PaperVerdict& papers, const Json& figures) {
  Json out = {
      {"bundle", options.bundle},
      {"policy",
       {{"file", options.policy}, {"required", inputs.policy.required}, {"mark_bound_log10", inputs.policy.mark_bound_log10}}},
      {"registration", papers.registration ? describe(*papers.registration, inputs.policy) : Json()},
      {"license", papers.license ? describe(*papers.license) : Json()}};
  out["policy"]["model"] = inputs.policy.descent_suffices ? "descends" : "exact";
  out["policy"]["max_age_s"] = inputs.policy.max_age_s ? Json(*inputs.policy.max_age_s) : Json();
  Json personal = Json::object();
  for (const PersonalClaim& claim : papers.personal) personal[claim.name] = claim.value;
  out["personal"] = personal;
  Json times = Json::object();
  for (const auto& [code, time] : papers.times) times[code] = utc_time(time);
  out["evidence_times"] = times;
  out.update(figures);
  return out;
}

/// The report, if one was asked for.
Status write_report(const VerifyOptions& options, const ReportInputs& inputs) {
  if (options.report.empty()) return Done{};
  const bool opens = !inputs.papers.disclosures.passports.empty();  // whose pictures are on the page
  return write_file(options.report, as_bytes(verification_report(inputs)), {.force = options.force, .secret = opens});
}

int run(const VerifyOptions& options, Output& output) {
  if (auto free = options.report.empty() ? Status(Done{}) : check_output(options.report, options.force); !free)
    return output.fail(free.error());
  if (!options.list.empty()) return verify_list(options, output);
  if (!options.every_model.empty() && !options.bundle.empty()) return verify_every_model(options, output);
  if (options.bundle.empty())
    return output.fail({Errc::usage, "one of --bundle and --list is needed"}, "e.g. --bundle license.bundle");
  auto inputs = read_inputs(options);
  if (!inputs) return output.fail(inputs.error());
  const PaperVerdict papers = judge_papers(*inputs);
  const ModelVerdict models = check_models(papers, inputs->policy, inputs->evidence);
  Verdict all = papers.verdict;
  check_contract(all, papers.license, inputs->contract);
  check_card(all, inputs->card, inputs->bundle, papers);
  all.append(models.verdict);
  apply_requirements(all, inputs->policy);
  if (auto kept = keep_memory(options.memory, inputs->papers.memory, papers.memory); !kept) {
    return output.fail(kept.error(), "the verdict is withheld, since it could not be remembered");
  }
  Json description = describe(options, *inputs, papers, models.figures);
  if (auto written = write_report(options, {all, papers, inputs->policy, inputs->evidence, inputs->bundle, inputs->papers.now,
                                            given_arguments(*options.command, {"--report"}), description});
      !written)
    return output.fail(written.error());
  if (!options.report.empty()) description["report"] = options.report;
  return output.judged(all, papers.as_of, description);
}

}  // namespace

void setup_verify(Commands& commands) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *commands.app.add_subcommand(
      "verify", "Judge a bundle, and what is brought with it, offline and under your own trust policy");
  auto* bundle = command.add_option("--bundle", options->bundle, "The bundle to judge");
  auto* list =
      command.add_option("--list", options->list,
                         "Instead: a proof by stegpass ledger list that its entries are all of a model, licensee or issuer");
  list->excludes(bundle);
  command.add_option("--policy", options->policy, "Your trust policy (stegpass policy init writes one)")->required();
  auto* model = command.add_option("--model", options->model, "Model file that is said to be licensed");
  command
      .add_option(
          "--every-model", options->every_model,
          "Instead of --model: judge every *.safetensors file under a folder, one line each; with --json one object a line")
      ->excludes(model);
  command.add_option("--original", options->original,
                     "The registered release: names the tensors that changed, and brings a copy's channels into its order");
  command.add_option("--passport", options->passport, "The licensee's user passport");
  command.add_option("--isn", options->isn, "ISN weights, if not those that come with the program");
  command.add_option("--presentation", options->presentation, "The licensee's answer to your nonce");
  command.add_option("--audience", options->audience, "Who you said you are when you asked for the presentation");
  command.add_option("--nonce", options->nonce, "The nonce you asked with, in hexadecimal");
  command.add_option("--contract", options->contract, "The contract's text, which the license may name by its SHA-256");
  command.add_option("--card", options->card, "A picture of the license card, whose QR code names license and bundle");
  command.add_option("--memory", options->memory,
                     "File that remembers the newest checkpoint seen of each log; older ones are refused");
  command.add_option("--report", options->report, "File for the verdict as an HTML page that can be read offline and printed")
      ->excludes("--list")
      ->excludes("--every-model");
  for (const char* of_a_bundle : {"--model", "--every-model", "--original", "--passport", "--isn", "--presentation", "--audience",
                                  "--nonce", "--contract", "--card"})
    list->excludes(of_a_bundle);
  command.add_flag("--force", options->force, "Replace the report if it exists");
  options->command = &command;
  command.footer(
      "Exit codes: 0 valid, 1 proved false, 2 usage, 3 undecided, 4 file or environment.\n"
      "Example: stegpass verify --bundle license.bundle --policy trust.policy --model release.safetensors --passport "
      "user-passport.png");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
