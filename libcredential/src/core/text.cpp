#include <stegpass/credential/core/text.hpp>

#include <array>

namespace stegpass {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode_64(ByteView bytes, std::string_view alphabet) {
  std::string out;
  out.reserve(bytes.size() * 4 / 3 + 4);  // with what `to_base64` adds
  std::uint32_t buffer = 0;
  int bits = 0;
  for (std::uint8_t byte : bytes) {
    buffer = (buffer << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) out += alphabet[(buffer >> (bits - 6)) & 63];
  }
  if (bits > 0) out += alphabet[(buffer << (6 - bits)) & 63];
  return out;
}

Result<Bytes> decode_64(std::string_view text, std::string_view alphabet) {
  Bytes out;
  std::uint32_t buffer = 0;
  int bits = 0;
  for (char c : text) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) return Error{Errc::malformed, "base64 holds a foreign character"};
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    if ((bits += 6) >= 8) out.push_back(static_cast<std::uint8_t>(buffer >> (bits -= 8)));
  }
  const bool leftover = (buffer & ((1u << bits) - 1)) != 0;
  if (bits >= 6 || leftover) return Error{Errc::malformed, "base64 is not in its canonical form"};
  return out;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (std::uint8_t byte : bytes) (out += kHex[byte >> 4]) += kHex[byte & 15];
  return out;
}

Result<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return Error{Errc::malformed, "hexadecimal of odd length"};
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return Error{Errc::malformed, "hexadecimal holds a foreign character"};
    out.push_back(static_cast<std::uint8_t>(high * 16 + low));
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  std::string out = encode_64(bytes, kBase64);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

Result<Bytes> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return Error{Errc::malformed, "base64 is not padded"};
  std::string_view body = text.substr(0, text.find_last_not_of('=') + 1);
  if (text.size() - body.size() > 2) return Error{Errc::malformed, "base64 has too much padding"};
  return decode_64(body, kBase64);
}

std::string to_base64url(ByteView bytes) { return encode_64(bytes, kBase64Url); }

Result<Bytes> parse_base64url(std::string_view text) { return decode_64(text, kBase64Url); }

}  // namespace stegpass
