#include <stegpass/model/mark_seed.hpp>

namespace stegpass::model {
namespace {

/// Expands `count` signs: bit i of the byte stream, most significant first, 1 for +1 and 0 for -1.
std::vector<std::int8_t> expand_signs(std::string_view domain, const MarkSeed& seed, const MarkedLayer& layer,
                                      std::size_t count) {
  Bytes key = to_bytes(seed.value);
  append(key, layer.descriptor);
  const Bytes stream = expand(domain, key, layer.name, (count + 7) / 8);
  std::vector<std::int8_t> signs(count);
  for (std::size_t i = 0; i < count; ++i) signs[i] = (stream[i / 8] >> (7 - i % 8)) & 1 ? 1 : -1;
  return signs;
}

}  // namespace

MarkSeed derive_mark_seed(const Digest64& passport, const Digest32& owner_thumbprint, const Digest32& salt) {
  constexpr std::string_view kDomain("stegpass.mark-seed.v1\0", 22);
  return {Sha512().update(kDomain).update(passport).update(owner_thumbprint).update(salt).finish()};
}

MarkedLayer marked_layer(const Architecture& architecture, const ConvPlan& conv) {
  return {architecture.digest(), conv.name, conv.out_channels};
}

std::vector<std::int8_t> sign_bits(const MarkSeed& seed, const MarkedLayer& layer) {
  return expand_signs("stegpass.bits.v1", seed, layer, static_cast<std::size_t>(layer.channels));
}

std::vector<std::int8_t> sign_patterns(const MarkSeed& seed, const MarkedLayer& layer, Picture picture, int columns) {
  const auto count = static_cast<std::size_t>(layer.channels) * static_cast<std::size_t>(columns);
  return expand_signs(picture == Picture::scale ? "stegpass.patterns.scale.v1" : "stegpass.patterns.bias.v1", seed, layer, count);
}

}  // namespace stegpass::model
