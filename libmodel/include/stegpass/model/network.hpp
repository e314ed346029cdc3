#pragma once

#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>

namespace stegpass::model {

/// Type of activations and of the weights that meet them; parameters, losses and s stay float32 in both.
enum class Precision { fp32, bf16 };

std::string_view precision_name(Precision precision);
/// Errors  unsupported on any other name than `fp32` and `bf16`.
Result<Precision> parse_precision(std::string_view name);

/// A mark on a device, laid out like the weights: (C) bits, (C, C_in, k, k) directions, float32, channels-last.
struct LayerKeys {
  torch::Tensor bits;
  torch::Tensor scale;
  torch::Tensor bias;  ///< undefined when the mark was made of the scale picture alone
};
using NetworkKeys = std::vector<LayerKeys>;

NetworkKeys network_keys(const Architecture& architecture, const Mark& mark, const torch::Device& device);

/// s of one layer: (C) float32, from weights and directions of one shape (C, C_in, k, k).
torch::Tensor layer_signs(const torch::Tensor& weight, const torch::Tensor& directions);

/// Which branches a network has: an owner model has both, a release model the deployment branch alone.
enum class Branches { deployment, both };

/// What a passport layer has beside its convolution and deployment norm: BN1 (a1, c1) and the TLP.
class VerificationPartImpl : public torch::nn::Module {
 public:
  explicit VerificationPartImpl(int channels);
  torch::nn::BatchNorm2d bn;
  torch::nn::Sequential tlp;
};
TORCH_MODULE(VerificationPart);

/// One convolution with its norm; a passport layer of an owner model has its verification part too.
class ConvBlockImpl : public torch::nn::Module {
 public:
  ConvBlockImpl(const ConvPlan& conv_plan, bool with_verification);
  ConvPlan plan;
  torch::nn::Conv2d conv;
  torch::nn::BatchNorm2d bn;
  VerificationPart verification{nullptr};
};
TORCH_MODULE(ConvBlock);

/// What a passport makes of one verification part, (C) each: s of the scale picture, gain g a1 and offset g c1 + h.
struct VerificationAffine {
  torch::Tensor signs;
  torch::Tensor gain;
  torch::Tensor offset;
};

/// A passport network. Both branches share the trunk before the first passport layer, which is computed once; from there
/// on they lie side by side in the batch wherever they share a convolution.
/// Names   parameters and buffers as in the weight files: features.4.conv.weight, features.4.verification.bn.weight, ...
/// Source  Cui et al., CVPR 2024; a layer that carries no passport but comes after one is shared whole, norm included.
class PassportNetworkImpl : public torch::nn::Module {
 public:
  /// Initial weights follow from `seed` alone.
  PassportNetworkImpl(const Architecture& architecture, Branches branches, std::uint64_t seed = 0);

  struct Outputs {
    torch::Tensor deployment;    ///< logits (N, classes), float32
    torch::Tensor verification;  ///< the same
    std::vector<VerificationAffine> affines;  ///< one per passport layer
  };

  /// `images` (N, 3, 32, 32) float32 in [-1, 1] -> logits (N, classes), float32.
  torch::Tensor deployment(const torch::Tensor& images, Precision precision);
  /// Both branches, the verification branch under `keys`. Requires Branches::both and keys of both pictures.
  Outputs both(const torch::Tensor& images, const NetworkKeys& keys, Precision precision);

  /// The affine map of a passport block under the keys of its layer. Requires a verification part.
  static VerificationAffine verification_affine(ConvBlockImpl& block, const LayerKeys& keys);

  const Architecture& architecture() const { return architecture_; }
  bool has_verification() const { return branches_ == Branches::both; }
  const std::vector<ConvBlock>& blocks() const { return blocks_; }
  /// The passport blocks, in network order.
  std::vector<ConvBlock> passport_blocks() const;

 private:
  torch::Tensor classify(const torch::Tensor& x);

  Architecture architecture_;
  Branches branches_;
  std::vector<ConvBlock> blocks_;
  torch::nn::Linear classifier_;
};
TORCH_MODULE(PassportNetwork);

}  // namespace stegpass::model
