#include <stegpass/credential/certificate.hpp>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <cstring>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "x509_store.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxChain = 8;
constexpr std::int64_t kSha256 = -16;

Error bad(std::string detail) { return {Errc::malformed, std::move(detail)}; }

Result<std::vector<Bytes>> pem_certificates(ByteView file) {
  const BioPtr source(BIO_new_mem_buf(file.data(), static_cast<int>(file.size())));
  std::vector<Bytes> out;
  while (X509Ptr next{PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)}) {
    if (out.size() == kMaxChain) return ERR_clear_error(), bad("over 8 certificates in one file");
    out.push_back(der_of(next.get()));
  }
  ERR_clear_error();
  return out;
}

// x5chain is one byte string for one certificate, an array of them for more.
Result<std::vector<Bytes>> read_chain(const Cbor& value) {
  if (const Bytes* one = value.as_bytes()) return std::vector<Bytes>{*one};
  const CborArray* items = value.as_array();
  if (!items || items->size() < 2 || items->size() > kMaxChain)
    return bad("x5chain is neither a byte string nor an array of 2 to 8");
  std::vector<Bytes> out;
  for (const Cbor& item : *items) {
    if (!item.as_bytes()) return bad("x5chain holds what is not a byte string");
    out.push_back(*item.as_bytes());
  }
  return out;
}

// x5t = [hash algorithm, digest]; SHA-256 is the one we compute.
Status check_x5t(const Cbor& value, const Bytes& leaf) {
  const CborArray* parts = value.as_array();
  std::int64_t algorithm = 0;
  if (!parts || parts->size() != 2 || !(*parts)[0].as_integer(algorithm) || !(*parts)[1].as_bytes()) {
    return bad("x5t is not a hash algorithm and a digest");
  }
  if (algorithm != kSha256)
    return Error{Errc::unsupported, "x5t with hash algorithm " + std::to_string(algorithm) + ", expected -16"};
  const Digest32 found = fast_sha256(leaf);
  if (equal_constant_time(found, *(*parts)[1].as_bytes())) return Done{};
  return bad("x5t names another certificate than x5chain begins with, whose SHA-256 is " + to_hex(found));
}

// Whether something that is signed names the leaf.
bool is_pinned(const Sign1& message, const PublicKey& leaf) {
  if (message.protected_header.find(cose::kX5chain) || message.protected_header.find(cose::kX5t)) return true;
  const Cbor* kid = message.protected_header.find(cose::kKid);
  return kid && kid->as_bytes() && equal_constant_time(*kid->as_bytes(), leaf.thumbprint());
}

Result<PublicKey> ec_key(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::array<std::uint8_t, 1 + 2 * 66> point{};
  std::size_t size = 0;
  if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(), nullptr) != 1 ||
      EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point.data(), point.size(), &size) != 1 ||
      size < 3) {
    return ERR_clear_error(), bad("certificate: no point of a curve");
  }
  const std::string_view name(group.data());
  const bool p256 = name == "prime256v1" || name == "P-256", p384 = name == "secp384r1" || name == "P-384";
  if (!p256 && !p384) return Error{Errc::unsupported, "certificate with a key on curve " + std::string(name)};
  const std::size_t half = (size - 1) / 2;
  if (point[0] != 0x04) return Error{Errc::unsupported, "certificate with a compressed point"};
  const ByteView octets(point.data() + 1, size - 1);
  return PublicKey::create(p256 ? KeyType::p256 : KeyType::p384, octets.first(half), octets.subspan(half));
}

Result<PublicKey> raw_key(EVP_PKEY* key, KeyType type) {
  std::size_t size = 0;
  Bytes octets;
  bool done = EVP_PKEY_get_raw_public_key(key, nullptr, &size) == 1;
  octets.resize(done ? size : 0);
  done = done && EVP_PKEY_get_raw_public_key(key, octets.data(), &size) == 1;
  if (!done) return ERR_clear_error(), bad("certificate: no public key");
  return PublicKey::create(type, octets);
}

