#include <stegpass/credential/status_token.hpp>

#include "statement_fields.hpp"
#include "status_list.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxInflated = std::size_t{4} << 20;

Error bad(std::string detail) { return {Errc::malformed, "status token: " + std::move(detail)}; }

// A time or duration; absent where it may be.
Result<std::optional<std::int64_t>> read_seconds(const Cbor& claims, std::int64_t label) {
  const Cbor* value = claims.find(label);
  std::int64_t seconds = 0;
  if (!value) return std::optional<std::int64_t>{};
  if (!value->as_integer(seconds) || seconds < 0 || seconds > kMaxTime)
    return bad("claim " + std::to_string(label) + " is no time");
  return std::optional(seconds);
}

}  // namespace

Result<StatusBits> StatusBits::read(const Cbor& list) {
  const Cbor *bits = list.find("bits"), *packed = list.find("lst");
  const std::uint64_t* width = bits ? bits->as_unsigned() : nullptr;
  if (!width || (*width != 1 && *width != 2 && *width != 4 && *width != 8)) return bad("bits is none of 1, 2, 4, 8");
  if (!packed || !packed->as_bytes()) return bad("lst is not a byte string");
  STEGPASS_TRY(plain, inflate_bounded(*packed->as_bytes(), kMaxInflated));
  StatusBits out;
  out.bits_ = static_cast<unsigned>(*width);
  out.packed_ = std::move(plain);
  return out;
}

Result<std::uint8_t> StatusBits::at(std::uint64_t index) const {
  if (index >= size())
    return Error{Errc::refused, "status " + std::to_string(index) + " lies outside the list of " + std::to_string(size())};
  const std::uint64_t per_byte = 8 / bits_;
  const unsigned shift = bits_ * static_cast<unsigned>(index % per_byte);
  return static_cast<std::uint8_t>((packed_[index / per_byte] >> shift) & ((1u << bits_) - 1));
}

Result<StatusToken> verify_status_token(const Sign1& token, const PublicKey& issuer) {
  const Cbor* typ = token.protected_header.find(cose::kTyp);
  if (!typ || !typ->as_text() || *typ->as_text() != "application/statuslist+cwt")
    return bad("typ is not application/statuslist+cwt");
  STEGPASS_CHECK_OK(verify_sign1(token, issuer));
  STEGPASS_TRY(claims, decode_foreign_cbor(*token.payload));
  const Cbor *subject = claims.find(kSub), *list = claims.find(kStatusList);
  if (!subject || !subject->as_text()) return bad("no sub");
  if (!list) return bad("no status list");
  STEGPASS_TRY(issued_at, read_seconds(claims, kIat));
  if (!issued_at) return bad("no iat");
  STEGPASS_TRY(expires, read_seconds(claims, kExp));
  STEGPASS_TRY(ttl, read_seconds(claims, kTtl));
  STEGPASS_TRY(states, StatusBits::read(*list));
  return StatusToken{*subject->as_text(), *issued_at, expires, ttl, std::move(states)};
}

}  // namespace stegpass::credential
