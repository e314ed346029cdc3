#include <stegpass/model/mark.hpp>

#include <optional>

#include <stegpass/model/key_network.hpp>

#include "side_by_side.hpp"

namespace stegpass::model {
namespace {

torch::Tensor sign_tensor(const std::vector<std::int8_t>& signs) {
  return torch::tensor(at::ArrayRef<std::int8_t>(signs), torch::kInt8).to(torch::kFloat64);
}

Result<torch::Tensor> directions(const MarkedLayer& layer, Pooling pooling, const MarkSeed& seed, Picture picture,
                                 const torch::Tensor& columns) {
  if (!columns.defined()) return columns;
  if (pooling == Pooling::mean) return pool_mean(columns).expand({layer.channels, -1});
  const int count = static_cast<int>(columns.size(1));
  const torch::Tensor patterns = sign_tensor(sign_patterns(seed, layer, picture, count));
  return pool_whitened(columns, patterns.view({layer.channels, count}));
}

}  // namespace

Result<LayerMark> make_layer_mark(const MarkedLayer& layer, Pooling pooling, const MarkSeed& seed, const LayerColumns& columns) {
  STEGPASS_TRY(scale, directions(layer, pooling, seed, Picture::scale, columns.scale));
  STEGPASS_TRY(bias, directions(layer, pooling, seed, Picture::bias, columns.bias));
  return LayerMark{layer.name, sign_tensor(sign_bits(seed, layer)), scale, bias};
}

Result<Mark> make_mark(const Architecture& architecture, Pooling pooling, const Passport& passport, const MarkSeed& seed,
                       MarkPictures pictures) {
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  const KeyNetwork key_network(architecture);
  STEGPASS_TRY(scale, key_network.layer_columns(passport, Picture::scale));
  std::vector<torch::Tensor> bias(layers.size());
  if (pictures == MarkPictures::both) {
    STEGPASS_TRY(columns, key_network.layer_columns(passport, Picture::bias));
    bias = columns;
  }
  std::vector<std::optional<Result<LayerMark>>> made(layers.size());
  side_by_side(layers.size(), [&](std::size_t i) {
    made[i] = make_layer_mark(marked_layer(architecture, layers[i]), pooling, seed, {scale[i], bias[i]});
  });
  Mark mark{pooling, {}};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Result<LayerMark>& layer = *made[i];
    if (!layer) return Error{layer.error().code, layers[i].name + ": " + layer.error().detail};
    mark.layers.push_back(*layer);
  }
  return mark;
}

Status check_mark(const Architecture& architecture, const Mark& mark, MarkPictures pictures) {
  const auto layers = architecture.passport_convs();
  bool fits = mark.layers.size() == layers.size();
  for (std::size_t i = 0; fits && i < layers.size(); ++i) {
    const std::vector<std::int64_t> shape = {layers[i].out_channels, layers[i].fan_in()};
    const LayerMark& layer = mark.layers[i];
    fits = layer.scale.defined() && layer.scale.sizes() == shape && layer.bits.numel() == layers[i].out_channels;
    if (fits && pictures == MarkPictures::both) fits = layer.bias.defined() && layer.bias.sizes() == shape;
  }
  if (!fits) return Error{Errc::usage, "a mark does not fit the architecture, or lacks its bias picture"};
  return Done{};
}

Digest64 mark_digest(const Mark& mark) {
  Sha512 hash;
  hash.update(pooling_name(mark.pooling));
  for (const LayerMark& layer : mark.layers) {
    const torch::Tensor bits = layer.bits.to(torch::kInt8).contiguous();
    hash.update(layer.layer).update(ByteView(static_cast<const std::uint8_t*>(bits.data_ptr()), bits.nbytes()));
  }
  return hash.finish();
}

}  // namespace stegpass::model
