#include <stegpass/credential/timestamp.hpp>

#include <openssl/err.h>
#include <openssl/ts.h>

#include <array>
#include <ctime>
#include <new>
#include <stdexcept>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "x509_store.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxToken = std::size_t{1} << 20;

using RequestPtr = std::unique_ptr<TS_REQ, FreeWith<TS_REQ_free>>;
using ImprintPtr = std::unique_ptr<TS_MSG_IMPRINT, FreeWith<TS_MSG_IMPRINT_free>>;
using AlgorithmPtr = std::unique_ptr<X509_ALGOR, FreeWith<X509_ALGOR_free>>;
using IntegerPtr = std::unique_ptr<ASN1_INTEGER, FreeWith<ASN1_INTEGER_free>>;
using ResponsePtr = std::unique_ptr<TS_RESP, FreeWith<TS_RESP_free>>;
using TokenPtr = std::unique_ptr<PKCS7, FreeWith<PKCS7_free>>;
using InfoPtr = std::unique_ptr<TS_TST_INFO, FreeWith<TS_TST_INFO_free>>;
using VerifyPtr = std::unique_ptr<TS_VERIFY_CTX, FreeWith<TS_VERIFY_CTX_free>>;
inline void free_borrowed(X509Chain* chain) { sk_X509_free(chain); }
using BorrowedStackPtr = std::unique_ptr<X509Chain, FreeWith<free_borrowed>>;

Error bad(std::string detail) { return {Errc::malformed, "timestamp: " + std::move(detail)}; }

void require_made(bool made) {
  if (!made) throw std::bad_alloc();
}

// OpenSSL's last word on why, and an empty queue.
std::string last_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string out = reason ? reason : "no reason given";
  ERR_clear_error();
  return out;
}

// Exactly one item in DER.
template <class Handle, class Read>
Handle read_whole(ByteView der, Read read) {
  if (der.empty() || der.size() > kMaxToken) return nullptr;
  const std::uint8_t* at = der.data();
  Handle out(read(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  return at == der.data() + der.size() ? std::move(out) : nullptr;
}

template <class T, class Write>
Bytes write_der(T* item, Write write) {
  const int size = write(item, nullptr);
  require_made(size > 0);
  Bytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.data();
  write(item, &at);
  return out;
}

ImprintPtr imprint_of(ByteView content) {
  ImprintPtr imprint(TS_MSG_IMPRINT_new());
  const AlgorithmPtr algorithm(X509_ALGOR_new());
  require_made(imprint && algorithm && X509_ALGOR_set0(algorithm.get(), OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nullptr) == 1);
  Digest32 digest = fast_sha256(content);
  require_made(TS_MSG_IMPRINT_set_algo(imprint.get(), algorithm.get()) == 1 &&
               TS_MSG_IMPRINT_set_msg(imprint.get(), digest.data(), static_cast<int>(digest.size())) == 1);
  return imprint;
}

// The COSE name of an imprint's hash.
Result<HashAlgorithm> hash_of(TS_MSG_IMPRINT* imprint) {
  const ASN1_OBJECT* name = nullptr;
  X509_ALGOR_get0(&name, nullptr, nullptr, TS_MSG_IMPRINT_get_algo(imprint));
  switch (OBJ_obj2nid(name)) {
    case NID_sha256: return HashAlgorithm::sha256;
    case NID_sha384: return HashAlgorithm::sha384;
    case NID_sha512: return HashAlgorithm::sha512;
    default: return Error{Errc::unsupported, "timestamp: imprint by another hash than SHA-256, SHA-384 and SHA-512"};
  }
}

Result<Bytes> check_imprint(TS_TST_INFO* info, ByteView content) {
  TS_MSG_IMPRINT* imprint = TS_TST_INFO_get_msg_imprint(info);
  STEGPASS_TRY(algorithm, hash_of(imprint));
  const ASN1_OCTET_STRING* said = TS_MSG_IMPRINT_get_msg(imprint);
  const Bytes digest = hash_bytes(algorithm, content);
  if (!equal_constant_time(digest, ByteView(ASN1_STRING_get0_data(said), static_cast<std::size_t>(ASN1_STRING_length(said))))) {
    return bad("it is over other bytes than these, whose digest is " + to_hex(digest));
  }
  return digest;
}

Result<std::int64_t> time_of(const TS_TST_INFO* info) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(TS_TST_INFO_get_time(info), &parts) != 1) return ERR_clear_error(), bad("its time is no time");
  return static_cast<std::int64_t>(timegm(&parts));
}

std::string signer_of(PKCS7* token) {
  const BorrowedStackPtr signers(PKCS7_get0_signers(token, nullptr, 0));
  ERR_clear_error();
  return signers && sk_X509_num(signers.get()) == 1 ? subject_of(sk_X509_value(signers.get(), 0)) : "an unknown authority";
}

