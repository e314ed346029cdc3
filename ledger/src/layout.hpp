#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>

// Keys of the database, one prefix byte for each kind; integers are 8 bytes, most significant first, so that order of keys is order of
// numbers. Schema: schemas/ledger-database.md.
namespace stegpass::ledger::layout {

inline constexpr std::string_view kDatabaseFolder = "db";         ///< within the ledger's folder
inline constexpr std::string_view kFormat = "stegpass.ledger.v1";  ///< value at "v"

/// The prefix of a kind, with room for the longest key.
inline Bytes start(char kind) {
  Bytes key;
  key.reserve(1 + 32);
  key.push_back(static_cast<std::uint8_t>(kind));
  return key;
}

inline Bytes numbered(char kind, std::uint64_t number) {
  Bytes key = start(kind);
  append_big_endian(key, number, 8);
  return key;
}

inline Bytes format() { return start('v'); }
inline Bytes entries() { return start('e'); }
inline Bytes nodes() { return start('n'); }
inline Bytes checkpoints() { return start('c'); }
inline Bytes signed_roots() { return start('r'); }

inline Bytes entry(std::uint64_t index) { return numbered('e', index); }            ///< -> octets of the entry
inline Bytes checkpoint(std::uint64_t tree_size) { return numbered('c', tree_size); }    ///< -> signed note
inline Bytes signed_root(std::uint64_t tree_size) { return numbered('r', tree_size); }   ///< -> COSE_Sign1, payload detached

/// The complete subtree over leaves [index << level, (index + 1) << level); level 0 is the leaf's own hash. -> 32 bytes
inline Bytes node(int level, std::uint64_t index) {
  Bytes key = nodes();
  key.push_back(static_cast<std::uint8_t>(level));
  append_big_endian(key, index, 8);
  return key;
}

/// Leaf hash of an entry -> its index, 8 bytes.
inline Bytes index_of(const Digest32& leaf) {
  Bytes key = start('i');
  append(key, leaf);
  return key;
}

inline Bytes number_value(std::uint64_t number) {
  Bytes value;
  append_big_endian(value, number, 8);
  return value;
}

/// Requires 8 bytes.
inline std::uint64_t parse_number(ByteView bytes) {
  std::uint64_t number = 0;
  for (const auto byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace stegpass::ledger::layout
