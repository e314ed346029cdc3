#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

/// What stands between "-----BEGIN label-----" and its end (RFC 7468), decoded into memory that is wiped.
struct Armored {
  std::string label;
  SecretBytes content;
};

/// Reads text that is one such block and nothing else but white space after it.
/// Errors  malformed; unsupported when the block has headers (PEM's old encryption).
Result<Armored> parse_armor(std::string_view text);

/// The block, with lines of 64 characters, each ended by a line feed.
std::string write_armor(std::string_view label, ByteView content);

}  // namespace stegpass::credential
