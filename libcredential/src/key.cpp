#include <stegpass/credential/key.hpp>

#include <algorithm>
#include <array>
#include <cassert>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>

#include "p256.hpp"
#include "sodium_ready.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kHalf = 32;  // bytes of a coordinate, a seed and a scalar
constexpr std::string_view kThumbprintPrefix = "urn:ietf:params:oauth:ckt:sha-256:";

// Labels and values of COSE_Key (RFC 9052 section 7, RFC 9053 section 7).
enum : std::int64_t { kKty = 1, kKeyAlg = 3, kCrv = -1, kX = -2, kY = -3, kD = -4 };
enum : std::int64_t { kOkp = 1, kEc2 = 2, kCrvP256 = 1, kCrvEd25519 = 6 };

Status check_length(std::string_view what, ByteView bytes) {
  if (bytes.size() == kHalf) return Done{};
  return Error{Errc::malformed, std::string(what) + " of " + std::to_string(bytes.size()) + " bytes, expected 32"};
}

Result<std::int64_t> integer_member(const Cbor& key, std::int64_t label, std::string_view name) {
  std::int64_t value = 0;
  const Cbor* member = key.find(label);
  if (member == nullptr || !member->as_integer(value)) {
    return Error{Errc::malformed, "cose key has no " + std::string(name) + " in numbers"};
  }
  return value;
}

Result<ByteView> bytes_member(const Cbor& key, std::int64_t label, std::string_view name) {
  const Cbor* member = key.find(label);
  if (member == nullptr) return Error{Errc::malformed, "cose key has no " + std::string(name)};
  if (member->as_boolean() != nullptr) return Error{Errc::unsupported, "cose key with a compressed point"};
  if (member->as_bytes() == nullptr) return Error{Errc::malformed, "cose key: " + std::string(name) + " is not a byte string"};
  return ByteView(*member->as_bytes());
}

Status check_algorithm(const Cbor& key, KeyType type) {
  if (key.find(kKeyAlg) == nullptr) return Done{};
  STEGPASS_TRY(alg, integer_member(key, kKeyAlg, "alg"));
  const std::int64_t older = type == KeyType::ed25519 ? cose::kEdDsa : cose::kEs256;
  if (alg == cose_algorithm(type) || alg == older) return Done{};
  return Error{Errc::malformed, "cose key of curve and algorithm " + std::to_string(alg) + " that do not go together"};
}

// The 64-byte secret that libsodium signs with (seed, then public key), wiped at the end.
struct ExpandedSeed {
  explicit ExpandedSeed(ByteView seed) { crypto_sign_seed_keypair(point.data(), secret.data(), seed.data()); }
  ~ExpandedSeed() { sodium_memzero(secret.data(), secret.size()); }
  ExpandedSeed(const ExpandedSeed&) = delete;
  ExpandedSeed& operator=(const ExpandedSeed&) = delete;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> point;
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret;
};

Result<PublicKey> public_of(KeyType type, const SecretBytes& signing) {
  if (type == KeyType::ed25519) return PublicKey::create_ed25519(ExpandedSeed(signing.expose()).point);
  const auto point = p256::public_point(signing.expose());
  if (!point) return Error{Errc::malformed, "p-256 scalar is not within 1 .. n-1"};
  return PublicKey::create_p256(ByteView(*point).first(kHalf), ByteView(*point).subspan(kHalf));
}

}  // namespace

Result<PublicKey> PublicKey::create_ed25519(ByteView x) {
  STEGPASS_CHECK_OK(check_length("ed25519 key", x));
  return PublicKey(KeyType::ed25519, x, {});
}

Result<PublicKey> PublicKey::create_p256(ByteView x, ByteView y) {
  STEGPASS_CHECK_OK(check_length("p-256 x", x));
  STEGPASS_CHECK_OK(check_length("p-256 y", y));
  if (!p256::is_point(x, y)) return Error{Errc::malformed, "p-256 key is not a point of the curve"};
  return PublicKey(KeyType::p256, x, y);
}

