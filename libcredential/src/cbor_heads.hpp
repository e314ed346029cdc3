#pragma once

#include <cstdint>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>

// The pieces of a deterministic encoding, for the encoder and for what has one fixed form.
namespace stegpass::credential {

enum class CborMajor : std::uint8_t { positive = 0, negative = 1, bytes = 2, text = 3, array = 4, map = 5, tag = 6, other = 7 };

/// The shortest head of a major type with its number.
inline void append_cbor_head(Bytes& out, CborMajor major, std::uint64_t value) {
  const auto high = static_cast<std::uint8_t>(static_cast<unsigned>(major) << 5);
  if (value < 24) return out.push_back(static_cast<std::uint8_t>(high | value));
  const int code = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
  out.push_back(static_cast<std::uint8_t>(high | (24 + code)));
  append_big_endian(out, value, 1 << code);
}

inline void append_cbor_bytes(Bytes& out, ByteView bytes) {
  append_cbor_head(out, CborMajor::bytes, bytes.size());
  append(out, bytes);
}

inline void append_cbor_text(Bytes& out, std::string_view text) {
  append_cbor_head(out, CborMajor::text, text.size());
  append(out, text);
}

/// An integer, which also a small negative one is: -1 - n is written as n.
inline void append_cbor_integer(Bytes& out, std::int64_t value) {
  if (value >= 0)
    append_cbor_head(out, CborMajor::positive, static_cast<std::uint64_t>(value));
  else
    append_cbor_head(out, CborMajor::negative, static_cast<std::uint64_t>(-1 - value));
}

}  // namespace stegpass::credential
