#include <stegpass/model/training.hpp>

#include <chrono>
#include <cmath>

#include <stegpass/model/reading.hpp>
#include <torch/version.h>

#include "augment.hpp"
#include "json.hpp"
#include "sgd.hpp"
#include "shuffle.hpp"
#include "training_settings.hpp"

namespace stegpass::model {
namespace {

constexpr const char* kStateFormat = "training-state.v1";

/// Order and augmentation of one epoch or step follow from this and the epoch alone, so that a resumed run is the same run.
std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index) {
  std::uint64_t x = seed + 0x9e3779b97f4a7c15 * (4 * index + purpose);  // splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// The loss of one step, and its parts.
struct StepLoss {
  torch::Tensor total;
  double deployment, verification, signs;
  bool finite() const { return std::isfinite(deployment) && std::isfinite(verification) && std::isfinite(signs); }
};

/// One training run: what `train` keeps from step to step.
class Run {
 public:
  Run(const TrainingTask& task, const TrainingSettings& settings);

  Status resume(ByteView bytes);
  Status go(const TrainingHooks& hooks);
  Result<TrainedModel> finish();

 private:
  std::int64_t steps_per_epoch() const { return train_.size() / settings_.batch; }
  StepLoss loss(const torch::Tensor& images, const torch::Tensor& labels);
  Status epoch(const TrainingHooks& hooks);
  Status step(const torch::Tensor& chosen, std::int64_t number, const TrainingHooks& hooks);
  std::vector<double> matches();
  Result<Accuracy> test_accuracy();
  void note_epoch(const Accuracy* accuracy, double seconds);
  Bytes state();
  NamedTensors state_tensors() const;

  const TrainingTask& task_;
  const TrainingSettings settings_;
  LabelledImages train_, test_;
  std::string identity_;
  NetworkKeys cover_;
  std::vector<NetworkKeys> reserves_;
  PassportNetwork network_;
  Sgd optimiser_;
  int epochs_done_ = 0;
  TrainingProgress sums_;  // losses added up over the epoch under way
  std::string curves_;     // JSON objects, one an epoch, with commas between
};

Run::Run(const TrainingTask& task, const TrainingSettings& settings)
    : task_(task),
      settings_(settings),
      train_(take_images(task.train, settings.train_images, mix_seed(settings.seed, 2, 0))),
      test_(take_images(task.test, settings.test_images, mix_seed(settings.seed, 2, 1))),
      identity_(run_identity(task, settings, train_, test_)),
      cover_(network_keys(task.architecture, task.cover, task.device)),
      network_(task.architecture, Branches::both, settings.seed),
      optimiser_((network_->to(task.device), *network_), settings.momentum, settings.weight_decay) {
  for (const Mark& reserve : task.reserves) reserves_.push_back(network_keys(task.architecture, reserve, task.device));
  const torch::NoGradGuard no_grad;
  network_->blocks().back()->bn->weight.fill_(settings.last_gain);
}

StepLoss Run::loss(const torch::Tensor& images, const torch::Tensor& labels) {
  const auto outputs = network_->both(images, cover_, settings_.precision);
  const torch::Tensor deployment = at::cross_entropy_loss(outputs.deployment, labels);
  const torch::Tensor verification = at::cross_entropy_loss(outputs.verification, labels);
  torch::Tensor hinge = torch::zeros({}, deployment.options()), squares = hinge, balance = hinge;
  const auto demand = [&](const LayerKeys& keys, const torch::Tensor& s) {
    hinge = hinge + at::relu(settings_.sign_margin - keys.bits * s).sum();
    squares = squares + s.square().sum();
  };
  const std::vector<ConvBlock> blocks = network_->passport_blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    demand(cover_[i], outputs.affines[i].signs);
    for (const NetworkKeys& reserve : reserves_) demand(reserve[i], layer_signs(blocks[i]->conv->weight, reserve[i].scale));
    if (settings_.balance > 0) {
      balance = balance + at::l1_loss(outputs.affines[i].gain, blocks[i]->bn->weight) +
                at::l1_loss(outputs.affines[i].offset, blocks[i]->bn->bias);
    }
  }
  const torch::Tensor total = deployment + verification + settings_.sign_weight * hinge + settings_.sign_decay * squares +
                              settings_.balance * balance;
  return {total, deployment.item<double>(), verification.item<double>(), hinge.item<double>()};
}

Status Run::step(const torch::Tensor& chosen, std::int64_t number, const TrainingHooks& hooks) {
  const std::int64_t steps = steps_per_epoch() * settings_.epochs;
  torch::Tensor bytes = train_.images.index_select(0, chosen);
  if (settings_.augment) bytes = augment_images(bytes, mix_seed(settings_.seed, 1, static_cast<std::uint64_t>(number)));
  const StepLoss loss = this->loss(network_images(bytes.to(task_.device)),
                                   train_.labels.index_select(0, chosen).to(task_.device));
  if (!loss.finite()) return Error{Errc::diverged, "the loss of step " + std::to_string(number + 1) + " is not finite"};
  optimiser_.clear_gradients();
  loss.total.backward();
  const double rate = rate_at(settings_, number, steps);
  optimiser_.step(rate);
  sums_.deployment_loss += loss.deployment;
  sums_.verification_loss += loss.verification;
  sums_.sign_loss += loss.signs;
  const TrainingProgress progress{epochs_done_ + 1, settings_.epochs, number + 1, steps, rate, loss.deployment, loss.verification, loss.signs};
  if (hooks.progress && !hooks.progress(progress)) return Error{Errc::interrupted, "training was asked to stop"};
  return Done{};
}

Status Run::epoch(const TrainingHooks& hooks) {
  const auto started = std::chrono::steady_clock::now();
  sums_ = {};
  network_->train();
  const torch::Tensor order = shuffled_indices(train_.size(), mix_seed(settings_.seed, 0, static_cast<std::uint64_t>(epochs_done_)));
  for (std::int64_t i = 0; i < steps_per_epoch(); ++i) {
    STEGPASS_CHECK_OK(step(order.narrow(0, i * settings_.batch, settings_.batch), epochs_done_ * steps_per_epoch() + i, hooks));
  }
  ++epochs_done_;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (!settings_.evaluate_each_epoch || test_.size() == 0) return note_epoch(nullptr, took.count()), Done{};
  STEGPASS_TRY(accuracy, test_accuracy());
  note_epoch(&accuracy, took.count());
  return Done{};
}

Status Run::go(const TrainingHooks& hooks) {
  while (epochs_done_ < settings_.epochs) {
    STEGPASS_CHECK_OK(epoch(hooks));
    if (hooks.checkpoint) STEGPASS_CHECK_OK(hooks.checkpoint(state()));
  }
  return Done{};
}

std::vector<double> Run::matches() {
  const torch::NoGradGuard no_grad;
  const std::vector<ConvBlock> blocks = network_->passport_blocks();
  const auto match = [&](const NetworkKeys& keys) {
    int right = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      right += count_matches(keys[i].bits, layer_signs(blocks[i]->conv->weight, keys[i].scale));
    }
    return static_cast<double>(right) / task_.architecture.bits();
  };
  std::vector<double> out = {match(cover_)};
  for (const NetworkKeys& reserve : reserves_) out.push_back(match(reserve));
  return out;
}

