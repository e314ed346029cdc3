#include <stegpass/credential/statement_changes.hpp>

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "statement_body.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kRevocation = "stegpass.revocation";
constexpr const char* kSuspension = "stegpass.suspension";
constexpr const char* kReinstatement = "stegpass.reinstatement";
constexpr const char* kRenewal = "stegpass.renewal";
constexpr const char* kTransfer = "stegpass.transfer";
constexpr const char* kRotation = "stegpass.key-rotation";
constexpr std::size_t kSignatureBytes = 64;

// Nobody changes what has been: an effect is never dated before its statement.
std::int64_t read_effective(Fields& own, std::int64_t issued_at) {
  const std::int64_t effective = own.time("effective");
  own.require(effective >= issued_at,
              [&] { return "effective " + std::to_string(effective) + " lies before iat " + std::to_string(issued_at); });
  return effective;
}

// Revocation and suspension have the same claims under another name.
template <class Body>
std::optional<StatementBody> read_taking_back(Fields& claims, const char* name, std::int64_t issued_at) {
  Body out;
  out.id = claims.bytes(kCti, kIdBytes);
  Fields own = claims.map(name);
  out.license_id = own.bytes("license", kIdBytes);
  out.reason = own.text("reason");
  out.effective = read_effective(own, issued_at);
  own.finish();
  return out;
}

template <class Body>
CborMap write_taking_back(const Body& body, const char* name) {
  return {field(kCti, Cbor::bytes(body.id)),
          field(name, Cbor::map({field("license", Cbor::bytes(body.license_id)), field("reason", Cbor::text(body.reason)),
                                 field("effective", cbor_time(body.effective))}))};
}

// What reinstatement and transfer share: the license, one other id, why and from when.
template <class Body>
std::optional<StatementBody> read_link(Fields& claims, const char* name, const char* other, Bytes Body::*other_id,
                                       std::int64_t issued_at) {
  Body out;
  out.id = claims.bytes(kCti, kIdBytes);
  Fields own = claims.map(name);
  out.license_id = own.bytes("license", kIdBytes);
  out.*other_id = own.bytes(other, kIdBytes);
  out.reason = own.text("reason");
  out.effective = read_effective(own, issued_at);
  own.require(out.*other_id != out.license_id, [&] { return std::string(other) + " is the license itself"; });
  own.finish();
  return out;
}

template <class Body>
CborMap write_link(const Body& body, const char* name, const char* other, Bytes Body::*other_id) {
  return {field(kCti, Cbor::bytes(body.id)),
          field(name, Cbor::map({field("license", Cbor::bytes(body.license_id)), field(other, Cbor::bytes(body.*other_id)),
                                 field("reason", Cbor::text(body.reason)), field("effective", cbor_time(body.effective))}))};
}

std::optional<StatementBody> read_renewal(Fields& claims, std::int64_t issued_at) {
  Renewal out;
  out.id = claims.bytes(kCti, kIdBytes);
  out.expires = claims.time(kExp);
  claims.require(out.expires > issued_at,
                 [&] { return "exp " + std::to_string(out.expires) + " is not after iat " + std::to_string(issued_at); });
  Fields own = claims.map(kRenewal);
  out.license_id = own.bytes("license", kIdBytes);
  own.finish();
  return out;
}

std::optional<StatementBody> read_rotation(Fields& claims, const BodyContext& context) {
  const Bytes id = claims.bytes(kCti, kIdBytes);
  const std::optional<PublicKey> next = claims.confirmation_key(kCnf);
  Fields own = claims.map(kRotation);
  const Bytes proof = own.bytes("proof", kSignatureBytes);
  const std::string reason = own.text("reason");
  std::optional<std::int64_t> compromised;
  if (own.has("compromised")) compromised = own.time("compromised");
  own.require(!compromised || *compromised <= context.issued_at,
              "compromised " + std::to_string(compromised.value_or(0)) + " lies after iat " + std::to_string(context.issued_at));
  own.finish();
  if (!next || own.failed()) return std::nullopt;
  KeyRotation out{id, context.kid, *next, proof, reason, compromised};
  own.require(next->thumbprint() != context.kid, "the new key is the old one");
  own.require(next->verify(rotation_proof_message(id, context.kid, next->thumbprint()), proof),
              "proof is not a signature by the new key");
  return out;
}

}  // namespace

Bytes rotation_proof_message(ByteView id, const Digest32& old_key, const Digest32& new_key) {
  return encode_cbor(
      Cbor::array({Cbor::text("stegpass.key-rotation.v1"), Cbor::bytes(id), Cbor::bytes(old_key), Cbor::bytes(new_key)}));
}

KeyRotation make_key_rotation(const PrivateKey& old_key, const PrivateKey& new_key, Bytes id, std::string reason,
                              std::optional<std::int64_t> compromised) {
  const Digest32 from = old_key.public_key().thumbprint();
  const Bytes proof = new_key.sign(rotation_proof_message(id, from, new_key.public_key().thumbprint()));
  return {std::move(id), from, new_key.public_key(), proof, std::move(reason), compromised};
}

CborMap write_body(const Revocation& body) { return write_taking_back(body, kRevocation); }
CborMap write_body(const Suspension& body) { return write_taking_back(body, kSuspension); }
CborMap write_body(const Reinstatement& body) {
  return write_link(body, kReinstatement, "suspension", &Reinstatement::suspension_id);
}
CborMap write_body(const Transfer& body) { return write_link(body, kTransfer, "successor", &Transfer::successor_id); }

CborMap write_body(const Renewal& body) {
  return {field(kExp, cbor_time(body.expires)), field(kCti, Cbor::bytes(body.id)),
          field(kRenewal, Cbor::map({field("license", Cbor::bytes(body.license_id))}))};
}

CborMap write_body(const KeyRotation& body) {
  CborMap own = {field("proof", Cbor::bytes(body.proof)), field("reason", Cbor::text(body.reason))};
  if (body.compromised) own.push_back(field("compromised", cbor_time(*body.compromised)));
  return {field(kCti, Cbor::bytes(body.id)), field(kCnf, confirmation(body.new_key)),
          field(kRotation, Cbor::map(std::move(own)))};
}

std::optional<StatementBody> read_change(StatementKind kind, Fields& claims, const BodyContext& context) {
  const std::int64_t at = context.issued_at;
  switch (kind) {
    case StatementKind::revocation: return read_taking_back<Revocation>(claims, kRevocation, at);
    case StatementKind::suspension: return read_taking_back<Suspension>(claims, kSuspension, at);
    case StatementKind::reinstatement: return read_link(claims, kReinstatement, "suspension", &Reinstatement::suspension_id, at);
    case StatementKind::renewal: return read_renewal(claims, at);
    case StatementKind::transfer: return read_link(claims, kTransfer, "successor", &Transfer::successor_id, at);
    case StatementKind::key_rotation: return read_rotation(claims, context);
    default: return std::nullopt;
  }
}

}  // namespace stegpass::credential
