#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "plot.hpp"
#include "processes.hpp"
#include "training_record.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  HomeOptions home;
  TrainRequest request;  // what the options fill in directly
  std::string out, settings, initial;
  int processes = 1;
  bool resume = false, force = false;
};

/// Everything about the outputs that can fail is found before the work begins.
Status check_outputs(const ModelFolder& out, const TrainOptions& options) {
  for (const fs::path& path : {out.owner_model(), out.release_model(), out.plot(), out.record()}) {
    STEGPASS_CHECK_OK(check_output_in(out.folder, path.filename().string(), options.force));
  }
  std::error_code error;
  if (!options.resume && !options.force && fs::exists(out.checkpoint(), error)) {
    return Error{Errc::exists, out.checkpoint().string() + " was left by a run that did not finish"};
  }
  return Done{};
}

/// Layers given as a JSON file are put as names with commas between.
Result<std::string> layers_of(const std::string& choice) {
  if (choice.size() < 5 || choice.substr(choice.size() - 5) != ".json") return choice;
  STEGPASS_TRY(file, read_file(choice, kMaxSmallFile, "a JSON array of layer names"));
  const Json names = Json::parse(file.begin(), file.end(), nullptr, false);
  if (!names.is_array()) return Error{Errc::malformed, choice + ": no JSON array of layer names"};
  std::string text;
  for (const Json& name : names) {
    if (!name.is_string()) return Error{Errc::malformed, choice + ": a layer name is no text"};
    text += (text.empty() ? "" : ",") + name.get<std::string>();
  }
  return text.empty() ? "none" : text;
}

Result<TrainRequest> request_of(const TrainOptions& options, const ModelFolder& out, const Vault& vault) {
  TrainRequest request = options.request;
  STEGPASS_TRY(layers, layers_of(options.request.layers));
  request.layers = layers;
  if (!options.settings.empty()) {
    STEGPASS_TRY(settings, read_file(options.settings, kMaxSmallFile, "training settings (JSON)"));
    request.settings.assign(settings.begin(), settings.end());
  }
  if (!options.initial.empty()) {
    STEGPASS_TRY(initial, read_file(options.initial, kMaxModelFile, "initial weights (safetensors)"));
    request.initial = std::move(initial);
  }
  if (layers != "none") {
    STEGPASS_TRY(passports, open_passports(vault));
    request.passports = std::move(passports);
  }
  if (options.resume) {
    STEGPASS_TRY(checkpoint, read_file(out.checkpoint(), kMaxModelFile, "a training checkpoint"));
    request.resume = std::move(checkpoint);
  }
  const fs::path checkpoint = out.checkpoint();
  request.on_checkpoint = [checkpoint](ByteView content) {
    return write_file(checkpoint, content, {.force = true, .secret = true});
  };
  return request;
}

/// The record goes last: a folder that has one is complete.
Status write_outputs(const ModelFolder& out, const TrainResult& result, const Json& record, bool force) {
  STEGPASS_CHECK_OK(write_file(out.owner_model(), result.owner_model, {.force = force, .secret = true}));
  STEGPASS_CHECK_OK(write_file(out.release_model(), result.release_model, {.force = force}));
  if (const auto picture = draw_plot(training_plot(result.run_record))) {  // no gnuplot, no plot
    STEGPASS_CHECK_OK(write_file(out.plot(), *picture, {.force = force}));
  }
  STEGPASS_CHECK_OK(write_file(out.record(), as_bytes(record.dump(2) + "\n"), {.force = force}));
  std::error_code ignored;
  fs::remove(out.checkpoint(), ignored);
  return Done{};
}

Report report_of(const ModelFolder& out, const TrainResult& result, const Json& record,
                 const std::vector<OpenPassport>& passports) {
  Report report;
  report.text = "trained " + out.release_model().string() + "\n  accuracy  " +
                with_decimals(100 * result.accuracy_deployment, 2) + " % deployment, " +
                with_decimals(100 * result.accuracy_verification, 2) + " % verification";
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
  if (fs::exists(out.checkpoint(), error))
    output.suggest("go on with the same command and --resume (from " + out.checkpoint().string() + ")");
}

