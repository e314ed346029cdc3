#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

class Cbor;

enum class KeyType { ed25519, p256 };

/// A public signing key as a COSE_Key (RFC 9052 section 7): OKP/Ed25519 or EC2/P-256.
/// Made only by `create_*`/`decode`, so a value always names a point of the right length.
class PublicKey {
 public:
  /// `x`: 32 bytes. Errors malformed on another length.
  static Result<PublicKey> create_ed25519(ByteView x);
  /// `x`, `y`: 32 bytes each. Errors malformed when they are not a point of the curve.
  static Result<PublicKey> create_p256(ByteView x, ByteView y);
  /// Errors  malformed, also when it holds the private part or an `alg` that does not fit; unsupported for other key types,
  ///         other curves and compressed points.
  static Result<PublicKey> from_cose_key(const Cbor& key);
  static Result<PublicKey> decode(ByteView cose_key);

  KeyType type() const { return type_; }
  const Bytes& x() const { return x_; }
  const Bytes& y() const { return y_; }
  Cbor to_cose_key() const;
  Bytes encode() const;
  /// SHA-256 over the required members (RFC 9679); our `kid`.
  Digest32 thumbprint() const;
  /// `urn:ietf:params:oauth:ckt:sha-256:` and the thumbprint in base64url; our `iss`.
  std::string thumbprint_uri() const;
  /// Whether `signature` (64 bytes: Ed25519, or r||s) over `message` is this key's.
  bool verify(ByteView message, ByteView signature) const;

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  PublicKey(KeyType type, ByteView x, ByteView y) : type_(type), x_(to_bytes(x)), y_(to_bytes(y)) {}
  KeyType type_;
  Bytes x_, y_;
};

/// The thumbprint in a `urn:ietf:params:oauth:ckt:sha-256:` URI. Errors malformed.
Result<Digest32> parse_thumbprint_uri(std::string_view uri);
std::string thumbprint_uri(const Digest32& thumbprint);

/// A signing key with, beside it, the X25519 key that things are sealed to. Move-only.
class PrivateKey {
 public:
  static PrivateKey generate(KeyType type);
  /// `signing`: 32-byte Ed25519 seed or P-256 scalar; `sealing`: 32-byte X25519 secret. Errors malformed.
  static Result<PrivateKey> create(KeyType type, SecretBytes signing, SecretBytes sealing);

  const PublicKey& public_key() const { return public_key_; }
  const SecretBytes& signing_secret() const { return signing_; }
  const SecretBytes& sealing_secret() const { return sealing_; }
  Bytes sealing_public() const;
  /// 64 bytes: Ed25519 (RFC 8032), or ECDSA P-256/SHA-256 as r||s.
  Bytes sign(ByteView message) const;

 private:
  PrivateKey(PublicKey public_key, SecretBytes signing, SecretBytes sealing);
  PublicKey public_key_;
  SecretBytes signing_, sealing_;
};

}  // namespace stegpass::credential
