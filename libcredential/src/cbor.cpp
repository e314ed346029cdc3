#include <stegpass/credential/cbor.hpp>

#include <cbor.h>

#include <algorithm>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr int kMaxDepth = 16;               // containers and tags around an item
constexpr std::size_t kMaxItems = 1 << 20;  // an item takes some forty bytes of memory however few it takes in the file

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
    item,
    end
  };
  Kind kind = Kind::end;
  std::uint64_t value = 0;  // integer, magnitude, count or tag number
  ByteView content;         // of strings, within the input
  Cbor item;                // of floats and simple values
};

void set(void* head, Head::Kind kind, std::uint64_t value = 0) {
  static_cast<Head*>(head)->kind = kind;
  static_cast<Head*>(head)->value = value;
}

void set_content(void* head, Head::Kind kind, cbor_data data, std::size_t size) {
  set(head, kind);
  static_cast<Head*>(head)->content = {data, size};
}

void set_item(void* head, Cbor item) {
  set(head, Head::Kind::item);
  static_cast<Head*>(head)->item = std::move(item);
}

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
  to.float2 = [](void* head, float value) { set_item(head, Cbor::floating(value)); };
  to.float4 = [](void* head, float value) { set_item(head, Cbor::floating(value)); };
  to.float8 = [](void* head, double value) { set_item(head, Cbor::floating(value)); };
  to.boolean = [](void* head, bool value) { set_item(head, Cbor::boolean(value)); };
  to.null = [](void* head) { set_item(head, Cbor::null()); };
  to.undefined = [](void* head) { set_item(head, Cbor::simple(23)); };
  to.indef_break = [](void* head) { set(head, Kind::end); };
  return to;
}

Error bad(std::string detail) { return {Errc::malformed, "cbor: " + std::move(detail)}; }

