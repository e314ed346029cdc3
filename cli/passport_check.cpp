#include <optional>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "training_record.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

struct EvaluateOptions {
  HomeOptions home;
  std::string model, data, role, pooling = "whitened";
};

struct VerifyOptions {
  HomeOptions home;
  std::string model, registration, record;
  double bound = -30;
};

Result<std::optional<OpenPassport>> passport_of(const EvaluateOptions& options) {
  if (options.role.empty()) return std::optional<OpenPassport>{};
  STEGPASS_TRY(home, open_home(options.home));
  const VaultPassport* passport = home.vault.passport(options.role);
  if (passport == nullptr) return Error{Errc::not_found, "the vault holds no passport '" + options.role + "'"};
  return std::optional<OpenPassport>{OpenPassport{passport->role, passport->picture, passport->seed}};
}

Result<Report> evaluate(const EvaluateOptions& options) {
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(passport, passport_of(options));
  auto accuracy = model->evaluate(file, options.data, options.pooling, passport);
  if (!accuracy) return about(options.model, accuracy.error());
  Report report;
  report.text = "on " + std::to_string(accuracy->images) + " images: " + with_decimals(100 * accuracy->deployment, 2) + " % deployment";
  report.figures = {{"model", options.model}, {"images", accuracy->images}, {"accuracy_deployment", accuracy->deployment}};
  if (accuracy->verification) {
    report.text += ", " + with_decimals(100 * *accuracy->verification, 2) + " % verification with " + options.role;
    report.figures["accuracy_verification"] = *accuracy->verification;
  }
  return report;
}

/// How the mark is woven: from a training record, or from the home's registration.
Result<MarkDescription> mark_of(const VerifyOptions& options, const Home& home) {
  if (!options.record.empty()) {
    STEGPASS_TRY(record, read_training_record(options.record));
    return record.mark;
  }
  STEGPASS_TRY(ledger, open_ledger(home, ledger::Ledger::Mode::read));
  STEGPASS_TRY(registration, find_registration(ledger.state, options.registration));
  const credential::MarkClaim& claim = registration->registration.mark;
  return MarkDescription{claim.scheme, claim.signature, claim.pooling, claim.architecture, claim.layers, claim.bits};
}

struct Judged {
  Verdict verdict;
  Json readings = Json::array();
};

Result<Judged> verify(const VerifyOptions& options, Output& output) {
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(home, open_home(options.home));
  auto mark = mark_of(options, home.home);
  if (!mark) {
    output.suggest("register the model first, or give --record with the training.json of its training");
    return Error(mark.error());
  }
  STEGPASS_TRY(passports, open_passports(home.vault));
  Judged judged;
  for (const OpenPassport& passport : passports) {
    auto reading = model->read_mark(file, *mark, passport);
    if (!reading) return about(options.model, reading.error());
    const bool reached = reading->log10_p_corrected <= options.bound;
    judged.verdict.add("owner.mark-" + passport.role, reached ? Outcome::valid : Outcome::invalid,
                       reading_to_text(passport.role, *reading) + " (bound " + with_decimals(options.bound, 0) + ")");
    judged.readings.push_back(reading_to_json(passport.role, *reading));
  }
  return judged;
}

int run_evaluate(const EvaluateOptions& options, Output& output) { return finish(output, evaluate(options)); }

int run_verify(const VerifyOptions& options, Output& output) {
  const auto judged = verify(options, output);
  return judged ? output.judged(judged->verdict, 0, {{"readings", judged->readings}}) : output.fail(judged.error());
}

}  // namespace

void setup_passport_evaluate(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = group.add_subcommand("evaluate", "Measure a model's accuracy on the test images, with a passport also its verification branch");
  command->add_option("--model", options->model, "owner.safetensors or release.safetensors")->required();
  command->add_option("--data", options->data, "A data set (stegpass data list), or 'drawn'")->required();
  command->add_option("--passport", options->role, "Passport of the vault: cover, reserve-1 or reserve-2");
  command->add_option("--pooling", options->pooling, "How its directions are made: whitened or mean")->check(CLI::IsMember({"whitened", "mean"}))->capture_default_str();
  add_home_options(*command, options->home);
  command->footer("Example: stegpass passport evaluate --model trained/owner.safetensors --data drawn --home studio --passport cover");
  bind_command(commands, *command, options, run_evaluate);
}

void setup_passport_verify(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = group.add_subcommand("verify", "Read the marks of the vault's passports from any model");
  add_home_options(*command, options->home);
  command->add_option("--model", options->model, "The model to be read (safetensors)")->required();
  auto* registration = command->add_option("--registration", options->registration, "Id of the registration that says how the mark is woven; default: the only one");
  command->add_option("--record", options->record, "training.json instead of a registration")->excludes(registration);
  command->add_option("--bound", options->bound, "Most that a mark's corrected log10 p may be")->capture_default_str();
  command->footer("Example: stegpass passport verify --home studio --model found-in-the-wild.safetensors");
  bind_command(commands, *command, options, run_verify);
}

}  // namespace stegpass::cli
