#include <stegpass/model/isn_training.hpp>

#include <cmath>
#include <cstdio>
#include <numbers>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/process_group.hpp>

#include "isn_batches.hpp"
#include "isn_loss.hpp"
#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

constexpr std::int64_t kWarmUp = 100, kMaxSpikes = 20, kGuardedAfter = 50;
constexpr double kOutlier = 8.0, kSpikeFactor = 3.0, kClipFactor = 2.0, kLastRate = 0.01;
constexpr double kMemory = 0.98, kShortMemory = 0.8;  // of the running means of loss and gradient norm; of the recent loss
constexpr double kRecovery = 1.0014;                  // a halved rate is whole again after five hundred steps
constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

// All that changes during a run; a copy of it is a checkpoint.
struct State {
  torch::Tensor weights, first, second;  // flat float32: parameters and Adam's two moments
  std::int64_t step = 0, spikes = 0;
  double rate_scale = 1.0, running_loss = 0.0, recent_loss = 0.0, running_norm = 0.0;
  std::string curve;  // JSON objects with commas between, one a report

  State clone() const {
    auto copy = *this;
    copy.weights = weights.clone(), copy.first = first.clone(), copy.second = second.clone();
    return copy;
  }
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

Bytes encode_state(const State& state, const std::string& run) {
  const torch::Tensor weights = state.weights.cpu(), first = state.first.cpu(), second = state.second.cpu();
  std::vector<TensorView> views = {view_tensor("weights", weights), view_tensor("first", first), view_tensor("second", second)};
  return encode_safetensors(std::move(views), {{"format", "stegpass-isn-state-1"},
                                               {"run", run},
                                               {"step", std::to_string(state.step)},
                                               {"spikes", std::to_string(state.spikes)},
                                               {"rate_scale", number(state.rate_scale)},
                                               {"running_loss", number(state.running_loss)},
                                               {"recent_loss", number(state.recent_loss)},
                                               {"running_norm", number(state.running_norm)},
                                               {"curve", state.curve}});
}

Status take_tensor(const Safetensors& file, std::string_view name, torch::Tensor& into) {
  const auto values = read_tensor(file, name, into.sizes());
  if (!values || values->scalar_type() != torch::kFloat32)
    return {Errc::malformed, "training state: tensor " + std::string(name) + " is absent or of another shape"};
  into = values->to(into.device());
  return Done{};
}

Status read_state(ByteView bytes, const std::string& run, State& state) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  const auto text = [&file](const char* name) { return file.metadata.contains(name) ? file.metadata.at(name) : std::string(); };
  if (text("format") != "stegpass-isn-state-1") return {Errc::malformed, "training state: not the state of an isn run"};
  if (text("run") != run) return {Errc::refused, "training state: it belongs to other pictures or options"};
  STEGPASS_CHECK_OK(take_tensor(file, "weights", state.weights));
  STEGPASS_CHECK_OK(take_tensor(file, "first", state.first));
  STEGPASS_CHECK_OK(take_tensor(file, "second", state.second));
  state.step = std::strtoll(text("step").c_str(), nullptr, 10);
  state.spikes = std::strtoll(text("spikes").c_str(), nullptr, 10);
  state.rate_scale = std::strtod(text("rate_scale").c_str(), nullptr);
  state.running_loss = std::strtod(text("running_loss").c_str(), nullptr);
  state.recent_loss = std::strtod(text("recent_loss").c_str(), nullptr);
  state.running_norm = std::strtod(text("running_norm").c_str(), nullptr);
  state.curve = text("curve");
  if (state.step < 0 || !(state.rate_scale > 0) || !std::isfinite(state.running_loss + state.recent_loss + state.running_norm))
    return {Errc::malformed, "training state: a counter is out of range"};
  return Done{};
}

// One process's pairs of a batch: of the first half, which are revealed with wrong keys too, as many as of the second.
IsnBatch share_of(const IsnBatch& batch, const IsnTrainingOptions& options) {
  if (options.group == nullptr) return batch;
  const std::int64_t halves = options.form.keyed ? 2 : 1, half = batch.cover.size(0) / halves,
                     count = half / options.group->size();
  const auto take = [&](const torch::Tensor& whole) {
    std::vector<torch::Tensor> out;
    for (std::int64_t i = 0; i < halves; ++i) out.push_back(whole.narrow(0, i * half + options.group->rank() * count, count));
    return torch::cat(out);
  };
  return {take(batch.cover), take(batch.secret), take(batch.key), take(batch.wrong_key)};
}