Result<Accuracy> Run::test_accuracy() {
  return evaluate(network_, test_, task_.cover, {task_.device, settings_.precision, EvaluationSettings{}.batch});
}

void Run::note_epoch(const Accuracy* accuracy, double seconds) {
  const double steps = static_cast<double>(steps_per_epoch());
  JsonObject json;
  json.integer("epoch", epochs_done_).number("deployment_loss", sums_.deployment_loss / steps);
  json.number("verification_loss", sums_.verification_loss / steps).number("sign_loss", sums_.sign_loss / steps);
  json.raw("matches", json_array(matches())).number("seconds", seconds);
  if (accuracy != nullptr) {
    json.number("deployment_accuracy", accuracy->deployment).number("verification_accuracy", accuracy->verification);
  }
  curves_.append(curves_.empty() ? "" : ",").append(json.str());
}

NamedTensors Run::state_tensors() const {
  NamedTensors all = weights_of(*network_);
  for (const auto& named : optimiser_.state()) all.push_back(named);
  return all;
}

Bytes Run::state() {
  const NamedTensors copies = for_file(state_tensors());
  std::vector<TensorView> views;
  append_views(views, copies);
  return encode_safetensors(std::move(views), {{"stegpass.format", kStateFormat},
                                               {"stegpass.run", identity_},
                                               {"stegpass.epochs", std::to_string(epochs_done_)},
                                               {"stegpass.curves", curves_}});
}

Status Run::resume(ByteView bytes) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  const auto text = [&](const char* key) { return file.metadata.count(key) ? file.metadata.at(key) : std::string(); };
  if (text("stegpass.format") != kStateFormat) return Error{Errc::malformed, "the file is no training state"};
  if (text("stegpass.run") != identity_) {
    return Error{Errc::refused, "the training state is one of another run: settings, architecture, data and marks must be the same"};
  }
  const std::string epochs = text("stegpass.epochs");
  for (int done = 1; done <= settings_.epochs && epochs_done_ == 0; ++done) {
    if (epochs == std::to_string(done)) epochs_done_ = done;
  }
  if (epochs_done_ == 0) return Error{Errc::malformed, "the training state's epoch is none of this run's"};
  curves_ = text("stegpass.curves");
  return read_into(state_tensors(), file);
}

Result<TrainedModel> Run::finish() {
  TrainedModel trained{.network = network_, .matches = matches()};
  if (test_.size() > 0) {
    STEGPASS_TRY(accuracy, test_accuracy());
    trained.accuracy = accuracy;
  }
  network_->eval();
  JsonObject json;
  json.raw("run", identity_).raw("curves", std::string("[").append(curves_).append("]")).text("libtorch", TORCH_VERSION);
  json.text("device", task_.device.str()).integer("threads", at::get_num_threads());
  json.integer("test_images", trained.accuracy.images).number("deployment_accuracy", trained.accuracy.deployment);
  json.number("verification_accuracy", trained.accuracy.verification).raw("matches", json_array(trained.matches));
  trained.record = json.str();
  return trained;
}

}  // namespace

Result<TrainedModel> train(const TrainingTask& task, const TrainingSettings& settings, const TrainingHooks& hooks,
                           ByteView resume) {
  STEGPASS_CHECK_OK(check_task(task, settings));
  Run run(task, settings);
  if (!resume.empty()) STEGPASS_CHECK_OK(run.resume(resume));
  STEGPASS_CHECK_OK(run.go(hooks));
  return run.finish();
}

}  // namespace stegpass::model
