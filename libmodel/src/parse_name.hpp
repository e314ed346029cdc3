#pragma once

#include <array>
#include <string>
#include <string_view>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// The value of an enumeration whose names, in its order, are `names`. Errors  unsupported on any other name, with those known.
template <class Value, std::size_t Count>
Result<Value> parse_name(std::string_view what, std::string_view name, const std::array<std::string_view, Count>& names) {
  std::string known;
  for (std::size_t i = 0; i < Count; ++i) {
    if (names[i] == name) return static_cast<Value>(i);
    known.append(i == 0 ? "" : i + 1 == Count ? " or " : ", ").append(names[i]);
  }
  return Error{Errc::unsupported, std::string(what) + " '" + std::string(name) + "' is unknown, " + known + " expected"};
}

}  // namespace stegpass::model
