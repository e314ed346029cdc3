#include <stegpass/credential/hash_envelope.hpp>

#include <array>

#include <stegpass/credential/core/text.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxLocation = 2000;
constexpr std::array kLabels = {cose::kPayloadHashAlg, cose::kPreimageType, cose::kPayloadLocation};

Error bad(std::string detail) { return {Errc::malformed, "hash envelope: " + std::move(detail)}; }

Result<HashAlgorithm> read_algorithm(const Cbor& value) {
  std::int64_t number = 0;
  if (!value.as_integer(number)) return bad("label 258 is not a number");
  for (HashAlgorithm known : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    if (static_cast<std::int64_t>(known) == number) return known;
  }
  return Error{Errc::unsupported, "hash envelope: hash algorithm " + std::to_string(number) + ", expected -16, -43 or -44"};
}

// A text, or where numbers count too a CoAP content format.
Result<std::string> read_text(const Cbor* value, std::int64_t label, bool numbers) {
  if (!value) return std::string();
  if (const std::uint64_t* number = value->as_unsigned(); number && numbers) return std::to_string(*number);
  if (value->as_text() && is_plain_text(*value->as_text(), kMaxLocation)) return *value->as_text();
  return bad("label " + std::to_string(label) + " is not 1 to 2000 bytes of text without control characters");
}

std::size_t length_of(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::sha256 ? 32 : algorithm == HashAlgorithm::sha384 ? 48 : 64;
}

}  // namespace

Sign1 sign_hash_envelope(const PrivateKey& key, const HashEnvelope& envelope, std::int64_t issued_at) {
  const PublicKey& signer = key.public_key();
  const Cbor claims =
      Cbor::map({field(1, Cbor::text(signer.thumbprint_uri())),
                 field(2, Cbor::text("urn:stegpass:file:" + to_hex(envelope.digest))), field(6, cbor_time(issued_at))});
  CborMap header = {field(cose::kKid, Cbor::bytes(signer.thumbprint())), field(cose::kCwtClaims, claims),
                    field(cose::kPayloadHashAlg, Cbor::integer(static_cast<std::int64_t>(envelope.algorithm)))};
  if (!envelope.preimage_type.empty()) header.push_back(field(cose::kPreimageType, Cbor::text(envelope.preimage_type)));
  if (!envelope.location.empty()) header.push_back(field(cose::kPayloadLocation, Cbor::text(envelope.location)));
  return sign_sign1(key, std::move(header), {}, envelope.digest);
}

bool is_hash_envelope(const Sign1& message) {
  for (std::int64_t label : kLabels) {
    if (message.protected_header.find(label) || message.unprotected.find(label)) return true;
  }
  return false;
}

Result<HashEnvelope> read_hash_envelope(const Sign1& message) {
  for (std::int64_t label : kLabels) {
    if (message.unprotected.find(label)) return bad("label " + std::to_string(label) + " in the unprotected header");
  }
  if (message.protected_header.find(cose::kContentType) || message.unprotected.find(cose::kContentType))
    return bad("a content type (label 3), which would be the digest's");
  const Cbor* number = message.protected_header.find(cose::kPayloadHashAlg);
  if (!number) return bad("no hash algorithm (label 258)");
  STEGPASS_TRY(algorithm, read_algorithm(*number));
  STEGPASS_TRY(type, read_text(message.protected_header.find(cose::kPreimageType), cose::kPreimageType, true));
  STEGPASS_TRY(location, read_text(message.protected_header.find(cose::kPayloadLocation), cose::kPayloadLocation, false));
  if (!message.payload || message.payload->size() != length_of(algorithm))
    return bad("payload is not a digest of " + std::to_string(length_of(algorithm)) + " bytes");
  return HashEnvelope{algorithm, *message.payload, std::move(type), std::move(location)};
}

Status check_preimage(const HashEnvelope& envelope, ByteView content) {
  const Bytes found = hash_bytes(envelope.algorithm, content);
  if (equal_constant_time(found, envelope.digest)) return Done{};
  return bad("the file's digest is " + to_hex(found) + ", the envelope's " + to_hex(envelope.digest));
}

}  // namespace stegpass::credential
