#include <torch/types.h>

#include <stegpass/model/dataset.hpp>
#include <stegpass/model/isn_training.hpp>
#include <stegpass/model/training.hpp>

#include "passports.hpp"

namespace stegpass::gpu_check {
namespace {

constexpr double kAccuracyBar = 0.8;
constexpr double kStegoBar_db = 26, kRevealBar_db = 18;

struct Trained {
  model::TrainedModel model;
  double seconds = 0;
};

Trained train_network(const torch::Device& device) {
  const auto architecture = small_architecture();
  model::TrainingTask task{architecture,
                           model::draw_shapes(2000, 1),
                           model::draw_shapes(500, 2),
                           drawn_mark(architecture, 1),
                           {drawn_mark(architecture, 3), drawn_mark(architecture, 4)},
                           device};
  auto settings = model::training_preset("quick").value();
  settings.epochs = 6;
  settings.rate = 0.05;  // the preset's suit the whole width
  settings.last_gain = 1;
  settings.train_images = settings.test_images = 0;
  settings.precision = model::Precision::fp32;
  const double start = now_seconds();
  auto trained = model::train(task, settings).value();
  wait_for(device);
  return {std::move(trained), now_seconds() - start};
}

Outcome owner_verdict(model::TrainedModel& trained, std::uint64_t passport) {
  trained.network->to(torch::kCPU);
  const auto reading = read_from_file(trained.network, drawn_mark(trained.network->architecture(), passport));
  return model::judge_mark("owner.mark", reading, 1).outcome;
}

void report_network(const std::string& name, const Trained& trained, Report& report) {
  const auto& accuracy = trained.model.accuracy;
  report.figure(name + "_seconds", trained.seconds);
  report.figure(name + "_accuracy_deployment", accuracy.deployment);
  report.figure(name + "_accuracy_verification", accuracy.verification);
  report.figure(name + "_match_cover", trained.model.matches.front());
  report.claim(name + ": both branches reach the accuracy bar",
               accuracy.deployment >= kAccuracyBar && accuracy.verification >= kAccuracyBar);
}

struct TrainedIsn {
  double stego_psnr_db = 0, reveal_psnr_db = 0, wrong_key_correlation = 0, seconds = 0;
  bool readable = false;
};

TrainedIsn train_small_isn(const torch::Device& device) {
  std::vector<model::Raster> pictures;
  for (std::uint64_t i = 0; i < 12; ++i) pictures.push_back({96, 96, drawn_picture(100 + i, 96)});
  model::IsnTrainingOptions options;
  options.form = {2, 8, 2.0};
  options.steps = 300;
  options.crop = 32;
  options.checkpoint_every = 50;
  options.bf16 = false;
  options.device = device;
  TrainedIsn result;
  model::IsnTrainingHooks hooks;
  hooks.progress = [&result](const model::IsnProgress& progress) {
    result.stego_psnr_db = progress.stego_psnr_db;
    result.reveal_psnr_db = progress.reveal_psnr_db;
    result.wrong_key_correlation = progress.wrong_key_correlation;
    return true;
  };
  const double start = now_seconds();
  const auto trained = model::train_isn(pictures, options, hooks).value();
  result.seconds = now_seconds() - start;
  result.readable = model::IsnModel::load(trained.weights).ok();
  return result;
}

void report_isn(const std::string& name, const TrainedIsn& isn, Report& report) {
  report.figure(name + "_isn_seconds", isn.seconds);
  report.figure(name + "_isn_stego_psnr_db", isn.stego_psnr_db);
  report.figure(name + "_isn_reveal_psnr_db", isn.reveal_psnr_db);
  report.figure(name + "_isn_wrong_key_correlation", isn.wrong_key_correlation);
  report.claim(name + ": the steganographic network reaches its bars",
               isn.readable && isn.stego_psnr_db >= kStegoBar_db && isn.reveal_psnr_db >= kRevealBar_db);
}

}  // namespace

void check_training(const torch::Device& device, Report& report) {
  Trained cpu = train_network(torch::kCPU), other = train_network(device);
  report_network("cpu", cpu, report);
  report_network("device", other, report);
  for (const std::uint64_t passport : {1u, 3u, 4u})
    report.claim("passport " + std::to_string(passport) + ": its mark is read from both networks",
                 owner_verdict(cpu.model, passport) == Outcome::valid && owner_verdict(other.model, passport) == Outcome::valid);
  report.claim("a stranger's passport is read from neither",
               owner_verdict(cpu.model, 2) == Outcome::invalid && owner_verdict(other.model, 2) == Outcome::invalid);
  report_isn("cpu", train_small_isn(torch::kCPU), report);
  report_isn("device", train_small_isn(device), report);
}

}  // namespace stegpass::gpu_check
