#include <stegpass/credential/cbor.hpp>

#include <cbor.h>

#include <algorithm>
#include <bit>
#include <optional>
#include <string>

#include <stegpass/credential/cbor_view.hpp>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr int kMaxDepth = 16;               // containers and tags around an item
constexpr std::size_t kMaxItems = 1 << 20;  // an item takes some fifty bytes of memory however few it takes in the file

// One head as libcbor reads it, with the content for strings.
struct Head {
  enum class Kind {
    positive,
    negative,
    bytes,
    text,
    bytes_start,
    text_start,
    array,
    array_start,
    map,
    map_start,
    tag,
    simple,
    floating,
    end
  };
  Kind kind = Kind::end;
  std::uint64_t value = 0;  // integer, magnitude, count, tag number, simple value or bits of a double
  ByteView content;         // of strings, within the input
  std::size_t size = 0;     // of the head in the input
};

void set(void* head, Head::Kind kind, std::uint64_t value = 0) {
  static_cast<Head*>(head)->kind = kind;
  static_cast<Head*>(head)->value = value;
}

void set_content(void* head, Head::Kind kind, cbor_data data, std::size_t size) {
  set(head, kind, size);
  static_cast<Head*>(head)->content = {data, size};
}

void set_floating(void* head, double value) { set(head, Head::Kind::floating, std::bit_cast<std::uint64_t>(value)); }

cbor_callbacks make_callbacks() {
  using Kind = Head::Kind;
  cbor_callbacks to = cbor_empty_callbacks;
  to.uint8 = [](void* head, std::uint8_t value) { set(head, Kind::positive, value); };
  to.uint16 = [](void* head, std::uint16_t value) { set(head, Kind::positive, value); };
  to.uint32 = [](void* head, std::uint32_t value) { set(head, Kind::positive, value); };
  to.uint64 = [](void* head, std::uint64_t value) { set(head, Kind::positive, value); };
  to.negint8 = [](void* head, std::uint8_t value) { set(head, Kind::negative, value); };
  to.negint16 = [](void* head, std::uint16_t value) { set(head, Kind::negative, value); };
  to.negint32 = [](void* head, std::uint32_t value) { set(head, Kind::negative, value); };
  to.negint64 = [](void* head, std::uint64_t value) { set(head, Kind::negative, value); };
  to.byte_string = [](void* head, cbor_data data, std::size_t size) { set_content(head, Kind::bytes, data, size); };
  to.byte_string_start = [](void* head) { set(head, Kind::bytes_start); };
  to.string = [](void* head, cbor_data data, std::size_t size) { set_content(head, Kind::text, data, size); };
  to.string_start = [](void* head) { set(head, Kind::text_start); };
  to.array_start = [](void* head, std::size_t count) { set(head, Kind::array, count); };
  to.indef_array_start = [](void* head) { set(head, Kind::array_start); };
  to.map_start = [](void* head, std::size_t count) { set(head, Kind::map, count); };
  to.indef_map_start = [](void* head) { set(head, Kind::map_start); };
  to.tag = [](void* head, std::uint64_t number) { set(head, Kind::tag, number); };
  to.float2 = [](void* head, float value) { set_floating(head, value); };
  to.float4 = [](void* head, float value) { set_floating(head, value); };
  to.float8 = [](void* head, double value) { set_floating(head, value); };
  to.boolean = [](void* head, bool value) { set(head, Kind::simple, value ? 21 : 20); };
  to.null = [](void* head) { set(head, Kind::simple, 22); };
  to.undefined = [](void* head) { set(head, Kind::simple, 23); };
  to.indef_break = [](void* head) { set(head, Kind::end); };
  return to;
}

Error bad(std::string detail) { return {Errc::malformed, "cbor: " + std::move(detail)}; }

// The fewest bytes that a head can have.
std::size_t shortest_head(std::uint64_t value) {
  return value < 24 ? 1 : value <= 0xff ? 2 : value <= 0xffff ? 3 : value <= 0xffffffff ? 5 : 9;
}

bool is_before(ByteView a, ByteView b) { return as_text(a) < as_text(b); }

}  // namespace

// Reads one item with its content into a document, and sees whether the bytes are its deterministic encoding.
class CborReader {
 public:
  explicit CborReader(ByteView bytes) : bytes_(bytes), rest_(bytes) {
    out_.items_.reserve(8 + std::min<std::size_t>(bytes.size() / 10, 1000));
  }