Result<PublicKey> key_of(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (!key) return ERR_clear_error(), Error{Errc::unsupported, "certificate with a key that OpenSSL does not read"};
  if (EVP_PKEY_is_a(key, "EC")) return ec_key(key);
  if (EVP_PKEY_is_a(key, "ED25519")) return raw_key(key, KeyType::ed25519);
  for (const auto& [type, name] : {std::pair{KeyType::ml_dsa_44, "ML-DSA-44"}, std::pair{KeyType::ml_dsa_65, "ML-DSA-65"},
                                   std::pair{KeyType::ml_dsa_87, "ML-DSA-87"}}) {
    if (EVP_PKEY_is_a(key, name)) return raw_key(key, type);
  }
  const char* name = EVP_PKEY_get0_type_name(key);
  return Error{Errc::unsupported, std::string("certificate with a key of type ") + (name ? name : "unknown")};
}

}  // namespace

Result<std::vector<Bytes>> read_certificates(ByteView file) {
  STEGPASS_TRY(pem, pem_certificates(file));
  if (!pem.empty()) return std::move(pem);
  STEGPASS_TRY(one, decode_certificate(file));
  return std::vector<Bytes>{der_of(one.get())};
}

Status check_certificate(ByteView der) {
  STEGPASS_CHECK_OK(decode_certificate(der));
  return Done{};
}

Result<std::vector<Bytes>> certificates_of(const Sign1& message) {
  const auto find = [&](std::int64_t label) {
    const Cbor* found = message.protected_header.find(label);
    return found ? found : message.unprotected.find(label);
  };
  const Cbor* chain = find(cose::kX5chain);
  if (!chain) return std::vector<Bytes>{};
  STEGPASS_TRY(out, read_chain(*chain));
  if (const Cbor* digest = find(cose::kX5t)) STEGPASS_CHECK_OK(check_x5t(*digest, out.front()));
  return std::move(out);
}

Cbor encode_x5chain(const std::vector<Bytes>& chain) {
  if (chain.size() == 1) return Cbor::bytes(chain.front());
  CborArray items;
  for (const Bytes& certificate : chain) items.push_back(Cbor::bytes(certificate));
  return Cbor::array(std::move(items));
}

Result<PublicKey> certificate_key(ByteView certificate) {
  STEGPASS_TRY(read, decode_certificate(certificate));
  return key_of(read.get());
}

Result<CertifiedKey> verify_chain(const std::vector<Bytes>& chain, const std::vector<TrustedRoot>& roots, std::int64_t at) {
  if (chain.empty()) return bad("no certificate");
  STEGPASS_TRY(leaf, decode_certificate(chain.front()));
  STEGPASS_TRY(key, key_of(leaf.get()));
  const X509StackPtr others(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.size(); ++i) {
    STEGPASS_TRY(next, decode_certificate(chain[i]));
    if (sk_X509_push(others.get(), next.get()) > 0) static_cast<void>(next.release());  // the stack owns it now
  }
  STEGPASS_TRY(store, trust_store(roots, at));
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store.get(), leaf.get(), others.get()) != 1) throw std::bad_alloc();
  if (X509_verify_cert(context.get()) != 1) {
    const int reason = X509_STORE_CTX_get_error(context.get());
    ERR_clear_error();
    return Error{Errc::refused, "certificate of " + subject_of(leaf.get()) + ": " + X509_verify_cert_error_string(reason)};
  }
  const bool restricted = (X509_get_extension_flags(leaf.get()) & EXFLAG_KUSAGE) != 0;
  if (restricted && (X509_get_key_usage(leaf.get()) & KU_DIGITAL_SIGNATURE) == 0) {
    return Error{Errc::refused, "certificate of " + subject_of(leaf.get()) + ": its key usage does not allow signatures"};
  }
  X509Chain* built = X509_STORE_CTX_get0_chain(context.get());
  return CertifiedKey{std::move(key), subject_of(leaf.get()), root_name(roots, sk_X509_value(built, sk_X509_num(built) - 1))};
}

Result<CertifiedKey> verify_certified(const Sign1& message, const std::vector<TrustedRoot>& roots, std::int64_t at,
                                      std::optional<ByteView> detached_payload, ByteView external_aad) {
  STEGPASS_TRY(chain, certificates_of(message));
  if (chain.empty()) return Error{Errc::not_found, "the message has no x5chain"};
  STEGPASS_TRY(leaf, certificate_key(chain.front()));
  if (!is_pinned(message, leaf))
    return Error{Errc::refused, "certificate is in the unprotected header, and nothing that is signed names it"};
  STEGPASS_CHECK_OK(verify_sign1(message, leaf, detached_payload, external_aad));
  return verify_chain(chain, roots, at);
}

}  // namespace stegpass::credential
