#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>

// Keys of the database, one prefix byte for each kind; integers are 8 bytes, most significant first, so that order of keys is
// order of numbers. Schema: schemas/ledger-database.md.
namespace stegpass::ledger::layout {

inline constexpr std::string_view kDatabaseFolder = "db";          ///< within the ledger's folder
inline constexpr std::string_view kFormat = "stegpass.ledger.v2";  ///< value at "v"

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
inline Bytes checkpoints() { return start('c'); }
inline Bytes signed_roots() { return start('r'); }

inline Bytes entry(std::uint64_t index) { return numbered('e', index); }                ///< -> octets of the entry
inline Bytes checkpoint(std::uint64_t tree_size) { return numbered('c', tree_size); }   ///< -> signed note
inline Bytes signed_root(std::uint64_t tree_size) { return numbered('r', tree_size); }  ///< -> COSE_Sign1, payload detached

/// Tile `index` of tile level `level`: the tree's nodes between levels 8 level and 8 level + 7 over 256 hashes (node_tile.hpp).
inline Bytes tile(int level, std::uint64_t index) {
  Bytes key = start('t');
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

// The rules' memory (memory.hpp). Ids have 16 bytes.

/// Statement id -> the entry it stands in, then numbers that its kind gives meaning to, 8 bytes each.
inline Bytes statement(ByteView id) {
  Bytes key = start('s');
  append(key, id);
  return key;
}

/// Index in a registration's status list -> entry of the license that has it.
inline Bytes status_index(ByteView registration_id, std::uint64_t status_index) {
  Bytes key = start('u');
  append(key, registration_id);
  append_big_endian(key, status_index, 8);
  return key;
}

/// License that was out of force at some time -> its state now, one byte as in a status list. Without a license: all of a
/// registration.
inline Bytes out_of_force(ByteView registration_id, ByteView license_id = {}) {
  Bytes key = start('h');
  append(key, registration_id);
  append(key, license_id);
  return key;
}

/// Model digest or thumbprint of an owner's key, and entry of a registration -> the registration's id.
inline Bytes registrations_of(const Digest32& digest) {
  Bytes key = start('q');
  append(key, digest);
  return key;
}
inline Bytes registrations_of(const Digest32& digest, std::uint64_t index) {
  Bytes key = registrations_of(digest);
  append_big_endian(key, index, 8);
  return key;
}

/// Thumbprint of a key that handed over -> entry of the rotation.
inline Bytes handed_over(const Digest32& key_thumbprint) {
  Bytes key = start('k');
  append(key, key_thumbprint);
  return key;
}

// The verifiable index (index.hpp).

/// Entry -> what it goes by: kind and digest of each key, 33 bytes.
inline Bytes index_entry(std::uint64_t entry) { return numbered('x', entry); }

/// Block of 256 entries, or a large one of 65,536 -> count of its records and its root, 40 bytes.
inline Bytes index_block(bool large, std::uint64_t number) {
  Bytes key = start('b');
  key.push_back(large ? 1 : 0);
  append_big_endian(key, number, 8);
  return key;
}

/// Large block -> root and first record of each of its pages, 73 bytes.
inline Bytes index_directory(std::uint64_t block) { return numbered('d', block); }

/// Large block and page -> its records, sorted, up to 256 of 41 bytes.
inline Bytes index_page(std::uint64_t block, std::uint64_t page) {
  Bytes key = numbered('p', block);
  append_big_endian(key, page, 8);
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
