#pragma once

#include <cstddef>
#include <string_view>

namespace stegpass::credential {

/// Whether `text` is UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

/// How many bytes at the start of `text` are looked through at a glance: eight at a time, printable ASCII (20 to 7e) alone.
std::size_t printable_start(std::string_view text);

}  // namespace stegpass::credential