// Whether a failure was about the certificate, and so about whom the verifier trusts, rather than about the token's bytes.
bool is_about_trust(unsigned long error) {
  return (ERR_GET_LIB(error) == ERR_LIB_TS && ERR_GET_REASON(error) == TS_R_CERTIFICATE_VERIFY_ERROR) ||
         (ERR_GET_LIB(error) == ERR_LIB_PKCS7 && ERR_GET_REASON(error) == PKCS7_R_SIGNER_CERTIFICATE_NOT_FOUND);
}

// One root at a time, so that the one which held has a name.
Status check_signature(PKCS7* token, const Bytes& digest, const TrustedRoot& root, std::int64_t at) {
  STEGPASS_TRY(store, trust_store({root}, at));
  const VerifyPtr context(TS_VERIFY_CTX_new());
  auto* imprint = static_cast<std::uint8_t*>(OPENSSL_memdup(digest.data(), digest.size()));
  require_made(context && imprint);
  TS_VERIFY_CTX_set_flags(context.get(), TS_VFY_VERSION | TS_VFY_IMPRINT | TS_VFY_SIGNATURE);
  TS_VERIFY_CTX_set_imprint(context.get(), imprint, static_cast<long>(digest.size()));  // the context owns both from here on
  TS_VERIFY_CTX_set_store(context.get(), store.release());
  if (TS_RESP_verify_token(context.get(), token) == 1) return Done{};
  const bool trust = is_about_trust(ERR_peek_last_error());
  return Error{trust ? Errc::refused : Errc::malformed, "timestamp by " + signer_of(token) + ": " + last_reason()};
}

}  // namespace

Bytes encode_time_request(ByteView content, ByteView nonce) {
  const RequestPtr request(TS_REQ_new());
  const ImprintPtr imprint = imprint_of(content);
  const BnPtr number(BN_bin2bn(nonce.data(), static_cast<int>(nonce.size()), nullptr));
  const IntegerPtr integer(number ? BN_to_ASN1_INTEGER(number.get(), nullptr) : nullptr);
  require_made(request && integer && TS_REQ_set_version(request.get(), 1) == 1 &&
               TS_REQ_set_msg_imprint(request.get(), imprint.get()) == 1 && TS_REQ_set_nonce(request.get(), integer.get()) == 1 &&
               TS_REQ_set_cert_req(request.get(), 1) == 1);
  return write_der(request.get(), i2d_TS_REQ);
}

Result<Bytes> read_time_response(ByteView response, ByteView request) {
  const auto asked = read_whole<RequestPtr>(request, d2i_TS_REQ);
  if (!asked) return bad("request is not TimeStampReq in DER");
  const auto answer = read_whole<ResponsePtr>(response, d2i_TS_RESP);
  if (!answer) return bad("response is not TimeStampResp in DER");
  const VerifyPtr context(TS_REQ_to_TS_VERIFY_CTX(asked.get(), nullptr));
  if (!context) return bad("request has no imprint that can be compared: " + last_reason());
  const bool has_nonce = TS_REQ_get_nonce(asked.get()) != nullptr;
  TS_VERIFY_CTX_set_flags(context.get(),
                          TS_VFY_VERSION | TS_VFY_IMPRINT | (has_nonce ? TS_VFY_NONCE : 0));  // trust is not asked here
  const long status = ASN1_INTEGER_get(TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(answer.get())));
  const bool granted = status == TS_STATUS_GRANTED || status == TS_STATUS_GRANTED_WITH_MODS;
  if (!granted) return Error{Errc::refused, "timestamp: the authority granted none, status " + std::to_string(status)};
  if (TS_RESP_verify_response(context.get(), answer.get()) != 1)
    return bad("response does not answer the request: " + last_reason());
  return write_der(TS_RESP_get_token(answer.get()), i2d_PKCS7);
}

Result<Timestamp> verify_time_token(ByteView token, ByteView content, const std::vector<TrustedRoot>& roots) {
  const auto read = read_whole<TokenPtr>(token, d2i_PKCS7);
  const InfoPtr info(read && PKCS7_type_is_signed(read.get()) ? PKCS7_to_TS_TST_INFO(read.get()) : nullptr);
  ERR_clear_error();
  if (!info) return bad("not a token (SignedData with TSTInfo) in DER");
  STEGPASS_TRY(digest, check_imprint(info.get(), content));
  STEGPASS_TRY(time, time_of(info.get()));
  Error last{Errc::refused, "timestamp by " + signer_of(read.get()) + ": no authority of time is trusted"};
  for (const TrustedRoot& root : roots) {
    const Status held = check_signature(read.get(), digest, root, time);
    if (held) return Timestamp{time, signer_of(read.get()), root.name};
    last = held.error();
  }
  return last;
}

Bytes signature_as_content(const Sign1& message) { return encode_cbor(Cbor::bytes(message.signature)); }

}  // namespace stegpass::credential
