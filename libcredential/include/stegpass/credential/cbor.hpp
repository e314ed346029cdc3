#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

class Cbor;
using CborArray = std::vector<Cbor>;
using CborMap = std::vector<std::pair<Cbor, Cbor>>;

/// One CBOR data item (RFC 8949). Integers are -2^63 .. 2^64-1; floats exist so that foreign files can be shown.
class Cbor {
 public:
  struct Tag;
  struct Null {
    friend bool operator==(Null, Null) { return true; }
  };
  struct Simple {
    std::uint8_t value;
    friend bool operator==(Simple, Simple) = default;
  };

  Cbor();
  Cbor(const Cbor&);
  Cbor(Cbor&&) noexcept;
  Cbor& operator=(const Cbor&);
  Cbor& operator=(Cbor&&) noexcept;
  ~Cbor();
  static Cbor integer(std::int64_t value);
  static Cbor unsigned_integer(std::uint64_t value);
  static Cbor bytes(ByteView value);
  static Cbor text(std::string_view value);
  static Cbor boolean(bool value);
  static Cbor null() { return {}; }
  static Cbor simple(std::uint8_t value);
  static Cbor floating(double value);
  static Cbor array(CborArray items);
  /// Pairs in any order; `encode_cbor` sorts them.
  static Cbor map(CborMap pairs);
  static Cbor tag(std::uint64_t number, Cbor content);

  // Null where the item is of another type; pointers live as long as the item is unchanged.
  const std::uint64_t* as_unsigned() const;
  const Bytes* as_bytes() const;
  const std::string* as_text() const;
  const bool* as_boolean() const;
  const double* as_floating() const;
  const Simple* as_simple() const;
  const CborArray* as_array() const;
  const CborMap* as_map() const;
  const Tag* as_tag() const;
  bool is_null() const;
  /// True, with the value in `out`, for integers within -2^63 .. 2^63-1.
  bool as_integer(std::int64_t& out) const;

  /// The value of a map at an integer or text key; null when this is no map or has no such key.
  const Cbor* find(std::int64_t key) const;
  const Cbor* find(std::string_view key) const;

  /// Whether both have the same deterministic encoding: 1 and 1.0 differ, the order of map pairs does not matter.
  friend bool operator==(const Cbor&, const Cbor&);

 private:
  struct Negative {  // the integer -1 - magnitude
    std::uint64_t magnitude;
    friend bool operator==(Negative, Negative) = default;
  };
  using Value =
      std::variant<Null, std::uint64_t, Negative, Bytes, std::string, bool, double, Simple, CborArray, CborMap, std::vector<Tag>>;
  Value value_;
  friend Bytes encode_cbor(const Cbor&);
  friend std::string cbor_diagnostic(const Cbor&);
};

struct Cbor::Tag {
  std::uint64_t number;
  Cbor content;
  friend bool operator==(const Tag&, const Tag&) = default;
};

/// Deterministic encoding, RFC 8949 section 4.2.1: shortest heads, definite lengths, map keys in bytewise order.
/// Requires unique map keys (assertion).
Bytes encode_cbor(const Cbor& item);

/// Reads exactly one item in its deterministic encoding and nothing after it.
/// Errors  malformed on any other encoding of it, duplicate keys, indefinite lengths, invalid UTF-8, trailing bytes,
///         nesting over 16; lengths are checked against the bytes at hand before anything is allocated.
Result<Cbor> decode_cbor(ByteView bytes);

/// As `decode_cbor`, but for other people's tokens: any order of map keys, heads of any width, and indefinite lengths.
Result<Cbor> decode_foreign_cbor(ByteView bytes);

/// Diagnostic notation, RFC 8949 section 8, on one line.
std::string cbor_diagnostic(const Cbor& item);

}  // namespace stegpass::credential
