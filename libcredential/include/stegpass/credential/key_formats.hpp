#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

// Keys in other programs' files. They hold a signing key alone: the sealing key beside it does not travel.

/// One line of an authorized_keys file (RFC 4253 section 6.6, RFC 5656, RFC 8709), without line feed.
/// Requires a comment without control characters (assertion).
std::string ssh_public_key(const PublicKey& key, std::string_view comment = {});

/// SubjectPublicKeyInfo in PEM (RFC 5480, RFC 8410), as OpenSSL writes it.
std::string pem_public_key(const PublicKey& key);

/// Whether a private key of another program asks for a passphrase.
/// Errors  as `import_private_key`, but for what a passphrase would show.
Result<bool> foreign_key_is_encrypted(ByteView file);

/// Reads OpenSSH's file of one Ed25519 key without passphrase, or PKCS#8 in PEM (RFC 5958), plain or encrypted by PBES2 with
/// PBKDF2: Ed25519 or P-256. A new sealing key is put beside it. The passphrase is used where the file asks for one. Errors
/// malformed; unsupported (SSH keys under a passphrase, other key types, other encryption), saying what to do about it;
///         locked (wrong passphrase or changed file).
Result<PrivateKey> import_private_key(ByteView file, const SecretBytes& passphrase);

/// The signing key as encrypted PKCS#8 in PEM: AES-256-CBC under PBKDF2 with HMAC-SHA-256, 600,000 rounds. Never in the clear.
/// Requires a passphrase that is not empty (assertion).
std::string export_private_key(const PrivateKey& key, const SecretBytes& passphrase);

}  // namespace stegpass::credential
