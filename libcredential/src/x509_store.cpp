#include "x509_store.hpp"

#include <openssl/err.h>

#include <algorithm>
#include <ctime>
#include <new>

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxCertificate = std::size_t{64} << 10;
constexpr int kSecurityLevel = 2;  // OpenSSL's: no SHA-1, RSA from 2,048 bits, curves from 224

}  // namespace

Result<X509Ptr> decode_certificate(ByteView der) {
  if (der.size() > kMaxCertificate) return Error{Errc::malformed, "certificate of over 64 KiB"};
  const std::uint8_t* at = der.data();
  X509Ptr read(der.empty() ? nullptr : d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!read) return ERR_clear_error(), Error{Errc::malformed, "certificate is not X.509 in DER"};
  if (at != der.data() + der.size()) return Error{Errc::malformed, "certificate with bytes after it"};
  return read;
}

Bytes der_of(const X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) throw std::bad_alloc();
  Bytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.data();
  i2d_X509(certificate, &at);
  return out;
}

std::string subject_of(const X509* certificate) {
  const BioPtr sink(BIO_new(BIO_s_mem()));
  if (!sink || X509_NAME_print_ex(sink.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) throw std::bad_alloc();
  char* text = nullptr;
  const long size = BIO_get_mem_data(sink.get(), &text);
  std::string out(text, static_cast<std::size_t>(std::min(size, 300L)));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

Result<StorePtr> trust_store(const std::vector<TrustedRoot>& roots, std::int64_t at) {
  StorePtr store(X509_STORE_new());
  if (!store) throw std::bad_alloc();
  for (const TrustedRoot& root : roots) {
    STEGPASS_TRY(certificate, decode_certificate(root.certificate));
    if (X509_STORE_add_cert(store.get(), certificate.get()) != 1) throw std::bad_alloc();
  }
  X509_VERIFY_PARAM* rules = X509_STORE_get0_param(store.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<std::time_t>(at));
  X509_VERIFY_PARAM_set_auth_level(rules, kSecurityLevel);
  return store;
}

std::string root_name(const std::vector<TrustedRoot>& roots, const X509* certificate) {
  const Bytes der = der_of(certificate);
  const auto found = std::find_if(roots.begin(), roots.end(), [&](const TrustedRoot& root) { return root.certificate == der; });
  return found == roots.end() ? "" : found->name;
}

}  // namespace stegpass::credential
