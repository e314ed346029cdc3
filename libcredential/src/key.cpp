#include <stegpass/credential/key.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <mutex>

#include <stegpass/credential/cbor_view.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>

#include "cbor_heads.hpp"
#include "ml_dsa.hpp"
#include "nist_curves.hpp"
#include "sodium_ready.hpp"

namespace stegpass::credential {

/// A public key as OpenSSL verifies with it: made at once, or when it is first asked for.
struct ReadyKey {
  explicit ReadyKey(PkeyPtr key) : key_(std::move(key)) {}
  explicit ReadyKey(std::function<PkeyPtr()> make) : make_(std::move(make)) {}
  EVP_PKEY* get() const {
    std::call_once(made_, [this] {
      if (!key_) key_ = make_();
    });
    return key_.get();
  }

 private:
  std::function<PkeyPtr()> make_;
  mutable std::once_flag made_;
  mutable PkeyPtr key_;
};

namespace {

constexpr std::size_t kSecret = 32;  // bytes of a seed, a scalar and an Ed25519 point
constexpr std::string_view kThumbprintPrefix = "urn:ietf:params:oauth:ckt:sha-256:";

// Labels and values of COSE_Key (RFC 9052 section 7, RFC 9053 section 7).
enum : std::int64_t { kKty = 1, kKeyAlg = 3, kCrv = -1, kX = -2, kY = -3, kD = -4, kAkpPub = -1, kAkpPriv = -2 };
enum : std::int64_t { kOkp = 1, kEc2 = 2, kAkp = 7 };

// What sets the types apart in a COSE_Key. AKP keys have no curve: there the algorithm tells.
struct TypeRow {
  KeyType type;
  std::string_view name;
  std::int64_t kty, crv;
  const nist::Curve* curve;
  const ml_dsa::Parameters* lattice;
};
constexpr std::array kTypes = {TypeRow{KeyType::ed25519, "ed25519", kOkp, 6, nullptr, nullptr},
                               TypeRow{KeyType::p256, "p256", kEc2, 1, &nist::kP256, nullptr},
                               TypeRow{KeyType::p384, "p384", kEc2, 2, &nist::kP384, nullptr},
                               TypeRow{KeyType::ml_dsa_44, "ml-dsa-44", kAkp, 0, nullptr, &ml_dsa::k44},
                               TypeRow{KeyType::ml_dsa_65, "ml-dsa-65", kAkp, 0, nullptr, &ml_dsa::k65},
                               TypeRow{KeyType::ml_dsa_87, "ml-dsa-87", kAkp, 0, nullptr, &ml_dsa::k87}};

const TypeRow& row_of(KeyType type) { return kTypes[static_cast<std::size_t>(type)]; }

Status check_length(std::string_view what, ByteView bytes, std::size_t expected = kSecret) {
  if (bytes.size() == expected) return Done{};
  return Error{Errc::malformed,
               std::string(what) + " of " + std::to_string(bytes.size()) + " bytes, expected " + std::to_string(expected)};
}

Result<std::int64_t> integer_member(CborView key, std::int64_t label, std::string_view name) {
  const auto member = key.find(label);
  const auto value = member ? member->as_integer() : std::nullopt;
  if (!value) return Error{Errc::malformed, "cose key has no " + std::string(name) + " in numbers"};
  return *value;
}

Result<ByteView> bytes_member(CborView key, std::int64_t label, std::string_view name) {
  const auto member = key.find(label);
  if (!member) return Error{Errc::malformed, "cose key has no " + std::string(name)};
  if (member->as_boolean()) return Error{Errc::unsupported, "cose key with a compressed point"};
  if (!member->as_bytes()) return Error{Errc::malformed, "cose key: " + std::string(name) + " is not a byte string"};
  return *member->as_bytes();
}

// The type that key type and curve name, or key type and algorithm.
Result<KeyType> type_of(CborView key) {
  STEGPASS_TRY(kty, integer_member(key, kKty, "key type"));
  const bool known = std::any_of(kTypes.begin(), kTypes.end(), [&](const TypeRow& row) { return row.kty == kty; });
  if (!known) return Error{Errc::unsupported, "cose key type " + std::to_string(kty)};
  const bool akp = kty == kAkp;
  STEGPASS_TRY(number, akp ? integer_member(key, kKeyAlg, "alg") : integer_member(key, kCrv, "curve"));
  for (const TypeRow& row : kTypes) {
    if (row.kty == kty && number == (akp ? cose_algorithm(row.type) : row.crv)) return row.type;
  }
  return Error{Errc::unsupported,
               "cose key type " + std::to_string(kty) + " with " + (akp ? "algorithm " : "curve ") + std::to_string(number)};
}

Status check_algorithm(CborView key, KeyType type) {
  if (!key.find(kKeyAlg)) return Done{};
  STEGPASS_TRY(alg, integer_member(key, kKeyAlg, "alg"));
  if (key_type_allows(type, alg)) return Done{};
  return Error{Errc::malformed, "cose key of curve and algorithm " + std::to_string(alg) + " that do not go together"};
}

// The 64-byte secret that libsodium signs with (seed, then public key), wiped at the end.
struct ExpandedSeed {
  explicit ExpandedSeed(ByteView seed) { crypto_sign_seed_keypair(point.data(), secret.data(), seed.data()); }
  // Of a seed whose public key is known already, which takes most of the work to find.
  ExpandedSeed(ByteView seed, ByteView known_point) {
    std::copy(known_point.begin(), known_point.end(), std::copy(seed.begin(), seed.end(), secret.begin()));
  }
  ~ExpandedSeed() { sodium_memzero(secret.data(), secret.size()); }
  ExpandedSeed(const ExpandedSeed&) = delete;
  ExpandedSeed& operator=(const ExpandedSeed&) = delete;
  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> point{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret{};
};

Result<PublicKey> public_of(KeyType type, const SecretBytes& signing) {
  if (type == KeyType::ed25519) return PublicKey::create_ed25519(ExpandedSeed(signing.expose()).point);
  const auto point = nist::public_point(nist::kP256, signing.expose());
  if (!point) return Error{Errc::malformed, "p-256 scalar is not within 1 .. n-1"};
  return PublicKey::create_p256(ByteView(*point).first(kSecret), ByteView(*point).subspan(kSecret));
}

}  // namespace

std::string_view key_type_name(KeyType type) { return row_of(type).name; }

Result<PublicKey> PublicKey::create(KeyType type, ByteView x, ByteView y) {
  const TypeRow& row = row_of(type);
  const std::string name(row.name == "p256" ? "p-256" : row.name == "p384" ? "p-384" : row.name);
  PublicKey out(type, x, y);
  if (row.lattice) {
    STEGPASS_TRY(key, ml_dsa::make_public_key(*row.lattice, x));
    out.ready_ = std::make_shared<const ReadyKey>(std::move(key));
  } else if (row.curve) {
    STEGPASS_CHECK_OK(check_length(name + " x", x, row.curve->field));
    STEGPASS_CHECK_OK(check_length(name + " y", y, row.curve->field));
    if (!nist::is_point(*row.curve, x, y)) return Error{Errc::malformed, name + " key is not a point of the curve"};
    // Most keys are only read, and OpenSSL takes ten times as long to make one as to look whether it can be made.
    out.ready_ = std::make_shared<const ReadyKey>(
        [&curve = *row.curve, x = out.x_, y = out.y_] { return nist::make_public_key(curve, x, y); });
  } else {
    STEGPASS_CHECK_OK(check_length(name + " key", x));
  }
  // We write the required members alone, so a key's encoding is what RFC 9679 hashes.
  out.thumbprint_ = fast_sha256(out.encode());
  return out;
}

Result<PublicKey> PublicKey::from_cose_key(const Cbor& key) { return from_cose_key(CborDocument(key).root()); }

Result<PublicKey> PublicKey::from_cose_key(CborView key) {
  if (!key.as_map()) return Error{Errc::malformed, "cose key is not a map"};
  STEGPASS_TRY(type, type_of(key));
  const bool akp = row_of(type).kty == kAkp;
  if (key.find(akp ? kAkpPriv : kD)) return Error{Errc::malformed, "cose key holds a private key, expected a public one"};
  STEGPASS_CHECK_OK(check_algorithm(key, type));
  STEGPASS_TRY(x, akp ? bytes_member(key, kAkpPub, "public key") : bytes_member(key, kX, "x"));
  if (row_of(type).kty != kEc2) return create(type, x);
  STEGPASS_TRY(y, bytes_member(key, kY, "y"));
  return create(type, x, y);
}

Result<PublicKey> PublicKey::decode(ByteView cose_key) {
  STEGPASS_TRY(key, CborDocument::read(cose_key));
  return from_cose_key(key.root());
}

Cbor PublicKey::to_cose_key() const { return decode_cbor(encode()).value(); }

// Labels in the order of their encodings: 1, 3, -1, -2, -3.
Bytes PublicKey::encode() const {
  const TypeRow& row = row_of(type_);
  Bytes out;
  out.reserve(24 + x_.size() + y_.size());
  append_cbor_head(out, CborMajor::map, row.kty == kEc2 ? 4 : 3);
  append_cbor_integer(out, kKty);
  append_cbor_integer(out, row.kty);
  append_cbor_integer(out, row.kty == kAkp ? kKeyAlg : kCrv);
  append_cbor_integer(out, row.kty == kAkp ? cose_algorithm(type_) : row.crv);
  append_cbor_integer(out, row.kty == kAkp ? kAkpPub : kX);
  append_cbor_bytes(out, x_);
  if (row.kty != kEc2) return out;
  append_cbor_integer(out, kY);
  append_cbor_bytes(out, y_);
  return out;
}

std::string PublicKey::thumbprint_uri() const { return credential::thumbprint_uri(thumbprint()); }

bool PublicKey::verify(ByteView message, ByteView signature) const {
  const TypeRow& row = row_of(type_);
  if (row.curve) return nist::verify(*row.curve, ready_->get(), message, signature);
  if (row.lattice) return ml_dsa::verify(*row.lattice, ready_->get(), message, signature);
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

std::string thumbprint_uri(const Digest32& thumbprint) { return std::string(kThumbprintPrefix).append(to_base64url(thumbprint)); }

PrivateKey::PrivateKey(PublicKey public_key, SecretBytes signing, SecretBytes sealing)
    : public_key_(std::move(public_key)), signing_(std::move(signing)), sealing_(std::move(sealing)) {}

PrivateKey PrivateKey::generate(KeyType type) {
  assert(signs_statements(type));
  for (;;) {  // a random scalar lies outside 1 .. n-1 once in 2^32
    auto key = create(type, SecretBytes::random(kSecret), SecretBytes::random(kSecret));
    if (key) return std::move(key).value();
  }
}

Result<PrivateKey> PrivateKey::create(KeyType type, SecretBytes signing, SecretBytes sealing) {
  if (!signs_statements(type))
    return Error{Errc::unsupported, "signing with " + std::string(key_type_name(type)) + ", expected ed25519 or p256"};
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
    return nist::sign(nist::kP256, signing_.expose(), point, message);
  }
  const ExpandedSeed key(signing_.expose(), public_key_.x());
  Bytes signature(crypto_sign_BYTES);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), key.secret.data());
  return signature;
}

}  // namespace stegpass::credential
