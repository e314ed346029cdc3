#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// What all that we sign has in common (credential-standards section 13): protected header {alg, content type, kid, claims {iss,
/// sub, iat}, typ}, payload a map of claims that repeats iss, sub and iat.
struct Envelope {
  std::string typ, issuer, subject;
  std::int64_t issued_at = 0;
  Digest32 kid{};
  std::vector<Bytes> certificates;  ///< x5chain, in a registration alone; the leaf's key is the one that kid names
  Cbor claims;  ///< the payload, decoded; `iss`, `sub`, `iat` in it equal the header's
};

/// Errors  malformed; unsupported on an algorithm that we do not know. The signature is not looked at.
Result<Envelope> open_envelope(const Sign1& message);

/// Checks the signature with `key`, and that `kid` and issuer name it.
Status verify_envelope(const Sign1& message, const Envelope& envelope, const PublicKey& key);

struct EnvelopeHead {
  std::string_view typ;
  std::string subject;
  std::int64_t issued_at = 0;
  std::vector<Bytes> certificates;
};
/// Signs `claims`, to which iss, sub and iat are added.
Sign1 sign_envelope(const PrivateKey& key, const EnvelopeHead& head, CborMap claims);

}  // namespace stegpass::credential
