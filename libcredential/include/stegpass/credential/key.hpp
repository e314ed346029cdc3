#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::credential {

class Cbor;
class CborView;

struct ReadyKey;

/// Statements of ours are signed with Ed25519 and P-256 alone (`signs_statements`); the others are for reading other people's
/// messages.
enum class KeyType { ed25519, p256, p384, ml_dsa_44, ml_dsa_65, ml_dsa_87 };
/// "ed25519", "p256", "p384", "ml-dsa-44", ...
std::string_view key_type_name(KeyType type);
inline bool signs_statements(KeyType type) { return type == KeyType::ed25519 || type == KeyType::p256; }

/// A public signing key as a COSE_Key (RFC 9052 section 7): OKP/Ed25519, EC2/P-256 and P-384, AKP/ML-DSA (RFC 9964).
/// Made only by `create*`/`decode`, so a value always names a key of the right length and curve. Copies are cheap, and safe from
/// any thread.
class PublicKey {
 public:
  /// `x`, `y`: coordinates of 32 bytes (P-384: 48); Ed25519 and ML-DSA have `x` alone, the public key as it is.
  /// Errors  malformed on other lengths and on points that are not of the curve; unsupported for ML-DSA where the OpenSSL at hand
  /// has
  ///         none (before 3.5).
  static Result<PublicKey> create(KeyType type, ByteView x, ByteView y = {});
  static Result<PublicKey> create_ed25519(ByteView x) { return create(KeyType::ed25519, x); }
  static Result<PublicKey> create_p256(ByteView x, ByteView y) { return create(KeyType::p256, x, y); }
  /// Errors  malformed, also when it holds the private part or an `alg` that does not fit; unsupported for other key types,
  ///         other curves and compressed points.
  static Result<PublicKey> from_cose_key(CborView key);
  static Result<PublicKey> from_cose_key(const Cbor& key);
  static Result<PublicKey> decode(ByteView cose_key);

  KeyType type() const { return type_; }
  const Bytes& x() const { return x_; }
  const Bytes& y() const { return y_; }
  Cbor to_cose_key() const;
  Bytes encode() const;
  /// SHA-256 over the required members (RFC 9679); our `kid`. Computed once, when the key is made.
  const Digest32& thumbprint() const { return thumbprint_; }
  /// `urn:ietf:params:oauth:ckt:sha-256:` and the thumbprint in base64url; our `iss`.
  std::string thumbprint_uri() const;
  /// Whether `signature` (Ed25519: 64 bytes; ECDSA: r||s; ML-DSA as it is) over `message` is this key's.
  bool verify(ByteView message, ByteView signature) const;

  friend bool operator==(const PublicKey& a, const PublicKey& b) { return a.type_ == b.type_ && a.x_ == b.x_ && a.y_ == b.y_; }

 private:
  PublicKey(KeyType type, ByteView x, ByteView y) : type_(type), x_(to_bytes(x)), y_(to_bytes(y)) {}
  KeyType type_;
  Bytes x_, y_;
  Digest32 thumbprint_{};
  std::shared_ptr<const ReadyKey> ready_;  // what OpenSSL verifies with; none for Ed25519. Shared, since it never changes
};

/// The thumbprint in a `urn:ietf:params:oauth:ckt:sha-256:` URI. Errors malformed.
Result<Digest32> parse_thumbprint_uri(std::string_view uri);
std::string thumbprint_uri(const Digest32& thumbprint);

/// A signing key with, beside it, the X25519 key that things are sealed to. Move-only.
class PrivateKey {
 public:
  /// Requires a type that `signs_statements` (assertion).
  static PrivateKey generate(KeyType type);
  /// `signing`: 32-byte Ed25519 seed or P-256 scalar; `sealing`: 32-byte X25519 secret. Errors malformed; unsupported for other
  /// types.
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
