#pragma once

#include <string>
#include <string_view>

namespace stegpass::credential {

/// Text of somebody else that is shown to people, so that it steers neither terminal nor reader: without control characters and
/// without characters that change the direction of others or show nothing: those become \u{HEX}. Bytes that are no UTF-8 become
/// \x{HEX}.
std::string printable(std::string_view text);

}  // namespace stegpass::credential
