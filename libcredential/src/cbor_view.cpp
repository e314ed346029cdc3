#include <stegpass/credential/cbor_view.hpp>

#include <bit>

namespace stegpass::credential {
namespace {

constexpr std::uint64_t kFalse = 20, kTrue = 21, kNull = 22;

}  // namespace

CborView CborElements::operator[](std::size_t at) const {
  Iterator found = begin();
  while (at-- > 0) ++found;
  return *found;
}

Cbor CborView::to_cbor() const {
  const CborItem& item = *item_;
  switch (item.kind) {
    case CborKind::positive: return Cbor::unsigned_integer(item.value);
    case CborKind::negative: return Cbor::integer(-1 - static_cast<std::int64_t>(item.value));
    case CborKind::bytes: return Cbor::bytes(item.content);
    case CborKind::text: return Cbor::text(stegpass::as_text(item.content));
    case CborKind::simple: return Cbor::simple(static_cast<std::uint8_t>(item.value));
    case CborKind::floating: return Cbor::floating(std::bit_cast<double>(item.value));
    case CborKind::tag: return Cbor::tag(item.value, CborView(item_ + 1).to_cbor());
    case CborKind::array: {
      CborArray elements;
      elements.reserve(item.value);
      for (const CborView element : this->elements()) elements.push_back(element.to_cbor());
      return Cbor::array(std::move(elements));
    }
    case CborKind::map: break;
  }
  CborMap pairs;
  pairs.reserve(item.value);
  for (const auto& [key, value] : this->pairs()) pairs.emplace_back(key.to_cbor(), value.to_cbor());
  return Cbor::map(std::move(pairs));
}

CborDocument::CborDocument(const Cbor& tree) { add(tree); }

void CborDocument::add(const Cbor& tree) {
  const std::size_t place = items_.size();
  CborItem& item = items_.emplace_back();
  std::int64_t number = 0;
  const auto is = [&](CborKind kind, std::uint64_t value, ByteView content = {}) {
    item.kind = kind, item.value = value, item.content = content;
  };
  if (const auto* value = tree.as_unsigned())
    is(CborKind::positive, *value);
  else if (tree.as_integer(number))
    is(CborKind::negative, static_cast<std::uint64_t>(-1 - number));
  else if (const auto* bytes = tree.as_bytes())
    is(CborKind::bytes, bytes->size(), *bytes);
  else if (const auto* text = tree.as_text())
    is(CborKind::text, text->size(), stegpass::as_bytes(*text));
  else if (const auto* boolean = tree.as_boolean())
    is(CborKind::simple, *boolean ? kTrue : kFalse);
  else if (const auto* floating = tree.as_floating())
    is(CborKind::floating, std::bit_cast<std::uint64_t>(*floating));
  else if (const auto* simple = tree.as_simple())
    is(CborKind::simple, simple->value);
  else if (tree.is_null())
    is(CborKind::simple, kNull);
  else if (const auto* tag = tree.as_tag()) {
    is(CborKind::tag, tag->number);
    add(tag->content);
  } else if (const auto* array = tree.as_array()) {
    is(CborKind::array, array->size());
    for (const Cbor& element : *array) add(element);
  } else if (const auto* pairs = tree.as_map()) {
    is(CborKind::map, pairs->size());
    for (const auto& [key, value] : *pairs) add(key), add(value);
  }
  items_[place].span = static_cast<std::uint32_t>(items_.size() - place);  // `item` may have moved
}

}  // namespace stegpass::credential
