#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// What a CBOR item is. `simple` has false, true, null and undefined too (20 to 23).
enum class CborKind : std::uint8_t { positive, negative, bytes, text, array, map, tag, simple, floating };

/// One item of a `CborDocument`; what it contains follows it there.
struct CborItem {
  CborKind kind = CborKind::simple;
  std::uint32_t span = 1;   ///< items from this one to the one that follows its content
  std::uint64_t value = 0;  ///< integer n, or magnitude of -1 - n; elements; pairs; tag number; simple value; bits of a double
  ByteView content;         ///< of strings
  ByteView encoded;         ///< the whole item as it was read; empty in a document made of a tree
};

class CborElements;
class CborPairs;

/// An item as it stands in its document: nothing is copied, nothing allocated. Lives as long as the document.
class CborView {
 public:
  explicit CborView(const CborItem* item) : item_(item) {}

  CborKind kind() const { return item_->kind; }
  const CborItem& item() const { return *item_; }
  // Nothing where the item is of another kind.
  std::optional<std::uint64_t> as_unsigned() const;
  std::optional<std::int64_t> as_integer() const;
  std::optional<ByteView> as_bytes() const;
  std::optional<std::string_view> as_text() const;
  std::optional<bool> as_boolean() const;
  std::optional<CborElements> as_array() const;
  std::optional<CborPairs> as_map() const;
  bool is_null() const;
  /// What `for` goes through; of an item of another kind nothing.
  CborElements elements() const;
  CborPairs pairs() const;
  /// The item that a tag stands before, with the tag's number.
  std::optional<std::pair<std::uint64_t, CborView>> as_tag() const;

  /// The value of a map at an integer or text key; nothing when this is no map or has no such key.
  std::optional<CborView> find(std::int64_t key) const;
  std::optional<CborView> find(std::string_view key) const;

  /// A value of its own.
  Cbor to_cbor() const;

 private:
  const CborItem* item_;
};

/// The elements of an array, in order.
class CborElements {
 public:
  class Iterator {
   public:
    explicit Iterator(const CborItem* at) : at_(at) {}
    CborView operator*() const { return CborView(at_); }
    Iterator& operator++() { return at_ += at_->span, *this; }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const CborItem* at_;
  };
  CborElements() = default;
  explicit CborElements(const CborItem* array) : array_(array) {}
  Iterator begin() const { return Iterator(array_ ? array_ + 1 : nullptr); }
  Iterator end() const { return Iterator(array_ ? array_ + array_->span : nullptr); }
  std::size_t size() const { return array_ ? static_cast<std::size_t>(array_->value) : 0; }
  bool empty() const { return size() == 0; }
  /// Requires at < size(). Counts from the beginning.
  CborView operator[](std::size_t at) const;

 private:
  const CborItem* array_ = nullptr;
};

/// The keys and values of a map, in order.
class CborPairs {
 public:
  class Iterator {
   public:
    explicit Iterator(const CborItem* at) : at_(at) {}
    std::pair<CborView, CborView> operator*() const { return {CborView(at_), CborView(at_ + at_->span)}; }
    Iterator& operator++() { return at_ += at_->span, at_ += at_->span, *this; }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    const CborItem* at_;
  };
  CborPairs() = default;
  explicit CborPairs(const CborItem* map) : map_(map) {}
  Iterator begin() const { return Iterator(map_ ? map_ + 1 : nullptr); }
  Iterator end() const { return Iterator(map_ ? map_ + map_->span : nullptr); }
  std::size_t size() const { return map_ ? static_cast<std::size_t>(map_->value) : 0; }
  bool empty() const { return size() == 0; }

 private:
  const CborItem* map_ = nullptr;
};

inline std::optional<std::uint64_t> CborView::as_unsigned() const {
  if (item_->kind != CborKind::positive) return {};
  return item_->value;
}

inline std::optional<std::int64_t> CborView::as_integer() const {
  const bool negative = item_->kind == CborKind::negative;
  if ((!negative && item_->kind != CborKind::positive) || item_->value > static_cast<std::uint64_t>(INT64_MAX)) return {};
  const auto value = static_cast<std::int64_t>(item_->value);
  return negative ? -1 - value : value;
}

inline std::optional<ByteView> CborView::as_bytes() const {
  if (item_->kind != CborKind::bytes) return {};
  return item_->content;
}

inline std::optional<std::string_view> CborView::as_text() const {
  if (item_->kind != CborKind::text) return {};
  return stegpass::as_text(item_->content);
}

inline std::optional<bool> CborView::as_boolean() const {
  if (item_->kind != CborKind::simple || (item_->value != 20 && item_->value != 21)) return {};
  return item_->value == 21;
}

inline std::optional<CborElements> CborView::as_array() const {
  if (item_->kind != CborKind::array) return {};
  return CborElements(item_);
}

inline std::optional<CborPairs> CborView::as_map() const {
  if (item_->kind != CborKind::map) return {};
  return CborPairs(item_);
}

inline std::optional<std::pair<std::uint64_t, CborView>> CborView::as_tag() const {
  if (item_->kind != CborKind::tag) return {};
  return std::pair(item_->value, CborView(item_ + 1));
}

inline bool CborView::is_null() const { return item_->kind == CborKind::simple && item_->value == 22; }
inline CborElements CborView::elements() const { return as_array().value_or(CborElements()); }
inline CborPairs CborView::pairs() const { return as_map().value_or(CborPairs()); }

inline std::optional<CborView> CborView::find(std::int64_t key) const {
  for (const auto& [name, value] : pairs())
    if (name.as_integer() == key) return value;
  return {};
}

inline std::optional<CborView> CborView::find(std::string_view key) const {
  for (const auto& [name, value] : pairs())
    if (name.as_text() == key) return value;
  return {};
}

/// An encoded item with all that it contains, read into one flat list of views of the bytes. A few allocations however many
/// items.
class CborDocument {
 public:
  /// As `decode_cbor` and `decode_foreign_cbor`; `bytes` must outlive the document.
  static Result<CborDocument> read(ByteView bytes);
  static Result<CborDocument> read_foreign(ByteView bytes);
  /// The items of a tree, which must outlive the document.
  explicit CborDocument(const Cbor& tree);
  CborDocument(CborDocument&&) noexcept = default;
  CborDocument& operator=(CborDocument&&) noexcept = default;

  CborView root() const { return CborView(items_.data()); }

 private:
  friend class CborReader;
  CborDocument() = default;
  void add(const Cbor& tree);

  std::vector<CborItem> items_;
  std::vector<Bytes> joined_;  // strings that came in chunks
};

}  // namespace stegpass::credential
