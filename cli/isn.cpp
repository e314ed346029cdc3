#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "command.hpp"
#include "files.hpp"
#include "isn.hpp"
#include "model_part.hpp"
#include "plot.hpp"
#include "processes.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct TrainOptions {
  std::string images, out, start, form = "small", device = "cpu", precision = "fp32";
  std::uint64_t steps = 9000, seed = 1;
  std::uint64_t batch = 4;
  double rate = 1e-3, stego_weight = 8;
  int processes = 1;
  bool recompute = false, resume = false, force = false;
};

struct EvaluateOptions {
  std::string images, weights;
  std::uint32_t size = 224;
  bool whole = false;
  std::uint64_t seed = 1, mints = 0;
};

fs::path record_path(const fs::path& weights) { return fs::path(weights).replace_extension(".json"); }
fs::path plot_path(const fs::path& weights) { return fs::path(weights).replace_extension(".png"); }
fs::path checkpoint_path(const fs::path& weights) { return fs::path(weights).replace_extension(".checkpoint"); }

Status check_outputs(const TrainOptions& options) {
  const fs::path out = options.out;
  if (out == record_path(out) || out == checkpoint_path(out))
    return Error{Errc::usage, "give --out a name that ends in .safetensors"};
  STEGPASS_CHECK_OK(check_output(out, options.force));
  STEGPASS_CHECK_OK(check_output(record_path(out), options.force));
  STEGPASS_CHECK_OK(check_output(plot_path(out), options.force));
  std::error_code error;
  if (!options.resume && !options.force && fs::exists(checkpoint_path(out), error)) {
    return Error{Errc::exists, checkpoint_path(out).string() + " was left by a run that did not finish"};
  }
  return Done{};
}

Result<IsnTrainRequest> request_of(const TrainOptions& options) {
  IsnTrainRequest request;
  request.images = options.images;
  request.steps = options.steps;
  request.seed = options.seed;
  request.rate = options.rate;
  request.stego_weight = options.stego_weight;
  request.form = options.form;
  request.recompute = options.recompute;
  request.batch = options.batch;
  if (!options.start.empty()) {
    STEGPASS_TRY(weights, load_isn_weights(options.start));
    request.start_weights = std::move(weights);
  }
  request.device = options.device;
  request.precision = options.precision;
  const fs::path checkpoint = checkpoint_path(options.out);
  if (options.resume) {
    STEGPASS_TRY(file, read_file(checkpoint, kMaxModelFile, "a training checkpoint"));
    request.resume = std::move(file);
  }
  request.on_checkpoint = [checkpoint](ByteView content) { return write_file(checkpoint, content, {.force = true}); };
  return request;
}

void suggest_resume(const TrainOptions& options, Output& output) {
  std::error_code error;
  const fs::path checkpoint = checkpoint_path(options.out);
  if (fs::exists(checkpoint, error))
    output.suggest("go on with the same command and --resume (from " + checkpoint.string() + ")");
}

/// A process of a launched run that is not the first: it trains its share, and the first writes.
Result<Report> train_share(const TrainOptions& options, ModelPart& model, const Processes& at) {
  STEGPASS_TRY(request, request_of(options));
  request.processes = at;
  request.on_checkpoint = {};
  STEGPASS_TRY(result, model.train_isn(request, [](double, double, std::string_view) { return !interrupted(); }));
  const std::string digest = to_hex(credential::fast_sha256(result.weights));
  return Report{"process " + std::to_string(at.rank) + " of " + std::to_string(at.size) + " is done; process 0 writes",
                {{"rank", at.rank}, {"processes", at.size}, {"sha256", digest}}};
}

