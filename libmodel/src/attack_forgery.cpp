// Attacks that leave the model as it is and claim it with another passport.

#include <algorithm>
#include <cmath>
#include <random>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/activation.h>

#include <stegpass/model/weights.hpp>

#include "attack_run.hpp"

namespace stegpass::model {
namespace {

/// s of every passport layer, (C) float32, of directions on the device.
std::vector<torch::Tensor> signs_along(const std::vector<ConvBlock>& blocks, const Mark& mark, Picture picture) {
  std::vector<torch::Tensor> out;
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const torch::Tensor& u = picture == Picture::scale ? mark.layers[i].scale : mark.layers[i].bias;
    const torch::Tensor weight = blocks[i].conv->weight.detach().flatten(1).to(torch::kCPU, torch::kFloat64);
    out.push_back((weight * u).sum(1).to(blocks[i].conv->weight.device(), torch::kFloat32));
  }
  return out;
}

int agreeing(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  int count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) count += count_matches(a[i].detach().sign(), b[i].detach());
  return count;
}

/// The model with gains and offsets of the passport layers taken from elsewhere: a verification branch of the attacker's.
/// Convolutions, the other norms and the classifier stay as they are.
class ForgedBranch {
 public:
  explicit ForgedBranch(const PassportNetwork& network) : network_(network.ptr()) {
    for (torch::Tensor& parameter : network_->parameters()) parameter.set_requires_grad(false);
  }
  /// The norms of the passport layers take statistics of their own, as N1 does.
  void train() {
    network_->eval();
    for (ConvBlock& block : network_->blocks()) {
      if (block.plan.passport) block.norm->train();
    }
  }
  void use(std::size_t layer, const torch::Tensor& gain, const torch::Tensor& offset) {
    std::size_t at = 0;
    for (ConvBlock& block : network_->blocks()) {
      if (!block.plan.passport || at++ != layer) continue;
      block.norm->weight = gain;
      block.norm->bias = offset;
    }
  }
  PassportNetworkImpl& network() { return *network_; }

 private:
  std::shared_ptr<PassportNetworkImpl> network_;
};

/// A passport of which each layer's s and s' are free. The papers train the layer keys; those have more dimensions than a layer
/// has channels, so some key gives any s, and training s itself leaves out no forgery that they allow.
class FreePassportImpl : public torch::nn::Module {
 public:
  FreePassportImpl(const std::vector<torch::Tensor>& scale, const std::vector<torch::Tensor>& bias) {
    for (std::size_t i = 0; i < scale.size(); ++i) {
      s.push_back(register_parameter("scale" + std::to_string(i), scale[i].clone()));
      s_bias.push_back(register_parameter("bias" + std::to_string(i), bias[i].clone()));
    }
  }
  std::vector<torch::Tensor> s, s_bias;
};

/// One fake by training: from where it begins, and which signs it claims.
struct FakePlan {
  std::vector<torch::Tensor> scale, bias;
  std::vector<torch::Tensor> claimed;  ///< empty: whatever signs come out
  double strength = 0;
  std::string step;
};