// Means over all processes, gradients too, so that every process goes on alike.
void average(torch::Tensor gradients, StepResult& result, double& loss, const ProcessGroup* group) {
  if (group == nullptr) return;
  const auto figures = torch::tensor({loss, result.stego_error, result.reveal_error, result.wrong_correlation}, torch::kFloat32)
                           .to(gradients.device());
  auto all = torch::cat({gradients, figures});
  group->sum(all);
  all /= group->size();
  gradients.copy_(all.narrow(0, 0, gradients.numel()));
  const auto mean = all.narrow(0, gradients.numel(), 4).cpu();
  loss = mean[0].item<double>(), result.stego_error = mean[1].item<double>();
  result.reveal_error = mean[2].item<double>(), result.wrong_correlation = mean[3].item<double>();
}

// Parameters and gradients of a network as two flat tensors that share their memory with it.
class FlatNetwork {
 public:
  explicit FlatNetwork(Isn& network) {
    torch::NoGradGuard no_gradient;
    std::vector<torch::Tensor> values;
    for (const auto& parameter : network->parameters()) values.push_back(parameter.detach().flatten());
    weights = torch::cat(values);
    gradients = torch::zeros_like(weights);
    std::int64_t offset = 0;
    for (auto& parameter : network->parameters()) {
      const auto count = parameter.numel();
      parameter.set_data(weights.narrow(0, offset, count).view(parameter.sizes()));
      parameter.mutable_grad() = gradients.narrow(0, offset, count).view(parameter.sizes());
      offset += count;
    }
  }

  torch::Tensor weights, gradients;
};

double running_mean(double mean, double value, std::int64_t step) {
  const double memory = std::min(kMemory, static_cast<double>(step) / static_cast<double>(step + 1));
  return memory * mean + (1.0 - memory) * value;
}

// Bounds the gradient's norm by twice the running mean of what passed before: the scale of the loss falls a hundredfold in a run.
void clip(State& state, torch::Tensor gradient, double norm) {
  const double bound = state.step == 0 ? norm : kClipFactor * state.running_norm;
  if (norm > bound) gradient.mul_(bound / norm);
  state.running_norm = running_mean(state.running_norm, std::min(norm, bound), state.step);
}

// Adam (Kingma and Ba, 2015, algorithm 1) in place.
void adam_step(State& state, const torch::Tensor& gradient, double rate) {
  torch::NoGradGuard no_gradient;
  const auto count = static_cast<double>(state.step + 1);
  state.first.mul_(kBeta1).add_(gradient, 1.0 - kBeta1);
  state.second.mul_(kBeta2).addcmul_(gradient, gradient, 1.0 - kBeta2);
  const auto denominator = state.second.sqrt().div_(std::sqrt(1.0 - std::pow(kBeta2, count))).add_(kEpsilon);
  state.weights.addcdiv_(state.first, denominator, -rate / (1.0 - std::pow(kBeta1, count)));
}

double rate_at(std::int64_t step, const IsnTrainingOptions& options) {
  const double warm = std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(kWarmUp));
  const double done = static_cast<double>(step) / static_cast<double>(options.steps);
  return options.rate * warm * (kLastRate + (1.0 - kLastRate) * 0.5 * (1.0 + std::cos(std::numbers::pi * done)));
}

Status check_options(const std::vector<Raster>& pictures, const IsnTrainingOptions& options) {
  if (pictures.size() < 2)
    return {Errc::usage, "isn training: " + std::to_string(pictures.size()) + " pictures, expected at least two"};
  if (options.crop < 16 || options.crop % 2 != 0)
    return {Errc::usage, "isn training: crop is " + std::to_string(options.crop) + ", expected an even number from 16"};
  if (options.steps < 1 || options.batch < 1 || options.checkpoint_every < 1)
    return {Errc::usage, "isn training: steps, batch and checkpoint interval must be at least one"};
  const auto parts = options.group == nullptr ? 1 : (options.form.keyed ? 2 : 1) * options.group->size();
  if (options.group != nullptr && options.batch % parts != 0)
    return {Errc::usage, "isn training: a batch of " + std::to_string(options.batch) + " pairs, a multiple of " +
                             std::to_string(parts) + " expected for " + std::to_string(options.group->size()) + " processes"};
  for (const auto& picture : pictures)
    if (std::min(picture.width, picture.height) < options.crop ||
        picture.rgb.size() != static_cast<std::size_t>(picture.width * picture.height * 3))
      return {Errc::usage, "isn training: a picture of " + std::to_string(picture.width) + " by " +
                               std::to_string(picture.height) + ", expected sides of at least " + std::to_string(options.crop)};
  return Done{};
}