  Result<CborDocument> read(bool deterministic) {
    if (!read_item(0)) return std::move(*error_);
    if (!rest_.empty()) return bad(std::to_string(rest_.size()) + " bytes follow the item");
    if (deterministic && !deterministic_) return another_encoding();
    return std::move(out_);
  }

 private:
  std::string place() const { return " at byte " + std::to_string(bytes_.size() - rest_.size()); }
  std::string before() const { return " before byte " + std::to_string(bytes_.size() - rest_.size()); }

  bool fail(std::string detail) {
    error_ = bad(std::move(detail));
    return false;
  }

  Error another_encoding() const {
    const Bytes right = encode_cbor(out_.root().to_cbor());
    const auto differs = std::mismatch(right.begin(), right.end(), bytes_.begin(), bytes_.end()).first - right.begin();
    return bad("not the deterministic encoding, from byte " + std::to_string(differs));
  }

  // What libcbor 0.8 refuses though it is well formed: tags that were unassigned when it was written (18 among them) and
  // simple values without a meaning of their own. False where the head is none of these, or is malformed.
  bool read_without_libcbor(Head& head) {
    const std::uint8_t first = rest_[0];
    head.size = first == 0xf8 ? 2 : 1;
    if (first >= 0xc0 && first <= 0xd7) {
      set(&head, Head::Kind::tag, first & 0x1f);
    } else if (first >= 0xe0 && first <= 0xf3) {
      set(&head, Head::Kind::simple, first & 0x1f);
    } else if (first == 0xf8) {
      if (rest_.size() < 2 || rest_[1] < 32) return fail("simple value cut short or under 32 in two bytes" + place());
      set(&head, Head::Kind::simple, rest_[1]);
    } else {
      return false;
    }
    rest_ = rest_.subspan(head.size);
    return true;
  }

  bool read_head(Head& head) {
    static const cbor_callbacks callbacks = make_callbacks();
    if (rest_.empty()) return fail("ends where an item is expected" + place());
    if (++heads_ > kMaxItems) return fail("more than " + std::to_string(kMaxItems) + " items");
    if (read_without_libcbor(head)) return true;
    if (error_) return false;
    const cbor_decoder_result done = cbor_stream_decode(rest_.data(), rest_.size(), &callbacks, &head);
    if (done.status == CBOR_DECODER_NEDATA) return fail("item is longer than the input" + place());
    if (done.status != CBOR_DECODER_FINISHED || done.read == 0 || done.read > rest_.size()) return fail("no item" + place());
    head.size = done.read - head.content.size();
    rest_ = rest_.subspan(done.read);
    return true;
  }

  bool read_item(int depth) {
    const std::uint8_t* const start = rest_.data();
    const std::size_t number = out_.items_.size();
    Head head;
    if (!read_head(head)) return false;
    if (head.kind == Head::Kind::end) return fail("break outside an indefinite item" + before());
    out_.items_.push_back({kind_of(head.kind), 1, head.value, head.content, {start, rest_.data()}});
    if (!read_content(head, depth, number)) return false;
    CborItem& item = out_.items_[number];
    item.span = static_cast<std::uint32_t>(out_.items_.size() - number);
    item.encoded = {start, rest_.data()};
    return true;
  }

  static CborKind kind_of(Head::Kind kind) {
    using Kind = Head::Kind;
    switch (kind) {
      case Kind::positive: return CborKind::positive;
      case Kind::negative: return CborKind::negative;
      case Kind::bytes:
      case Kind::bytes_start: return CborKind::bytes;
      case Kind::text:
      case Kind::text_start: return CborKind::text;
      case Kind::array:
      case Kind::array_start: return CborKind::array;
      case Kind::map:
      case Kind::map_start: return CborKind::map;
      case Kind::tag: return CborKind::tag;
      case Kind::floating: return CborKind::floating;
      default: return CborKind::simple;
    }
  }

  // Whether a float's bytes are the shortest that hold it.
  bool read_floating(const CborItem& item) {
    const Bytes right = encode_cbor(CborView(&item).to_cbor());
    if (!std::equal(right.begin(), right.end(), item.encoded.begin(), item.encoded.end())) deterministic_ = false;
    return true;
  }

