#include <stegpass/credential/statement.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/sd_cwt.hpp>

#include "statement_body.hpp"
#include "statement_envelope.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxStatement = std::size_t{2} << 20, kMaxReceipts = 16;

struct KindName {
  StatementKind kind;
  std::string_view name, typ;
};
constexpr std::array kKinds = {
    KindName{StatementKind::ledger_policy, "ledger-policy", "application/stegpass-ledger-policy+cwt"},
    KindName{StatementKind::registration, "registration", "application/stegpass-registration+cwt"},
    KindName{StatementKind::license, "license", "application/stegpass-license+cwt"},
    KindName{StatementKind::revocation, "revocation", "application/stegpass-revocation+cwt"},
    KindName{StatementKind::status_list, "status-list", "application/statuslist+cwt"},
    KindName{StatementKind::suspension, "suspension", "application/stegpass-suspension+cwt"},
    KindName{StatementKind::reinstatement, "reinstatement", "application/stegpass-reinstatement+cwt"},
    KindName{StatementKind::renewal, "renewal", "application/stegpass-renewal+cwt"},
    KindName{StatementKind::transfer, "transfer", "application/stegpass-transfer+cwt"},
    KindName{StatementKind::key_rotation, "key-rotation", "application/stegpass-key-rotation+cwt"},
    KindName{StatementKind::dispute_claim, "dispute-claim", "application/stegpass-dispute-claim+cwt"},
    KindName{StatementKind::dispute_evidence, "dispute-evidence", "application/stegpass-dispute-evidence+cwt"},
    KindName{StatementKind::dispute_finding, "dispute-finding", "application/stegpass-dispute-finding+cwt"},
};
static_assert(kKinds.size() == kStatementKinds);

Result<StatementKind> kind_of(std::string_view typ) {
  const auto found = std::find_if(kKinds.begin(), kKinds.end(), [&](const KindName& kind) { return kind.typ == typ; });
  if (found != kKinds.end()) return found->kind;
  return Error{Errc::unsupported, "typ \"" + std::string(typ) + "\" is no kind of statement that this version knows"};
}

struct Beside {
  std::vector<Bytes> receipts, disclosures;
};

std::vector<Bytes> read_byte_strings(Fields& header, std::int64_t label, std::size_t max) {
  std::vector<Bytes> out;
  if (!header.has(label)) return out;
  for (const Cbor& item : header.array(label, 1, max)) {
    const Bytes* bytes = item.as_bytes();
    header.require(bytes != nullptr, "an item of label " + std::to_string(label) + " is not a byte string");
    if (bytes) out.push_back(*bytes);
  }
  return out;
}

// Receipts and a license's disclosures are all that the unprotected header may hold.
Result<Beside> read_unprotected(const Cbor& unprotected, StatementKind kind) {
  std::optional<Error> error;
  Fields header(unprotected, "unprotected header", error);
  Beside out{read_byte_strings(header, cose::kReceipts, kMaxReceipts), {}};
  if (kind == StatementKind::license) out.disclosures = read_byte_strings(header, cose::kSdClaims, kMaxPersonalClaims);
  header.finish();
  if (error) return *error;
  return out;
}

// Each disclosure opens one hash of the license, each hash and each name once.
Result<std::vector<PersonalClaim>> read_disclosed(const std::vector<Bytes>& disclosures, const StatementBody& body) {
  std::vector<PersonalClaim> out;
  std::vector<Digest32> opened;
  for (const Bytes& disclosure : disclosures) {
    const std::vector<Digest32>& signed_hashes = std::get<License>(body).personal;
    const Digest32 hash = redacted_hash(disclosure);
    if (!std::binary_search(signed_hashes.begin(), signed_hashes.end(), hash))
      return Error{Errc::malformed, "a disclosure gives " + to_hex(hash) + ", which the license does not hold"};
    STEGPASS_TRY(claim, decode_personal(disclosure));
    const bool named = std::any_of(out.begin(), out.end(), [&](const PersonalClaim& other) { return other.name == claim.name; });
    if (named || std::find(opened.begin(), opened.end(), hash) != opened.end())
      return Error{Errc::malformed, "\"" + claim.name + "\" is disclosed twice"};
    opened.push_back(hash);
    out.push_back(std::move(claim));
  }
  return out;
}

Result<StatementBody> read_claims(StatementKind kind, const Envelope& envelope) {
  std::optional<Error> error;
  Fields claims(envelope.claims, "claims", error);
  for (int common : {1, 2, 6}) claims.skip(common);
  std::optional<StatementBody> body = read_body(kind, claims, {envelope.subject, envelope.issued_at, envelope.kid});
  claims.finish();
  if (!error && subject_of(*body) != envelope.subject) {
    claims.refuse("sub is " + envelope.subject + ", expected " + subject_of(*body));
  }
  if (error) return *error;
  return std::move(*body);
}

