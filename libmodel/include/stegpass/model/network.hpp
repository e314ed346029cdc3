#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/passport_block.hpp>

namespace stegpass::model {

/// Type of activations and of the weights that meet them; parameters, losses and s stay float32 in both.
enum class Precision { fp32, bf16 };

std::string_view precision_name(Precision precision);
/// bf16 where `device` multiplies it in hardware (a GPU, a CPU with AVX-512 BF16), else fp32: bf16 then takes three times as
/// long.
Precision fast_precision(const torch::Device& device);
/// `fp32`, `bf16`, or `auto` for fast_precision. Errors  unsupported on any other name.
Result<Precision> parse_precision(std::string_view name, const torch::Device& device);

/// A mark on a device: one entry per passport layer, directions laid out like the weights (C, C_in, k, k), channels-last.
using NetworkKeys = std::vector<LayerKeys>;

NetworkKeys network_keys(const Architecture& architecture, const Mark& mark, const torch::Device& device);

/// Which branches a network has: an owner model has both, a release model the deployment branch alone.
enum class Branches { deployment, both };

/// The weight of one convolution.
class ConvImpl : public torch::nn::Module {
 public:
  explicit ConvImpl(const ConvPlan& plan);
  torch::Tensor weight;  ///< (C, C_in, k, k)
};
TORCH_MODULE(Conv);

/// One convolution with its norm; a passport layer of an owner model has its verification part too.
struct ConvBlock {
  ConvPlan plan;
  Conv conv;
  NormLayer norm;
  VerificationPart verification{nullptr};
};

/// A passport network. Both branches share the trunk before the first passport layer, which is computed once; from there
/// on they lie side by side in the batch wherever they share a convolution.
/// Names   parameters and buffers as in the weight files: features.4.conv.weight, features.4.verification.bn.weight, ...
/// Source  Cui et al., CVPR 2024; a layer that carries no passport but comes after one is shared whole, norm included.
class PassportNetworkImpl : public torch::nn::Module {
 public:
  /// Initial weights follow from `seed` alone.
  PassportNetworkImpl(const Architecture& architecture, Branches branches, std::uint64_t seed = 0, Scheme scheme = Scheme::sp);

  struct Outputs {
    torch::Tensor deployment;                 ///< logits (N, classes), float32
    torch::Tensor verification;               ///< the same; the very tensor of `deployment` where the branches do not differ
    std::vector<VerificationAffine> affines;  ///< one per passport layer
  };

  /// `images` (N, 3, n, n) float32 in [-1, 1] -> logits (N, classes), float32.
  torch::Tensor deployment(const torch::Tensor& images, Precision precision);
  /// Both branches, the verification branch under `keys`. Requires Branches::both and keys of both pictures.
  Outputs both(const torch::Tensor& images, const NetworkKeys& keys, Precision precision);

  /// Writes s and s' into the deployment branch of a network whose branches do not differ, so that its release runs.
  void fold(const NetworkKeys& keys);
  /// Takes the statistics of batch norm over all processes of `group` while training; it outlives the network. Null ends that.
  void share_statistics(const ProcessGroup* group);

  const Architecture& architecture() const { return architecture_; }
  Scheme scheme() const { return scheme_; }
  bool has_verification() const { return branches_ == Branches::both; }
  std::vector<ConvBlock>& blocks() { return blocks_; }
  const std::vector<ConvBlock>& blocks() const { return blocks_; }
  /// The passport blocks, in network order.
  std::vector<ConvBlock> passport_blocks() const;

 private:
  template <class Normalise>
  torch::Tensor flow(const torch::Tensor& images, Precision precision, Normalise normalise);
  torch::Tensor classify(const torch::Tensor& x);

  Architecture architecture_;
  Scheme scheme_;
  Branches branches_;
  std::vector<ConvBlock> blocks_;
  std::vector<std::size_t> last_use_;  // of each block's output: index of the last block that reads it
  torch::nn::Linear classifier_;
};
TORCH_MODULE(PassportNetwork);

}  // namespace stegpass::model
