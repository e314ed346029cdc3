#include <stegpass/model/training.hpp>

#include <algorithm>
#include <chrono>
#include <memory>

#include <torch/version.h>
#include <stegpass/model/loader.hpp>
#include <stegpass/model/reading.hpp>

#include "json.hpp"
#include "sgd.hpp"
#include "shuffle.hpp"
#include "training_loss.hpp"
#include "training_settings.hpp"
#include "triggers.hpp"

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

/// One training run: what `train` keeps from step to step.
class Run {
 public:
  Run(const TrainingTask& task, const TrainingSettings& settings);

  /// Takes the task's initial weights, where it has any.
  Status begin();
  Status resume(ByteView bytes);
  Status go(const TrainingHooks& hooks);
  Result<TrainedModel> finish();

 private:
  std::int64_t steps_per_epoch() const { return train_.size() / settings_.batch; }
  Batch share_of(Batch batch, std::int64_t number) const;
  std::unique_ptr<BatchLoader> loader() const;
  Status epoch(const TrainingHooks& hooks);
  Status step(const Batch& batch, std::int64_t number, const TrainingHooks& hooks);
  std::vector<double> matches();
  Result<Accuracy> accuracy_on(const LabelledImages& data);
  const LabelledImages& measured() const { return validation_.size() > 0 ? validation_ : test_; }
  void note_epoch(const Accuracy* accuracy, double seconds);
  Bytes state();
  NamedTensors state_tensors() const;
  Status check_finite() const;

  const TrainingTask& task_;
  const TrainingSettings settings_;
  LabelledImages train_, validation_, test_, triggers_;
  std::string identity_;
  NetworkKeys cover_;
  std::vector<NetworkKeys> reserves_;
  PassportNetwork network_;
  Sgd optimiser_;
  int epochs_done_ = 0;
  TrainingProgress sums_;           // losses added up over the epoch under way
  std::vector<std::string> fresh_;  // tensors that the initial weights lacked
  std::string curves_;              // JSON objects, one an epoch, with commas between
};

/// Takes `count` images out of `data`, chosen by the seed, and returns them.
LabelledImages hold_out(LabelledImages& data, std::int64_t count, std::uint64_t seed) {
  if (count <= 0) return {};
  const torch::Tensor order = shuffled_indices(data.size(), seed);
  const auto part = [&](std::int64_t from, std::int64_t to) {
    LabelledImages out = data;
    const torch::Tensor chosen = std::get<0>(order.narrow(0, from, to - from).sort());
    out.images = data.images.index_select(0, chosen);
    out.labels = data.labels.index_select(0, chosen);
    return out;
  };
  LabelledImages held = part(0, count);
  data = part(count, data.size());
  return held;
}

Run::Run(const TrainingTask& task, const TrainingSettings& settings)
    : task_(task),
      settings_(settings),
      train_(take_images(task.train, settings.train_images, mix_seed(settings.seed, 2, 0))),
      test_(take_images(task.test, settings.test_images, mix_seed(settings.seed, 2, 1))),
      identity_(run_identity(task, settings, train_, test_)),
      cover_(network_keys(task.architecture, task.cover, task.device)),
      network_(task.architecture, Branches::both, settings.seed, settings.scheme),
      optimiser_((network_->to(task.device), *network_), settings.momentum, settings.weight_decay) {
  for (const Mark& reserve : task.reserves) reserves_.push_back(network_keys(task.architecture, reserve, task.device));
  validation_ = hold_out(train_, settings.validation_images, mix_seed(settings.seed, 2, 2));
  triggers_ = draw_triggers(settings.trigger_images, task.architecture.classes(), task.architecture.input_side(),
                            mix_seed(settings.seed, 2, 3));
  const torch::NoGradGuard no_grad;
  network_->blocks().back().norm->weight.fill_(settings.last_gain);
  network_->share_statistics(task.group);
}

