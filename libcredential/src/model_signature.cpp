#include <stegpass/credential/model_signature.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key_formats.hpp>

#include "json.hpp"
#include "openssl_handles.hpp"
#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, FreeWith<X509_free>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;
struct FreeChain {
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
};
using ChainPtr = std::unique_ptr<STACK_OF(X509), FreeChain>;

constexpr const char* kMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
constexpr std::string_view kMediaFamily = "application/vnd.dev.sigstore.bundle";
constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";
constexpr std::size_t kMaxBundle = 512u << 20, kMaxCertificate = 64u << 10, kMaxChain = 16, kMaxSignature = 200;

Error bad(std::string detail) { return {Errc::malformed, "model signature: " + std::move(detail)}; }

BioPtr memory(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(std::min<std::size_t>(text.size(), 1u << 30))));
}

/// Nobody is asked at a terminal for the passphrase of somebody else's PEM.
int no_passphrase(char*, int, int, void*) { return 0; }

// ---- the bundle

Bytes read_base64(Fields& from, const char* name, std::size_t max) {
  const Result<Bytes> bytes = parse_base64(from.text(name, max / 3 * 4 + 4));
  from.require(from.failed() || bytes.ok(), std::string(name) + " is no base64");
  return bytes ? *bytes : Bytes{};
}

void read_chain(Fields chain, ModelSignature& out, std::optional<Error>& error) {
  for (const CborView item : chain.array("certificates", 1, kMaxChain)) {
    Fields certificate(item, "certificate", error);
    out.certificates.push_back(read_base64(certificate, "rawBytes", kMaxCertificate));
  }
}

// Bundles before 1.1 hold the key itself instead of a hint; it is not a key to trust, so it is not kept.
void read_key(Fields key, ModelSignature& out) {
  if (key.has("hint"))
    out.key_hint = key.text("hint");
  else
    key.text("rawBytes", kMaxCertificate);
}

void read_material(Fields material, ModelSignature& out, std::optional<Error>& error) {
  const bool key = material.has("publicKey"), chain = material.has("x509CertificateChain");
  material.require(key != chain, "is not one of publicKey and x509CertificateChain");
  if (key) read_key(material.map("publicKey"), out);
  if (chain) read_chain(material.map("x509CertificateChain"), out, error);
}

void read_envelope(Fields envelope, ModelSignature& out, std::optional<Error>& error) {
  out.payload = read_base64(envelope, "payload", kMaxBundle);
  envelope.require(envelope.text("payloadType") == kPayloadType, "payloadType is not " + std::string(kPayloadType));
  const CborElements signatures = envelope.array("signatures", 1, 1);
  if (!signatures.empty()) {
    Fields signature(signatures[0], "signature", error);
    out.signature = read_base64(signature, "sig", kMaxSignature);
  }
  envelope.finish();
}

// A bundle whose signer is named by the network's own authorities: one certificate, and an entry in their log.
std::optional<Error> check_sigstore(const Cbor& bundle) {
  const Cbor* material = bundle.as_map() ? bundle.find("verificationMaterial") : nullptr;
  if (!material || !material->as_map() || !material->find("certificate")) return std::nullopt;
  const Cbor* entries = material->find("tlogEntries");
  if (!entries || !entries->as_array() || entries->as_array()->empty()) return bad("method sigstore without an entry of its log");
  return Error{Errc::unsupported, "model signature of method sigstore, expected key or certificate"};
}

Cbor text_map(std::initializer_list<std::pair<const char*, Cbor>> pairs) {
  CborMap out;
  for (const auto& [name, value] : pairs) out.emplace_back(Cbor::text(name), value);
  return Cbor::map(std::move(out));
}

// ---- keys and signatures

/// ECDSA's curve decides the hash; null for keys that the standard does not have.
const EVP_MD* hash_of(const EVP_PKEY* key) {
  std::array<char, 32> group{};
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return nullptr;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) return nullptr;
  switch (OBJ_txt2nid(group.data())) {
    case NID_X9_62_prime256v1: return EVP_sha256();
    case NID_secp384r1: return EVP_sha384();
    case NID_secp521r1: return EVP_sha512();
    default: return nullptr;
  }
}

