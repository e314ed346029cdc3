#include <array>
#include <charconv>
#include <cmath>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/text.hpp>

namespace stegpass::credential {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      const auto byte = static_cast<std::uint8_t>(c);
      (out += "\\u00") += to_hex(ByteView(&byte, 1));
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  std::string out(buffer.data(), end);
  const auto exponent = out.find('e');
  if (out.find('.') == std::string::npos) out.insert(exponent == std::string::npos ? out.size() : exponent, ".0");
  return out;
}

std::string simple_name(const Cbor::Simple& simple) {
  return simple.value == 23 ? "undefined" : "simple(" + std::to_string(simple.value) + ")";
}

}  // namespace

std::string cbor_diagnostic(const Cbor& item) {
  std::int64_t integer = 0;
  if (const auto* value = item.as_unsigned()) return std::to_string(*value);
  if (item.as_integer(integer)) return std::to_string(integer);
  if (const auto* bytes = item.as_bytes()) return "h'" + to_hex(*bytes) + "'";
  if (const auto* text = item.as_text()) return quoted(*text);
  if (const auto* boolean = item.as_boolean()) return *boolean ? "true" : "false";
  if (const auto* floating = item.as_floating()) return number(*floating);
  if (const auto* simple = item.as_simple()) return simple_name(*simple);
  if (const auto* tag = item.as_tag()) return std::to_string(tag->number) + "(" + cbor_diagnostic(tag->content) + ")";
  std::string out;
  if (const auto* array = item.as_array()) {
    for (const Cbor& element : *array) out += (out.empty() ? "" : ", ") + cbor_diagnostic(element);
    return "[" + out + "]";
  }
  if (const auto* pairs = item.as_map()) {
    for (const auto& [key, value] : *pairs) {
      out += (out.empty() ? "" : ", ") + cbor_diagnostic(key) + ": " + cbor_diagnostic(value);
    }
    return "{" + out + "}";
  }
  return "null";
}

}  // namespace stegpass::credential
