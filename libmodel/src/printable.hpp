#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace stegpass::model {

inline bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Text of a stranger's file for one line of a message: in quotes, at most 100 characters, others than printable ASCII as '?'.
inline std::string printable(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 100)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + (text.size() > 100 ? "...'" : "'");
}

}  // namespace stegpass::model
