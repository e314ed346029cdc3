#include "key_pkcs8.hpp"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <new>
#include <stdexcept>

#include <stegpass/credential/crypto.hpp>

#include "openssl_handles.hpp"

namespace stegpass::credential {
namespace {

using KeyInfoPtr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>>;
using EncryptedPtr = std::unique_ptr<X509_SIG, FreeWith<X509_SIG_free>>;
using PbeParamPtr = std::unique_ptr<PBE2PARAM, FreeWith<PBE2PARAM_free>>;
using KdfParamPtr = std::unique_ptr<PBKDF2PARAM, FreeWith<PBKDF2PARAM_free>>;

constexpr std::size_t kSecret = 32;
constexpr int kRounds = 600'000;
constexpr std::int64_t kMaxRounds = 10'000'000;  // about ten seconds; a file must not keep us for hours
constexpr std::size_t kPkcs8Salt = 16;

// ECPrivateKey (RFC 5915) of a P-256 key: version 1 and the scalar, then parameters and the public point where they are written.
constexpr std::array<std::uint8_t, 5> kScalarHead = {0x02, 0x01, 0x01, 0x04, 0x20};
constexpr std::array<std::uint8_t, 12> kCurve = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
constexpr std::array<std::uint8_t, 6> kPointHead = {0xa1, 0x44, 0x03, 0x42, 0x00, 0x04};
constexpr std::size_t kPoint = 64;

Error bad(std::string detail) { return {Errc::malformed, "PKCS#8 key: " + std::move(detail)}; }
Error unsupported(std::string detail) { return {Errc::unsupported, "PKCS#8 key: " + std::move(detail)}; }

bool take(ByteView& from, ByteView head) {
  if (from.size() < head.size() || !std::equal(head.begin(), head.end(), from.begin())) return false;
  from = from.subspan(head.size());
  return true;
}

Result<SigningSecret> read_ed25519(ByteView octets) {
  constexpr std::array<std::uint8_t, 2> head = {0x04, kSecret};
  if (!take(octets, head) || octets.size() != kSecret) return bad("holds no Ed25519 seed of 32 bytes");
  return SigningSecret{KeyType::ed25519, SecretBytes::copy_of(octets)};
}

Result<SigningSecret> read_p256(ByteView octets) {
  const bool whole = octets.size() > 2 && octets[0] == 0x30 && octets[1] == octets.size() - 2;
  if (whole) octets = octets.subspan(2);
  if (!whole || !take(octets, kScalarHead) || octets.size() < kSecret) return bad("holds no P-256 scalar of 32 bytes");
  SigningSecret out{KeyType::p256, SecretBytes::copy_of(octets.first(kSecret))};
  octets = octets.subspan(kSecret);
  take(octets, kCurve);
  if (octets.empty()) return out;
  if (!take(octets, kPointHead) || octets.size() != kPoint)
    return bad("goes on after its scalar with something else than its point");
  STEGPASS_TRY(key, PrivateKey::create(out.type, SecretBytes::copy_of(out.secret.expose()), SecretBytes::random(kSecret)));
  Bytes point = key.public_key().x();
  append(point, key.public_key().y());
  if (!std::equal(point.begin(), point.end(), octets.begin())) return bad("its public point is not that of its scalar");
  return out;
}

Result<SigningSecret> read_info(const PKCS8_PRIV_KEY_INFO* info) {
  const ASN1_OBJECT* type = nullptr;
  const unsigned char* at = nullptr;
  int size = 0;
  const X509_ALGOR* algorithm = nullptr;
  if (PKCS8_pkey_get0(&type, &at, &size, &algorithm, info) != 1) return bad("names no algorithm");
  const ByteView octets(at, static_cast<std::size_t>(size));
  const int nid = OBJ_obj2nid(type);
  if (nid == NID_ED25519) return read_ed25519(octets);
  if (nid != NID_X9_62_id_ecPublicKey) {
    return unsupported(std::string("of type ") + OBJ_nid2sn(nid) + ", expected Ed25519 or P-256");
  }
  const ASN1_TYPE* curve = algorithm->parameter;
  const bool p256 = curve && curve->type == V_ASN1_OBJECT && OBJ_obj2nid(curve->value.object) == NID_X9_62_prime256v1;
  return p256 ? read_p256(octets) : Result<SigningSecret>(unsupported("of another curve than P-256"));
}

/// Whether decryption is one that we can and want to pay for.
Status check_cost(const X509_ALGOR* algorithm) {
  if (OBJ_obj2nid(algorithm->algorithm) != NID_pbes2) return unsupported("encrypted by something else than PBES2");
  const PbeParamPtr pbe(static_cast<PBE2PARAM*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter)));
  if (!pbe) return bad("has unreadable parameters of PBES2");
  if (OBJ_obj2nid(pbe->keyfunc->algorithm) != NID_id_pbkdf2)
    return unsupported("encrypted under another key derivation than PBKDF2");
  const KdfParamPtr kdf(
      static_cast<PBKDF2PARAM*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), pbe->keyfunc->parameter)));
  std::int64_t rounds = 0;
  if (!kdf || ASN1_INTEGER_get_int64(&rounds, kdf->iter) != 1 || rounds < 1) return bad("has unreadable parameters of PBKDF2");
  if (rounds > kMaxRounds)
    return unsupported("asks for " + std::to_string(rounds) + " rounds of PBKDF2, expected at most 10000000");
  return Done{};
}

