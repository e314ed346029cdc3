#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/passport.hpp>

namespace stegpass::model {

/// Where a mark's bits and patterns come from. Secret until it is opened: whoever knows it can erase the mark.
struct MarkSeed {
  Digest64 value{};
  friend bool operator==(const MarkSeed&, const MarkSeed&) = default;
};

/// SHA-512 over "stegpass.mark-seed.v1", a zero byte, digest(P), the thumbprint of the first owner key and the salt.
MarkSeed derive_mark_seed(const Digest64& passport, const Digest32& owner_thumbprint, const Digest32& salt);

/// A layer as its mark sees it, of a network of ours or of anybody's: the digest of its network's descriptor, its name, and
/// how many bits it carries.
struct MarkedLayer {
  Digest64 descriptor{};
  std::string name;
  int channels = 0;  ///< C: outputs of the layer
};

MarkedLayer marked_layer(const Architecture& architecture, const ConvPlan& conv);

/// Sign bits b of one layer, -1 or +1, one for each output channel.
std::vector<std::int8_t> sign_bits(const MarkSeed& seed, const MarkedLayer& layer);

/// Sign patterns of one layer and picture, -1 or +1: `columns` for each output channel, row after row.
std::vector<std::int8_t> sign_patterns(const MarkSeed& seed, const MarkedLayer& layer, Picture picture, int columns);

}  // namespace stegpass::model