Result<PublicKey> PublicKey::from_cose_key(const Cbor& key) {
  if (key.as_map() == nullptr) return Error{Errc::malformed, "cose key is not a map"};
  if (key.find(kD) != nullptr) return Error{Errc::malformed, "cose key holds a private key, expected a public one"};
  STEGPASS_TRY(kty, integer_member(key, kKty, "key type"));
  if (kty != kOkp && kty != kEc2) return Error{Errc::unsupported, "cose key type " + std::to_string(kty)};
  STEGPASS_TRY(crv, integer_member(key, kCrv, "curve"));
  const KeyType type = kty == kOkp ? KeyType::ed25519 : KeyType::p256;
  if (crv != (type == KeyType::ed25519 ? kCrvEd25519 : kCrvP256)) {
    return Error{Errc::unsupported, "cose key type " + std::to_string(kty) + " with curve " + std::to_string(crv)};
  }
  STEGPASS_CHECK_OK(check_algorithm(key, type));
  STEGPASS_TRY(x, bytes_member(key, kX, "x"));
  if (type == KeyType::ed25519) return create_ed25519(x);
  STEGPASS_TRY(y, bytes_member(key, kY, "y"));
  return create_p256(x, y);
}

Result<PublicKey> PublicKey::decode(ByteView cose_key) {
  STEGPASS_TRY(key, decode_cbor(cose_key));
  return from_cose_key(key);
}

Cbor PublicKey::to_cose_key() const {
  const bool ed25519 = type_ == KeyType::ed25519;
  CborMap members = {{Cbor::integer(kKty), Cbor::integer(ed25519 ? kOkp : kEc2)},
                     {Cbor::integer(kCrv), Cbor::integer(ed25519 ? kCrvEd25519 : kCrvP256)},
                     {Cbor::integer(kX), Cbor::bytes(x_)}};
  if (!ed25519) members.emplace_back(Cbor::integer(kY), Cbor::bytes(y_));
  return Cbor::map(std::move(members));
}

Bytes PublicKey::encode() const { return encode_cbor(to_cose_key()); }

// We write the required members alone, so a key's encoding is what RFC 9679 hashes.
Digest32 PublicKey::thumbprint() const { return fast_sha256(encode()); }

std::string PublicKey::thumbprint_uri() const { return credential::thumbprint_uri(thumbprint()); }

bool PublicKey::verify(ByteView message, ByteView signature) const {
  if (type_ == KeyType::p256) return p256::verify(x_, y_, message, signature);
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(signature.data(), message.data(), message.size(), x_.data()) == 0;
}

Result<Digest32> parse_thumbprint_uri(std::string_view uri) {
  if (uri.substr(0, kThumbprintPrefix.size()) != kThumbprintPrefix) {
    return Error{Errc::malformed, "key name does not start with " + std::string(kThumbprintPrefix)};
  }
  STEGPASS_TRY(bytes, parse_base64url(uri.substr(kThumbprintPrefix.size())));
  STEGPASS_CHECK_OK(check_length("thumbprint", bytes));
  Digest32 digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

std::string thumbprint_uri(const Digest32& thumbprint) { return std::string(kThumbprintPrefix) + to_base64url(thumbprint); }

PrivateKey::PrivateKey(PublicKey public_key, SecretBytes signing, SecretBytes sealing)
    : public_key_(std::move(public_key)), signing_(std::move(signing)), sealing_(std::move(sealing)) {}

PrivateKey PrivateKey::generate(KeyType type) {
  for (;;) {  // a random scalar lies outside 1 .. n-1 once in 2^32
    auto key = create(type, SecretBytes::random(kHalf), SecretBytes::random(kHalf));
    if (key) return std::move(key).value();
  }
}

Result<PrivateKey> PrivateKey::create(KeyType type, SecretBytes signing, SecretBytes sealing) {
  STEGPASS_CHECK_OK(check_length("signing secret", signing.expose()));
  STEGPASS_CHECK_OK(check_length("sealing secret", sealing.expose()));
  STEGPASS_TRY(public_key, public_of(type, signing));
  return PrivateKey(std::move(public_key), std::move(signing), std::move(sealing));
}

Bytes PrivateKey::sealing_public() const { return x25519_public_of(sealing_); }

Bytes PrivateKey::sign(ByteView message) const {
  if (public_key_.type() == KeyType::p256) {
    Bytes point = public_key_.x();
    append(point, public_key_.y());
    return p256::sign(signing_.expose(), point, message);
  }
  const ExpandedSeed key(signing_.expose());
  Bytes signature(crypto_sign_BYTES);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key.secret.data());
  return signature;
}

}  // namespace stegpass::credential