Status train_fake(AttackRun& run, const FakePlan& plan) {
  PassportNetwork frozen = copy_network(run.task.owner, run.task.device);
  ForgedBranch branch(frozen);
  std::vector<ConvBlock> blocks = frozen->passport_blocks();
  FreePassportImpl fake(plan.scale, plan.bias);
  const auto genuine = signs_along(blocks, run.task.marks.front().mark, Picture::scale);
  for (std::size_t i = 0; i < blocks.size(); ++i) {  // N1's statistics, where the scheme has them
    if (!blocks[i].verification->bn || !blocks[i].norm->running_mean.defined()) continue;
    blocks[i].norm->running_mean.copy_(blocks[i].verification->bn->running_mean);
    blocks[i].norm->running_var.copy_(blocks[i].verification->bn->running_var);
  }
  const auto use_fake = [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const VerificationAffine affine = blocks[i].verification->affine(fake.s[i], fake.s_bias[i]);
      branch.use(i, affine.gain, affine.offset);
    }
  };
  const auto point = [&](const std::string& step) {
    {
      const torch::NoGradGuard no_grad;
      use_fake();
    }
    const double accuracy = run.accuracy(frozen);
    JsonObject json;
    json.number("strength", plan.strength).text("step", step).number("accuracy_verification", accuracy).boolean("aligned", false);
    const int bits = run.architecture().bits();
    json.number("like_genuine", static_cast<double>(agreeing(genuine, fake.s)) / bits);
    json.raw("marks", "[" +
                          mark_json("forged", "layer-key", bits,
                                    plan.claimed.empty() ? agreeing(fake.s, fake.s) : agreeing(plan.claimed, fake.s)) +
                          "]");
    run.add_point(json);
    return Status(Done{});
  };
  AttackLoop loop;
  loop.module = &fake;
  loop.epochs = run.settings.epochs;
  loop.begin_epoch = [&] { frozen->eval(); };
  loop.loss = [&](const torch::Tensor& images, const torch::Tensor& labels) {
    use_fake();
    torch::Tensor total = at::cross_entropy_loss(branch.network().deployment(images, run.settings.precision), labels);
    for (std::size_t i = 0; i < plan.claimed.size(); ++i) {
      total = total + run.settings.sign_weight * at::relu(run.settings.sign_margin - plan.claimed[i] * fake.s[i]).sum();
    }
    return total;
  };
  loop.end_epoch = [&](int epoch) { return point(plan.step + ", epoch " + std::to_string(epoch)); };
  if (run.settings.epochs == 0) return point(plan.step);
  return run.loop(loop);
}

/// The signs with a share of them turned, drawn by the seed.
std::vector<torch::Tensor> turned_signs(const std::vector<torch::Tensor>& genuine, double share, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<torch::Tensor> out;
  for (const torch::Tensor& s : genuine) {
    torch::Tensor signs = torch::where(s < 0, torch::full_like(s, -1), torch::ones_like(s)).cpu();
    for (std::int64_t c = 0; c < signs.numel(); ++c) {
      if (static_cast<double>(random() >> 11) * 0x1p-53 < share) signs.data_ptr<float>()[c] *= -1;
    }
    out.push_back(signs.to(s.device()));
  }
  return out;
}

/// Random passports, with the owner's verification branch.
Status try_random_fakes(AttackRun& run) {
  PassportNetwork owner = copy_network(run.task.owner, run.task.device);
  for (int i = 0; i < run.settings.count; ++i) {
    STEGPASS_TRY(mark, run.drawn_mark(static_cast<std::size_t>(i), MarkPictures::both));
    const EvaluationSettings how{run.task.device, run.settings.precision, EvaluationSettings{}.batch};
    STEGPASS_TRY(measured, evaluate(owner, run.test, mark, how));
    run.more_marks = {{"forged", mark}};
    STEGPASS_CHECK_OK(run.judge_marks(run.task.model, {.strength = i + 1.0, .step = "passport " + std::to_string(i + 1)}, -1,
                                      measured.verification));
    STEGPASS_CHECK_OK(run.progress(i + 1.0, run.settings.count, "random passports"));
  }
  run.more_marks.clear();
  return Done{};
}

constexpr int kExpansion = 4;

torch::nn::Linear linear(std::int64_t from, std::int64_t to) { return torch::nn::Linear(from, to); }

/// x + B(LeakyReLU(A x)), with A four times as wide: the expanded residual block of Chen et al., CVPR 2023.
class ExpandedBlockImpl : public torch::nn::Module {
 public:
  explicit ExpandedBlockImpl(std::int64_t channels)
      : up_(linear(channels, kExpansion * channels)), down_(linear(kExpansion * channels, channels)) {
    register_module("up", up_);
    register_module("down", down_);
  }
  torch::Tensor forward(const torch::Tensor& x) { return x + down_(at::leaky_relu(up_(x))); }

 private:
  torch::nn::Linear up_, down_;
};
TORCH_MODULE(ExpandedBlock);

/// What the attacker puts between his passport's s, s' and one layer's gain and offset: blocks, a fresh TLP with bias, a1 and c1.
class ErbLayerImpl : public torch::nn::Module {
 public:
  ErbLayerImpl(std::int64_t channels, bool common)
      : scale_(channels),
        bias_(common ? scale_ : ExpandedBlock(channels)),
        first_(linear(channels, std::max<std::int64_t>(1, channels / 4))),
        second_(linear(std::max<std::int64_t>(1, channels / 4), channels)) {
    register_module("scale", scale_);
    if (!common) register_module("bias", bias_);
    register_module("first", first_);
    register_module("second", second_);
    a1 = register_parameter("a1", torch::ones({channels}));
    c1 = register_parameter("c1", torch::zeros({channels}));
  }
  VerificationAffine affine(const torch::Tensor& s, const torch::Tensor& s_bias) {
    const torch::Tensor g = tlp(scale_(s)), h = tlp(bias_(s_bias));
    return {s, g * a1, g * c1 + h};
  }
  torch::Tensor a1, c1;