// States and enumerations that no encoding could carry.
Status check_writable(const StatementBody& body) {
  const auto* list = std::get_if<StatusList>(&body);
  if (!list) return Done{};
  if (list->states.size() > StatusList::kMaxLicenses) return Error{Errc::usage, "status list: over 4194304 licenses"};
  const bool known =
      std::all_of(list->states.begin(), list->states.end(), [](std::uint8_t s) { return s <= StatusList::suspended; });
  return known ? Status(Done{}) : Status(Errc::usage, "status list: a state above 2");
}

std::string urn(std::string_view kind, ByteView id) { return "urn:stegpass:" + std::string(kind) + ":" + to_hex(id); }

}  // namespace

std::string_view statement_kind_name(StatementKind kind) { return kKinds[static_cast<std::size_t>(kind)].name; }
std::string_view statement_typ(StatementKind kind) { return kKinds[static_cast<std::size_t>(kind)].typ; }
std::string ledger_urn(std::string_view origin) { return "urn:stegpass:ledger:" + std::string(origin); }
std::string model_urn(ByteView registration_id) { return urn("model", registration_id); }
std::string license_urn(ByteView license_id) { return urn("license", license_id); }
std::string status_urn(ByteView registration_id) { return urn("status", registration_id); }
std::string key_urn(const Digest32& thumbprint) { return urn("key", thumbprint); }

Digest32 commitment(std::string_view label, const Digest32& owner, ByteView salt, ByteView content) {
  return fast_sha256(encode_cbor(Cbor::array(
      {Cbor::text("stegpass.commitment.v1"), Cbor::text(label), Cbor::bytes(owner), Cbor::bytes(salt), Cbor::bytes(content)})));
}

Result<Statement> Statement::decode(ByteView bytes) {
  if (bytes.size() > kMaxStatement) return Error{Errc::malformed, "statement of over 2 MiB"};
  STEGPASS_TRY(message, decode_sign1(bytes));
  STEGPASS_TRY(envelope, open_envelope(message));
  STEGPASS_TRY(kind, kind_of(envelope.typ));
  STEGPASS_TRY(beside, read_unprotected(message.unprotected, kind));
  STEGPASS_TRY(body, read_claims(kind, envelope));
  STEGPASS_TRY(disclosed, read_disclosed(beside.disclosures, body));
  if (const PublicKey* key = own_key(body)) STEGPASS_CHECK_OK(verify_envelope(message, envelope, *key));

  Statement out(std::move(message), std::move(body));
  out.issuer_ = envelope.issuer;
  out.subject_ = envelope.subject;
  out.issued_at_ = envelope.issued_at;
  out.kid_ = envelope.kid;
  out.receipts_ = std::move(beside.receipts);
  out.disclosed_ = std::move(disclosed);
  out.certificates_ = std::move(envelope.certificates);
  return out;
}

Bytes Statement::entry() const {
  Sign1 bare = message_;
  bare.unprotected = Cbor::map({});
  return encode_sign1(bare);
}

Bytes Statement::with_receipts(const std::vector<Bytes>& receipts, const std::vector<PersonalClaim>& disclosed) const {
  CborArray shown, items;
  for (const PersonalClaim& claim : disclosed) shown.push_back(Cbor::bytes(encode_personal(claim)));
  for (const Bytes& receipt : receipts) items.push_back(Cbor::bytes(receipt));
  CborMap header;
  if (!shown.empty()) header.push_back(field(cose::kSdClaims, Cbor::array(std::move(shown))));
  if (!items.empty()) header.push_back(field(cose::kReceipts, Cbor::array(std::move(items))));
  Sign1 transparent = message_;
  transparent.unprotected = Cbor::map(std::move(header));
  return encode_sign1(transparent);
}

Result<Statement> sign_statement(const PrivateKey& key, const StatementBody& body, std::int64_t issued_at,
                                 const std::vector<Bytes>& certificates) {
  STEGPASS_CHECK_OK(check_writable(body));
  const EnvelopeHead head{statement_typ(static_cast<StatementKind>(body.index())), subject_of(body), issued_at, certificates};
  Result<Statement> out = Statement::decode(encode_sign1(sign_envelope(key, head, write_body(body))));
  if (!out) return Error{Errc::usage, out.error().detail};
  return out;
}

Status verify_statement(const Statement& statement, const PublicKey& key) {
  Envelope envelope;
  envelope.kid = statement.kid();
  envelope.issuer = statement.issuer();
  return verify_envelope(statement.message(), envelope, key);
}

}  // namespace stegpass::credential
