// Attacks that change weights without training: pruning, quantisation, noise, and what leaves the function as it is.

#include <algorithm>
#include <cmath>
#include <random>

#include <ATen/CPUGeneratorImpl.h>

#include "attack_run.hpp"
#include "shuffle.hpp"

namespace stegpass::model {
namespace {

using Change = std::function<void(PassportNetwork&, double strength)>;

/// The model changed at each strength, always from the attacker's untouched copy.
Status along_strengths(AttackRun& run, std::vector<double> strengths, const Change& change) {
  if (!run.settings.strengths.empty()) strengths = run.settings.strengths;
  for (std::size_t i = 0; i < strengths.size(); ++i) {
    PassportNetwork changed = run.copy();
    {
      const torch::NoGradGuard no_grad;
      change(changed, strengths[i]);
    }
    STEGPASS_CHECK_OK(run.judge(changed, {.strength = strengths[i]}));
    run.result = changed;
    STEGPASS_CHECK_OK(run.progress(static_cast<double>(i + 1), static_cast<double>(strengths.size()), run.settings.name));
  }
  return Done{};
}

/// Weights of convolutions and classifier: what pruning, rounding and noise fall on.
std::vector<torch::Tensor> weight_tensors(const PassportNetwork& network) {
  std::vector<torch::Tensor> out;
  for (const auto& [name, tensor] : weights_of(*network)) {
    if (tensor.dim() >= 2) out.push_back(tensor.detach());
  }
  return out;
}

/// Sets the `share` of the entries with the smallest scores to zero; `scores` of the weight's shape or of its first dimension.
void zero_smallest(const torch::Tensor& weight, const torch::Tensor& scores, double share) {
  const auto count =
      std::min(scores.numel(), static_cast<std::int64_t>(std::llround(share * static_cast<double>(scores.numel()))));
  if (count == 0) return;
  const torch::Tensor order = std::get<1>(scores.flatten().topk(count, 0, false, false));
  torch::Tensor keep = torch::ones({scores.numel()}, weight.options());
  keep.index_fill_(0, order, 0);
  torch::Tensor mask = keep.view(scores.sizes());
  while (mask.dim() < weight.dim()) mask = mask.unsqueeze(-1);
  weight.mul_(mask);
}

/// Whole output channels, with their gain and offset: nothing is left of them but zero.
void prune_channels(PassportNetwork& network, double share) {
  for (ConvBlock& block : network->blocks()) {
    const torch::Tensor strength = block.conv->weight.detach().abs().flatten(1).sum(1);
    for (const torch::Tensor& part : {block.conv->weight.detach(), block.norm->weight.detach(), block.norm->bias.detach()}) {
      zero_smallest(part, strength, share);
    }
  }
}

torch::Tensor quantised(const torch::Tensor& weight, int bits, bool per_channel) {
  const double levels = std::pow(2.0, bits - 1) - 1;
  const torch::Tensor largest = per_channel ? weight.abs().flatten(1).amax(1).view({-1, 1}) : weight.abs().max();
  const torch::Tensor step = (largest / levels).clamp_min(1e-30);
  return (at::round(weight.flatten(1) / step).clamp(-levels, levels) * step).view(weight.sizes());
}

/// New places and factors of the channels of every group that shares them.
struct ChannelMove {
  torch::Tensor from;    ///< (C) int64: channel c comes from from[c]
  torch::Tensor factor;  ///< (C) float32, what its convolution is multiplied by
};

torch::Tensor over_rows(const torch::Tensor& values, const torch::Tensor& weight) {
  std::vector<std::int64_t> shape(static_cast<std::size_t>(weight.dim()), 1);
  shape[0] = -1;
  return values.view(shape);
}

/// Moves and scales the outputs of every convolution. The norm's statistics and gain take the factor back, so what follows sees
/// the same values in another order. Source  the symmetries of normalised networks; nothing of the mark is known.
class ChannelShuffle {
 public:
  ChannelShuffle(PassportNetwork network, const std::vector<ChannelMove>& moves, const std::vector<int>& groups)
      : network_(std::move(network)), moves_(moves), groups_(groups) {}

  void apply() {
    auto& blocks = network_->blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const int input = blocks[i].plan.from == ConvPlan::kPrevious ? static_cast<int>(i) - 1 : blocks[i].plan.from;
      torch::Tensor weight = blocks[i].conv->weight.detach();
      if (input >= 0) weight.copy_(weight.index_select(1, move_of(static_cast<std::size_t>(input)).from));
      const ChannelMove& move = move_of(i);
      weight.copy_(weight.index_select(0, move.from) * over_rows(move.factor, weight));
      move_norm(*blocks[i].norm, move);
    }
    move_classifier();
  }

 private:
  const ChannelMove& move_of(std::size_t conv) const { return moves_[static_cast<std::size_t>(groups_[conv])]; }

  void move_norm(NormLayerImpl& norm, const ChannelMove& move) {
    const auto take = [&](const torch::Tensor& values, const torch::Tensor& factor) {
      values.detach().copy_(values.detach().index_select(0, move.from) * factor);
    };
    const torch::Tensor one = torch::ones_like(move.factor);
    take(norm.bias, one);
    const Norm kind = network_->architecture().settings().norm;
    if (kind == Norm::none) return take(norm.weight, 1 / move.factor);
    take(norm.weight, move.factor.sign());  // what it divides by takes the rest
    if (kind != Norm::batch) return;
    take(norm.running_mean, move.factor);
    take(norm.running_var, move.factor.square());
  }