Status Run::begin() {
  if (task_.initial.empty()) return Done{};
  STEGPASS_TRY(file, parse_safetensors(task_.initial));
  STEGPASS_TRY(fresh, read_what_fits(weights_of(*network_), file));
  for (const ConvBlock& block : network_->blocks()) {
    if (std::find(fresh.begin(), fresh.end(), block.plan.conv + ".weight") != fresh.end()) {
      return Error{Errc::malformed, "the initial weights hold no " + block.plan.conv + ".weight of the network's shape"};
    }
  }
  fresh_ = fresh;
  return Done{};
}

/// Images and labels of one step on the device: this process's share of the batch with its trigger images.
Batch Run::share_of(Batch batch, std::int64_t number) const {
  if (triggers_.size() > 0) {
    const std::int64_t from = number * kTriggersPerBatch % (triggers_.size() - kTriggersPerBatch + 1);
    batch.images = torch::cat({batch.images, network_images(triggers_.images.narrow(0, from, kTriggersPerBatch))});
    batch.labels = torch::cat({batch.labels, triggers_.labels.narrow(0, from, kTriggersPerBatch)});
  }
  if (task_.group != nullptr) {
    const std::int64_t share = batch.labels.size(0) / task_.group->size();
    batch.images = batch.images.narrow(0, task_.group->rank() * share, share);
    batch.labels = batch.labels.narrow(0, task_.group->rank() * share, share);
  }
  return {batch.images.to(task_.device), batch.labels.to(task_.device)};
}

/// Prepares this epoch's batches on a thread of its own.
std::unique_ptr<BatchLoader> Run::loader() const {
  const torch::Tensor order =
      shuffled_indices(train_.size(), mix_seed(settings_.seed, 0, static_cast<std::uint64_t>(epochs_done_)));
  LoaderOptions options{.batch = settings_.batch, .threads = task_.device.is_cpu() ? 1 : 4};
  if (settings_.augment) {
    const std::int64_t first = epochs_done_ * steps_per_epoch();
    options.augment_seed = [this, first](std::int64_t step) {
      return mix_seed(settings_.seed, 1, static_cast<std::uint64_t>(first + step));
    };
  }
  return std::make_unique<BatchLoader>(train_, order, options);
}

Status Run::step(const Batch& batch, std::int64_t number, const TrainingHooks& hooks) {
  const std::int64_t steps = steps_per_epoch() * settings_.epochs;
  const StepLoss loss = training_loss(*network_, cover_, reserves_, settings_, batch.images, batch.labels);
  torch::Tensor parts = loss.parts;
  if (task_.group != nullptr) {
    task_.group->sum(parts);
    parts /= task_.group->size();
  }
  parts = parts.cpu();
  const auto* part = parts.data_ptr<float>();
  const TrainingProgress progress{epochs_done_ + 1, settings_.epochs, number + 1, steps,  rate_at(settings_, number, steps),
                                  part[0],          part[1],          part[2],    part[3]};
  if (!parts.isfinite().all().item<bool>()) {
    return Error{Errc::diverged, "the loss of step " + std::to_string(number + 1) + " is not finite"};
  }
  optimiser_.clear_gradients();
  loss.total.backward();
  if (task_.group != nullptr) optimiser_.average_gradients(*task_.group);
  optimiser_.step(progress.rate);
  sums_.deployment_loss += progress.deployment_loss;
  sums_.verification_loss += progress.verification_loss;
  sums_.sign_loss += progress.sign_loss;
  sums_.balance_loss += progress.balance_loss;
  if (hooks.progress && !hooks.progress(progress)) return Error{Errc::interrupted, "training was asked to stop"};
  return Done{};
}

Status Run::epoch(const TrainingHooks& hooks) {
  const auto started = std::chrono::steady_clock::now();
  sums_ = {};
  network_->train();
  const auto batches = loader();
  for (std::int64_t i = epochs_done_ * steps_per_epoch(); auto batch = batches->next(); ++i) {
    STEGPASS_CHECK_OK(step(share_of(*batch, i), i, hooks));
  }
  ++epochs_done_;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  if (!settings_.evaluate_each_epoch || measured().size() == 0) return note_epoch(nullptr, took.count()), Done{};
  STEGPASS_TRY(accuracy, accuracy_on(measured()));
  note_epoch(&accuracy, took.count());
  return Done{};
}

