#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

inline constexpr std::string_view kPkcs8Label = "PRIVATE KEY", kEncryptedPkcs8Label = "ENCRYPTED PRIVATE KEY";

/// A signing key alone, without the sealing key beside it.
struct SigningSecret {
  KeyType type;
  SecretBytes secret;  ///< Ed25519 seed or P-256 scalar
};

/// PKCS#8 in DER. Errors malformed; unsupported (key type, curve).
Result<SigningSecret> read_pkcs8(ByteView der);
/// The same under PBES2. Errors also locked.
Result<SigningSecret> read_encrypted_pkcs8(ByteView der, const SecretBytes& passphrase);
Bytes write_encrypted_pkcs8(const PrivateKey& key, const SecretBytes& passphrase);

}  // namespace stegpass::credential