/// What this command needs of the home, which is free again for others while the network trains.
struct Prepared {
  TrainRequest request;
  credential::SecretBytes passphrase;
};

Result<Prepared> prepare(const TrainOptions& options, const ModelFolder& out, bool among_others) {
  STEGPASS_TRY(home, open_home(options.home, among_others ? HomeWait::minute : HomeWait::none));
  std::error_code ignored;
  if (fs::exists(home.home.rotated_key(1), ignored))
    return Error{
        Errc::refused,
        "this home's key was rotated, and its passports are bound to the key before: train and register a new model in a new "
        "home (stegpass init)"};
  STEGPASS_TRY(request, request_of(options, out, home.vault));
  return Prepared{std::move(request), std::move(home.passphrase)};
}

Result<TrainResult> train_with_bar(ModelPart& model, const TrainRequest& request) {
  ProgressBar bar("training");
  return model.train(request, [&](double done, double total, std::string_view detail) {
    bar.update(done, total, detail);
    return !interrupted();
  });
}

/// A process of a launched run that is not the first: it trains its share, and the first writes.
Result<Report> train_share(const TrainOptions& options, ModelPart& model, const Processes& at) {
  STEGPASS_TRY(prepared, prepare(options, ModelFolder{options.out}, true));
  prepared.request.processes = at;
  STEGPASS_TRY(result, model.train(prepared.request, [](double, double, std::string_view) { return !interrupted(); }));
  Report report;
  report.text = "process " + std::to_string(at.rank) + " of " + std::to_string(at.size) + " is done; process 0 writes";
  report.figures = {
      {"rank", at.rank}, {"processes", at.size}, {"release_model_sha256", to_hex(credential::fast_sha256(result.release_model))}};
  return report;
}

Result<Report> train(const TrainOptions& options, Output& output) {
  const ModelFolder out{options.out};
  STEGPASS_TRY(launched, processes_from_environment());
  STEGPASS_TRY(model, load_model_part());
  if (launched.rank > 0) return train_share(options, *model, launched);
  if (auto free = check_outputs(out, options); !free) return suggest_resume(out, output), Error(free.error());
  STEGPASS_TRY(prepared, prepare(options, out, launched.size > 1));
  prepared.request.processes = launched;
  Companions companions;
  if (launched.size == 1 && options.processes > 1) {
    STEGPASS_TRY(started, Companions::start(options.processes, prepared.passphrase, prepared.request.processes));
    companions = std::move(started);
  }
  std::error_code ignored;
  const bool new_folder = !fs::exists(out.folder, ignored);
  STEGPASS_CHECK_OK(make_folder(out.folder));
  auto result = train_with_bar(*model, prepared.request);
  if (!result && new_folder && fs::is_empty(out.folder, ignored)) fs::remove(out.folder, ignored);
  if (!result) return suggest_resume(out, output), Error(result.error());
  STEGPASS_CHECK_OK(companions.finish());
  const TrainingRecord record{result->mark, result->accuracy_deployment, result->accuracy_verification,
                              credential::fast_sha256(result->owner_model), credential::fast_sha256(result->release_model)};
  const Json json = training_json(*result, record, prepared.request.passports);
  STEGPASS_CHECK_OK(write_outputs(out, *result, json, options.force));
  return report_of(out, *result, json, prepared.request.passports);
}

int run(const TrainOptions& options, Output& output) { return finish(output, train(options, output)); }

}  // namespace

