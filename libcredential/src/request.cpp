#include <stegpass/credential/request.hpp>

#include <optional>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_envelope.hpp"
#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kRequestTyp = "application/stegpass-license-request+cwt";
constexpr std::string_view kPresentationTyp = "application/stegpass-presentation+cwt";
constexpr const char* kRequestClaim = "stegpass.license-request";
constexpr const char* kPresentationClaim = "stegpass.presentation";
constexpr const char* kDeliveryVersion = "stegpass.license-delivery.v1";
constexpr std::int64_t kCnonce = 39;
constexpr std::size_t kMaxPicture = std::size_t{4} << 20, kMaxDelivery = std::size_t{64} << 20, kMaxPresentation = 4096;

// A message of one `typ` without anything unprotected, and its envelope; both view the bytes.
struct Opened {
  Sign1View message;
  Envelope envelope;
};
Result<Opened> open_signed(ByteView bytes, std::string_view typ) {
  STEGPASS_TRY(message, Sign1View::read(bytes));
  STEGPASS_TRY(envelope, open_envelope(message));
  if (envelope.typ != typ)
    return Error{Errc::malformed, "typ is " + std::string(envelope.typ) + ", expected " + std::string(typ)};
  if (!message.unprotected().as_map()->empty()) return Error{Errc::malformed, "unprotected header is not empty"};
  return Opened{std::move(message), std::move(envelope)};
}

void skip_common(Fields& claims) {
  for (int common : {1, 2, 6}) claims.skip(common);
}

std::optional<LicenseRequest> read_request(Fields& claims, const Envelope& envelope) {
  skip_common(claims);
  const std::optional<PublicKey> licensee = claims.confirmation_key(kCnf);
  if (!licensee) return std::nullopt;
  LicenseRequest out{.licensee = *licensee};
  Fields own = claims.map(kRequestClaim);
  out.sealing_key = own.bytes("sealing-key", 32);
  own.require(own.failed() || is_sealing_key(out.sealing_key), "sealing-key is a point of low order");
  out.registration_id = own.bytes("registration", kIdBytes);
  out.name = own.text("name", 200);
  out.identity_picture = own.bytes("identity-picture", 1, kMaxPicture);
  own.finish();
  out.issued_at = envelope.issued_at;
  claims.require(envelope.subject == model_urn(out.registration_id), "sub does not name the registration");
  claims.finish();
  return out;
}

Presentation read_presentation(Fields& claims, const Envelope& envelope) {
  skip_common(claims);
  Presentation out;
  out.audience = claims.text(kAud);
  out.nonce = claims.bytes(kCnonce, 1, 64);
  Fields own = claims.map(kPresentationClaim);
  out.license_id = own.bytes("license", kIdBytes);
  own.finish();
  out.issued_at = envelope.issued_at;
  claims.require(envelope.subject == license_urn(out.license_id), "sub does not name the license");
  claims.finish();
  return out;
}

template <class T>
Result<Bytes> checked(Bytes bytes, const Result<T>& read_back) {
  if (!read_back) return Error{Errc::usage, read_back.error().detail};
  return bytes;
}

Result<LicenseDelivery> read_delivery(ByteView plain) {
  STEGPASS_TRY(document, CborDocument::read(plain));
  std::optional<Error> error;
  Fields fields(document.root(), "license delivery", error);
  LicenseDelivery out;
  out.license = fields.bytes("license", 1, kMaxDelivery);
  out.user_passport = fields.bytes("user-passport", 1, kMaxDelivery);
  fields.finish();
  if (error) return *error;
  return out;
}

}  // namespace

Result<Bytes> sign_license_request(const PrivateKey& licensee, const LicenseRequest& request) {
  CborMap claims = {field(kCnf, confirmation(request.licensee)),
                    field(kRequestClaim, Cbor::map({field("sealing-key", Cbor::bytes(request.sealing_key)),
                                                    field("registration", Cbor::bytes(request.registration_id)),
                                                    field("name", Cbor::text(request.name)),
                                                    field("identity-picture", Cbor::bytes(request.identity_picture))}))};
  const EnvelopeHead head{kRequestTyp, model_urn(request.registration_id), request.issued_at};
  Bytes bytes = encode_sign1(sign_envelope(licensee, head, std::move(claims)));
  const Result<LicenseRequest> read_back = decode_license_request(bytes);
  return checked(std::move(bytes), read_back);
}