std::string digest_of(const std::vector<Raster>& pictures) {
  Sha512 hash;
  for (const auto& picture : pictures)
    hash.update_u64(static_cast<std::uint64_t>(picture.width))
        .update_u64(static_cast<std::uint64_t>(picture.height))
        .update(picture.rgb);
  const auto digest = hash.finish();
  return to_hex(ByteView(digest).first(32));
}

// The settings as JSON members; with the pictures' digest it tells one run from another.
std::string settings_json(const std::vector<Raster>& pictures, const IsnTrainingOptions& o) {
  return "\"pictures\":" + std::to_string(pictures.size()) + ",\"pictures_digest\":\"" + digest_of(pictures) +
         "\",\"start_digest\":\"" + (o.start_weights.empty() ? "" : to_hex(sha256(o.start_weights))) +
         "\",\"blocks\":" + std::to_string(o.form.blocks) + ",\"growth\":" + std::to_string(o.form.growth) +
         ",\"clamp\":" + fixed(o.form.clamp) + (o.form.keyed ? "" : ",\"keyed\":false") +
         ",\"steps\":" + std::to_string(o.steps) + ",\"crop\":" + std::to_string(o.crop) +
         ",\"batch\":" + std::to_string(o.batch) + ",\"rate\":" + number(o.rate) + ",\"stego_weight\":" + fixed(o.stego_weight) +
         ",\"reveal_weight\":" + fixed(o.reveal_weight) + ",\"low_weight\":" + fixed(o.low_weight) +
         ",\"wrong_key_weight\":" + fixed(o.wrong_key_weight) + ",\"seed\":" + std::to_string(o.seed) +
         ",\"bf16\":" + (o.bf16 ? "true" : "false") + (o.recompute ? ",\"recompute\":true" : "") +
         ",\"checkpoint_every\":" + std::to_string(o.checkpoint_every);
}

double to_db(double error) { return error > 0 ? -10.0 * std::log10(error) : 100.0; }

// One picture in twenty is never trained on, from forty pictures on.
std::ptrdiff_t validation_count(std::size_t pictures) { return pictures < 40 ? 0 : static_cast<std::ptrdiff_t>(pictures / 20); }

// The middles of eight pictures at most, each hiding the next one's under a key that stays the same.
IsnBatch validation_batch(std::vector<torch::Tensor> pictures, const IsnTrainingOptions& options) {
  if (pictures.empty()) return {};
  pictures.resize(std::min<std::size_t>(pictures.size(), 8));
  std::vector<torch::Tensor> covers, keys;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const auto& picture = pictures[i];
    const auto middle = [&](std::int64_t dimension) { return (picture.size(dimension) - options.crop) / 2; };
    covers.push_back(
        picture.narrow(1, middle(1), options.crop).narrow(2, middle(2), options.crop).to(torch::kFloat32).div(255.0));
    keys.push_back(
        isn_key_signs(Sha512().update("stegpass.isn-validation.v1").update_u64(i).finish(), options.crop, options.crop));
  }
  const auto cover = torch::stack(covers);
  return {.cover = cover, .secret = cover.roll(1, 0), .key = torch::cat(keys), .wrong_key = {}};
}

// One point of a run's curves.
std::string point_json(const IsnProgress& at) {
  std::string text = "{\"step\":" + std::to_string(at.step) + ",\"loss\":" + fixed(at.loss) +
                     ",\"stego_psnr_db\":" + fixed(at.stego_psnr_db) + ",\"reveal_psnr_db\":" + fixed(at.reveal_psnr_db) +
                     ",\"wrong_key_correlation\":" + fixed(at.wrong_key_correlation) + ",\"rate\":" + number(at.rate);
  if (at.validation_stego_psnr_db != 0)
    text += ",\"validation_stego_psnr_db\":" + fixed(at.validation_stego_psnr_db) +
            ",\"validation_reveal_psnr_db\":" + fixed(at.validation_reveal_psnr_db);
  return text + "}";
}

