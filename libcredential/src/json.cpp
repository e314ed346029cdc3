#include "json.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <set>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr int kMaxDepth = 16;

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Result<Cbor> whole() {
    STEGPASS_TRY(item, value(0));
    skip_space();
    if (at_ != text_.size()) return bad("bytes after its end");
    return item;
  }

 private:
  Error bad(const std::string& what) const { return {Errc::malformed, "JSON: " + what + " at byte " + std::to_string(at_)}; }

  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    skip_space();
    const bool there = at_ < text_.size() && text_[at_] == c;
    if (there) ++at_;
    return there;
  }
  bool take_word(std::string_view word) {
    const bool there = text_.substr(at_).starts_with(word);
    if (there) at_ += word.size();
    return there;
  }

  Result<Cbor> value(int depth) {
    if (depth > kMaxDepth) return bad("nesting over 16");
    skip_space();
    if (at_ == text_.size()) return bad("no value");
    switch (text_[at_]) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': {
        STEGPASS_TRY(read, string());
        return Cbor::text(read);
      }
      default: return word_or_number();
    }
  }

  Result<Cbor> word_or_number() {
    if (take_word("true")) return Cbor::boolean(true);
    if (take_word("false")) return Cbor::boolean(false);
    if (take_word("null")) return Cbor::null();
    const std::string_view digits = text_.substr(at_, text_.find_first_not_of("-0123456789.eE+", at_) - at_);
    const std::string_view whole = digits.substr(0, std::min(digits.find('.'), digits.size()));
    const std::string_view plain = whole.substr(whole.starts_with('-') ? 1 : 0), fraction = digits.substr(whole.size());
    if (plain.empty() || (plain.size() > 1 && plain[0] == '0')) return bad("no value");
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
    const bool zeros = fraction.size() != 1 && fraction.find_first_not_of('0', 1) == std::string_view::npos;  // "", ".0"
    if (error != std::errc{} || end != whole.data() + whole.size() || !zeros)
      return bad("a number that is no integer of 64 bits");
    at_ += digits.size();
    return Cbor::integer(number);
  }

  Result<Cbor> array(int depth) {
    CborArray items;
    take('[');
    if (take(']')) return Cbor::array({});
    do {
      STEGPASS_TRY(item, value(depth + 1));
      items.push_back(std::move(item));
    } while (take(','));
    if (!take(']')) return bad("an array that does not end");
    return Cbor::array(std::move(items));
  }

  Result<Cbor> object(int depth) {
    CborMap pairs;
    std::set<std::string> names;
    take('{');
    if (take('}')) return Cbor::map({});
    do {
      skip_space();
      STEGPASS_TRY(name, string());
      if (!names.insert(name).second) return bad("a name that is given twice");
      if (!take(':')) return bad("a name without a value");
      STEGPASS_TRY(item, value(depth + 1));
      pairs.emplace_back(Cbor::text(name), std::move(item));
    } while (take(','));
    if (!take('}')) return bad("an object that does not end");
    return Cbor::map(std::move(pairs));
  }

  Result<std::string> string() {
    if (at_ == text_.size() || text_[at_] != '"') return bad("no string");
    std::string out;
    for (++at_; at_ < text_.size() && text_[at_] != '"';) {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return bad("a control character in a string");
      if (text_[at_] != '\\')
        out += text_[at_++];
      else
        STEGPASS_CHECK_OK(escape(out));
    }
    if (at_ == text_.size()) return bad("a string that does not end");
    ++at_;
    if (!is_utf8(out)) return bad("a string that is no UTF-8");
    return out;
  }

  Status escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const std::size_t known = name == '\0' ? std::string_view::npos : kNames.find(name);
    if (known != std::string_view::npos) {
      at_ += 2;
      out += kValues[known];
      return Done{};
    }
    STEGPASS_TRY(high, unit());
    if (high < 0xd800 || high > 0xdfff) return append_utf8(out, high), Done{};
    if (high > 0xdbff) return bad("half a surrogate pair");
    STEGPASS_TRY(low, unit());
    if (low < 0xdc00 || low > 0xdfff) return bad("half a surrogate pair");
    append_utf8(out, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
    return Done{};
  }

  /// One \uXXXX.
  Result<std::uint32_t> unit() {
    std::uint32_t code = 0;
    const std::string_view digits = text_.substr(std::min(text_.size(), at_ + 2), 4);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (!text_.substr(at_).starts_with("\\u") || digits.size() != 4 || error != std::errc{} || end != digits.data() + 4) {
      return bad("an unknown escape");
    }
    at_ += 6;
    return code;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    const auto tail = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
    if (code < 0x80) return void(out += static_cast<char>(code));
    if (code < 0x800) return void(out += static_cast<char>(0xc0 | code >> 6)), tail(0);
    if (code < 0x10000) return void(out += static_cast<char>(0xe0 | code >> 12)), tail(6), tail(0);
    out += static_cast<char>(0xf0 | code >> 18), tail(12), tail(6), tail(0);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void write_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (byte < 0x20)
      ((out += "\\u00") += "01"[byte >> 4]) += "0123456789abcdef"[byte & 15];
    else
      out += c;
  }
  out += '"';
}

void write(std::string& out, const Cbor& item) {
  std::int64_t number = 0;
  if (const std::string* text = item.as_text()) return write_string(out, *text);
  if (const bool* truth = item.as_boolean()) return void(out += *truth ? "true" : "false");
  if (item.is_null()) return void(out += "null");
  if (item.as_integer(number)) return void(out += std::to_string(number));
  const CborArray* items = item.as_array();
  const CborMap* pairs = item.as_map();
  assert(items || pairs);
  out += items ? '[' : '{';
  for (std::size_t i = 0; items && i < items->size(); ++i) {
    if (i != 0) out += ',';
    write(out, (*items)[i]);
  }
  for (std::size_t i = 0; pairs && i < pairs->size(); ++i) {
    if (i != 0) out += ',';
    write_string(out, *(*pairs)[i].first.as_text());
    out += ':';
    write(out, (*pairs)[i].second);
  }
  out += items ? ']' : '}';
}

}  // namespace

Result<Cbor> parse_json(std::string_view text) { return Reader(text).whole(); }

std::string encode_json(const Cbor& item) {
  std::string out;
  write(out, item);
  return out;
}

}  // namespace stegpass::credential
