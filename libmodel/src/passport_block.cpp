#include <stegpass/model/passport_block.hpp>

#include <algorithm>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/linear.h>

#include "shared_moments.hpp"

namespace stegpass::model {
namespace {

/// 16 channels a group, or the next more that divide them evenly; instance norm has one a group.
int group_count(Norm norm, int channels) {
  if (norm == Norm::instance) return channels;
  int groups = std::max(1, channels / 16);
  while (channels % groups != 0) --groups;
  return groups;
}

/// (C) -> what broadcasts over (N, C) or (N, C, H, W).
torch::Tensor over_channels(const torch::Tensor& values, const torch::Tensor& y) {
  return y.dim() == 4 ? values.view({1, -1, 1, 1}) : values.view({1, -1});
}

}  // namespace

LayerKeys layer_keys(const LayerMark& mark, const torch::Tensor& weight) {
  const auto place = [&](const torch::Tensor& u) {
    if (!u.defined()) return u;
    return u.to(weight.device(), torch::kFloat32).reshape(weight.sizes()).contiguous(weight.suggest_memory_format());
  };
  return {mark.bits.to(weight.device(), torch::kFloat32), place(mark.scale), place(mark.bias)};
}

torch::Tensor layer_signs(const torch::Tensor& weight, const torch::Tensor& directions) {
  return (weight * directions).flatten(1).sum(1);
}

NormLayerImpl::NormLayerImpl(Norm norm, int channels, bool affine) : norm_(norm) {
  if (affine) {
    weight = register_parameter("weight", torch::ones({channels}));
    bias = register_parameter("bias", torch::zeros({channels}));
  }
  if (norm == Norm::batch) {
    running_mean = register_buffer("running_mean", torch::zeros({channels}));
    running_var = register_buffer("running_var", torch::ones({channels}));
  }
  groups_ = group_count(norm, channels);
}

torch::Tensor NormLayerImpl::apply(const torch::Tensor& y, const torch::Tensor& gain, const torch::Tensor& offset) {
  if (norm_ == Norm::none) return y * over_channels(gain, y).to(y.scalar_type()) + over_channels(offset, y).to(y.scalar_type());
  if (norm_ != Norm::batch) {  // not every LibTorch mixes bfloat16 with float32 gains here
    return at::group_norm(y.to(torch::kFloat32), groups_, gain, offset, kEpsilon).to(y.scalar_type());
  }
  if (group_ != nullptr && is_training()) {
    const auto [mean, variance] = shared_moments(*group_, y, running_mean, running_var, kMomentum);
    const torch::Tensor scale = gain * (variance + kEpsilon).rsqrt();
    return (y * over_channels(scale, y) + over_channels(offset - mean * scale, y)).to(y.scalar_type());
  }
  return at::batch_norm(y, gain, offset, running_mean, running_var, is_training(), kMomentum, kEpsilon, false);
}

VerificationPartImpl::VerificationPartImpl(Scheme of_scheme, Norm norm, int channels) : scheme(of_scheme) {
  if (scheme != Scheme::sp && scheme != Scheme::pan) return;
  using torch::nn::LinearOptions;
  const int hidden = std::max(1, channels / 4);
  bn = register_module("bn", NormLayer(norm, channels, scheme == Scheme::sp));
  tlp = torch::nn::Sequential(torch::nn::Linear(LinearOptions(channels, hidden).bias(false)), torch::nn::LeakyReLU(),
                              torch::nn::Linear(LinearOptions(hidden, channels).bias(false)));
  register_module("tlp", tlp);
}

VerificationAffine VerificationPartImpl::affine(const torch::Tensor& weight, const LayerKeys& keys) {
  TORCH_CHECK(keys.bias.defined(), "the keys are of the scale picture alone");
  return affine(layer_signs(weight, keys.scale), layer_signs(weight, keys.bias));
}

VerificationAffine VerificationPartImpl::affine(const torch::Tensor& s, const torch::Tensor& s_bias) {
  if (!bn) return {s, s, s_bias};
  const torch::Tensor g = tlp->forward(s), h = tlp->forward(s_bias);
  if (scheme == Scheme::pan) return {s, g, h};
  return {s, g * bn->weight, g * bn->bias + h};  // g (a1 N1(y) + c1) + h is one norm with gain g a1 and offset g c1 + h
}

torch::Tensor VerificationPartImpl::apply(const torch::Tensor& y, const VerificationAffine& affine, NormLayerImpl& deployment) {
  return (bn ? *bn : deployment).apply(y, affine.gain, affine.offset);
}

}  // namespace stegpass::model
