#include "statement_body.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "status_list.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kPolicyClaim = "stegpass.ledger-policy";
constexpr std::int64_t kMaxSkew = 86400;

// Printable ASCII without space and '+', as names in C2SP notes must be.
bool is_origin(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
}

std::optional<StatementBody> read_ledger_policy(Fields& claims) {
  const std::optional<PublicKey> key = claims.confirmation_key(8);
  Fields own = claims.map(kPolicyClaim);
  const std::string origin = own.text("origin", 200), rules = own.text("rules", 200);
  const std::uint64_t skew = own.number("clock-skew", 0, kMaxSkew);
  own.require(is_origin(origin), "origin holds a character other than printable ASCII without space and '+'");
  own.finish();
  if (!key) return std::nullopt;
  own.require(key->type() == KeyType::ed25519, "the log key is not Ed25519");
  return LedgerPolicy{.origin = origin, .log_key = *key, .rules = rules, .clock_skew_s = static_cast<std::int64_t>(skew)};
}

std::optional<StatementBody> read_status_list(Fields& claims, const std::string& subject, std::int64_t issued_at) {
  StatusList out;
  constexpr std::string_view urn = "urn:stegpass:status:";
  const Result<Bytes> id = parse_hex(std::string_view(subject).substr(std::min(urn.size(), subject.size())));
  if (id && id->size() == kIdBytes) out.registration_id = *id;
  out.expires = claims.time(4);
  claims.require(out.expires > issued_at,
                 [&] { return "exp " + std::to_string(out.expires) + " is not after iat " + std::to_string(issued_at); });
  if (claims.has(kTtl)) out.ttl_s = static_cast<std::int64_t>(claims.number(kTtl, 1, kMaxTime));
  Fields list = claims.map(kStatusList);
  list.number("bits", 2, 2);
  const ByteView packed = list.bytes_view("lst", 1, StatusList::kMaxLicenses);
  list.finish();
  if (packed.empty()) return out;
  Result<std::vector<std::uint8_t>> states = unpack_status_list(packed);
  if (!states) return claims.refuse(states.error().detail), std::nullopt;
  out.states = std::move(*states);
  return out;
}

}  // namespace

CborMap write_body(const LedgerPolicy& body) {
  return {field(8, confirmation(body.log_key)),
          field(kPolicyClaim, Cbor::map({field("origin", Cbor::text(body.origin)), field("rules", Cbor::text(body.rules)),
                                         field("clock-skew", cbor_time(body.clock_skew_s))}))};
}

CborMap write_body(const StatusList& body) {
  CborMap out = {
      field(4, cbor_time(body.expires)),
      field(kStatusList, Cbor::map({field("bits", cbor_number(2)), field("lst", Cbor::bytes(pack_status_list(body.states)))}))};
  if (body.ttl_s != 0) out.push_back(field(kTtl, cbor_time(body.ttl_s)));
  return out;
}

CborMap write_body(const StatementBody& body) {
  return std::visit([](const auto& kind) { return write_body(kind); }, body);
}

std::string subject_of(const StatementBody& body) {
  struct {
    std::string operator()(const LedgerPolicy& policy) { return ledger_urn(policy.origin); }
    std::string operator()(const Registration& registration) { return model_urn(registration.id); }
    std::string operator()(const License& license) { return license_urn(license.id); }
    std::string operator()(const Revocation& revocation) { return license_urn(revocation.license_id); }
    std::string operator()(const StatusList& list) { return status_urn(list.registration_id); }
    std::string operator()(const Suspension& suspension) { return license_urn(suspension.license_id); }
    std::string operator()(const Reinstatement& reinstatement) { return license_urn(reinstatement.license_id); }
    std::string operator()(const Renewal& renewal) { return license_urn(renewal.license_id); }
    std::string operator()(const Transfer& transfer) { return license_urn(transfer.license_id); }
    std::string operator()(const KeyRotation& rotation) { return key_urn(rotation.old_key); }
    std::string operator()(const DisputeClaim& claim) { return dispute_urn(claim.id); }
    std::string operator()(const DisputeEvidence& evidence) { return dispute_urn(evidence.dispute_id); }
    std::string operator()(const DisputeFinding& finding) { return dispute_urn(finding.dispute_id); }
  } subject;
  return std::visit(subject, body);
}

std::optional<StatementBody> read_body(StatementKind kind, Fields& claims, const BodyContext& context) {
  switch (kind) {
    case StatementKind::ledger_policy: return read_ledger_policy(claims);
    case StatementKind::registration: return read_registration(claims);
    case StatementKind::license: return read_license(claims);
    case StatementKind::status_list: return read_status_list(claims, context.subject, context.issued_at);
    case StatementKind::revocation:
    case StatementKind::suspension:
    case StatementKind::reinstatement:
    case StatementKind::renewal:
    case StatementKind::transfer:
    case StatementKind::key_rotation: return read_change(kind, claims, context);
    case StatementKind::dispute_claim:
    case StatementKind::dispute_evidence:
    case StatementKind::dispute_finding: return read_dispute(kind, claims);
  }
  return std::nullopt;
}

const PublicKey* own_key(const StatementBody& body) {
  if (const auto* policy = std::get_if<LedgerPolicy>(&body)) return &policy->log_key;
  if (const auto* registration = std::get_if<Registration>(&body)) return &registration->owner;
  if (const auto* claim = std::get_if<DisputeClaim>(&body)) return &claim->claimant;
  if (const auto* evidence = std::get_if<DisputeEvidence>(&body)) return &evidence->party;
  if (const auto* finding = std::get_if<DisputeFinding>(&body)) return &finding->arbiter;
  return nullptr;
}

}  // namespace stegpass::credential