 private:
  torch::Tensor tlp(const torch::Tensor& x) { return second_(at::leaky_relu(first_(x))); }
  ExpandedBlock scale_, bias_;
  torch::nn::Linear first_, second_;
};
TORCH_MODULE(ErbLayer);

class ErbImpl : public torch::nn::Module {
 public:
  ErbImpl(const std::vector<ConvBlock>& blocks, bool common, std::uint64_t seed) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      layers.push_back(register_module("layer" + std::to_string(i), ErbLayer(blocks[i].plan.out_channels, common)));
      if (!blocks[i].norm->running_mean.defined()) continue;
      register_buffer("mean" + std::to_string(i), blocks[i].norm->running_mean);  // shared, so that a state has them
      register_buffer("var" + std::to_string(i), blocks[i].norm->running_var);
    }
    at::Generator generator = at::detail::createCPUGenerator(seed);
    const torch::NoGradGuard no_grad;
    for (const auto& module :
         modules(false)) {  // LibTorch draws so too, but from the global generator; ours follow from the seed
      auto* layer = module->as<torch::nn::Linear>();
      if (layer == nullptr) continue;
      const double bound = 1 / std::sqrt(static_cast<double>(layer->weight.size(1)));
      layer->weight.uniform_(-bound, bound, generator);
      layer->bias.uniform_(-bound, bound, generator);
    }
  }
  std::vector<ErbLayer> layers;
};

/// The attacker's file with both branches: the model's weights, and a1 with signs of his choice.
Result<MarkReading> read_reference(AttackRun& run, const Mark& mark, const std::vector<torch::Tensor>& a1) {
  PassportNetwork forged(run.architecture(), Branches::both, 1, Scheme::sp);
  const torch::NoGradGuard no_grad;
  copy_tensors(*run.task.model, *forged);
  const std::vector<ConvBlock> blocks = forged->passport_blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i].verification->bn->weight.detach().copy_(a1[i]);
  return read_mark(encode_owner_model(forged), run.architecture(), mark, SignatureMode::reference);
}

/// a1 = b sign(s): what makes any passport match under `reference`.
std::vector<torch::Tensor> matching_gains(const std::vector<ConvBlock>& blocks, const Mark& mark) {
  const auto s = signs_along(blocks, mark, Picture::scale);
  std::vector<torch::Tensor> out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const torch::Tensor bits = mark.layers[i].bits.to(s[i].device(), torch::kFloat32);
    out.push_back(bits * torch::where(s[i] < 0, torch::full_like(s[i], -1), torch::ones_like(s[i])));
  }
  return out;
}

Result<std::string> forged_marks(AttackRun& run, const Mark& mark, const std::vector<torch::Tensor>& a1) {
  STEGPASS_TRY(strict, read_mark(encode_release_model(run.task.model), run.architecture(), mark, SignatureMode::strict));
  STEGPASS_TRY(reference, read_reference(run, mark, a1));
  return "[" + mark_json("forged", "strict", strict.bits, strict.matches) + "," +
         mark_json("forged", "reference", reference.bits, reference.matches) + "]";
}

std::vector<torch::Tensor> gains_of(const ErbImpl& erb) {
  std::vector<torch::Tensor> out;
  for (const ErbLayer& layer : erb.layers) out.push_back(layer->a1.detach());
  return out;
}

/// Responses of a passport that has nothing to do with the network are small: from them TLP gives a constant, whose gradient
/// leads nowhere. The forger, whose s is free, begins from them at another root of the mean square.
std::vector<torch::Tensor> enlarged(std::vector<torch::Tensor> responses, double size) {
  for (torch::Tensor& s : responses) s = s * (size / s.square().mean().sqrt().clamp_min(1e-12));
  return responses;
}
constexpr double kFakeSize = 2;  ///< twice what the sign loss leaves in a layer
constexpr double kErbSize = 1;   ///< what the initialisation of linear layers expects

}  // namespace