class Trainer {
 public:
  Trainer(const std::vector<Raster>& pictures, const IsnTrainingOptions& options, const IsnTrainingHooks& hooks)
      : options_(options),
        hooks_(hooks),
        settings_(settings_json(pictures, options)),
        pictures_(isn_picture_tensors(pictures)),
        network_(new_network(options)),
        flat_(network_) {
    const auto held_out = pictures_.end() - validation_count(pictures.size());
    validation_ = validation_batch({held_out, pictures_.end()}, options);
    pictures_.erase(held_out, pictures_.end());
    state_.weights = flat_.weights;
    state_.first = torch::zeros_like(flat_.weights);
    state_.second = torch::zeros_like(flat_.weights);
  }

  Status resume(ByteView bytes) {
    State read = state_.clone();
    STEGPASS_CHECK_OK(read_state(bytes, settings_, read));
    take(read);
    return Done{};
  }

  Status start_from(ByteView weights) {
    STEGPASS_TRY(given, decode_isn(weights));
    if (given->form() != options_.form) return {Errc::usage, "isn training: the weights to start from have another form"};
    state_.weights.copy_(FlatNetwork(given).weights);
    return Done{};
  }

  Result<IsnTrained> run() {
    good_ = state_.clone();
    while (state_.step < options_.steps) {
      STEGPASS_TRY(fine, step());
      if (!fine) continue;
      if (state_.step % options_.checkpoint_every != 0 && state_.step != options_.steps) continue;
      const auto progress = summarise();
      if (!state_.curve.empty()) state_.curve += ',';
      state_.curve += point_json(progress);
      good_ = state_.clone();
      if (hooks_.checkpoint && (options_.group == nullptr || options_.group->rank() == 0))
        hooks_.checkpoint(encode_state(good_, settings_));
      if (hooks_.progress && !hooks_.progress(progress)) return stopped();
    }
    const auto record = "{" + settings_ + ",\"spikes\":" + std::to_string(state_.spikes) + ",\"curve\":[" + state_.curve + "]}";
    network_->to(torch::kCPU);
    return IsnTrained{encode_isn(network_, record), record};
  }

 private:
  static Isn new_network(const IsnTrainingOptions& options) {
    torch::manual_seed(options.seed);
    Isn network(options.form);
    network->compute_in(options.bf16 ? torch::kBFloat16 : torch::kFloat32);
    network->recompute(options.recompute);
    network->to(options.device);
    return network;
  }

  Error stopped() const { return {Errc::interrupted, "isn training: stopped after step " + std::to_string(state_.step)}; }

  // The parameters live in flat_.weights: values are copied into it, never replaced.
  void take(const State& from) {
    auto weights = state_.weights;
    state_ = from.clone();
    weights.copy_(from.weights);
    state_.weights = weights;
  }

  // One step of the run: true if it counted, false if the guard went back.
  Result<bool> step() {
    auto batch = draw_isn_batch(pictures_, options_.batch, options_.crop, options_.seed, static_cast<std::uint64_t>(state_.step),
                                static_cast<std::uint64_t>(state_.spikes));
    const auto device = flat_.weights.device();
    if (hooks_.batch) hooks_.batch(state_.step, state_.spikes, batch.cover);
    batch = share_of(batch, options_);
    batch = {batch.cover.to(device), batch.secret.to(device), batch.key.to(device), batch.wrong_key.to(device)};
    flat_.gradients.zero_();
    auto result = evaluate_loss(network_, batch, options_);
    result.loss.backward();
    auto loss = result.loss.item<double>();
    average(flat_.gradients, result, loss, options_.group);
    const auto norm = flat_.gradients.norm().item<double>();
    if (!std::isfinite(loss + norm) || is_spike(loss)) return go_back(loss);
    clip(state_, flat_.gradients, norm);
    adam_step(state_, flat_.gradients, state_.rate_scale * rate_at(state_.step, options_));
    state_.rate_scale = std::min(1.0, kRecovery * state_.rate_scale);
    ++state_.step;
    sums_.loss += loss, sums_.stego_psnr_db += result.stego_error, sums_.reveal_psnr_db += result.reveal_error;
    sums_.wrong_key_correlation += result.wrong_correlation, ++summed_;
    return true;
  }

