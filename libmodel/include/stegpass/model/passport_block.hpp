#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/scheme.hpp>

namespace stegpass::model {

class ProcessGroup;

/// A layer's part of a mark on a device, laid out like its weight: (C) bits, (C, ...) directions, float32.
struct LayerKeys {
  torch::Tensor bits;
  torch::Tensor scale;
  torch::Tensor bias;  ///< undefined when the mark was made of the scale picture alone
};

/// `mark` for a layer whose weight is `weight`: (C, C_in, k, k) or (C, C_in); on the weight's device.
LayerKeys layer_keys(const LayerMark& mark, const torch::Tensor& weight);

/// s of one layer: (C) float32, from weight and directions of one shape (C, ...).
torch::Tensor layer_signs(const torch::Tensor& weight, const torch::Tensor& directions);

/// What brings the outputs of a convolution or linear layer to one scale, with gain and offset of its own.
/// Names  weight and bias (C), and with Norm::batch the buffers running_mean and running_var (C).
class NormLayerImpl : public torch::nn::Module {
 public:
  static constexpr double kEpsilon = 1e-5, kMomentum = 0.1;

  /// Without `affine` there is no gain and offset of its own, only statistics: `apply` alone may be called.
  NormLayerImpl(Norm norm, int channels, bool affine = true);

  /// norm(y) * weight + bias. `y`: (N, C) or (N, C, H, W), float32 or bfloat16; keeps its type.
  torch::Tensor forward(const torch::Tensor& y) { return apply(y, weight, bias); }
  /// The same with another gain and offset, (C) float32.
  torch::Tensor apply(const torch::Tensor& y, const torch::Tensor& gain, const torch::Tensor& offset);
  /// Statistics of training are taken over the batches of all processes of `group`, which outlives this; null: of this one.
  void share_statistics(const ProcessGroup* group) { group_ = group; }

  torch::Tensor weight, bias, running_mean, running_var;

 private:
  Norm norm_;
  int groups_ = 1;
  const ProcessGroup* group_ = nullptr;
};
TORCH_MODULE(NormLayer);

/// What a passport makes of one layer, (C) each: s of the scale picture, and gain and offset of the verification branch.
struct VerificationAffine {
  torch::Tensor signs;
  torch::Tensor gain;
  torch::Tensor offset;
};

/// What a passport layer has beside its weight and deployment norm, as its scheme demands: N1 with a1 and c1, and the TLP.
/// Works behind any layer of LibTorch whose weight is (C, ...), convolution or linear.
/// Names  bn.* (NormLayer) and tlp.0.weight, tlp.2.weight; some schemes have none of them.
class VerificationPartImpl : public torch::nn::Module {
 public:
  VerificationPartImpl(Scheme scheme, Norm norm, int channels);

  /// Gain and offset under the keys of its layer. Requires keys of both pictures.
  VerificationAffine affine(const torch::Tensor& weight, const LayerKeys& keys);
  /// The same from s of the scale picture and s' of the bias picture, (C) each.
  VerificationAffine affine(const torch::Tensor& s, const torch::Tensor& s_bias);
  /// The layer's output in the verification branch; `deployment` is the norm of the deployment branch.
  torch::Tensor apply(const torch::Tensor& y, const VerificationAffine& affine, NormLayerImpl& deployment);

  Scheme scheme;
  NormLayer bn{nullptr};
  torch::nn::Sequential tlp{nullptr};
};
TORCH_MODULE(VerificationPart);

}  // namespace stegpass::model
