#include "statement_envelope.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kPayloadType = "application/cbor";

Result<std::int64_t> read_algorithm(CborView protected_header) {
  constexpr std::array known = {cose::kEd25519, cose::kEdDsa, cose::kEsp256, cose::kEs256};
  const auto alg = protected_header.find(cose::kAlg);
  const auto number = alg ? alg->as_integer() : std::nullopt;
  if (!number) return Error{Errc::malformed, "protected header: no algorithm number"};
  if (std::find(known.begin(), known.end(), *number) != known.end()) return *number;
  return Error{Errc::unsupported, "algorithm " + std::to_string(*number) + " is none of -19, -9, -8, -7"};
}

// What says of itself that it is somebody else's is unsupported, before it is found to lack what ours have.
Status check_profile(CborView header) {
  const auto typ = header.find(cose::kTyp);
  const auto text = typ ? typ->as_text() : std::nullopt;
  if (!text || text->starts_with("application/stegpass-") || *text == "application/statuslist+cwt") return Done{};
  return Error{Errc::unsupported, "a message of another profile, typ " + cbor_diagnostic(typ->to_cbor())};
}

// The owner's certificate with its chain. Who certified it is the verifier's business; that it is the signer's is checked here.
void read_certificates(const Sign1View& message, Fields& header, Envelope& out) {
  header.skip(cose::kX5chain);
  auto chain = certificates_of(message.to_sign1());
  if (!chain) return header.refuse(chain.error().detail);
  const auto leaf = certificate_key(chain->front());
  if (!leaf) return header.refuse(leaf.error().detail);
  header.require(leaf->thumbprint() == out.kid,
                 [&] { return "x5chain certifies " + leaf->thumbprint_uri() + ", not the signer"; });
  out.certificates = std::move(*chain);
}

// The three claims that header and payload both carry.
struct CommonClaims {
  std::string_view issuer, subject;
  std::int64_t issued_at = 0;
  friend bool operator==(const CommonClaims&, const CommonClaims&) = default;
};

CommonClaims read_common(Fields& claims) {
  const std::string_view issuer = claims.text_view(kIss), subject = claims.text_view(kSub);
  return {issuer, subject, claims.time(kIat)};
}

}  // namespace

Result<Envelope> open_envelope(const Sign1View& message) {
  STEGPASS_TRY(algorithm, read_algorithm(message.protected_header()));
  STEGPASS_CHECK_OK(check_profile(message.protected_header()));
  if (!message.payload()) return Error{Errc::malformed, "payload is detached, expected the claims"};
  STEGPASS_TRY(claims, CborDocument::read(*message.payload()));

  std::optional<Error> error;
  Envelope out;
  out.algorithm = algorithm;
  Fields header(message.protected_header(), "protected header", error);
  header.skip(cose::kAlg);
  header.require(header.text_view(cose::kContentType) == kPayloadType, "content type is not application/cbor");
  out.kid = header.digest<32>(cose::kKid);
  out.typ = header.text_view(cose::kTyp);
  Fields header_claims = header.map(cose::kCwtClaims);
  const CommonClaims common = read_common(header_claims);
  header_claims.finish();
  if (out.typ == statement_typ(StatementKind::registration) && header.has(cose::kX5chain))
    read_certificates(message, header, out);
  header.finish();
  Fields payload(claims.root(), "claims", error);
  payload.require(read_common(payload) == common, "iss, sub or iat differs from the protected header's");
  out.issuer = thumbprint_uri(out.kid);
  header.require(common.issuer == out.issuer, "issuer is not the thumbprint in kid");
  if (error) return *error;
  out.subject = common.subject;
  out.issued_at = common.issued_at;
  out.claims = std::move(claims);
  return out;
}

Status verify_envelope(const Sign1View& message, const Envelope& envelope, const PublicKey& key) {
  return verify_signer({envelope.algorithm, message.protected_bytes(), {}, *message.payload(), message.signature()}, envelope.kid,
                       envelope.issuer, key);
}

Status verify_signer(const SignedParts& parts, const Digest32& kid, const std::string& issuer, const PublicKey& key) {
  if (kid != key.thumbprint()) return Error{Errc::malformed, "signer is " + issuer + ", expected " + key.thumbprint_uri()};
  return verify_parts(parts, key);
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
