#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/cbor_view.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>

#include "cose_view.hpp"

namespace stegpass::credential {

/// What all that we sign has in common (credential-standards section 13): protected header {alg, content type, kid, claims {iss,
/// sub, iat}, typ}, payload a map of claims that repeats iss, sub and iat.
struct Envelope {
  std::int64_t algorithm = 0;
  std::string_view typ;  ///< as the message has it
  std::string issuer, subject;
  std::int64_t issued_at = 0;
  Digest32 kid{};
  std::vector<Bytes> certificates;     ///< x5chain, in a registration alone; the leaf's key is the one that kid names
  std::optional<CborDocument> claims;  ///< the payload, whose `iss`, `sub`, `iat` equal the header's
};

/// Errors  malformed; unsupported on an algorithm that we do not know. The signature is not looked at. The envelope views the
/// message's octets.
Result<Envelope> open_envelope(const Sign1View& message);

/// Checks the signature with `key`, and that `kid` and issuer name it.
Status verify_envelope(const Sign1View& message, const Envelope& envelope, const PublicKey& key);
/// The same of parts, whose signer a message names by `kid` and `issuer`.
Status verify_signer(const SignedParts& parts, const Digest32& kid, const std::string& issuer, const PublicKey& key);

struct EnvelopeHead {
  std::string_view typ;
  std::string subject;
  std::int64_t issued_at = 0;
  std::vector<Bytes> certificates;
};
/// Signs `claims`, to which iss, sub and iat are added.
Sign1 sign_envelope(const PrivateKey& key, const EnvelopeHead& head, CborMap claims);

}  // namespace stegpass::credential
