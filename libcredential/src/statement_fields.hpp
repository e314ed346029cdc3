#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/cbor_view.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

#include "cwt_labels.hpp"

namespace stegpass::credential {

inline constexpr std::int64_t kMaxTime = 253402300799;  // the last second of the year 9999
inline constexpr std::size_t kIdBytes = 16, kSaltBytes = 32, kSeedBytes = 64;

/// A key of one of our maps: an integer label, a text that lives on, or a simple value.
struct FieldKey {
  FieldKey(std::int64_t label) : kind(label < 0 ? CborKind::negative : CborKind::positive), number(label) {}
  FieldKey(std::string_view name) : kind(CborKind::text), name(name) {}
  FieldKey(const char* name) : FieldKey(std::string_view(name)) {}
  FieldKey(Cbor::Simple value) : kind(CborKind::simple), number(value.value) {}
  bool is(CborView key) const {
    if (key.kind() != kind) return false;
    if (kind == CborKind::text) return *key.as_text() == name;
    return kind == CborKind::simple ? key.item().value == static_cast<std::uint64_t>(number) : key.as_integer() == number;
  }
  Cbor to_cbor() const;

  CborKind kind;
  std::int64_t number = 0;
  std::string_view name;
};

/// Reads a map whose keys are all known. The first thing that does not fit is kept in `error`, which maps within maps share; from
/// then on readings give empty values, so a caller reads all fields and asks once, at the end.
class Fields {
 public:
  /// `map` and `error` must outlive this, and so what `where` views, which names the map in messages.
  Fields(CborView map, std::string_view where, std::optional<Error>& error);
  Fields(const Cbor& map, std::string_view where, std::optional<Error>& error);
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;

  bool has(const FieldKey& key) const { return find(key).has_value(); }
  Bytes bytes(const FieldKey& key, std::size_t min, std::size_t max) { return to_bytes(bytes_view(key, min, max)); }
  Bytes bytes(const FieldKey& key, std::size_t size) { return bytes(key, size, size); }
  /// 1 to `max` bytes of UTF-8 without control characters.
  std::string text(const FieldKey& key, std::size_t max = 1000) { return std::string(text_view(key, max)); }
  // The same in place; the views live as long as the map.
  ByteView bytes_view(const FieldKey& key, std::size_t min, std::size_t max);
  std::string_view text_view(const FieldKey& key, std::size_t max = 1000);
  std::uint64_t number(const FieldKey& key, std::uint64_t min, std::uint64_t max);
  std::int64_t time(const FieldKey& key) { return static_cast<std::int64_t>(number(key, 0, kMaxTime)); }
  /// Items of an array; lives as long as the map.
  CborElements array(const FieldKey& key, std::size_t min, std::size_t max);
  /// A map within; this must outlive it.
  Fields map(const FieldKey& key);
  bool boolean(const FieldKey& key);
  /// Whether the value is the boolean true. It may be absent, and false is not written.
  bool flag(const FieldKey& key);
  /// The key in a `cnf` map {1: COSE_Key}, in its one encoding.
  std::optional<PublicKey> confirmation_key(const FieldKey& key);
  template <std::size_t N>
  std::array<std::uint8_t, N> digest(const FieldKey& key) {
    std::array<std::uint8_t, N> out{};
    const ByteView value = bytes_view(key, N, N);
    if (value.size() == N) std::copy(value.begin(), value.end(), out.begin());
    return out;
  }

  /// Counts a key as known without reading it.
  void skip(const FieldKey& key) { static_cast<void>(seek(key)); }
  /// The pairs that nobody asked for, which count as known from here on.
  CborMap rest();
  /// Notes that a rule is broken; `detail` says found and expected.
  void refuse(const std::string& detail);
  void require(bool holds, std::string_view detail) {
    if (!holds) refuse(std::string(detail));
  }
  /// The same with a detail that is put together only where it is needed.
  template <std::invocable Detail>
  void require(bool holds, const Detail& detail) {
    if (!holds) refuse(detail());
  }
  /// Whether anything that shares this `error` did not fit.
  bool failed() const { return error_->has_value(); }
  /// Refuses keys that nobody asked for.
  void finish();

 private:
  Fields(CborView map, const Fields& outer, const FieldKey& name);
  std::optional<CborView> find(const FieldKey& key) const;
  std::optional<CborView> seek(const FieldKey& key);
  CborView take(const FieldKey& key);
  void refuse_type(const FieldKey& key, const std::string& expected);
  std::string path() const;
  bool is_known(std::size_t pair) const { return pair < 64 && (known_ >> pair & 1) != 0; }

  std::unique_ptr<const CborDocument> made_;  // of a tree that was given
  CborView map_;
  const Fields* outer_ = nullptr;  // the map that this one is in
  FieldKey where_;                 // its name, and within an outer map its key there
  std::optional<Error>* error_;
  std::uint64_t known_ = 0;  // the first 64 pairs, one bit each; no map of ours has as many
  bool all_known_ = false;
};

/// Text that can be shown: 1 to `max` bytes of UTF-8, no control characters (C0, DEL, C1).
bool is_plain_text(std::string_view text, std::size_t max);

/// A text-keyed or labelled map, written as pairs.
inline std::pair<Cbor, Cbor> field(const FieldKey& key, Cbor value) { return {key.to_cbor(), std::move(value)}; }
inline Cbor cbor_number(std::uint64_t value) { return Cbor::unsigned_integer(value); }
/// A time for encoding; a negative one is written as it is, so that reading it back refuses it.
inline Cbor cbor_time(std::int64_t value) { return Cbor::integer(value); }
Cbor confirmation(const PublicKey& key);

}  // namespace stegpass::credential
