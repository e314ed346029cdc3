#include <stegpass/credential/statement.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/sd_cwt.hpp>

#include "cbor_heads.hpp"
#include "cose_view.hpp"
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
  for (const CborView item : header.array(label, 1, max)) {
    const auto bytes = item.as_bytes();
    header.require(bytes.has_value(), [&] { return "an item of label " + std::to_string(label) + " is not a byte string"; });
    if (bytes) out.push_back(to_bytes(*bytes));
  }
  return out;
}

// Receipts and a license's disclosures are all that the unprotected header may hold.
Result<Beside> read_unprotected(CborView unprotected, StatementKind kind) {
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
  Fields claims(envelope.claims->root(), "claims", error);
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

std::string urn(std::string_view kind, ByteView id) {
  constexpr std::string_view kStart = "urn:stegpass:";
  std::string out;
  out.reserve(kStart.size() + kind.size() + 1 + 2 * id.size());
  out.append(kStart).append(kind).append(":").append(to_hex(id));
  return out;
}

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

/// What a statement holds; the views are of `octets`.
struct Statement::Parts {
  Bytes octets;
  ByteView protected_part, payload_part, signature_part;  // with their heads
  SignedParts signed_parts;
  StatementBody body;
  std::string issuer, subject;
  std::int64_t issued_at = 0;
  Digest32 kid{};
  std::vector<Bytes> receipts, certificates;
  std::vector<PersonalClaim> disclosed;
};

Result<Statement> Statement::decode(ByteView bytes) {
  if (bytes.size() > kMaxStatement) return Error{Errc::malformed, "statement of over 2 MiB"};
  Bytes octets = to_bytes(bytes);
  STEGPASS_TRY(message, Sign1View::read(octets));
  STEGPASS_TRY(envelope, open_envelope(message));
  STEGPASS_TRY(kind, kind_of(envelope.typ));
  STEGPASS_TRY(beside, read_unprotected(message.unprotected(), kind));
  STEGPASS_TRY(body, read_claims(kind, envelope));
  STEGPASS_TRY(disclosed, read_disclosed(beside.disclosures, body));
  if (const PublicKey* key = own_key(body)) STEGPASS_CHECK_OK(verify_envelope(message, envelope, *key));

  const SignedParts signed_parts{envelope.algorithm, message.protected_bytes(), {}, *message.payload(), message.signature()};
  return Statement(std::make_shared<const Parts>(
      Parts{std::move(octets), message.encoded_part(0), message.encoded_part(2), message.encoded_part(3), signed_parts,
            std::move(body), std::move(envelope.issuer), std::move(envelope.subject), envelope.issued_at, envelope.kid,
            std::move(beside.receipts), std::move(envelope.certificates), std::move(disclosed)}));
}

const StatementBody& Statement::body() const { return parts_->body; }
const std::string& Statement::issuer() const { return parts_->issuer; }
const std::string& Statement::subject() const { return parts_->subject; }
std::int64_t Statement::issued_at() const { return parts_->issued_at; }
const Digest32& Statement::kid() const { return parts_->kid; }
Sign1 Statement::message() const { return decode_sign1(parts_->octets).value(); }
const std::vector<Bytes>& Statement::certificates() const { return parts_->certificates; }
const std::vector<Bytes>& Statement::receipts() const { return parts_->receipts; }
const std::vector<PersonalClaim>& Statement::disclosed() const { return parts_->disclosed; }

Bytes Statement::entry() const {
  const ByteView octets = parts_->octets;
  Bytes out;
  out.reserve(octets.size());
  append(out, octets.first(2));  // the tag and the array's head, a byte each
  append(out, parts_->protected_part);
  append_cbor_head(out, CborMajor::map, 0);
  append(out, parts_->payload_part);
  append(out, parts_->signature_part);
  return out;
}

Bytes Statement::with_receipts(const std::vector<Bytes>& receipts, const std::vector<PersonalClaim>& disclosed) const {
  CborArray shown, items;
  for (const PersonalClaim& claim : disclosed) shown.push_back(Cbor::bytes(encode_personal(claim)));
  for (const Bytes& receipt : receipts) items.push_back(Cbor::bytes(receipt));
  CborMap header;
  if (!shown.empty()) header.push_back(field(cose::kSdClaims, Cbor::array(std::move(shown))));
  if (!items.empty()) header.push_back(field(cose::kReceipts, Cbor::array(std::move(items))));
  Sign1 transparent = message();
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
  return verify_signer(statement.parts_->signed_parts, statement.kid(), statement.issuer(), key);
}

}  // namespace stegpass::credential
