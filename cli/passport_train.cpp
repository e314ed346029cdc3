#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "training_record.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  HomeOptions home;
  std::string data, out, preset = "quick", device = "cpu", precision;
  std::optional<std::uint64_t> images, epochs;
  std::uint64_t seed = 1;
  bool resume = false, force = false;
};

/// Everything about the outputs that can fail is found before the work begins.
Status check_outputs(const ModelFolder& out, const TrainOptions& options) {
  for (const fs::path& path : {out.owner_model(), out.release_model(), out.record()}) {
    STEGPASS_CHECK_OK(check_output_in(out.folder, path.filename().string(), options.force));
  }
  std::error_code error;
  if (!options.resume && !options.force && fs::exists(out.checkpoint(), error)) {
    return Error{Errc::exists, out.checkpoint().string() + " was left by a run that did not finish"};
  }
  return Done{};
}

Result<TrainRequest> request_of(const TrainOptions& options, const ModelFolder& out, const Vault& vault) {
  TrainRequest request;
  request.data = options.data;
  request.preset = options.preset;
  request.images = options.images;
  request.epochs = options.epochs;
  request.seed = options.seed;
  request.device = options.device;
  request.precision = options.precision;
  STEGPASS_TRY(passports, open_passports(vault));
  request.passports = std::move(passports);
  if (options.resume) {
    STEGPASS_TRY(checkpoint, read_file(out.checkpoint(), kMaxModelFile, "a training checkpoint"));
    request.resume = std::move(checkpoint);
  }
  const fs::path checkpoint = out.checkpoint();
  request.on_checkpoint = [checkpoint](ByteView content) { return write_file(checkpoint, content, {.force = true, .secret = true}); };
  return request;
}

/// The record goes last: a folder that has one is complete.
Status write_outputs(const ModelFolder& out, const TrainResult& result, const Json& record, bool force) {
  STEGPASS_CHECK_OK(write_file(out.owner_model(), result.owner_model, {.force = force, .secret = true}));
  STEGPASS_CHECK_OK(write_file(out.release_model(), result.release_model, {.force = force}));
  STEGPASS_CHECK_OK(write_file(out.record(), as_bytes(record.dump(2) + "\n"), {.force = force}));
  std::error_code ignored;
  fs::remove(out.checkpoint(), ignored);
  return Done{};
}

Report report_of(const ModelFolder& out, const TrainResult& result, const Json& record, const std::vector<OpenPassport>& passports) {
  Report report;
  report.text = "trained " + out.release_model().string() + "\n  accuracy  " + with_decimals(100 * result.accuracy_deployment, 2) +
                " % deployment, " + with_decimals(100 * result.accuracy_verification, 2) + " % verification";
  for (std::size_t i = 0; i < result.readings.size() && i < passports.size(); ++i) {
    report.text += "\n  mark      " + reading_to_text(passports[i].role, result.readings[i]);
  }
  report.figures = record;
  report.figures["owner_model"] = out.owner_model().string();
  report.figures["release_model"] = out.release_model().string();
  report.figures["record"] = out.record().string();
  return report;
}

/// Where a run that stopped can go on from.
void suggest_resume(const ModelFolder& out, Output& output) {
  std::error_code error;
  if (fs::exists(out.checkpoint(), error)) output.suggest("go on with the same command and --resume (from " + out.checkpoint().string() + ")");
}

Result<Report> train(const TrainOptions& options, Output& output) {
  const ModelFolder out{options.out};
  if (auto free = check_outputs(out, options); !free) return suggest_resume(out, output), Error(free.error());
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(request, [&]() -> Result<TrainRequest> {  // the home is free again for others while the network trains
    STEGPASS_TRY(home, open_home(options.home));
    return request_of(options, out, home.vault);
  }());
  std::error_code ignored;
  const bool new_folder = !fs::exists(out.folder, ignored);
  STEGPASS_CHECK_OK(make_folder(out.folder));
  auto result = [&] {
    ProgressBar bar("training");
    return model->train(request, [&](double done, double total, std::string_view detail) {
      bar.update(done, total, detail);
      return !interrupted();
    });
  }();
  if (!result && new_folder && fs::is_empty(out.folder, ignored)) fs::remove(out.folder, ignored);
  if (!result) return suggest_resume(out, output), Error(result.error());
  const TrainingRecord record{result->mark, result->accuracy_deployment, result->accuracy_verification,
                              credential::fast_sha256(result->owner_model), credential::fast_sha256(result->release_model)};
  const Json json = training_json(*result, record, request.passports);
  STEGPASS_CHECK_OK(write_outputs(out, *result, json, options.force));
  return report_of(out, *result, json, request.passports);
}

int run(const TrainOptions& options, Output& output) { return finish(output, train(options, output)); }

}  // namespace

void setup_passport_train(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = group.add_subcommand("train", "Train a network with the vault's passports woven in");
  add_home_options(*command, options->home);
  command->add_option("--data", options->data, "Folder with Fashion-MNIST's four IDX files, or 'drawn'")->required();
  command->add_option("--out", options->out, "Folder for owner.safetensors, release.safetensors and training.json")->required();
  command->add_option("--preset", options->preset, "quick or paper")->check(CLI::IsMember({"quick", "paper"}))->capture_default_str();
  command->add_option("--images", options->images, "Train on the first so many images; default: the preset's");
  command->add_option("--epochs", options->epochs, "Passes over the data; default: the preset's");
  command->add_option("--seed", options->seed, "Seed of weights and order")->capture_default_str();
  command->add_option("--device", options->device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  command->add_option("--precision", options->precision, "fp32 or bf16; default: the preset's")->check(CLI::IsMember({"fp32", "bf16"}));
  auto* resume = command->add_flag("--resume", options->resume, "Go on from the checkpoint of a run that was stopped");
  command->add_flag("--force", options->force, "Replace what is there")->excludes(resume);
  command->footer("Example: stegpass passport train --home studio --data /usr/share/datasets/fashion-mnist --out trained");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