  // One odd batch is harmless, since its gradient is clipped, and it teaches; three in a row say that the weights went astray.
  bool is_spike(double loss) {
    const bool guarded = state_.step >= kGuardedAfter;
    const double bounded = guarded ? std::min(loss, kOutlier * state_.running_loss) : loss;
    state_.running_loss = running_mean(state_.running_loss, bounded, state_.step);
    state_.recent_loss = state_.step == 0 ? bounded : kShortMemory * state_.recent_loss + (1 - kShortMemory) * bounded;
    return guarded && state_.recent_loss > kSpikeFactor * state_.running_loss;
  }

  Result<bool> go_back(double loss) {
    const auto at = state_.step, spikes = state_.spikes + 1;
    if (spikes > kMaxSpikes)
      return {Errc::diverged, "isn training: loss " + number(loss) + " at step " + std::to_string(at) + " after " +
                                  std::to_string(kMaxSpikes) + " returns to a good state"};
    const auto rate_scale = state_.rate_scale / 2;
    take(good_);
    state_.spikes = spikes, state_.rate_scale = rate_scale;
    good_.spikes = spikes, good_.rate_scale = rate_scale;
    auto progress = summarise();
    progress.note = "loss " + fixed(loss) + " at step " + std::to_string(at) + ": back to step " + std::to_string(state_.step) +
                    ", rate halved";
    if (hooks_.progress && !hooks_.progress(progress)) return stopped();
    return false;
  }

  // What was seen since the last time it was asked for.
  IsnProgress summarise() {
    const double count = summed_ > 0 ? static_cast<double>(summed_) : 1.0;
    IsnProgress progress{.step = state_.step,
                         .steps = options_.steps,
                         .loss = sums_.loss / count,
                         .stego_psnr_db = to_db(sums_.stego_psnr_db / count),
                         .reveal_psnr_db = to_db(sums_.reveal_psnr_db / count),
                         .wrong_key_correlation = sums_.wrong_key_correlation / count,
                         .rate = state_.rate_scale * rate_at(state_.step, options_),
                         .spikes = state_.spikes};
    sums_ = {}, summed_ = 0;
    if (validation_.cover.defined()) judge_validation(progress);
    return progress;
  }

  void judge_validation(IsnProgress& progress) {
    torch::NoGradGuard no_gradient;
    const auto device = flat_.weights.device();
    const auto cover = validation_.cover.to(device), secret = validation_.secret.to(device), key = validation_.key.to(device);
    const auto stego = round_straight_through(network_->forward(cover, secret, key).stego);
    progress.validation_stego_psnr_db = to_db(square_mean(stego - cover).item<double>());
    progress.validation_reveal_psnr_db = to_db(square_mean(network_->reveal(stego, key).clamp(0, 1) - secret).item<double>());
  }

  IsnTrainingOptions options_;
  IsnTrainingHooks hooks_;
  std::string settings_;
  std::vector<torch::Tensor> pictures_;
  IsnBatch validation_;  // of the pictures held out; undefined tensors without any
  Isn network_;
  FlatNetwork flat_;
  State state_, good_;
  IsnProgress sums_;  // errors, not decibels, until they are reported
  std::int64_t summed_ = 0;
};

}  // namespace

Result<IsnTrained> train_isn(const std::vector<Raster>& pictures, const IsnTrainingOptions& options,
                             const IsnTrainingHooks& hooks, ByteView resume_state) {
  STEGPASS_CHECK_OK(check_options(pictures, options));
  Trainer trainer(pictures, options, hooks);
  if (!options.start_weights.empty()) STEGPASS_CHECK_OK(trainer.start_from(options.start_weights));
  if (!resume_state.empty()) STEGPASS_CHECK_OK(trainer.resume(resume_state));
  try {
    return trainer.run();
  } catch (const std::exception& error) {  // Gloo's are no c10::Error
    if (options.group == nullptr) throw;
    const std::string text = error.what();
    return Error{Errc::io, "another process of this run is gone: " + text.substr(0, text.find('\n'))};
  }
}

}  // namespace stegpass::model