/// fake1: random passports. fake2: a passport trained on the data. fake3: the genuine one trained on until it claims other signs.
/// Source  Fan et al., NeurIPS 2019, table 1: what the attacker knows is W, then the data too, then passport and signs too.
Status attack_fake(AttackRun& run) {
  if (run.settings.name == "fake1") return try_random_fakes(run);
  const std::vector<ConvBlock> blocks = run.task.owner->passport_blocks();
  if (run.settings.name == "fake2") {
    STEGPASS_TRY(mark, run.drawn_mark(0, MarkPictures::both));
    return train_fake(run, {enlarged(signs_along(blocks, mark, Picture::scale), kFakeSize),
                            signs_along(blocks, mark, Picture::bias),
                            {},
                            0,
                            "trained"});
  }
  const Mark& cover = run.task.marks.front().mark;
  const auto genuine = signs_along(blocks, cover, Picture::scale), bias = signs_along(blocks, cover, Picture::bias);
  const std::vector<double> shares = run.settings.strengths.empty() ? std::vector<double>{0.1, 0.5} : run.settings.strengths;
  for (const double share : shares) {
    const auto claimed = turned_signs(genuine, share, attack_seed(run.settings.seed, 11, 0));
    STEGPASS_CHECK_OK(train_fake(run, {genuine, bias, claimed, share, "signs turned"}));
  }
  return Done{};
}

Status attack_erb(AttackRun& run) {
  PassportNetwork frozen = run.copy();
  ForgedBranch branch(frozen);
  const std::vector<ConvBlock> blocks = frozen->passport_blocks();
  STEGPASS_TRY(mark, run.drawn_mark(0, MarkPictures::both));
  const auto s = enlarged(signs_along(blocks, mark, Picture::scale), kErbSize),
             s_bias = enlarged(signs_along(blocks, mark, Picture::bias), kErbSize);
  ErbImpl erb(blocks, run.settings.variant == "cerb", attack_seed(run.settings.seed, 12, 0));
  erb.to(run.task.device);
  {
    const torch::NoGradGuard no_grad;
    const auto gains = matching_gains(blocks, mark);
    for (std::size_t i = 0; i < gains.size(); ++i) erb.layers[i]->a1.copy_(gains[i]);
  }
  const auto use_erb = [&] {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const VerificationAffine affine = erb.layers[i]->affine(s[i], s_bias[i]);
      branch.use(i, affine.gain, affine.offset);
    }
  };
  AttackLoop loop;
  loop.module = &erb;
  loop.epochs = run.settings.epochs;
  loop.begin_epoch = [&] { branch.train(); };
  loop.loss = [&](const torch::Tensor& images, const torch::Tensor& labels) {
    use_erb();
    return at::cross_entropy_loss(branch.network().deployment(images, run.settings.precision), labels);
  };
  loop.end_epoch = [&](int epoch) -> Status {
    {
      const torch::NoGradGuard no_grad;
      use_erb();
    }
    JsonObject point;
    point.number("strength", epoch)
        .text("step", "epoch " + std::to_string(epoch))
        .number("accuracy_verification", run.accuracy(frozen))
        .boolean("aligned", false);
    STEGPASS_TRY(marks, forged_marks(run, mark, gains_of(erb)));
    point.raw("marks", marks);
    run.add_point(point);
    return Done{};
  };
  return run.loop(loop);
}

/// A passport that nobody embedded matches under `reference` once a1 has the signs for it; under `strict` it does not.
Status attack_sign_flip(AttackRun& run) {
  const std::vector<ConvBlock> blocks = run.task.model->passport_blocks();
  for (int i = 0; i < run.settings.count; ++i) {
    STEGPASS_TRY(mark, run.drawn_mark(static_cast<std::size_t>(i)));
    STEGPASS_TRY(marks, forged_marks(run, mark, matching_gains(blocks, mark)));
    JsonObject point;
    point.number("strength", i + 1)
        .text("step", "forged passport " + std::to_string(i + 1))
        .boolean("aligned", false)
        .raw("marks", marks);
    run.add_point(point);
  }
  return Done{};
}

}  // namespace stegpass::model
