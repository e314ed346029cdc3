#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

// What happens to a license and to an owner's key after they were made. Ids (cti) have 16 bytes, times are seconds since 1970, a
// reason is 1 to 1,000 bytes without control characters, and nothing takes effect before its statement's own iat.
namespace stegpass::credential {

/// The owner takes a license back, for good.
struct Revocation {
  Bytes id;  ///< cti, 16 bytes
  Bytes license_id;
  std::string reason;
  std::int64_t effective = 0;  ///< seconds since 1970; never before the statement's own iat
};

/// The owner takes a license back until he reinstates it.
struct Suspension {
  Bytes id;
  Bytes license_id;
  std::string reason;
  std::int64_t effective = 0;
};

/// The owner ends one suspension of a license.
struct Reinstatement {
  Bytes id;
  Bytes license_id;
  Bytes suspension_id;  ///< the suspension that ends
  std::string reason;
  std::int64_t effective = 0;
};

/// The owner puts off the end of a license; everything else in it stays.
struct Renewal {
  Bytes id;
  Bytes license_id;
  std::int64_t expires = 0;  ///< in place of the license's exp; after the statement's own iat
};

/// A license ends in favour of another, by which somebody else has the same rights from then on.
struct Transfer {
  Bytes id;
  Bytes license_id;    ///< the one that ends
  Bytes successor_id;  ///< the license issued in its place
  std::string reason;
  std::int64_t effective = 0;
};

/// An owner's key hands over to another, for every registration that it owns. Signed by the old key; the new key signs `proof`.
/// Nothing that a ledger took before the rotation is touched, whatever date is claimed.
struct KeyRotation {
  Bytes id;
  Digest32 old_key{};  ///< thumbprint of the key that signs this
  PublicKey new_key;   ///< in `cnf`
  Bytes proof;         ///< 64 bytes, `rotation_proof_message` signed by the new key
  std::string reason;
  std::optional<std::int64_t> compromised;  ///< since when the old key is said to be in other hands; a claim, not after iat
};

/// What the new key signs: the deterministic array of "stegpass.key-rotation.v1", id, both thumbprints.
Bytes rotation_proof_message(ByteView id, const Digest32& old_key, const Digest32& new_key);
/// A rotation from one key to the other, with the proof made. Signing it is still to be done, by `old_key`.
KeyRotation make_key_rotation(const PrivateKey& old_key, const PrivateKey& new_key, Bytes id, std::string reason,
                              std::optional<std::int64_t> compromised = {});

}  // namespace stegpass::credential