  bool read_content(const Head& head, int depth, std::size_t number) {
    using Kind = Head::Kind;
    if (head.kind < Kind::simple && head.size != shortest_head(head.value)) deterministic_ = false;
    switch (head.kind) {
      case Kind::positive:
      case Kind::bytes:
      case Kind::simple: return true;
      case Kind::negative: return head.value <= static_cast<std::uint64_t>(INT64_MAX) || fail("integer below -2^63" + before());
      case Kind::text: return is_utf8(as_text(head.content)) || fail("text is not UTF-8" + before());
      case Kind::floating: return read_floating(out_.items_[number]);
      case Kind::bytes_start:
      case Kind::text_start: return read_chunks(head.kind, number);
      default: break;
    }
    if (depth >= kMaxDepth) return fail("nested more than " + std::to_string(kMaxDepth) + " deep");
    if (head.kind == Kind::tag) return read_item(depth + 1);
    const bool indefinite = head.kind == Kind::array_start || head.kind == Kind::map_start;
    if (indefinite) deterministic_ = false;
    if (!indefinite && head.value > rest_.size()) return fail("more elements claimed than bytes left" + place());
    const std::uint64_t count = indefinite ? UINT64_MAX : head.value;
    const bool array = head.kind == Kind::array || head.kind == Kind::array_start;
    return array ? read_array(count, depth + 1, number) : read_map(count, depth + 1, number);
  }

  // Whether an indefinite container ends here (`count` of 2^64-1 stands for indefinite); takes the break.
  bool at_end(std::uint64_t done, std::uint64_t count) {
    if (count != UINT64_MAX) return done == count;
    if (rest_.empty() || rest_[0] != 0xff) return false;
    rest_ = rest_.subspan(1);
    return true;
  }

  bool read_array(std::uint64_t count, int depth, std::size_t number) {
    std::uint64_t elements = 0;
    for (; !at_end(elements, count); ++elements)
      if (!read_item(depth)) return false;
    out_.items_[number].value = elements;
    return true;
  }

  bool read_map(std::uint64_t count, int depth, std::size_t number) {
    std::uint64_t pairs = 0;
    bool ascending = true;
    ByteView last;
    for (; !at_end(pairs, count); ++pairs) {
      const std::size_t key = out_.items_.size();
      if (!read_item(depth) || !read_item(depth)) return false;
      const ByteView encoded = out_.items_[key].encoded;
      ascending = ascending && (pairs == 0 || is_before(last, encoded));
      last = encoded;
    }
    out_.items_[number].value = pairs;
    out_.items_[number].span = static_cast<std::uint32_t>(out_.items_.size() - number);
    if (ascending && deterministic_) return true;
    deterministic_ = false;
    return !has_duplicate_key(CborPairs(&out_.items_[number])) || fail("map holds a key twice" + before());
  }

  static bool has_duplicate_key(const CborPairs& pairs) {
    std::vector<Bytes> keys;
    for (const auto& [key, value] : pairs) keys.push_back(encode_cbor(key.to_cbor()));
    std::sort(keys.begin(), keys.end(), [](const Bytes& a, const Bytes& b) { return is_before(a, b); });
    return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
  }

  // An indefinite string: definite chunks of its own kind up to the break.
  bool read_chunks(Head::Kind start, std::size_t number) {
    deterministic_ = false;
    const Head::Kind kind = start == Head::Kind::bytes_start ? Head::Kind::bytes : Head::Kind::text;
    Bytes joined;
    for (;;) {
      Head head;
      if (!read_head(head)) return false;
      if (head.kind == Head::Kind::end) break;
      if (head.kind != kind) return fail("chunk of another kind in a string" + before());
      if (kind == Head::Kind::text && !is_utf8(as_text(head.content))) return fail("text is not UTF-8" + before());
      append(joined, head.content);
    }
    const ByteView content = out_.joined_.emplace_back(std::move(joined));
    out_.items_[number].value = content.size();
    out_.items_[number].content = content;
    return true;
  }

  ByteView bytes_, rest_;
  CborDocument out_;
  std::optional<Error> error_;
  std::size_t heads_ = 0;
  bool deterministic_ = true;
};

Result<CborDocument> CborDocument::read(ByteView bytes) { return CborReader(bytes).read(true); }
Result<CborDocument> CborDocument::read_foreign(ByteView bytes) { return CborReader(bytes).read(false); }

Result<Cbor> decode_cbor(ByteView bytes) {
  STEGPASS_TRY(document, CborDocument::read(bytes));
  return document.root().to_cbor();
}

Result<Cbor> decode_foreign_cbor(ByteView bytes) {
  STEGPASS_TRY(document, CborDocument::read_foreign(bytes));
  return document.root().to_cbor();
}

}  // namespace stegpass::credential