  void move_classifier() {
    const torch::Tensor& from = move_of(network_->blocks().size() - 1).from;
    for (const auto& [name, tensor] : weights_of(*network_)) {
      if (name != network_->architecture().classifier() + ".weight") continue;
      const torch::Tensor spread = tensor.view({tensor.size(0), from.size(0), -1});
      tensor.detach().copy_(spread.index_select(1, from).reshape(tensor.sizes()));
    }
  }

  PassportNetwork network_;
  const std::vector<ChannelMove>& moves_;
  const std::vector<int>& groups_;
};

/// A random move of every channel: its place, and with `scale` and `sign` a factor of 1/4 to 4, of either sign.
ChannelMove random_move(int channels, const std::string& variant, std::uint64_t seed, const torch::Device& device) {
  ChannelMove move{shuffled_indices(channels, seed).to(device), torch::ones({channels})};
  std::mt19937_64 random(seed + 1);
  if (variant != "order") {
    for (int c = 0; c < channels; ++c) {
      const double exponent = 2 * (static_cast<double>(random() >> 11) * 0x1p-53) - 1,
                   sign = variant == "sign" && random() % 2 == 0 ? -1 : 1;
      move.factor.data_ptr<float>()[c] = static_cast<float>(sign * std::pow(4.0, exponent));
    }
  }
  move.factor = move.factor.to(device);
  return move;
}

/// A point as the copy lies, and one after alignment.
Status judge_twice(AttackRun& run, const PassportNetwork& changed, const std::string& step) {
  STEGPASS_CHECK_OK(run.judge(changed, {.strength = 1.0, .step = step}));
  run.result = changed;
  return run.judge(changed, {.strength = 1.0, .step = step + ", aligned", .aligned = true});
}

}  // namespace

Status attack_prune(AttackRun& run) {
  std::vector<double> shares;
  for (int i = 0; i <= 20; ++i) shares.push_back(i / 20.0);
  const std::string variant = run.settings.variant;
  at::Generator generator = at::detail::createCPUGenerator(attack_seed(run.settings.seed, 5, 0));
  std::vector<torch::Tensor> random;
  for (const torch::Tensor& weight : weight_tensors(run.task.model)) {
    if (variant == "random") random.push_back(torch::empty(weight.sizes()).uniform_(0, 1, generator));
  }
  return along_strengths(run, shares, [&](PassportNetwork& network, double share) {
    if (variant == "structured") return prune_channels(network, share);
    const auto weights = weight_tensors(network);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      zero_smallest(weights[i], variant == "random" ? random[i].to(weights[i].device()) : weights[i].abs(), share);
    }
  });
}

Status attack_quantise(AttackRun& run) {
  const bool per_channel = run.settings.variant == "channel";
  return along_strengths(run, {8, 6, 4, 2}, [&](PassportNetwork& network, double bits) {
    for (const torch::Tensor& weight : weight_tensors(network))
      weight.copy_(quantised(weight, static_cast<int>(bits), per_channel));
  });
}

Status attack_noise(AttackRun& run) {
  return along_strengths(run, {0.05, 0.1, 0.2, 0.5, 1}, [&](PassportNetwork& network, double strength) {
    at::Generator generator = at::detail::createCPUGenerator(attack_seed(run.settings.seed, 6, 0));
    for (const torch::Tensor& weight : weight_tensors(network)) {
      const torch::Tensor noise = torch::empty(weight.sizes()).normal_(0, 1, generator).to(weight.device());
      weight.add_(noise * (strength * weight.std()));
    }
  });
}

Status attack_permute(AttackRun& run) {
  const Architecture& architecture = run.architecture();
  const Norm norm = architecture.settings().norm;
  if (norm == Norm::group) return Error{Errc::unsupported, "channels of a network with group norm cannot be moved one by one"};
  if (run.settings.variant == "sign" && norm == Norm::instance)
    return Error{Errc::unsupported, "instance norm keeps no sign to take back"};
  const std::vector<int> groups = architecture.channel_groups();
  std::vector<ChannelMove> moves;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    moves.push_back(random_move(architecture.convs()[i].out_channels, run.settings.variant, attack_seed(run.settings.seed, 7, i),
                                run.task.device));
  }
  PassportNetwork changed = run.copy();
  {
    const torch::NoGradGuard no_grad;
    ChannelShuffle(changed, moves, groups).apply();
  }
  return judge_twice(run, changed,
                     run.settings.variant == "order"   ? "permuted"
                     : run.settings.variant == "scale" ? "permuted and rescaled"
                                                       : "permuted, rescaled and turned");
}

/// Every norm's gain and statistics go into its convolution, as programs do that prepare a network for running.
Status attack_fold(AttackRun& run) {
  if (run.architecture().settings().norm != Norm::batch)
    return Error{Errc::unsupported, "only batch norm can be folded into its convolution"};
  PassportNetwork changed = run.copy();
  {
    const torch::NoGradGuard no_grad;
    for (ConvBlock& block : changed->blocks()) {
      NormLayerImpl& norm = *block.norm;
      const torch::Tensor factor = norm.weight * (norm.running_var + NormLayerImpl::kEpsilon).rsqrt();
      block.conv->weight.detach().mul_(over_rows(factor, block.conv->weight));
      norm.bias.detach().sub_(norm.running_mean * factor);
      norm.weight.detach().fill_(1);
      norm.running_mean.zero_();
      norm.running_var.fill_(1 - NormLayerImpl::kEpsilon);
    }
  }
  return judge_twice(run, changed, "folded");
}

}  // namespace stegpass::model