Status check_signature(EVP_PKEY* key, const ModelSignature& signature) {
  const EVP_MD* hash = hash_of(key);
  if (!hash) return Error{Errc::unsupported, "model signature by a key of another type than P-256, P-384 and P-521"};
  const Bytes signed_octets = dsse_pae(kPayloadType, signature.payload);
  const DigestContextPtr context(EVP_MD_CTX_new());
  const bool good = context && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
                    EVP_DigestVerify(context.get(), signature.signature.data(), signature.signature.size(), signed_octets.data(),
                                     signed_octets.size()) == 1;
  ERR_clear_error();
  return good ? Status(Done{}) : Status(bad("signature does not verify"));
}

/// The text that other tools hash to name a key.
std::string pem_of(EVP_PKEY* key) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  if (!out || PEM_write_bio_PUBKEY(out.get(), key) != 1) return {};
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

// ASN.1's INTEGER of a big-endian number.
void append_integer(Bytes& out, ByteView number) {
  while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
  const bool pad = number[0] >= 0x80;
  out.push_back(0x02);
  out.push_back(static_cast<std::uint8_t>(number.size() + (pad ? 1 : 0)));
  if (pad) out.push_back(0);
  append(out, number);
}

Bytes der_of(ByteView raw) {
  Bytes numbers;
  append_integer(numbers, raw.first(raw.size() / 2));
  append_integer(numbers, raw.subspan(raw.size() / 2));
  Bytes out{0x30, static_cast<std::uint8_t>(numbers.size())};
  append(out, numbers);
  return out;
}

// ---- certificates

Result<CertificatePtr> read_certificate(ByteView der) {
  const unsigned char* at = der.data();
  CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!certificate || at != der.data() + der.size()) return bad("a certificate is no X.509 in DER");
  return certificate;
}

Bytes der_of(X509* certificate) {
  Bytes der(static_cast<std::size_t>(std::max(0, i2d_X509(certificate, nullptr))));
  unsigned char* at = der.data();
  i2d_X509(certificate, &at);
  return der;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::string subject_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  char* text = nullptr;
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(std::max(0L, size)));
}

/// A certificate is for signing when its key usage or its extended key usage says so.
bool may_sign(X509* leaf) {
  const bool stated = (X509_get_extension_flags(leaf) & EXFLAG_KUSAGE) != 0;
  if (stated && (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0) return true;
  return (X509_get_extension_flags(leaf) & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(leaf) & XKU_CODE_SIGN) != 0;
}

Result<StorePtr> store_of(std::string_view roots_pem) {
  STEGPASS_TRY(roots, certificates_of_pem(roots_pem));
  StorePtr store(X509_STORE_new());
  for (const Bytes& root : roots) {
    STEGPASS_TRY(certificate, read_certificate(root));
    X509_STORE_add_cert(store.get(), certificate.get());
  }
  return store;
}

Status check_chain(X509_STORE* store, X509* leaf, STACK_OF(X509) * others) {
  const StoreContextPtr context(X509_STORE_CTX_new());
  if (!context || X509_STORE_CTX_init(context.get(), store, leaf, others) != 1) return bad("its certificates cannot be checked");
  X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(context.get()), seconds_of(X509_get0_notBefore(leaf)));
  const bool leads = X509_verify_cert(context.get()) == 1;
  const int why = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (leads) return Done{};
  return Error{Errc::refused,
               std::string("the signer's certificate does not lead to one of the roots: ") + X509_verify_cert_error_string(why)};
}

}  // namespace

Bytes dsse_pae(std::string_view payload_type, ByteView payload) {
  Bytes out;
  append(out, "DSSEv1 " + std::to_string(payload_type.size()) + " ");
  append(out, payload_type);
  append(out, " " + std::to_string(payload.size()) + " ");
  append(out, payload);
  return out;
}

std::string encode_model_signature(const ModelSignature& signature) {
  CborArray chain;
  for (const Bytes& certificate : signature.certificates)
    chain.push_back(text_map({{"rawBytes", Cbor::text(to_base64(certificate))}}));
  const Cbor key = text_map({{"hint", Cbor::text(signature.key_hint)}});
  const Cbor certificates = text_map({{"certificates", Cbor::array(chain)}});
  const Cbor material = text_map({chain.empty() ? std::pair{"publicKey", key} : std::pair{"x509CertificateChain", certificates},
                                  {"tlogEntries", Cbor::array({})}});
  const Cbor one = text_map({{"sig", Cbor::text(to_base64(signature.signature))}, {"keyid", Cbor::text("")}});
  const Cbor envelope = text_map({{"payload", Cbor::text(to_base64(signature.payload))},
                                  {"payloadType", Cbor::text(kPayloadType)},
                                  {"signatures", Cbor::array({one})}});
  return encode_json(
      text_map({{"mediaType", Cbor::text(kMediaType)}, {"verificationMaterial", material}, {"dsseEnvelope", envelope}}));
}

