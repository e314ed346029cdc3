#include "statement_fields.hpp"

#include <algorithm>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr CborItem kNothing{CborKind::simple, 1, 22, {}, {}}, kNoItems{CborKind::array, 1, 0, {}, {}};

std::string shown(const Cbor& key) {
  std::string text = cbor_diagnostic(key);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}
std::string shown(const FieldKey& key) { return shown(key.to_cbor()); }

// Whether the key is the only one of a map, and its members are no more than a public key has.
bool is_bare(CborView cnf, CborView key, KeyType type) {
  return cnf.as_map()->size() == 1 && key.as_map()->size() == (type == KeyType::ed25519 ? 3u : 4u);
}

}  // namespace

bool is_plain_text(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max) return false;
  const std::size_t start = printable_start(text);
  if (!is_utf8(text.substr(start))) return false;
  for (std::size_t i = start; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // C1 controls are U+0080 .. U+009F: c2 80 .. c2 9f.
    if (byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return false;
  }
  return true;
}

Cbor confirmation(const PublicKey& key) { return Cbor::map({field(1, key.to_cose_key())}); }

Cbor FieldKey::to_cbor() const {
  if (kind == CborKind::text) return Cbor::text(name);
  return kind == CborKind::simple ? Cbor::simple(static_cast<std::uint8_t>(number)) : Cbor::integer(number);
}

Fields::Fields(CborView map, std::string_view where, std::optional<Error>& error) : map_(map), where_(where), error_(&error) {
  if (!map.as_map()) refuse("is not a map");
}

Fields::Fields(const Cbor& map, std::string_view where, std::optional<Error>& error)
    : made_(std::make_unique<CborDocument>(map)), map_(made_->root()), where_(where), error_(&error) {
  if (!map.as_map()) refuse("is not a map");
}

Fields::Fields(CborView map, const Fields& outer, const FieldKey& name)
    : map_(map), outer_(&outer), where_(name), error_(outer.error_) {
  if (!map.as_map()) refuse("is not a map");
}

std::string Fields::path() const {
  const std::string name = where_.kind == CborKind::text ? std::string(where_.name) : shown(where_);
  return outer_ ? outer_->path() + "." + name : name;
}

void Fields::refuse(const std::string& detail) {
  if (!*error_) *error_ = Error{Errc::malformed, path() + ": " + detail};
}

void Fields::refuse_type(const FieldKey& key, const std::string& expected) { refuse(shown(key) + " is not " + expected); }

std::optional<CborView> Fields::find(const FieldKey& key) const {
  for (const auto& [name, value] : map_.pairs())
    if (key.is(name)) return value;
  return {};
}

// As `find`, and counts the key as known.
std::optional<CborView> Fields::seek(const FieldKey& key) {
  std::size_t pair = 0;
  for (const auto& [name, value] : map_.pairs()) {
    if (key.is(name)) {
      if (pair < 64) known_ |= std::uint64_t{1} << pair;
      return value;
    }
    ++pair;
  }
  return {};
}

CborView Fields::take(const FieldKey& key) {
  const auto value = seek(key);
  if (value) return *value;
  refuse("lacks " + shown(key));
  return CborView(&kNothing);
}

ByteView Fields::bytes_view(const FieldKey& key, std::size_t min, std::size_t max) {
  const auto value = take(key).as_bytes();
  if (value && value->size() >= min && value->size() <= max) return *value;
  const std::string range = min == max ? std::to_string(min) : std::to_string(min) + " to " + std::to_string(max);
  refuse_type(key, range + " bytes" + (value ? ", found " + std::to_string(value->size()) : ""));
  return {};
}

std::string_view Fields::text_view(const FieldKey& key, std::size_t max) {
  const auto value = take(key).as_text();
  if (value && is_plain_text(*value, max)) return *value;
  refuse_type(key, "1 to " + std::to_string(max) + " bytes of text without control characters");
  return {};
}

std::uint64_t Fields::number(const FieldKey& key, std::uint64_t min, std::uint64_t max) {
  const auto value = take(key).as_unsigned();
  if (value && *value >= min && *value <= max) return *value;
  refuse_type(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max) +
                       (value ? ", found " + std::to_string(*value) : ""));
  return 0;
}

CborElements Fields::array(const FieldKey& key, std::size_t min, std::size_t max) {
  const auto items = take(key).as_array();
  if (items && items->size() >= min && items->size() <= max) return *items;
  refuse_type(key, "an array of " + std::to_string(min) + " to " + std::to_string(max) + " items" +
                       (items ? ", found " + std::to_string(items->size()) : ""));
  return CborElements(&kNoItems);
}

Fields Fields::map(const FieldKey& key) { return Fields(take(key), *this, key); }

bool Fields::boolean(const FieldKey& key) {
  const auto value = take(key).as_boolean();
  if (!value) refuse_type(key, "true or false");
  return value.value_or(false);
}

bool Fields::flag(const FieldKey& key) {
  const auto value = seek(key);
  if (value && !value->as_boolean().value_or(false)) refuse_type(key, "true, or absent");
  return value.has_value();
}

std::optional<PublicKey> Fields::confirmation_key(const FieldKey& key) {
  const CborView cnf = take(key);
  const auto inner = cnf.find(1);
  if (!inner) return refuse_type(key, "a map {1: COSE_Key}"), std::nullopt;
  Result<PublicKey> read = PublicKey::from_cose_key(*inner);
  if (!read) return refuse(read.error().detail), std::nullopt;
  if (!signs_statements(read->type()))
    return refuse("key of type " + std::string(key_type_name(read->type())) + ", expected ed25519 or p256"), std::nullopt;
  if (!is_bare(cnf, *inner, read->type())) return refuse_type(key, "a COSE_Key in its one encoding"), std::nullopt;
  return std::move(*read);
}

CborMap Fields::rest() {
  CborMap out;
  std::size_t pair = 0;
  for (const auto& [key, value] : map_.pairs())
    if (!is_known(pair++)) out.emplace_back(key.to_cbor(), value.to_cbor());
  all_known_ = true;
  return out;
}

void Fields::finish() {
  if (all_known_) return;
  std::size_t pair = 0;
  for (const auto& [key, value] : map_.pairs()) {
    if (!is_known(pair++)) return refuse("holds the unknown key " + shown(key.to_cbor()));
  }
}

}  // namespace stegpass::credential
