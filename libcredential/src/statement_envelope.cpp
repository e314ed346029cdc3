#include "statement_envelope.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::int64_t kIss = 1, kSub = 2, kIat = 6;
constexpr const char* kPayloadType = "application/cbor";

Status check_algorithm(const Cbor& protected_header) {
  constexpr std::array known = {cose::kEd25519, cose::kEdDsa, cose::kEsp256, cose::kEs256};
  const Cbor* alg = protected_header.find(cose::kAlg);
  std::int64_t number = 0;
  if (!alg || !alg->as_integer(number)) return Error{Errc::malformed, "protected header: no algorithm number"};
  if (std::find(known.begin(), known.end(), number) != known.end()) return Done{};
  return Error{Errc::unsupported, "algorithm " + std::to_string(number) + " is none of -19, -9, -8, -7"};
}

// What says of itself that it is somebody else's is unsupported, before it is found to lack what ours have.
Status check_profile(const Cbor& header) {
  const Cbor* typ = header.find(cose::kTyp);
  const std::string* text = typ ? typ->as_text() : nullptr;
  if (!text || text->starts_with("application/stegpass-") || *text == "application/statuslist+cwt") return Done{};
  return Error{Errc::unsupported, "a message of another profile, typ " + cbor_diagnostic(*typ)};
}

// The owner's certificate with its chain. Who certified it is the verifier's business; that it is the signer's is checked here.
void read_certificates(const Sign1& message, Fields& header, Envelope& out) {
  header.skip(cose::kX5chain);
  auto chain = certificates_of(message);
  if (!chain) return header.refuse(chain.error().detail);
  const auto leaf = certificate_key(chain->front());
  if (!leaf) return header.refuse(leaf.error().detail);
  header.require(leaf->thumbprint() == out.kid, "x5chain certifies " + leaf->thumbprint_uri() + ", not the signer");
  out.certificates = std::move(*chain);
}

// The three claims that header and payload both carry.
void read_common(Fields& claims, Envelope& out) {
  out.issuer = claims.text(kIss);
  out.subject = claims.text(kSub);
  out.issued_at = claims.time(kIat);
}

}  // namespace

Result<Envelope> open_envelope(const Sign1& message) {
  STEGPASS_CHECK_OK(check_algorithm(message.protected_header));
  STEGPASS_CHECK_OK(check_profile(message.protected_header));
  if (encode_cbor(message.protected_header) != message.protected_bytes) {
    return Error{Errc::malformed, "protected header is not in its deterministic encoding"};
  }
  if (!message.payload) return Error{Errc::malformed, "payload is detached, expected the claims"};
  STEGPASS_TRY(claims, decode_cbor(*message.payload));

  std::optional<Error> error;
  Envelope out, repeated;
  Fields header(message.protected_header, "protected header", error);
  header.skip(cose::kAlg);
  header.require(header.text(cose::kContentType) == kPayloadType, "content type is not application/cbor");
  out.kid = header.digest<32>(cose::kKid);
  out.typ = header.text(cose::kTyp);
  Fields header_claims = header.map(cose::kCwtClaims);
  read_common(header_claims, out);
  header_claims.finish();
  if (out.typ == statement_typ(StatementKind::registration) && header.has(cose::kX5chain)) read_certificates(message, header, out);
  header.finish();
  Fields payload(claims, "claims", error);
  read_common(payload, repeated);
  payload.require(repeated.issuer == out.issuer && repeated.subject == out.subject && repeated.issued_at == out.issued_at,
                  "iss, sub or iat differs from the protected header's");
  header.require(out.issuer == thumbprint_uri(out.kid), "issuer is not the thumbprint in kid");
  if (error) return *error;
  out.claims = std::move(claims);
  return out;
}

Status verify_envelope(const Sign1& message, const Envelope& envelope, const PublicKey& key) {
  if (envelope.kid != key.thumbprint()) {
    return Error{Errc::malformed, "signer is " + envelope.issuer + ", expected " + key.thumbprint_uri()};
  }
  return verify_sign1(message, key);
}

Sign1 sign_envelope(const PrivateKey& key, const EnvelopeHead& head, CborMap claims) {
  const Cbor issuer = Cbor::text(key.public_key().thumbprint_uri()), subject = Cbor::text(head.subject);
  const CborMap common = {field(kIss, issuer), field(kSub, subject), field(kIat, cbor_time(head.issued_at))};
  claims.insert(claims.end(), common.begin(), common.end());
  CborMap header = {field(cose::kContentType, Cbor::text(kPayloadType)),
                    field(cose::kKid, Cbor::bytes(key.public_key().thumbprint())), field(cose::kCwtClaims, Cbor::map(common)),
                    field(cose::kTyp, Cbor::text(head.typ))};
  if (!head.certificates.empty()) header.push_back(field(cose::kX5chain, encode_x5chain(head.certificates)));
  return sign_sign1(key, std::move(header), {}, encode_cbor(Cbor::map(std::move(claims))));
}

}  // namespace stegpass::credential
