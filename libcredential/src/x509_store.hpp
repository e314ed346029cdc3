#pragma once

#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <cstdint>
#include <string>
#include <vector>

#include <stegpass/credential/certificate.hpp>

#include "openssl_handles.hpp"

namespace stegpass::credential {

using X509Chain = STACK_OF(X509);
inline void free_chain(X509Chain* chain) { sk_X509_pop_free(chain, X509_free); }

using BioPtr = std::unique_ptr<BIO, FreeWith<BIO_free>>;
using X509Ptr = std::unique_ptr<X509, FreeWith<X509_free>>;
using X509StackPtr = std::unique_ptr<X509Chain, FreeWith<free_chain>>;
using StorePtr = std::unique_ptr<X509_STORE, FreeWith<X509_STORE_free>>;
using StoreContextPtr = std::unique_ptr<X509_STORE_CTX, FreeWith<X509_STORE_CTX_free>>;

/// Exactly one certificate of at most 64 KiB. Errors malformed.
Result<X509Ptr> decode_certificate(ByteView der);
Bytes der_of(const X509* certificate);
/// The subject as RFC 2253 writes it, without control characters.
std::string subject_of(const X509* certificate);
/// A store that trusts `roots` and judges dates at `at`. Errors malformed.
Result<StorePtr> trust_store(const std::vector<TrustedRoot>& roots, std::int64_t at);
/// The name of the root that a chain ended in.
std::string root_name(const std::vector<TrustedRoot>& roots, const X509* certificate);

}  // namespace stegpass::credential
