#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

inline constexpr std::int64_t kMaxTime = 253402300799;  // the last second of the year 9999
inline constexpr std::size_t kIdBytes = 16, kSaltBytes = 32, kSeedBytes = 64;

/// A key of one of our maps: an integer label or a text.
struct FieldKey {
  FieldKey(std::int64_t label) : item(Cbor::integer(label)) {}
  FieldKey(Cbor other) : item(std::move(other)) {}
  FieldKey(const char* name) : item(Cbor::text(name)) {}
  Cbor item;
};

/// Reads a map whose keys are all known. The first thing that does not fit is kept in `error`, which maps within maps share; from
/// then on readings give empty values, so a caller reads all fields and asks once, at the end.
class Fields {
 public:
  /// `map` and `error` must outlive this; `where` names the map in messages.
  Fields(const Cbor& map, std::string where, std::optional<Error>& error);

  bool has(const FieldKey& key) const { return find(key) != nullptr; }
  Bytes bytes(const FieldKey& key, std::size_t min, std::size_t max);
  Bytes bytes(const FieldKey& key, std::size_t size) { return bytes(key, size, size); }
  /// 1 to `max` bytes of UTF-8 without control characters.
  std::string text(const FieldKey& key, std::size_t max = 1000);
  std::uint64_t number(const FieldKey& key, std::uint64_t min, std::uint64_t max);
  std::int64_t time(const FieldKey& key) { return static_cast<std::int64_t>(number(key, 0, kMaxTime)); }
  /// Items of an array; lives as long as the map.
  const CborArray& array(const FieldKey& key, std::size_t min, std::size_t max);
  Fields map(const FieldKey& key);
  bool boolean(const FieldKey& key);
  /// Whether the value is the boolean true. It may be absent, and false is not written.
  bool flag(const FieldKey& key);
  /// The key in a `cnf` map {1: COSE_Key}, in its one encoding.
  std::optional<PublicKey> confirmation_key(const FieldKey& key);
  template <std::size_t N>
  std::array<std::uint8_t, N> digest(const FieldKey& key) {
    std::array<std::uint8_t, N> out{};
    const Bytes value = bytes(key, N);
    if (value.size() == N) std::copy(value.begin(), value.end(), out.begin());
    return out;
  }

  /// Counts a key as known without reading it.
  void skip(const FieldKey& key) { known_.push_back(key.item); }
  /// The pairs that nobody asked for, which count as known from here on.
  CborMap rest();
  /// Notes that a rule is broken; `detail` says found and expected.
  void refuse(const std::string& detail);
  void require(bool holds, const std::string& detail) {
    if (!holds) refuse(detail);
  }
  /// Whether anything that shares this `error` did not fit.
  bool failed() const { return error_->has_value(); }
  /// Refuses keys that nobody asked for.
  void finish();

 private:
  const Cbor* find(const FieldKey& key) const;
  const Cbor& take(const FieldKey& key);
  void refuse_type(const FieldKey& key, const std::string& expected);

  const Cbor* map_;
  std::string where_;
  std::optional<Error>* error_;
  std::vector<Cbor> known_;
};

/// Text that can be shown: 1 to `max` bytes of UTF-8, no control characters (C0, DEL, C1).
bool is_plain_text(std::string_view text, std::size_t max);

/// A text-keyed or labelled map, written as pairs.
inline std::pair<Cbor, Cbor> field(const FieldKey& key, Cbor value) { return {key.item, std::move(value)}; }
inline Cbor cbor_number(std::uint64_t value) { return Cbor::unsigned_integer(value); }
/// A time for encoding; a negative one is written as it is, so that reading it back refuses it.
inline Cbor cbor_time(std::int64_t value) { return Cbor::integer(value); }
Cbor confirmation(const PublicKey& key);

}  // namespace stegpass::credential
