#pragma once

#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// One claim of a license's personal part, such as "licensee": redacted in what is signed (sd_cwt.hpp), shown by whoever has the
/// salt. Once nobody has, the entry in the ledger says nothing of it any more, and is as provable as before.
struct PersonalClaim {
  std::string name;   ///< 1 to 100 bytes of text
  std::string value;  ///< 1 to 1,000 bytes of text
  Bytes salt;         ///< 16 bytes, random

  friend bool operator==(const PersonalClaim&, const PersonalClaim&) = default;
};
inline constexpr std::size_t kMaxPersonalClaims = 32;

/// The disclosure [salt, value, name]; `redacted_hash` of it stands in the license.
Bytes encode_personal(const PersonalClaim& claim);
/// Errors  malformed, also for names that a license's own fields have: those are never redacted.
Result<PersonalClaim> decode_personal(ByteView disclosure);

}  // namespace stegpass::credential