Result<ModelSignature> decode_model_signature(ByteView bundle) {
  STEGPASS_TRY(item, parse_json(as_text(bundle)));
  if (const auto error = check_sigstore(item)) return *error;
  std::optional<Error> error;
  ModelSignature out;
  Fields top(item, "model signature", error);
  top.require(top.text("mediaType").starts_with(kMediaFamily), "mediaType is no Sigstore bundle");
  read_material(top.map("verificationMaterial"), out, error);
  read_envelope(top.map("dsseEnvelope"), out, error);
  top.finish();
  if (error) return *error;
  return out;
}

Result<ModelSignature> sign_model(const PrivateKey& key, const ModelManifest& manifest, std::vector<Bytes> certificates) {
  if (key.public_key().type() != KeyType::p256) {
    return Error{Errc::unsupported, "model signatures are by P-256 keys: the standard has no Ed25519"};
  }
  const std::string pem = pem_public_key(key.public_key());
  ModelSignature out{.payload = to_bytes(encode_model_manifest(manifest)), .certificates = std::move(certificates)};
  if (!out.certificates.empty()) {
    STEGPASS_TRY(leaf, read_certificate(out.certificates[0]));
    if (pem_of(X509_get0_pubkey(leaf.get())) != pem) return Error{Errc::usage, "the first certificate is of another key"};
  } else {
    out.key_hint = to_hex(fast_sha256(as_bytes(pem)));
  }
  out.signature = der_of(key.sign(dsse_pae(kPayloadType, out.payload)));
  return out;
}

Status verify_model_signature(const ModelSignature& signature, std::string_view public_key_pem) {
  const BioPtr text = memory(public_key_pem);
  const PkeyPtr key(PEM_read_bio_PUBKEY(text.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) return Error{Errc::malformed, "the key is no public key in PEM"};
  if (!signature.certificates.empty())
    return Error{Errc::refused, "the model is signed by a certificate: give its roots instead of a key"};
  const std::string name = to_hex(fast_sha256(as_bytes(pem_of(key.get()))));
  if (!signature.key_hint.empty() && signature.key_hint != name) {
    return Error{Errc::refused, "the model is signed by another key, with hint " + signature.key_hint + ", not " + name};
  }
  return check_signature(key.get(), signature);
}

Result<CertifiedSigner> verify_certified_model_signature(const ModelSignature& signature, std::string_view roots_pem) {
  if (signature.certificates.empty())
    return Error{Errc::refused, "the model is signed by a bare key: give the key instead of roots"};
  STEGPASS_TRY(store, store_of(roots_pem));
  STEGPASS_TRY(leaf, read_certificate(signature.certificates[0]));
  const ChainPtr others(sk_X509_new_null());
  for (std::size_t i = 1; i < signature.certificates.size(); ++i) {
    STEGPASS_TRY(certificate, read_certificate(signature.certificates[i]));
    if (sk_X509_push(others.get(), certificate.get()) > 0) static_cast<void>(certificate.release());
  }
  STEGPASS_CHECK_OK(check_chain(store.get(), leaf.get(), others.get()));
  if (!may_sign(leaf.get())) return Error{Errc::refused, "the signer's certificate is not for signing"};
  STEGPASS_CHECK_OK(check_signature(X509_get0_pubkey(leaf.get()), signature));
  return CertifiedSigner{subject_of(leaf.get()), seconds_of(X509_get0_notBefore(leaf.get())),
                         seconds_of(X509_get0_notAfter(leaf.get()))};
}

Result<std::vector<Bytes>> certificates_of_pem(std::string_view pem) {
  const BioPtr text = memory(pem);
  std::vector<Bytes> out;
  while (const CertificatePtr certificate{PEM_read_bio_X509(text.get(), nullptr, no_passphrase, nullptr)})
    out.push_back(der_of(certificate.get()));
  const bool ended = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (out.empty() || !ended) return Error{Errc::malformed, "the certificates are no X.509 in PEM"};
  return out;
}

}  // namespace stegpass::credential