namespace {

void add_network_options(CLI::App& command, TrainRequest& request) {
  command
      .add_option("--network", request.network,
                  "alexnet-cifar, resnet18-cifar, resnet18-reference (ReLU also before the addition) or resnet18 (torchvision's)")
      ->check(CLI::IsMember({"alexnet-cifar", "resnet18-cifar", "resnet18-reference", "resnet18"}))
      ->capture_default_str();
  command.add_option("--layers", request.layers,
                     "Passport layers: last3, layer4, all, none, names with commas between, or a JSON file with an array of "
                     "names; default: last3 or layer4");
  command.add_option("--norm", request.norm, "batch, group, instance or none")
      ->check(CLI::IsMember({"batch", "group", "instance", "none"}))
      ->capture_default_str();
  command.add_option("--width", request.width, "Channels, per mille of the published counts")
      ->check(CLI::Range(16, 2000))
      ->capture_default_str();
  command.add_option("--input", request.input, "Side of the images in pixels, a multiple of 32")
      ->check(CLI::Range(32, 512))
      ->capture_default_str();
}

void add_mark_options(CLI::App& command, TrainRequest& request) {
  command.add_option("--scheme", request.scheme, "sp, pan, deepipr-v1, deepipr-v2 or deepipr-v3 (with trigger images)")
      ->check(CLI::IsMember({"sp", "pan", "deepipr-v1", "deepipr-v2", "deepipr-v3"}))
      ->capture_default_str();
  command
      .add_option("--pooling", request.pooling,
                  "whitened, or mean as in the papers, which a second passport wipes; default: the preset's")
      ->check(CLI::IsMember({"whitened", "mean"}));
  command
      .add_option("--signature", request.signature,
                  "strict, or reference as the published code, which proves nothing; default: the preset's")
      ->check(CLI::IsMember({"strict", "reference"}));
  command.add_option("--keys", request.keys, "What reaches a passport layer: image, shuffle or random")
      ->check(CLI::IsMember({"image", "shuffle", "random"}))
      ->capture_default_str();
  command.add_option("--balance", request.balance, "Weight of the term that pulls both branches together; default: the preset's");
}

void add_run_options(CLI::App& command, TrainOptions& options) {
  TrainRequest& request = options.request;
  command
      .add_option("--preset", request.preset,
                  "quick (minutes on a CPU, precision auto), paper (200 epochs, fp32) or published (the same with the published "
                  "code's margin, pooling and reading)")
      ->check(CLI::IsMember({"quick", "paper", "published"}))
      ->capture_default_str();
  command.add_option("--settings", options.settings,
                     "JSON file whose fields replace the preset's; names as under run.run.settings of training.json");
  command.add_option("--init", options.initial,
                     "Weights to begin from (safetensors; passport convert makes them of PyTorch's files)");
  command.add_option("--images", request.images, "Train on so many images, drawn by the seed; 0: all; default: the preset's");
  command.add_option("--test-images", request.test_images,
                     "Measure on so many of the test images, drawn by the seed; 0: all; default: the preset's");
  command.add_option("--validation", request.validation,
                     "Hold out so many of them, and measure the curves there instead of on the test images");
  command.add_option("--epochs", request.epochs, "Passes over the data; default: the preset's");
  command.add_option("--batch", request.batch, "Images a step; default: the preset's");
  command.add_option("--rate", request.rate, "Learning rate; default: the preset's");
  command.add_option("--seed", request.seed, "Seed of weights and order")->capture_default_str();
  add_device(command, request.device, request.precision);
  command
      .add_option(
          "--nproc", options.processes,
          "Processes on this machine that share every batch; a launcher's RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT go first")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
}

}  // namespace

void setup_passport_train(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = group.add_subcommand("train", "Train a network with the vault's passports woven in");
  add_home_options(*command, options->home);
  command
      ->add_option("--data", options->request.data,
                   "Data set: CIFAR-10 or -100 (binary), IDX, a folder of class folders, what data import made, or 'drawn'")
      ->required();
  command->add_option("--out", options->out, "Folder for owner.safetensors, release.safetensors, training.json and training.png")
      ->required();
  add_network_options(*command, options->request);
  add_mark_options(*command, options->request);
  add_run_options(*command, *options);
  auto* resume = command->add_flag("--resume", options->resume, "Go on from the checkpoint of a run that was stopped");
  command->add_flag("--force", options->force, "Replace what is there")->excludes(resume);
  command->footer("Example: stegpass passport train --home studio --data /usr/share/datasets/fashion-mnist --out trained");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
