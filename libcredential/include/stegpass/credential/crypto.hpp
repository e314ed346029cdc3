#pragma once

#include <memory>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

/// Random bytes from the system (libsodium).
Bytes random_bytes(std::size_t count);

/// SHA-256 at OpenSSL's speed; equal to core's.
Digest32 fast_sha256(ByteView data);

/// A digest of bytes that come piece by piece. Move-only.
class StreamHash {
 public:
  enum class Algorithm { sha256, blake2b };  ///< 32 bytes; 64 bytes
  explicit StreamHash(Algorithm algorithm);
  StreamHash(StreamHash&&) noexcept;
  ~StreamHash();
  void update(ByteView piece);
  /// The digest; nothing may follow.
  Bytes finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Hashes of the COSE registry (RFC 9054), by their numbers.
enum class HashAlgorithm { sha256 = -16, sha384 = -43, sha512 = -44 };
Bytes hash_bytes(HashAlgorithm algorithm, ByteView data);

/// HMAC-SHA-512 (RFC 2104).
Digest64 hmac_sha512(ByteView key, ByteView message);

/// Whether something can be sealed to this X25519 key: 32 bytes, no point of low order, to which anybody could open.
bool is_sealing_key(ByteView x25519_public);
/// Anonymous public-key encryption to an X25519 key (libsodium's sealed box).
/// Requires `is_sealing_key`; std::invalid_argument for a point of low order. The result is 48 bytes longer than the message.
Bytes seal_to(ByteView x25519_public, ByteView message);
/// Errors  locked when the box was not sealed to this key or was changed.
Result<Bytes> open_sealed(const SecretBytes& x25519_secret, ByteView box);
/// The 32-byte public key of a 32-byte secret.
Bytes x25519_public_of(const SecretBytes& x25519_secret);

}  // namespace stegpass::credential