Status Run::check_finite() const {
  for (const auto& [name, tensor] : state_tensors()) {
    if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>())
      return Error{Errc::diverged, name + " is not finite after epoch " + std::to_string(epochs_done_)};
  }
  return Done{};
}

Status Run::go(const TrainingHooks& hooks) {
  while (epochs_done_ < settings_.epochs) {
    STEGPASS_CHECK_OK(epoch(hooks));
    STEGPASS_CHECK_OK(check_finite());
    if (hooks.checkpoint && (task_.group == nullptr || task_.group->rank() == 0)) STEGPASS_CHECK_OK(hooks.checkpoint(state()));
  }
  return Done{};
}

std::vector<double> Run::matches() {
  const torch::NoGradGuard no_grad;
  const std::vector<ConvBlock> blocks = network_->passport_blocks();
  const auto match = [&](const NetworkKeys& keys) {
    int right = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      right += count_matches(keys[i].bits, layer_signs(blocks[i].conv->weight, keys[i].scale));
    }
    return static_cast<double>(right) / task_.architecture.bits();
  };
  if (blocks.empty()) return {};
  std::vector<double> out = {match(cover_)};
  for (const NetworkKeys& reserve : reserves_) out.push_back(match(reserve));
  return out;
}

Result<Accuracy> Run::accuracy_on(const LabelledImages& data) {
  return evaluate(network_, data, task_.cover, {task_.device, settings_.precision, EvaluationSettings{}.batch});
}

void Run::note_epoch(const Accuracy* accuracy, double seconds) {
  const double steps = static_cast<double>(steps_per_epoch());
  JsonObject json;
  json.integer("epoch", epochs_done_).number("deployment_loss", sums_.deployment_loss / steps);
  json.number("verification_loss", sums_.verification_loss / steps).number("sign_loss", sums_.sign_loss / steps);
  json.number("balance_loss", sums_.balance_loss / steps);
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
    return Error{Errc::refused,
                 "the training state is one of another run: settings, architecture, data and marks must be the same"};
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
    STEGPASS_TRY(accuracy, accuracy_on(test_));
    trained.accuracy = accuracy;
  }
  network_->eval();
  network_->fold(cover_);
  network_->share_statistics(nullptr);
  JsonObject json;
  json.raw("run", identity_).raw("curves", std::string("[").append(curves_).append("]")).text("libtorch", TORCH_VERSION);
  json.text("device", task_.device.str()).integer("threads", at::get_num_threads());
  json.integer("test_images", trained.accuracy.images).number("deployment_accuracy", trained.accuracy.deployment);
  json.number("verification_accuracy", trained.accuracy.verification).raw("matches", json_array(trained.matches));
  json.text("curves_on", validation_.size() > 0 ? "validation" : "test")
      .integer("processes", task_.group ? task_.group->size() : 1);
  if (triggers_.size() > 0) {
    const EvaluationSettings settings{task_.device, settings_.precision, EvaluationSettings{}.batch};
    trained.trigger_accuracy = evaluate_deployment(network_, triggers_, settings).deployment;
    json.number("trigger_accuracy", trained.trigger_accuracy);
  }
  if (!task_.initial.empty()) json.raw("begun_afresh", json_texts(fresh_));
  trained.record = json.str();
  return trained;
}

}  // namespace

Result<TrainedModel> train(const TrainingTask& task, const TrainingSettings& settings, const TrainingHooks& hooks,
                           ByteView resume) {
  STEGPASS_CHECK_OK(check_task(task, settings));
  Run run(task, settings);
  STEGPASS_CHECK_OK(run.begin());
  if (!resume.empty()) STEGPASS_CHECK_OK(run.resume(resume));
  try {
    STEGPASS_CHECK_OK(run.go(hooks));
  } catch (const std::exception& error) {  // Gloo's are no c10::Error
    if (task.group == nullptr) throw;
    const std::string text = error.what();
    return Error{Errc::io, "another process of this run is gone: " + text.substr(0, text.find('\n'))};
  }
  return run.finish();
}

}  // namespace stegpass::model
