#include <optional>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct EvaluateOptions {
  HomeOptions home;
  std::string model, data, role, user, pooling = "whitened";
};

Result<std::optional<OpenPassport>> passport_of(const EvaluateOptions& options) {
  if (options.role.empty() && options.user.empty()) return std::optional<OpenPassport>{};
  STEGPASS_TRY(home, open_home(options.home));
  const std::string role = options.role.empty() ? "cover" : options.role;
  const VaultPassport* passport = home.vault.passport(role);
  if (passport == nullptr) return Error{Errc::not_found, "the vault holds no passport '" + role + "'"};
  if (options.user.empty()) return std::optional<OpenPassport>{OpenPassport{passport->role, passport->picture, passport->seed}};
  STEGPASS_TRY(picture, read_file(options.user, kMaxPictureFile, "a user passport (PNG)"));
  return std::optional<OpenPassport>{OpenPassport{options.user, picture, passport->seed}};
}

Result<Report> evaluate(const EvaluateOptions& options) {
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(passport, passport_of(options));
  auto accuracy = model->evaluate(file, options.data, options.pooling, passport);
  if (!accuracy) return Error(accuracy.error());
  Report report;
  report.text =
      "on " + std::to_string(accuracy->images) + " images: " + with_decimals(100 * accuracy->deployment, 2) + " % deployment";
  report.figures = {{"model", options.model}, {"images", accuracy->images}, {"accuracy_deployment", accuracy->deployment}};
  if (accuracy->verification) {
    report.text += ", " + with_decimals(100 * *accuracy->verification, 2) + " % verification with " + passport->role;
    report.figures["accuracy_verification"] = *accuracy->verification;
  }
  return report;
}

int run(const EvaluateOptions& options, Output& output) { return finish(output, evaluate(options)); }

}  // namespace

void setup_passport_evaluate(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = group.add_subcommand(
      "evaluate", "Measure a model's accuracy on the test images, with a passport also its verification branch");
  command->add_option("--model", options->model, "owner.safetensors or release.safetensors")->required();
  command->add_option("--data", options->data, "A data set (stegpass data list), or 'drawn'")->required();
  auto* role = command->add_option("--passport", options->role, "Passport of the vault: cover, reserve-1 or reserve-2");
  command->add_option("--user", options->user, "A user passport instead, under the cover's seed")->excludes(role);
  command->add_option("--pooling", options->pooling, "How its directions are made: whitened or mean")
      ->check(CLI::IsMember({"whitened", "mean"}))
      ->capture_default_str();
  add_home_options(*command, options->home);
  command->footer(
      "Example: stegpass passport evaluate --model trained/owner.safetensors --data drawn --home studio --passport cover");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
