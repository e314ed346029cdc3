#include <stegpass/model/key_network.hpp>

#include <cmath>

#include <torch/nn/functional/fold.h>

#include "compat.hpp"

namespace stegpass::model {
namespace {

/// One byte a weight, spread evenly over [-bound, bound] with bound = sqrt(6 / fan_in).
torch::Tensor key_weights(const Digest64& descriptor, const ConvPlan& conv) {
  const auto count = static_cast<std::size_t>(conv.out_channels) * static_cast<std::size_t>(conv.fan_in());
  const Bytes stream = expand("stegpass.key-network.v1", descriptor, conv.name, count);
  const double bound = std::sqrt(6.0 / conv.fan_in());
  torch::Tensor weights = torch::empty({conv.out_channels, conv.in_channels, conv.kernel, conv.kernel}, torch::kFloat32);
  float* out = weights.data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>((stream[i] - 127.5) / 127.5 * bound);
  return weights;
}

/// (tiles, C, n, n) -> (C * k * k, tiles * positions)
torch::Tensor unfold_columns(const torch::Tensor& keys, const ConvPlan& conv) {
  namespace F = torch::nn::functional;
  const torch::Tensor unfolded = F::unfold(keys, F::UnfoldFuncOptions(conv.kernel).padding(conv.kernel / 2));
  return unfolded.permute({1, 0, 2}).reshape({conv.fan_in(), -1}).to(torch::kFloat64);
}

}  // namespace

Result<torch::Tensor> picture_tiles(ByteView rgb, int size, const Architecture& architecture) {
  const int tiles = architecture.tiles(), side = architecture.input_side();
  const int reduced = tiles * side;
  if (size % reduced != 0) {
    return Error{Errc::refused, "passport size " + std::to_string(size) + " is no multiple of " + std::to_string(reduced) +
                                    ", the network's tiles times its input"};
  }
  const int box = size / reduced;
  std::vector<std::int64_t> sums(static_cast<std::size_t>(reduced) * static_cast<std::size_t>(reduced) * 3);
  std::size_t at = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const auto cell = static_cast<std::size_t>((y / box) * reduced + x / box) * 3;
      for (std::size_t c = 0; c < 3; ++c) sums[cell + c] += rgb[at++];
    }
  }
  const torch::Tensor grid = torch::tensor(sums, torch::kInt64).to(torch::kFloat64).view({reduced, reduced, 3});
  const torch::Tensor scaled = grid / (128.0 * box * box) - 1.0;
  // (T, n, T, n, 3) -> (T * T, 3, n, n), tiles in raster order
  return scaled.view({tiles, side, tiles, side, 3}).permute({0, 2, 4, 1, 3}).reshape({-1, 3, side, side}).to(torch::kFloat32);
}

KeyNetwork::KeyNetwork(const Architecture& architecture) : architecture_(architecture) {
  const Digest64 descriptor = architecture.digest();
  const std::string last = architecture.passport_convs().back().name;
  for (const ConvPlan& conv : architecture.convs()) {
    if (conv.name == last) break;  // a layer's own weights do not enter its key
    weights_.push_back(key_weights(descriptor, conv));
  }
}

Result<std::vector<torch::Tensor>> KeyNetwork::layer_columns(const Passport& passport, Picture picture) const {
  STEGPASS_TRY(keys, picture_tiles(passport.picture(picture), passport.size(), architecture_));
  const torch::NoGradGuard no_grad;
  const FullPrecisionGuard full_precision;
  std::vector<torch::Tensor> columns;
  for (std::size_t i = 0; i < architecture_.convs().size(); ++i) {
    const ConvPlan& conv = architecture_.convs()[i];
    if (conv.passport) {
      columns.push_back(unfold_columns(keys, conv));
      if (!columns.back().isfinite().all().item<bool>()) return Error{Errc::refused, "the key of " + conv.name + " is not finite"};
    }
    if (i == weights_.size()) break;
    keys = torch::relu(torch::conv2d(keys, weights_[i], {}, 1, conv.kernel / 2));
    if (conv.pooled) keys = torch::max_pool2d(keys, 2);
  }
  return columns;
}

}  // namespace stegpass::model