Result<LicenseRequest> decode_license_request(ByteView bytes) {
  if (bytes.size() > kMaxPicture + 4096) return Error{Errc::malformed, "license request of over 4 MiB"};
  STEGPASS_TRY(opened, open_signed(bytes, kRequestTyp));
  std::optional<Error> error;
  Fields claims(opened.envelope.claims->root(), "claims", error);
  std::optional<LicenseRequest> out = read_request(claims, opened.envelope);
  if (error) return *error;
  STEGPASS_CHECK_OK(verify_envelope(opened.message, opened.envelope, out->licensee));
  return std::move(*out);
}

Bytes seal_license_delivery(ByteView x25519_public, const LicenseDelivery& delivery) {
  const Bytes plain = encode_cbor(
      Cbor::map({field("license", Cbor::bytes(delivery.license)), field("user-passport", Cbor::bytes(delivery.user_passport))}));
  return encode_cbor(Cbor::array({Cbor::text(kDeliveryVersion), Cbor::bytes(seal_to(x25519_public, plain))}));
}

Result<LicenseDelivery> open_license_delivery(const PrivateKey& licensee, ByteView bytes) {
  if (bytes.size() > kMaxDelivery) return Error{Errc::malformed, "license delivery of over 64 MiB"};
  STEGPASS_TRY(document, CborDocument::read(bytes));
  const auto parts = document.root().as_array();
  if (!parts || parts->size() != 2 || !(*parts)[0].as_text() || !(*parts)[1].as_bytes()) {
    return Error{Errc::malformed, "license delivery is not an array of a version and a sealed box"};
  }
  if (*(*parts)[0].as_text() != kDeliveryVersion) return Error{Errc::unsupported, "license delivery is not of version 1"};
  STEGPASS_TRY(plain, open_sealed(licensee.sealing_secret(), *(*parts)[1].as_bytes()));
  STEGPASS_TRY(out, read_delivery(plain));
  STEGPASS_TRY(statement, Statement::decode(out.license));
  const License* license = statement.as<License>();
  if (!license) return Error{Errc::malformed, "license delivery holds another statement than a license"};
  if (!(license->licensee == licensee.public_key())) {
    return Error{Errc::refused,
                 "license is " + license->licensee.thumbprint_uri() + "'s, expected " + licensee.public_key().thumbprint_uri()};
  }
  return out;
}

Result<Bytes> sign_presentation(const PrivateKey& licensee, const Presentation& presentation) {
  CborMap claims = {field(kAud, Cbor::text(presentation.audience)), field(kCnonce, Cbor::bytes(presentation.nonce)),
                    field(kPresentationClaim, Cbor::map({field("license", Cbor::bytes(presentation.license_id))}))};
  const EnvelopeHead head{kPresentationTyp, license_urn(presentation.license_id), presentation.issued_at};
  Bytes bytes = encode_sign1(sign_envelope(licensee, head, std::move(claims)));
  const Result<Presentation> read_back = verify_presentation(bytes, licensee.public_key());
  return checked(std::move(bytes), read_back);
}

Result<Presentation> verify_presentation(ByteView bytes, const PublicKey& licensee) {
  if (bytes.size() > kMaxPresentation) return Error{Errc::malformed, "presentation of over 4 KiB"};
  STEGPASS_TRY(opened, open_signed(bytes, kPresentationTyp));
  std::optional<Error> error;
  Fields claims(opened.envelope.claims->root(), "claims", error);
  Presentation out = read_presentation(claims, opened.envelope);
  if (error) return *error;
  STEGPASS_CHECK_OK(verify_envelope(opened.message, opened.envelope, licensee));
  return out;
}

}  // namespace stegpass::credential
