#include <stegpass/model/key_network.hpp>

#include <algorithm>
#include <cmath>

#include "compat.hpp"
#include "max_pool.hpp"
#include "shuffle.hpp"
#include "side_by_side.hpp"

namespace stegpass::model {
namespace {

/// Channels of each tile drawn from all tiles in turn, and permuted by the passport's digest and the layer's name.
torch::Tensor shuffled_channels(const torch::Tensor& keys, const Passport& passport, const std::string& layer) {
  const Digest64 digest = Sha512().update("stegpass.key-shuffle.v1").update(passport.digest()).update(layer).finish();
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | digest[i];
  const std::int64_t tiles = keys.size(0), channels = keys.size(1);
  torch::Tensor out = torch::empty_like(keys);
  for (std::int64_t tile = 0; tile < tiles; ++tile) {
    const torch::Tensor order = shuffled_indices(channels, seed + static_cast<std::uint64_t>(tile));
    const auto* from = order.data_ptr<std::int64_t>();
    for (std::int64_t c = 0; c < channels; ++c) out[tile][c].copy_(keys[(tile + c) % tiles][from[c]]);
  }
  return out;
}

/// Uniform noise in [-1, 1], one byte a value, of the shape of `like`.
torch::Tensor noise_key(const torch::Tensor& like, const Passport& passport, Picture picture, const std::string& layer) {
  const std::string_view domain = picture == Picture::scale ? "stegpass.key-noise.scale.v1" : "stegpass.key-noise.bias.v1";
  const Bytes stream = expand(domain, to_bytes(passport.digest()), layer, static_cast<std::size_t>(like.numel()));
  torch::Tensor out = torch::empty(like.sizes(), torch::kFloat32);
  for (std::size_t i = 0; i < stream.size(); ++i) out.data_ptr<float>()[i] = static_cast<float>((stream[i] - 127.5) / 127.5);
  return out;
}

}  // namespace

torch::Tensor key_weights(const Digest64& descriptor, const std::string& layer, at::IntArrayRef shape) {
  torch::Tensor weights = torch::empty(shape, torch::kFloat32);
  const auto count = static_cast<std::size_t>(weights.numel());
  const Bytes stream = expand("stegpass.key-network.v1", descriptor, layer, count);  // one byte a weight
  const double bound = std::sqrt(6.0 / static_cast<double>(weights[0].numel()));
  float* out = weights.data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>((stream[i] - 127.5) / 127.5 * bound);
  return weights;
}

torch::Tensor convolution_columns(const torch::Tensor& reaching, int kernel, int stride, int padding) {
  const torch::Tensor x = reaching.to(torch::kFloat32).contiguous();
  const std::int64_t tiles = x.size(0), channels = x.size(1), height = x.size(2), width = x.size(3);
  const std::int64_t rows = (height + 2 * padding - kernel) / stride + 1, columns = (width + 2 * padding - kernel) / stride + 1;
  torch::Tensor out = torch::zeros({channels * kernel * kernel, tiles * rows * columns}, torch::kFloat64);
  double* to = out.data_ptr<double>();
  for (std::int64_t d = 0; d < out.size(0); ++d) {
    const std::int64_t channel = d / (kernel * kernel), dy = d / kernel % kernel - padding, dx = d % kernel - padding;
    const std::int64_t first = dx < 0 ? (-dx + stride - 1) / stride : 0;  // the columns whose pixel lies in the picture
    const std::int64_t last = std::min(columns, (width - dx + stride - 1) / stride);
    for (std::int64_t tile = 0; tile < tiles; ++tile) {
      const float* picture = x.data_ptr<float>() + (tile * channels + channel) * height * width;
      for (std::int64_t row = 0; row < rows; ++row, to += columns) {
        const std::int64_t y = row * stride + dy;
        if (y < 0 || y >= height) continue;
        for (std::int64_t column = first; column < last; ++column) to[column] = picture[y * width + column * stride + dx];
      }
    }
  }
  return out;
}

torch::Tensor linear_columns(const torch::Tensor& reaching) { return reaching.t().to(torch::kFloat64).contiguous(); }

Result<torch::Tensor> picture_tiles(ByteView rgb, int size, const Architecture& architecture) {
  return picture_tiles(rgb, size, architecture.tiles(), architecture.input_side());
}

Result<torch::Tensor> picture_tiles(ByteView rgb, int size, int tiles, int side) {
  const int reduced = tiles * side;
  if (size % reduced != 0) {
    return Error{Errc::refused, "passport size " + std::to_string(size) + " is no multiple of " + std::to_string(reduced) +
                                    ", the network's tiles times its input: make passports of " +
                                    std::to_string((size / reduced + 1) * reduced) + " pixels a side"};
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
  const auto& convs = architecture.convs();
  std::size_t count = convs.size();
  while (count > 0 && !convs[count - 1].passport) --count;  // of the last passport layer only what reaches it counts
  weights_.resize(count > 0 ? count - 1 : 0);
  side_by_side(weights_.size(), [&](std::size_t i) {
    const ConvPlan& conv = convs[i];
    weights_[i] = key_weights(descriptor, conv.name, {conv.out_channels, conv.in_channels, conv.kernel, conv.kernel});
  });
}

torch::Tensor KeyNetwork::layer_key(const ConvPlan& conv, const torch::Tensor& reaching, const Passport& passport,
                                    Picture picture) const {
  switch (architecture_.settings().keys) {
    case KeyType::shuffle: return shuffled_channels(reaching, passport, conv.name);
    case KeyType::random: return noise_key(reaching, passport, picture, conv.name);
    default: return reaching;
  }
}

Result<std::vector<torch::Tensor>> KeyNetwork::layer_columns(const Passport& passport, Picture picture) const {
  STEGPASS_TRY(x, picture_tiles(passport.picture(picture), passport.size(), architecture_));
  const torch::NoGradGuard no_grad;
  const FullPrecisionGuard full_precision;
  std::vector<torch::Tensor> columns, outputs;
  for (std::size_t i = 0; i <= weights_.size() && i < architecture_.convs().size(); ++i) {
    const ConvPlan& conv = architecture_.convs()[i];
    if (conv.from != ConvPlan::kPrevious) x = outputs[static_cast<std::size_t>(conv.from)];
    if (conv.passport) {
      columns.push_back(convolution_columns(layer_key(conv, x, passport, picture), conv.kernel, conv.stride, conv.kernel / 2));
      if (!columns.back().isfinite().all().item<bool>())
        return Error{Errc::refused, "the key of " + conv.name + " is not finite"};
    }
    if (i == weights_.size()) break;
    x = torch::conv2d(x, weights_[i], {}, conv.stride, conv.kernel / 2);
    if (conv.relu_before) x = torch::relu(x);
    if (conv.add != ConvPlan::kNothing) x = x + outputs[static_cast<std::size_t>(conv.add)];
    if (conv.relu) x = torch::relu(x);
    outputs.push_back(x = pooled(conv, x));
  }
  return columns;
}

}  // namespace stegpass::model
