#include <stegpass/credential/printable.hpp>

#include <cstdint>
#include <cstdio>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

// Control characters, and those that reorder text or take no room.
bool hides(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

std::string escaped(char kind, std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof(text), "\\%c{%x}", kind, value);
  return text;
}

// Bytes of the UTF-8 character that begins here, by its first byte; 0 when it begins none.
std::size_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}

std::uint32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  std::uint32_t out = character.size() == 1 ? lead : lead & (0x7fu >> character.size());
  for (const char byte : character.substr(1)) out = out << 6 | (static_cast<unsigned char>(byte) & 0x3fu);
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = length_of(lead);
    if (length == 0 || length > text.size() || !is_utf8(text.substr(0, length))) {
      out += escaped('x', lead);
      text.remove_prefix(1);
      continue;
    }
    const std::uint32_t c = code_point(text.substr(0, length));
    out += hides(c) ? escaped('u', c) : std::string(text.substr(0, length));
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace stegpass::credential
