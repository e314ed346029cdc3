#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>

// Selective disclosure of claims (draft-ietf-spice-sd-cwt-08): the signed claims hold salted hashes, and who has salt and value
// may show them. Without the salt, 16 random bytes, nobody can tell what a hash is of, not even by trying names.
namespace stegpass::credential {

inline constexpr std::size_t kDisclosureSaltBytes = 16;
inline constexpr std::uint8_t kRedactedKeys = 59;  ///< simple value: key of a map's redacted claims
inline constexpr std::uint64_t kRedactedElementTag = 60;

/// The encoded array [salt, value, key] of a map's claim. Requires a salt of 16 bytes.
Bytes encode_disclosure(ByteView salt, const Cbor& value, const Cbor& key);
/// The encoded array [salt] of a decoy: a hash that hides how many claims there are.
Bytes encode_decoy(ByteView salt);
/// SHA-256 over the disclosure with the head of its byte string.
Digest32 redacted_hash(ByteView disclosure);

/// The claims with what `disclosures` open put in place, and hashes of all others dropped.
/// Errors  malformed: a disclosure without a hash, twice, of the wrong shape, of a key that is there already or may never be
/// redacted
///         (iss, aud, exp, nbf, iat, cti, cnf, cnonce), nesting over 16.
Result<Cbor> reveal_claims(const Cbor& claims, const std::vector<Bytes>& disclosures);

/// An issuer's token, checked: claims as far as they are disclosed, and the holder's key.
struct SdCwt {
  Cbor claims;
  PublicKey holder;  ///< in `cnf`
};
/// Checks typ, signature and disclosures (label 17) of an issuer's token. Times are the caller's to judge.
/// Errors  malformed; unsupported (another hash than SHA-256, encrypted disclosures); as of `verify_sign1`.
Result<SdCwt> verify_sd_cwt(const Sign1& token, const PublicKey& issuer);

/// A holder's key binding token: whom he answers, with the issuer's token inside (label 13).
struct KeyBinding {
  SdCwt token;
  std::string audience;
  std::optional<std::int64_t> issued_at;
  Bytes nonce;  ///< cnonce; empty when there is none
};
Result<KeyBinding> verify_key_binding(const Sign1& token, const PublicKey& issuer);

}  // namespace stegpass::credential
