#pragma once

#include <cstdint>
#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// What a licensee sends to the owner; signed by the licensee's own key, which proves that he holds it.
/// Schema  schemas/license-request.cddl
struct LicenseRequest {
  PublicKey licensee;
  Bytes sealing_key;       ///< X25519, 32 bytes: what the user passport is sealed to
  Bytes registration_id;   ///< of the model that is asked for
  std::string name;        ///< how the licensee wants to be called, at most 200 bytes
  Bytes identity_picture;  ///< PNG file, at most 4 MiB
  std::int64_t issued_at = 0;
};

/// Errors  usage on a request that breaks a rule of the schema, or that carries another key than `licensee`'s.
Result<Bytes> sign_license_request(const PrivateKey& licensee, const LicenseRequest& request);
/// Errors  malformed, also when the signature is not the carried key's.
Result<LicenseRequest> decode_license_request(ByteView bytes);

/// What the owner sends back, sealed to the licensee's X25519 key: the license and the user passport.
/// (The license's ISN key stays in the vault.)
/// Schema  schemas/license-delivery.cddl
struct LicenseDelivery {
  Bytes license;        ///< transparent statement
  Bytes user_passport;  ///< PNG file
};
Bytes seal_license_delivery(ByteView x25519_public, const LicenseDelivery& delivery);
/// Errors  locked when it was not sealed to this key; malformed; refused when the license inside is another licensee's.
Result<LicenseDelivery> open_license_delivery(const PrivateKey& licensee, ByteView bytes);

/// The holder's answer to a verifier's nonce (as SD-CWT's key binding: aud, iat, cnonce), bound to one license.
/// Schema  schemas/presentation.cddl
struct Presentation {
  std::string audience;
  Bytes nonce;  ///< 1 to 64 bytes, chosen by the verifier; a fresh one for every question
  Bytes license_id;
  std::int64_t issued_at = 0;
};
/// Errors  usage on a presentation that breaks a rule of the schema.
Result<Bytes> sign_presentation(const PrivateKey& licensee, const Presentation& presentation);
/// Errors  malformed, also when the signature is not `licensee`'s.
Result<Presentation> verify_presentation(ByteView bytes, const PublicKey& licensee);

}  // namespace stegpass::credential
