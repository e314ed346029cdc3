#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>

// Time from outside the ledger: RFC 3161 requests and responses, and tokens in COSE headers (RFC 9921). Nothing here opens a
// connection; the request's bytes are taken to an authority by whoever likes to.
namespace stegpass::credential {

inline constexpr std::size_t kTimeNonceBytes = 16;

/// A request for a token over SHA-256 of `content`, with `nonce` (1 to 20 bytes, first not 0), asking for the certificates too.
/// DER.
Bytes encode_time_request(ByteView content, ByteView nonce);

/// The token in an authority's response. Whether the authority is trusted is not looked at.
/// Errors  refused when the authority granted none, with what it said; malformed, also when it answers another request.
Result<Bytes> read_time_response(ByteView response, ByteView request);

/// What a token says, once checked: the content existed no later than `time`.
struct Timestamp {
  std::int64_t time = 0;  ///< genTime, seconds since 1970
  std::string authority;  ///< subject of the certificate that signed
  std::string root;       ///< name of the trusted root that it leads to
};

/// Checks a token (DER) over `content`: imprint by SHA-256, -384 or -512, signature, and the authority's certificate, which must
/// be for timestamping alone and lead to one of `roots`. Certificates are judged at the token's own time, so that tokens outlive
/// them. Errors  malformed (shape, imprint, signature); refused when the certificate leads to none of the roots; unsupported
/// (hash).
Result<Timestamp> verify_time_token(ByteView token, ByteView content, const std::vector<TrustedRoot>& roots);

/// What a token in the unprotected label 270 (3161-ctt) is over: the encoded signature field. RFC 9921, section 3.1.
Bytes signature_as_content(const Sign1& message);

}  // namespace stegpass::credential
