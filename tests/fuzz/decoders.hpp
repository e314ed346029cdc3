#pragma once

#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::credential::fuzz {

/// A decoder that takes bytes from anybody, under a name. `take` decodes, and where the bytes are accepted checks that they were
/// the one encoding of what they hold; it ends the process if not.
struct Decoder {
  std::string_view name;
  bool (*take)(ByteView bytes);  ///< whether the bytes were accepted
};

const std::vector<Decoder>& decoders();

}  // namespace stegpass::credential::fuzz
