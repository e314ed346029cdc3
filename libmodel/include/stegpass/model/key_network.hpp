#pragma once

#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/passport.hpp>

namespace stegpass::model {

/// The public key network: the architecture without norm layers, its weights expanded from the descriptor's digest, so that
/// they are the same everywhere and chosen by nobody. Always on the CPU in float32, outside autocast.
/// Thread-safety  const use from any thread.
class KeyNetwork {
 public:
  explicit KeyNetwork(const Architecture& architecture);

  /// U of every passport layer, in network order: (in_channels * k * k, T * T * positions), float64; columns run over the
  /// tiles in raster order, then over the positions in raster order.
  /// Errors  refused when the passport's size is no multiple of T times the input side, or a layer key is not finite.
  Result<std::vector<torch::Tensor>> layer_columns(const Passport& passport, Picture picture) const;

 private:
  torch::Tensor layer_key(const ConvPlan& conv, const torch::Tensor& reaching, const Passport& passport, Picture picture) const;

  Architecture architecture_;
  std::vector<torch::Tensor> weights_;  // (out, in, k, k) up to the layer before the last passport layer
};

// The same steps one by one, for networks that are not ours.

/// Tiles of one picture: exact box averages to T n x T n, cut in raster order, x / 128 - 1. (T * T, 3, n, n), float32.
/// Errors  refused when `size` is no multiple of T n.
Result<torch::Tensor> picture_tiles(ByteView rgb, int size, int tiles, int side);
Result<torch::Tensor> picture_tiles(ByteView rgb, int size, const Architecture& architecture);

/// Weights of one layer of a key network: uniform in +-sqrt(6 / fan_in), expanded from a descriptor's digest and the layer's
/// name. `shape`: (C, C_in, k, k) or (C, C_in). float32.
torch::Tensor key_weights(const Digest64& descriptor, const std::string& layer, at::IntArrayRef shape);

/// U of a convolution from what reaches it: (tiles, C_in, n, n) -> (C_in * k * k, tiles * positions), float64.
torch::Tensor convolution_columns(const torch::Tensor& reaching, int kernel, int stride, int padding);
/// U of a linear layer: (tiles, C_in) -> (C_in, tiles), float64. It has one column for each tile.
torch::Tensor linear_columns(const torch::Tensor& reaching);

}  // namespace stegpass::model
