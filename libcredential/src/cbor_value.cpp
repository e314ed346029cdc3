#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <limits>
#include <optional>

#include <stegpass/credential/cbor.hpp>

#include "cbor_heads.hpp"

namespace stegpass::credential {
namespace {

// The half-precision bits of a float that half precision holds exactly (IEEE 754 binary16), subnormal numbers included.
std::optional<std::uint16_t> exact_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  if (std::isinf(value)) return static_cast<std::uint16_t>(sign | 0x7c00);
  const float magnitude = std::fabs(value);
  if (magnitude > 65504.0f) return std::nullopt;
  int exponent = 0;
  std::frexp(magnitude, &exponent);
  const int unit = std::max(exponent - 11, -24);  // of the last place: 11 significant bits, never below 2^-24
  const float places = std::ldexp(magnitude, -unit);
  if (places != std::floor(places)) return std::nullopt;
  const auto count = static_cast<std::uint32_t>(places);
  return static_cast<std::uint16_t>(count < 1024 ? sign | count : sign | ((unit + 25) << 10) | (count - 1024));
}

void append_floating(Bytes& out, double value) {
  const bool fits = std::isinf(value) || std::fabs(value) <= std::numeric_limits<float>::max();
  const float narrow = fits ? static_cast<float>(value) : 0.0f;
  if (std::isnan(value)) {
    append(out, Bytes{0xf9, 0x7e, 0x00});
  } else if (!fits || static_cast<double>(narrow) != value) {
    out.push_back(0xfb);
    append_big_endian(out, std::bit_cast<std::uint64_t>(value), 8);
  } else if (const auto half = exact_half(narrow)) {
    out.push_back(0xf9);
    append_big_endian(out, *half, 2);
  } else {
    out.push_back(0xfa);
    append_big_endian(out, std::bit_cast<std::uint32_t>(narrow), 4);
  }
}

void append_item(Bytes& out, const Cbor& item);

void append_map(Bytes& out, const CborMap& pairs) {
  std::vector<std::pair<Bytes, const Cbor*>> sorted;
  for (const auto& [key, value] : pairs) sorted.emplace_back(encode_cbor(key), &value);
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return as_text(a.first) < as_text(b.first); });
  append_cbor_head(out, CborMajor::map, sorted.size());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    assert(i == 0 || sorted[i - 1].first != sorted[i].first);
    append(out, sorted[i].first);
    append_item(out, *sorted[i].second);
  }
}

void append_simple(Bytes& out, std::uint8_t value) {
  append_cbor_head(out, CborMajor::other, value);  // 0..23 in the head, 32..255 in one byte more
}

void append_item(Bytes& out, const Cbor& item) {
  std::int64_t number = 0;
  if (const auto* value = item.as_unsigned()) {
    append_cbor_head(out, CborMajor::positive, *value);
  } else if (item.as_integer(number)) {
    append_cbor_integer(out, number);
  } else if (const auto* bytes = item.as_bytes()) {
    append_cbor_bytes(out, *bytes);
  } else if (const auto* text = item.as_text()) {
    append_cbor_text(out, *text);
  } else if (const auto* array = item.as_array()) {
    append_cbor_head(out, CborMajor::array, array->size());
    for (const Cbor& element : *array) append_item(out, element);
  } else if (const auto* pairs = item.as_map()) {
    append_map(out, *pairs);
  } else if (const auto* tag = item.as_tag()) {
    append_cbor_head(out, CborMajor::tag, tag->number);
    append_item(out, tag->content);
  } else if (const auto* floating = item.as_floating()) {
    append_floating(out, *floating);
  } else if (const auto* boolean = item.as_boolean()) {
    append_simple(out, *boolean ? 21 : 20);
  } else if (const auto* simple = item.as_simple()) {
    append_simple(out, simple->value);
  } else {
    append_simple(out, 22);
  }
}

}  // namespace

// Here, where Tag is complete: Clang 14 refuses them inside the class.
Cbor::Cbor() : value_(Null{}) {}
Cbor::Cbor(const Cbor&) = default;
Cbor::Cbor(Cbor&&) noexcept = default;
Cbor& Cbor::operator=(const Cbor&) = default;
Cbor& Cbor::operator=(Cbor&&) noexcept = default;
Cbor::~Cbor() = default;