Result<Report> train(const TrainOptions& options, Output& output) {
  STEGPASS_TRY(launched, processes_from_environment());
  STEGPASS_TRY(model, load_model_part());
  if (launched.rank > 0) return train_share(options, *model, launched);
  if (auto free = check_outputs(options); !free) return suggest_resume(options, output), Error(free.error());
  STEGPASS_TRY(request, request_of(options));
  request.processes = launched;
  Companions companions;
  if (launched.size == 1 && options.processes > 1) {
    STEGPASS_TRY(started, Companions::start_without_passphrase(options.processes, request.processes));
    companions = std::move(started);
  }
  auto result = [&] {
    ProgressBar bar("training the ISN");
    return model->train_isn(request, [&](double done, double total, std::string_view detail) {
      bar.update(done, total, detail);
      return !interrupted();
    });
  }();
  if (!result) return suggest_resume(options, output), Error(result.error());
  STEGPASS_CHECK_OK(companions.finish());
  const fs::path out = options.out;
  STEGPASS_CHECK_OK(write_file(out, result->weights, {.force = options.force}));
  STEGPASS_CHECK_OK(write_file(record_path(out), as_bytes(result->run_record + "\n"), {.force = options.force}));
  const auto picture = draw_plot(isn_plot(result->run_record));  // no gnuplot, no plot
  if (picture) STEGPASS_CHECK_OK(write_file(plot_path(out), *picture, {.force = options.force}));
  std::error_code ignored;
  fs::remove(checkpoint_path(out), ignored);
  Report report;
  const std::string digest = to_hex(credential::fast_sha256(result->weights));
  report.text = "trained " + out.string() + " (" + std::to_string(result->weights.size()) + " bytes)\n  sha256  " + digest +
                "\n  record  " + record_path(out).string() + (picture ? "\n  curves  " + plot_path(out).string() : "");
  report.figures = {{"weights", out.string()}, {"bytes", result->weights.size()},
                    {"sha256", digest},        {"record", record_path(out).string()},
                    {"steps", options.steps},  {"processes", request.processes.size}};
  return report;
}

Status add_mints(const EvaluateOptions& options, ModelPart& model, ByteView weights, Report& report) {
  auto trial = [&] {
    ProgressBar bar("minting");
    return model.try_mints(weights, options.images, options.mints, options.seed,
                           [&](double done, double total, std::string_view) {
                             bar.update(done, total);
                             return !interrupted();
                           });
  }();
  if (!trial) return Error(trial.error());
  report.text += "\n  " + std::to_string(trial->mints) + " identities at 256 pixels: " + std::to_string(trial->codes_read) +
                 " QR codes read back (" + std::to_string(trial->varied) + " not at once, " + std::to_string(trial->refused) +
                 " refused), reveal " + with_decimals(trial->reveal_psnr_db, 2) + " dB (least " +
                 with_decimals(trial->reveal_psnr_db_min, 2) + ")\n  " + std::to_string(trial->wrong_keys) +
                 " wrong keys: " + std::to_string(trial->wrong_codes) + " QR codes, largest correlation " +
                 with_decimals(trial->worst_correlation, 3);
  report.figures["mints"] = {{"count", trial->mints},
                             {"codes_read", trial->codes_read},
                             {"varied", trial->varied},
                             {"refused", trial->refused},
                             {"reveal_psnr_db", trial->reveal_psnr_db},
                             {"reveal_psnr_db_min", trial->reveal_psnr_db_min},
                             {"wrong_keys", trial->wrong_keys},
                             {"wrong_key_codes", trial->wrong_codes},
                             {"wrong_key_correlation_max", trial->worst_correlation}};
  return Done{};
}

Result<Report> evaluate(const EvaluateOptions& options) {
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(weights, load_isn_weights(options.weights));
  STEGPASS_TRY(figures, model->evaluate_isn(weights, options.images, options.whole ? 0 : options.size, options.seed));
  Report report;
  report.text =
      "on " + std::to_string(figures.images) +
      (options.whole ? " whole pictures" : " pictures of " + std::to_string(options.size) + " pixels") +
      ", from 8-bit values:\n  stego   " + with_decimals(figures.stego_psnr_db, 2) + " dB (least " +
      with_decimals(figures.stego_psnr_db_min, 2) + "), SSIM " + with_decimals(figures.stego_ssim, 4) + "\n  reveal  " +
      with_decimals(figures.reveal_psnr_db, 2) + " dB (least " + with_decimals(figures.reveal_psnr_db_min, 2) + "), SSIM " +
      with_decimals(figures.reveal_ssim, 4) + "\n  wrong key: correlation " + with_decimals(figures.wrong_key_correlation, 3) +
      " with the secret, " + with_decimals(figures.wrong_key_cover_correlation, 3) +
      " with the cover\n  reveal when the stego went through JPEG 95: " + with_decimals(figures.jpeg_reveal_psnr_db, 2) +
      " dB, when it was resized to three quarters and back: " + with_decimals(figures.resized_reveal_psnr_db, 2) +
      " dB (passport.digest refuses both first)";
  report.figures = {{"images", figures.images},
                    {"size", options.whole ? nlohmann::json("whole") : nlohmann::json(options.size)},
                    {"stego_psnr_db", figures.stego_psnr_db},
                    {"stego_psnr_db_min", figures.stego_psnr_db_min},
                    {"reveal_psnr_db", figures.reveal_psnr_db},
                    {"reveal_psnr_db_min", figures.reveal_psnr_db_min},
                    {"wrong_key_correlation", figures.wrong_key_correlation},
                    {"stego_ssim", figures.stego_ssim},
                    {"reveal_ssim", figures.reveal_ssim},
                    {"wrong_key_cover_correlation", figures.wrong_key_cover_correlation},
                    {"jpeg_reveal_psnr_db", figures.jpeg_reveal_psnr_db},
                    {"resized_reveal_psnr_db", figures.resized_reveal_psnr_db},
                    {"weights_sha256", to_hex(credential::fast_sha256(weights))}};
  if (options.mints > 0) STEGPASS_CHECK_OK(add_mints(options, *model, weights, report));
  return report;
}

