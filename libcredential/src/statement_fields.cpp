#include "statement_fields.hpp"

#include <algorithm>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

const Cbor kNothing;
const CborArray kNoItems;

std::string shown(const Cbor& key) {
  std::string text = cbor_diagnostic(key);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

}  // namespace

bool is_plain_text(std::string_view text, std::size_t max) {
  if (text.empty() || text.size() > max || !is_utf8(text)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    // C1 controls are U+0080 .. U+009F: c2 80 .. c2 9f.
    if (byte == 0xc2 && static_cast<std::uint8_t>(text[i + 1]) < 0xa0) return false;
  }
  return true;
}

Cbor confirmation(const PublicKey& key) { return Cbor::map({field(1, key.to_cose_key())}); }

Fields::Fields(const Cbor& map, std::string where, std::optional<Error>& error)
    : map_(&map), where_(std::move(where)), error_(&error) {
  if (!map.as_map()) refuse("is not a map");
}

void Fields::refuse(const std::string& detail) {
  if (!*error_) *error_ = Error{Errc::malformed, where_ + ": " + detail};
}

void Fields::refuse_type(const FieldKey& key, const std::string& expected) { refuse(shown(key.item) + " is not " + expected); }

const Cbor* Fields::find(const FieldKey& key) const {
  const CborMap* pairs = map_->as_map();
  if (!pairs) return nullptr;
  const auto found = std::find_if(pairs->begin(), pairs->end(), [&](const auto& pair) { return pair.first == key.item; });
  return found == pairs->end() ? nullptr : &found->second;
}

const Cbor& Fields::take(const FieldKey& key) {
  skip(key);
  const Cbor* value = find(key);
  if (!value) refuse("lacks " + shown(key.item));
  return value ? *value : kNothing;
}

Bytes Fields::bytes(const FieldKey& key, std::size_t min, std::size_t max) {
  const Bytes* value = take(key).as_bytes();
  if (value && value->size() >= min && value->size() <= max) return *value;
  const std::string range = min == max ? std::to_string(min) : std::to_string(min) + " to " + std::to_string(max);
  refuse_type(key, range + " bytes" + (value ? ", found " + std::to_string(value->size()) : ""));
  return {};
}

std::string Fields::text(const FieldKey& key, std::size_t max) {
  const std::string* value = take(key).as_text();
  if (value && is_plain_text(*value, max)) return *value;
  refuse_type(key, "1 to " + std::to_string(max) + " bytes of text without control characters");
  return {};
}

std::uint64_t Fields::number(const FieldKey& key, std::uint64_t min, std::uint64_t max) {
  const std::uint64_t* value = take(key).as_unsigned();
  if (value && *value >= min && *value <= max) return *value;
  refuse_type(key, "an integer from " + std::to_string(min) + " to " + std::to_string(max) +
                       (value ? ", found " + std::to_string(*value) : ""));
  return 0;
}

const CborArray& Fields::array(const FieldKey& key, std::size_t min, std::size_t max) {
  const CborArray* items = take(key).as_array();
  if (items && items->size() >= min && items->size() <= max) return *items;
  refuse_type(key, "an array of " + std::to_string(min) + " to " + std::to_string(max) + " items" +
                       (items ? ", found " + std::to_string(items->size()) : ""));
  return kNoItems;
}

Fields Fields::map(const FieldKey& key) {
  const Cbor& value = take(key);
  std::string name = key.item.as_text() ? *key.item.as_text() : shown(key.item);
  return Fields(value, where_ + "." + name, *error_);
}

bool Fields::boolean(const FieldKey& key) {
  const bool* value = take(key).as_boolean();
  if (!value) refuse_type(key, "true or false");
  return value && *value;
}

bool Fields::flag(const FieldKey& key) {
  skip(key);
  const Cbor* value = find(key);
  if (value && !(*value == Cbor::boolean(true))) refuse_type(key, "true, or absent");
  return value != nullptr;
}

std::optional<PublicKey> Fields::confirmation_key(const FieldKey& key) {
  const Cbor& cnf = take(key);
  const Cbor* inner = cnf.find(1);
  if (!inner) return refuse_type(key, "a map {1: COSE_Key}"), std::nullopt;
  Result<PublicKey> read = PublicKey::from_cose_key(*inner);
  if (!read) return refuse(read.error().detail), std::nullopt;
  if (!signs_statements(read->type()))
    return refuse("key of type " + std::string(key_type_name(read->type())) + ", expected ed25519 or p256"), std::nullopt;
  if (!(confirmation(*read) == cnf)) return refuse_type(key, "a COSE_Key in its one encoding"), std::nullopt;
  return *read;
}

CborMap Fields::rest() {
  CborMap out;
  if (const CborMap* pairs = map_->as_map()) {
    for (const auto& pair : *pairs) {
      if (std::find(known_.begin(), known_.end(), pair.first) == known_.end()) out.push_back(pair);
    }
  }
  for (const auto& [key, value] : out) known_.push_back(key);
  return out;
}

void Fields::finish() {
  const CborMap* pairs = map_->as_map();
  if (!pairs) return;
  for (const auto& [key, value] : *pairs) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) return refuse("holds the unknown key " + shown(key));
  }
}

}  // namespace stegpass::credential
