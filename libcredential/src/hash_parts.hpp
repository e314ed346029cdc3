#pragma once

#include <initializer_list>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>

namespace stegpass::credential {

/// SHA-256 of the concatenation of `parts`, without copying them together.
Digest32 sha256_of_parts(std::initializer_list<ByteView> parts);

}  // namespace stegpass::credential
