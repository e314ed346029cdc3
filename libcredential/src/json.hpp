#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// Reads one JSON text (RFC 8259) into the same tree that CBOR is read into: objects are maps with text keys.
/// Errors  malformed on everything else: names given twice, exponents, fractions other than .0, integers beyond 64 bits, lone
/// surrogates,
///         text that is no UTF-8, nesting over 16, bytes after it.
Result<Cbor> parse_json(std::string_view text);

/// Writes such a tree without white space; pairs in the order that they have.
/// Requires text keys, and no byte strings, tags, floats or simple values (assertion).
std::string encode_json(const Cbor& item);

}  // namespace stegpass::credential