Cbor Cbor::integer(std::int64_t value) {
  if (value >= 0) return unsigned_integer(static_cast<std::uint64_t>(value));
  Cbor item;
  item.value_ = Negative{static_cast<std::uint64_t>(-1 - value)};
  return item;
}

Cbor Cbor::unsigned_integer(std::uint64_t value) {
  Cbor item;
  item.value_ = value;
  return item;
}

Cbor Cbor::bytes(ByteView value) {
  Cbor item;
  item.value_ = to_bytes(value);
  return item;
}

Cbor Cbor::text(std::string_view value) {
  Cbor item;
  item.value_ = std::string(value);
  return item;
}

Cbor Cbor::boolean(bool value) {
  Cbor item;
  item.value_ = value;
  return item;
}

Cbor Cbor::simple(std::uint8_t value) {
  assert(value < 24 || value >= 32);
  if (value == 20 || value == 21) return boolean(value == 21);
  Cbor item;
  if (value != 22) item.value_ = Simple{value};
  return item;
}

Cbor Cbor::floating(double value) {
  Cbor item;
  item.value_ = value;
  return item;
}

Cbor Cbor::array(CborArray items) {
  Cbor item;
  item.value_ = std::move(items);
  return item;
}

Cbor Cbor::map(CborMap pairs) {
  Cbor item;
  item.value_ = std::move(pairs);
  return item;
}

Cbor Cbor::tag(std::uint64_t number, Cbor content) {
  Cbor item;
  std::vector<Tag> one;
  one.push_back(Tag{number, std::move(content)});
  item.value_ = std::move(one);
  return item;
}

const std::uint64_t* Cbor::as_unsigned() const { return std::get_if<std::uint64_t>(&value_); }
const Bytes* Cbor::as_bytes() const { return std::get_if<Bytes>(&value_); }
const std::string* Cbor::as_text() const { return std::get_if<std::string>(&value_); }
const bool* Cbor::as_boolean() const { return std::get_if<bool>(&value_); }
const double* Cbor::as_floating() const { return std::get_if<double>(&value_); }
const Cbor::Simple* Cbor::as_simple() const { return std::get_if<Simple>(&value_); }
const CborArray* Cbor::as_array() const { return std::get_if<CborArray>(&value_); }
const CborMap* Cbor::as_map() const { return std::get_if<CborMap>(&value_); }

const Cbor::Tag* Cbor::as_tag() const {
  const auto* one = std::get_if<std::vector<Tag>>(&value_);
  return one == nullptr ? nullptr : one->data();
}

bool Cbor::is_null() const { return std::holds_alternative<Null>(value_); }

bool Cbor::as_integer(std::int64_t& out) const {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const auto* negative = std::get_if<Negative>(&value_);
  const auto* positive = as_unsigned();
  const std::uint64_t magnitude = negative ? negative->magnitude : positive ? *positive : kMost + 1;
  if (magnitude > kMost) return false;
  out = negative ? -1 - static_cast<std::int64_t>(magnitude) : static_cast<std::int64_t>(magnitude);
  return true;
}

const Cbor* Cbor::find(std::int64_t key) const {
  const CborMap* pairs = as_map();
  if (pairs == nullptr) return nullptr;
  for (const auto& [name, value] : *pairs) {
    std::int64_t number = 0;
    if (name.as_integer(number) && number == key) return &value;
  }
  return nullptr;
}

const Cbor* Cbor::find(std::string_view key) const {
  const CborMap* pairs = as_map();
  if (pairs == nullptr) return nullptr;
  for (const auto& [name, value] : *pairs) {
    if (name.as_text() != nullptr && *name.as_text() == key) return &value;
  }
  return nullptr;
}

bool operator==(const Cbor& a, const Cbor& b) { return encode_cbor(a) == encode_cbor(b); }

Bytes encode_cbor(const Cbor& item) {
  Bytes out;
  append_item(out, item);
  return out;
}

}  // namespace stegpass::credential
