#include <stegpass/model/mark.hpp>

#include <stegpass/model/key_network.hpp>

namespace stegpass::model {
namespace {

torch::Tensor sign_tensor(const std::vector<std::int8_t>& signs) {
  return torch::tensor(at::ArrayRef<std::int8_t>(signs), torch::kInt8).to(torch::kFloat64);
}

Result<torch::Tensor> directions(const Architecture& architecture, Pooling pooling, const MarkSeed& seed, const ConvPlan& layer,
                                 Picture picture, const torch::Tensor& columns) {
  if (pooling == Pooling::mean) return pool_mean(columns).expand({layer.out_channels, -1});
  const int count = static_cast<int>(columns.size(1));
  const torch::Tensor patterns = sign_tensor(sign_patterns(seed, architecture, layer, picture, count));
  return pool_whitened(columns, patterns.view({layer.out_channels, count}));
}

}  // namespace

Result<Mark> make_mark(const Architecture& architecture, Pooling pooling, const Passport& passport, const MarkSeed& seed,
                       MarkPictures pictures) {
  const KeyNetwork key_network(architecture);
  Mark mark{pooling, {}};
  for (const ConvPlan& layer : architecture.passport_convs()) {
    mark.layers.push_back({layer.name, sign_tensor(sign_bits(seed, architecture, layer)), {}, {}});
  }
  for (const Picture picture : {Picture::scale, Picture::bias}) {
    if (picture == Picture::bias && pictures == MarkPictures::scale_only) break;
    STEGPASS_TRY(columns, key_network.layer_columns(passport, picture));
    for (std::size_t i = 0; i < mark.layers.size(); ++i) {
      const ConvPlan layer = architecture.passport_convs()[i];
      STEGPASS_TRY(u, directions(architecture, pooling, seed, layer, picture, columns[i]));
      (picture == Picture::scale ? mark.layers[i].scale : mark.layers[i].bias) = u;
    }
  }
  return mark;
}

}  // namespace stegpass::model
