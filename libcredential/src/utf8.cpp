#include "utf8.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace stegpass::credential {
namespace {

// Length of the well-formed sequence at the start of `text`, or 0 (Unicode, table 3-7).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : std::uint8_t{0}; };
  const auto follows = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xbf; };
  const std::uint8_t first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const std::uint8_t low = first == 0xe0 ? 0xa0 : 0x80, high = first == 0xed ? 0x9f : 0xbf;
    return second >= low && second <= high && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const std::uint8_t low = first == 0xf0 ? 0x90 : 0x80, high = first == 0xf4 ? 0x8f : 0xbf;
    return second >= low && second <= high && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

constexpr std::uint64_t kHighBits = 0x8080808080808080;

std::uint64_t eight_at(std::string_view text, std::size_t at) {
  std::uint64_t eight = 0;
  std::memcpy(&eight, text.data() + at, sizeof(eight));
  return eight;
}

}  // namespace

std::size_t printable_start(std::string_view text) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t eight = eight_at(text, at);
    if ((eight & kHighBits) != 0) break;
    // Bytes are below 80 here, so nothing carries into the next one: below 20 the high bit stays out, at 7f it comes in.
    if (((eight + kEach * 0x60) & kHighBits) != kHighBits || ((eight + kEach) & kHighBits) != 0) break;
  }
  return at;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    if (text.size() >= sizeof(std::uint64_t) && (eight_at(text, 0) & kHighBits) == 0) {  // ASCII, as most text is
      text.remove_prefix(sizeof(std::uint64_t));
      continue;
    }
    const std::size_t length = static_cast<std::uint8_t>(text[0]) < 0x80 ? 1 : sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace stegpass::credential
