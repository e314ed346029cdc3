#include <stegpass/credential/personal.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/sd_cwt.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxName = 100, kMaxValue = 1000;
constexpr std::array<std::string_view, 6> kNeverPersonal = {"registration", "user-passport", "identity",
                                                            "isn-key",      "reveal-bar",    "terms"};

}  // namespace

Bytes encode_personal(const PersonalClaim& claim) {
  return encode_disclosure(claim.salt, Cbor::text(claim.value), Cbor::text(claim.name));
}

Result<PersonalClaim> decode_personal(ByteView disclosure) {
  STEGPASS_TRY(item, decode_cbor(disclosure));
  const CborArray* parts = item.as_array();
  const bool shaped = parts && parts->size() == 3 && (*parts)[0].as_bytes() && (*parts)[1].as_text() && (*parts)[2].as_text();
  if (!shaped) return Error{Errc::malformed, "disclosure is not an array of salt, value and name in text"};
  PersonalClaim out{*(*parts)[2].as_text(), *(*parts)[1].as_text(), *(*parts)[0].as_bytes()};
  if (out.salt.size() != kDisclosureSaltBytes) return Error{Errc::malformed, "disclosure with a salt of other than 16 bytes"};
  if (!is_plain_text(out.name, kMaxName) || !is_plain_text(out.value, kMaxValue))
    return Error{Errc::malformed, "disclosure's name or value is empty, too long or has control characters"};
  if (std::find(kNeverPersonal.begin(), kNeverPersonal.end(), out.name) != kNeverPersonal.end())
    return Error{Errc::malformed, "disclosure of \"" + out.name + "\", which is never redacted"};
  return out;
}

}  // namespace stegpass::credential
