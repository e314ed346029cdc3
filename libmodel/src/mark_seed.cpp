#include <stegpass/model/mark_seed.hpp>

namespace stegpass::model {
namespace {

/// Expands `count` signs: bit i of the byte stream, most significant first, 1 for +1 and 0 for -1.
std::vector<std::int8_t> expand_signs(std::string_view domain, const MarkSeed& seed, const Architecture& architecture,
                                      std::string_view layer, std::size_t count) {
  Bytes key = to_bytes(seed.value);
  append(key, architecture.digest());
  const Bytes stream = expand(domain, key, layer, (count + 7) / 8);
  std::vector<std::int8_t> signs(count);
  for (std::size_t i = 0; i < count; ++i) signs[i] = (stream[i / 8] >> (7 - i % 8)) & 1 ? 1 : -1;
  return signs;
}

}  // namespace

MarkSeed derive_mark_seed(const Digest64& passport, const Digest32& owner_thumbprint, const Digest32& salt) {
  constexpr std::string_view kDomain("stegpass.mark-seed.v1\0", 22);
  return {Sha512().update(kDomain).update(passport).update(owner_thumbprint).update(salt).finish()};
}

std::vector<std::int8_t> sign_bits(const MarkSeed& seed, const Architecture& architecture, const ConvPlan& layer) {
  return expand_signs("stegpass.bits.v1", seed, architecture, layer.name, static_cast<std::size_t>(layer.out_channels));
}

std::vector<std::int8_t> sign_patterns(const MarkSeed& seed, const Architecture& architecture, const ConvPlan& layer,
                                       Picture picture, int columns) {
  const auto count = static_cast<std::size_t>(layer.out_channels) * static_cast<std::size_t>(columns);
  const std::string_view domain = picture == Picture::scale ? "stegpass.patterns.scale.v1" : "stegpass.patterns.bias.v1";
  return expand_signs(domain, seed, architecture, layer.name, count);
}

}  // namespace stegpass::model