int run_train(const TrainOptions& options, Output& output) { return finish(output, train(options, output)); }
int run_evaluate(const EvaluateOptions& options, Output& output) { return finish(output, evaluate(options)); }

void setup_train(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<TrainOptions>();
  CLI::App* command = group.add_subcommand("train", "Train the network that hides identities, on a folder of photos");
  command->add_option("--images", options->images, "Folder with pictures, searched with its subfolders")->required();
  command
      ->add_option("--out", options->out,
                   "The weights (safetensors); a record with the same name ends in .json, its curves in .png")
      ->required();
  command->add_option("--steps", options->steps, "Training steps")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--start", options->start, "Weights to go on from (safetensors); default: a fresh network");
  command->add_option("--rate", options->rate, "Adam's rate after the first hundred steps; it falls along a cosine")
      ->check(CLI::Range(1e-8, 1.0))
      ->capture_default_str();
  command
      ->add_option("--stego-weight", options->stego_weight,
                   "Weight of the cover's error in the loss; the revealed picture's is 2")
      ->check(CLI::Range(0.01, 1000.0))
      ->capture_default_str();
  command
      ->add_option("--form", options->form,
                   "small, full (8 blocks of growth 32), or hinet (as full, without a key: for comparison)")
      ->check(CLI::IsMember({"small", "full", "hinet"}))
      ->capture_default_str();
  command->add_flag("--recompute", options->recompute,
                    "Keep no activations: memory that hardly grows with the blocks (a quarter more at 32 than at 8), for about "
                    "1.6 times the time");
  command->add_option("--seed", options->seed, "Seed of weights, crops and keys")->capture_default_str();
  add_device(*command, options->device, options->precision);
  command->add_option("--batch", options->batch, "Pairs a step")->check(CLI::Range(1, 4096))->capture_default_str();
  command
      ->add_option(
          "--nproc", options->processes,
          "Processes on this machine that share every batch; a launcher's RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT go first")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  auto* resume = command->add_flag("--resume", options->resume, "Go on from the checkpoint of a run that was stopped");
  command->add_flag("--force", options->force, "Replace what is there")->excludes(resume);
  command->footer("Example: stegpass isn train --images photos --out isn.safetensors");
  bind_command(commands, *command, options, run_train);
}

void setup_evaluate(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command =
      group.add_subcommand("evaluate", "Measure stego, reveal and wrong key on a folder of photos, from 8-bit values");
  command->add_option("--images", options->images, "Folder with at least two pictures")->required();
  command->add_option("--weights", options->weights, "ISN weights; default: those that come with stegpass");
  auto* size = command->add_option("--size", options->size, "Side of the centred squares in pixels")
                   ->check(CLI::Range(32, 2048))
                   ->capture_default_str();
  command->add_flag("--whole", options->whole, "Whole pictures, whatever their sizes; each secret is brought to its cover's")
      ->excludes(size);
  command->add_option("--seed", options->seed, "Seed of pairs and keys")->capture_default_str();
  command
      ->add_option("--mints", options->mints,
                   "Also hide so many identities with QR codes at 256 pixels, and try two wrong keys on each")
      ->check(CLI::Range(1, 1'000'000));
  command->footer("Example: stegpass isn evaluate --images photos --json");
  bind_command(commands, *command, options, run_evaluate);
}

}  // namespace

void setup_isn(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("isn", "The network that hides an identity picture in a passport");
  group->require_subcommand(1);
  setup_train(commands, *group);
  setup_evaluate(commands, *group);
  setup_isn_hide(commands, *group);
  setup_isn_reveal(commands, *group);
  setup_isn_convert(commands, *group);
}

}  // namespace stegpass::cli
