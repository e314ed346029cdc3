#pragma once

#include <cstdint>
#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>

namespace stegpass::credential {

/// A signed digest of something large that travels beside it (RFC 9995): the payload is the digest, labels 258 to 260 say of
/// what.
struct HashEnvelope {
  HashAlgorithm algorithm = HashAlgorithm::sha256;
  Bytes digest;
  std::string preimage_type;  ///< label 259, a media type or a CoAP number as text; empty when not said
  std::string location;       ///< label 260; empty when not said
};

/// Signs SHA-256 `digest`: a SCITT Signed Statement {alg, kid, 15: {iss, sub, iat}, 258, 259, 260?} with sub
/// `urn:stegpass:file:HEX`. Requires texts without control characters.
Sign1 sign_hash_envelope(const PrivateKey& key, const HashEnvelope& envelope, std::int64_t issued_at);

/// Whether a message says that it is one: any of the three labels in any header.
bool is_hash_envelope(const Sign1& message);

/// Reads what a message says of its payload. The signature is not looked at.
/// Errors  malformed: no 258, one of the labels in the unprotected header, a content type (3) in either, a digest of another
/// length;
///         unsupported on other hashes than SHA-256, -384 and -512.
Result<HashEnvelope> read_hash_envelope(const Sign1& message);

/// Whether `content` is what the envelope is about. Errors malformed, with both digests.
Status check_preimage(const HashEnvelope& envelope, ByteView content);

}  // namespace stegpass::credential