bool has_duplicate_key(const CborMap& pairs) {
  std::vector<Bytes> keys;
  for (const auto& [key, value] : pairs) keys.push_back(encode_cbor(key));
  std::sort(keys.begin(), keys.end(), [](const Bytes& a, const Bytes& b) { return as_text(a) < as_text(b); });
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

class Reader {
 public:
  explicit Reader(ByteView bytes) : whole_(bytes.size()), rest_(bytes) {}

  Result<Cbor> read_all() {
    STEGPASS_TRY(item, read_item(0));
    if (!rest_.empty()) return bad(std::to_string(rest_.size()) + " bytes follow the item");
    return std::move(item);
  }

 private:
  std::string place() const { return " at byte " + std::to_string(whole_ - rest_.size()); }
  std::string before() const { return " before byte " + std::to_string(whole_ - rest_.size()); }

  // What libcbor 0.8 refuses though it is well formed: tags that were unassigned when it was written (18 among them) and
  // simple values without a meaning of their own. False where the head is none of these.
  Result<bool> read_without_libcbor(Head& head) {
    const std::uint8_t first = rest_[0];
    if (first >= 0xc0 && first <= 0xd7) {
      set(&head, Head::Kind::tag, first & 0x1f);
    } else if (first >= 0xe0 && first <= 0xf3) {
      set_item(&head, Cbor::simple(first & 0x1f));
    } else if (first == 0xf8) {
      if (rest_.size() < 2 || rest_[1] < 32) return bad("simple value cut short or under 32 in two bytes" + place());
      set_item(&head, Cbor::simple(rest_[1]));
      rest_ = rest_.subspan(1);
    } else {
      return false;
    }
    rest_ = rest_.subspan(1);
    return true;
  }

  Result<Head> read_head() {
    static const cbor_callbacks callbacks = make_callbacks();
    if (rest_.empty()) return bad("ends where an item is expected" + place());
    if (++items_ > kMaxItems) return bad("more than " + std::to_string(kMaxItems) + " items");
    Head head;
    STEGPASS_TRY(done_here, read_without_libcbor(head));
    if (done_here) return head;
    const cbor_decoder_result done = cbor_stream_decode(rest_.data(), rest_.size(), &callbacks, &head);
    if (done.status == CBOR_DECODER_NEDATA) return bad("item is longer than the input" + place());
    if (done.status != CBOR_DECODER_FINISHED || done.read == 0 || done.read > rest_.size()) return bad("no item" + place());
    rest_ = rest_.subspan(done.read);
    return head;
  }

  Result<Cbor> read_item(int depth) {
    STEGPASS_TRY(head, read_head());
    if (head.kind == Head::Kind::end) return bad("break outside an indefinite item" + before());
    return read_content(head, depth);
  }

  Result<Cbor> read_content(Head& head, int depth) {
    using Kind = Head::Kind;
    switch (head.kind) {
      case Kind::positive: return Cbor::unsigned_integer(head.value);
      case Kind::negative: return negative(head.value);
      case Kind::bytes: return Cbor::bytes(head.content);
      case Kind::text: return text(head.content);
      case Kind::item: return std::move(head.item);
      case Kind::bytes_start:
      case Kind::text_start: return read_chunks(head.kind);
      default: break;
    }
    if (depth >= kMaxDepth) return bad("nested more than " + std::to_string(kMaxDepth) + " deep");
    const bool indefinite = head.kind == Kind::array_start || head.kind == Kind::map_start;
    if (head.kind == Kind::tag) return read_tag(head.value, depth + 1);
    if (!indefinite && head.value > rest_.size()) return bad("more elements claimed than bytes left" + place());
    const std::uint64_t count = indefinite ? UINT64_MAX : head.value;
    const bool array = head.kind == Kind::array || head.kind == Kind::array_start;
    return array ? read_array(count, depth + 1) : read_map(count, depth + 1);
  }

  Result<Cbor> negative(std::uint64_t magnitude) {
    if (magnitude > static_cast<std::uint64_t>(INT64_MAX)) return bad("integer below -2^63" + before());
    return Cbor::integer(-1 - static_cast<std::int64_t>(magnitude));
  }

  Result<Cbor> text(ByteView content) {
    if (!is_utf8(as_text(content))) return bad("text is not UTF-8" + before());
    return Cbor::text(as_text(content));
  }

  Result<Cbor> read_tag(std::uint64_t number, int depth) {
    STEGPASS_TRY(content, read_item(depth));
    return Cbor::tag(number, std::move(content));
  }

  // Whether an indefinite container ends here (`count` of 2^64-1 stands for indefinite); takes the break.
  bool at_end(std::uint64_t done, std::uint64_t count) {
    if (count != UINT64_MAX) return done == count;
    if (rest_.empty() || rest_[0] != 0xff) return false;
    rest_ = rest_.subspan(1);
    return true;
  }

  Result<Cbor> read_array(std::uint64_t count, int depth) {
    CborArray items;
    while (!at_end(items.size(), count)) {
      STEGPASS_TRY(item, read_item(depth));
      items.push_back(std::move(item));
    }
    return Cbor::array(std::move(items));
  }

  Result<Cbor> read_map(std::uint64_t count, int depth) {
    CborMap pairs;
    while (!at_end(pairs.size(), count)) {
      STEGPASS_TRY(key, read_item(depth));
      STEGPASS_TRY(value, read_item(depth));
      pairs.emplace_back(std::move(key), std::move(value));
    }
    if (has_duplicate_key(pairs)) return bad("map holds a key twice" + before());
    return Cbor::map(std::move(pairs));
  }

  // An indefinite string: definite chunks of its own kind up to the break.
  Result<Cbor> read_chunks(Head::Kind start) {
    const Head::Kind kind = start == Head::Kind::bytes_start ? Head::Kind::bytes : Head::Kind::text;
    Bytes joined;
    for (;;) {
      STEGPASS_TRY(head, read_head());
      if (head.kind == Head::Kind::end) break;
      if (head.kind != kind) return bad("chunk of another kind in a string" + before());
      if (kind == Head::Kind::text && !is_utf8(as_text(head.content))) return bad("text is not UTF-8" + before());
      append(joined, head.content);
    }
    return kind == Head::Kind::bytes ? Cbor::bytes(joined) : Cbor::text(as_text(joined));
  }

  std::size_t whole_;
  ByteView rest_;
  std::size_t items_ = 0;
};

}  // namespace

Result<Cbor> decode_foreign_cbor(ByteView bytes) { return Reader(bytes).read_all(); }

Result<Cbor> decode_cbor(ByteView bytes) {
  STEGPASS_TRY(item, decode_foreign_cbor(bytes));
  const Bytes again = encode_cbor(item);
  if (again.size() == bytes.size() && std::equal(again.begin(), again.end(), bytes.begin())) return std::move(item);
  const auto differs = std::mismatch(again.begin(), again.end(), bytes.begin(), bytes.end()).first - again.begin();
  return bad("not the deterministic encoding, from byte " + std::to_string(differs));
}

}  // namespace stegpass::credential
