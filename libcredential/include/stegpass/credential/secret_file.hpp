#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

/// Cost of turning a passphrase into a key (Argon2id, RFC 9106). The file states it, so it can be raised later.
struct PassphraseCost {
  std::uint32_t passes = 3;          ///< 1 .. 16
  std::uint32_t memory_kib = 65536;  ///< 64 MiB; 8 KiB .. 1 GiB, and more is refused on read as unsupported
  friend bool operator==(const PassphraseCost&, const PassphraseCost&) = default;
};

enum class SecretKind { key, vault };

/// Encrypts `content` under a passphrase: Argon2id, XChaCha20-Poly1305; the header is authenticated.
/// Requires a cost within bounds (assertion); std::bad_alloc where the system has not the memory that the cost asks for.
/// Schema  schemas/secret-file.cddl
Bytes encrypt_secret_file(SecretKind kind, ByteView content, const SecretBytes& passphrase, PassphraseCost cost = {});

/// Errors  malformed; unsupported (version, cost out of bounds); locked (wrong passphrase or changed file);
///         io when the system has not the memory that the file's cost asks for.
Result<SecretBytes> decrypt_secret_file(SecretKind kind, ByteView file, const SecretBytes& passphrase);

/// What a secret file says of itself to everybody. Errors as decrypt_secret_file, but for what only the passphrase shows.
struct SecretFileInfo {
  SecretKind kind = SecretKind::key;
  PassphraseCost cost;
};
Result<SecretFileInfo> read_secret_file_info(ByteView file);

/// A private key as a file of kind `key`.
Bytes encode_key_file(const PrivateKey& key, const SecretBytes& passphrase, PassphraseCost cost = {});
Result<PrivateKey> decode_key_file(ByteView file, const SecretBytes& passphrase);

}  // namespace stegpass::credential
