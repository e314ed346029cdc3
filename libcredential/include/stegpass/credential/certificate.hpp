#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// A certificate that a verifier trusts to begin chains, by the name he gave it.
struct TrustedRoot {
  std::string name;
  Bytes certificate;  ///< X.509 in DER

  friend bool operator==(const TrustedRoot&, const TrustedRoot&) = default;
};

/// Whether this is exactly one X.509 certificate in DER, of at most 64 KiB. Errors malformed.
Status check_certificate(ByteView der);
/// Every certificate of a PEM file in its order, at most 8; or the one of a DER file. Errors malformed.
Result<std::vector<Bytes>> read_certificates(ByteView file);

/// The certificates of label 33 (x5chain, RFC 9360), leaf first, at most 8, from either header; none when it is absent.
/// Errors  malformed, also when label 34 (x5t) names another leaf.
Result<std::vector<Bytes>> certificates_of(const Sign1& message);
/// The value of label 33 for a chain.
Cbor encode_x5chain(const std::vector<Bytes>& chain);

/// The key of a certificate. Errors  malformed; unsupported for key types that PublicKey does not have (RSA among them).
Result<PublicKey> certificate_key(ByteView certificate);

/// A leaf whose chain led to a root.
struct CertifiedKey {
  PublicKey key;
  std::string subject;  ///< of the leaf, RFC 2253
  std::string root;     ///< name of the trusted root
};

/// Checks signatures, dates at `at` (seconds since 1970), basic constraints and key usage (digitalSignature, where usage is said)
/// from the leaf up to one of `roots`, with OpenSSL at security level 2 (no SHA-1, RSA from 2,048 bits). Revocation of
/// certificates is not looked up. Errors  refused ("certificate ...") when the chain leads to none of the roots or breaks on the
/// way; malformed; unsupported.
Result<CertifiedKey> verify_chain(const std::vector<Bytes>& chain, const std::vector<TrustedRoot>& roots, std::int64_t at);

/// Verifies a message by the key of its certificate and that certificate by its chain. A chain in the unprotected header counts
/// only with x5t, or a kid that is the key's thumbprint, in the protected one: otherwise anybody could have put it there. Errors
/// as of `verify_chain` and `verify_sign1`; not_found without a chain.
Result<CertifiedKey> verify_certified(const Sign1& message, const std::vector<TrustedRoot>& roots, std::int64_t at,
                                      std::optional<ByteView> detached_payload = {}, ByteView external_aad = {});

}  // namespace stegpass::credential
