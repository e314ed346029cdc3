#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass {

/// Lower-case hexadecimal, two characters a byte.
std::string to_hex(ByteView bytes);
/// Errors  malformed on odd length or a character that is not hexadecimal.
Result<Bytes> parse_hex(std::string_view text);

/// Base64 with padding (RFC 4648 section 4).
std::string to_base64(ByteView bytes);
/// The one canonical form: padded, no white space, unused bits zero. Errors  malformed.
Result<Bytes> parse_base64(std::string_view text);

/// Base64 for URLs, without padding (RFC 4648 section 5).
std::string to_base64url(ByteView bytes);
/// The one canonical form: unpadded, unused bits zero. Errors  malformed.
Result<Bytes> parse_base64url(std::string_view text);

}  // namespace stegpass
