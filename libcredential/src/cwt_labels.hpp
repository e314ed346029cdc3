#pragma once

#include <cstdint>

namespace stegpass::credential {

// Labels of CWT claims: RFC 8392 section 3.1, RFC 8747 section 3.1, Token Status List section 14.2.
inline constexpr std::int64_t kIss = 1, kSub = 2, kAud = 3, kExp = 4, kNbf = 5, kIat = 6, kCti = 7, kCnf = 8;
inline constexpr std::int64_t kStatusList = 65533, kTtl = 65534, kStatus = 65535;

}  // namespace stegpass::credential