std::string_view characters(const SecretBytes& passphrase) { return as_text(passphrase.expose()); }

/// Writes the algorithm's own encoding of the secret to `out`, which OpenSSL owns and wipes.
void write_octets(const PrivateKey& key, std::uint8_t* out) {
  const ByteView secret = key.signing_secret().expose();
  if (key.public_key().type() == KeyType::ed25519) {
    *out++ = 0x04, *out++ = kSecret;
    std::copy(secret.begin(), secret.end(), out);
    return;
  }
  *out++ = 0x30, *out++ = kScalarHead.size() + kSecret + kPointHead.size() + kPoint;
  out = std::copy(kScalarHead.begin(), kScalarHead.end(), out);
  out = std::copy(secret.begin(), secret.end(), out);
  out = std::copy(kPointHead.begin(), kPointHead.end(), out);
  out = std::copy(key.public_key().x().begin(), key.public_key().x().end(), out);
  std::copy(key.public_key().y().begin(), key.public_key().y().end(), out);
}

KeyInfoPtr make_info(const PrivateKey& key) {
  const bool ed25519 = key.public_key().type() == KeyType::ed25519;
  const std::size_t size = ed25519 ? 2 + kSecret : 2 + kScalarHead.size() + kSecret + kPointHead.size() + kPoint;
  KeyInfoPtr info(PKCS8_PRIV_KEY_INFO_new());
  auto* octets = static_cast<std::uint8_t*>(OPENSSL_malloc(size));
  if (!info || !octets) throw std::bad_alloc();
  write_octets(key, octets);
  ASN1_OBJECT* type = OBJ_nid2obj(ed25519 ? NID_ED25519 : NID_X9_62_id_ecPublicKey);
  void* curve = ed25519 ? nullptr : OBJ_nid2obj(NID_X9_62_prime256v1);
  if (PKCS8_pkey_set0(info.get(), type, 0, ed25519 ? V_ASN1_UNDEF : V_ASN1_OBJECT, curve, octets, static_cast<int>(size)) != 1) {
    throw std::bad_alloc();
  }
  return info;
}

}  // namespace

Result<SigningSecret> read_pkcs8(ByteView der) {
  const unsigned char* at = der.data();
  const KeyInfoPtr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!info || at != der.data() + der.size()) return bad("is no PrivateKeyInfo in DER");
  return read_info(info.get());
}

Result<SigningSecret> read_encrypted_pkcs8(ByteView der, const SecretBytes& passphrase) {
  const unsigned char* at = der.data();
  const EncryptedPtr file(d2i_X509_SIG(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!file || at != der.data() + der.size()) return bad("is no EncryptedPrivateKeyInfo in DER");
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(file.get(), &algorithm, nullptr);
  Status cost = check_cost(algorithm);
  ERR_clear_error();
  if (!cost) return cost.error();
  const std::string_view text = characters(passphrase);
  const KeyInfoPtr info(PKCS8_decrypt(file.get(), text.data(), static_cast<int>(text.size())));
  ERR_clear_error();
  if (!info) return Error{Errc::locked, "PKCS#8 key: wrong passphrase, or the file was changed"};
  return read_info(info.get());
}

Bytes write_encrypted_pkcs8(const PrivateKey& key, const SecretBytes& passphrase) {
  const KeyInfoPtr info = make_info(key);
  Bytes salt = random_bytes(kPkcs8Salt);
  const std::string_view text = characters(passphrase);
  const EncryptedPtr file(PKCS8_encrypt(-1, EVP_aes_256_cbc(), text.data(), static_cast<int>(text.size()), salt.data(),
                                        static_cast<int>(salt.size()), kRounds, info.get()));
  const int size = file ? i2d_X509_SIG(file.get(), nullptr) : 0;
  if (size <= 0) throw std::runtime_error("openssl cannot encrypt a key");
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* at = der.data();
  i2d_X509_SIG(file.get(), &at);
  return der;
}

}  // namespace stegpass::credential
