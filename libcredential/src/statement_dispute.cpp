#include <stegpass/credential/statement_dispute.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>

#include "statement_body.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kDisputeClaim = "stegpass.dispute-claim";
constexpr const char* kEvidence = "stegpass.dispute-evidence";
constexpr const char* kFinding = "stegpass.dispute-finding";
constexpr std::size_t kLongText = 8000, kMediaType = 127, kMaxConsidered = 1000;
constexpr std::uint64_t kMaxFile = std::uint64_t{1} << 53;
constexpr std::array<std::string_view, 3> kGrounds = {"ownership", "license", "infringement"};
constexpr std::array<std::string_view, 3> kOutcomes = {"upheld", "rejected", "undecided"};

// One of three words, as its place among them.
template <class Word>
Word read_word(Fields& own, const char* key, const std::array<std::string_view, 3>& words) {
  const std::string text = own.text(key, 20);
  const auto found = std::find(words.begin(), words.end(), text);
  if (found != words.end()) return static_cast<Word>(found - words.begin());
  own.refuse("\"" + std::string(key) + "\" is none of " + std::string(words[0]) + ", " + std::string(words[1]) + ", " +
             std::string(words[2]));
  return {};
}

std::optional<StatementBody> read_claim(Fields& claims) {
  const Bytes id = claims.bytes(kCti, kIdBytes);
  const std::optional<PublicKey> claimant = claims.confirmation_key(kCnf);
  if (!claimant) return std::nullopt;
  DisputeClaim out{.claimant = *claimant, .id = id};
  Fields own = claims.map(kDisputeClaim);
  out.registration_id = own.bytes("registration", kIdBytes);
  out.ground = read_word<DisputeGround>(own, "ground", kGrounds);
  out.statement = own.text("statement", kLongText);
  out.arbiter = own.digest<32>("arbiter");
  own.require(out.arbiter != claimant->thumbprint(), "the claimant would be the arbiter");
  own.finish();
  return out;
}

std::optional<StatementBody> read_evidence(Fields& claims) {
  const Bytes id = claims.bytes(kCti, kIdBytes);
  const std::optional<PublicKey> party = claims.confirmation_key(kCnf);
  if (!party) return std::nullopt;
  DisputeEvidence out{.party = *party, .id = id};
  Fields own = claims.map(kEvidence);
  out.dispute_id = own.bytes("dispute", kIdBytes);
  out.media_type = own.text("media-type", kMediaType);
  out.bytes = own.number("bytes", 0, kMaxFile);
  out.digest = own.digest<32>("digest");
  out.note = own.text("note");
  own.finish();
  return out;
}

std::vector<Bytes> read_considered(Fields& own) {
  std::vector<Bytes> out;
  for (const CborView item : own.array("evidence", 0, kMaxConsidered)) {
    const auto id = item.as_bytes();
    if (!id || id->size() != kIdBytes) return own.refuse("evidence holds something else than ids of 16 bytes"), out;
    out.push_back(to_bytes(*id));
  }
  std::vector<Bytes> sorted = out;
  std::sort(sorted.begin(), sorted.end());
  own.require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "evidence names one id twice");
  return out;
}

std::optional<StatementBody> read_finding(Fields& claims) {
  const Bytes id = claims.bytes(kCti, kIdBytes);
  const std::optional<PublicKey> arbiter = claims.confirmation_key(kCnf);
  if (!arbiter) return std::nullopt;
  DisputeFinding out{.arbiter = *arbiter, .id = id};
  Fields own = claims.map(kFinding);
  out.dispute_id = own.bytes("dispute", kIdBytes);
  out.outcome = read_word<DisputeOutcome>(own, "outcome", kOutcomes);
  out.reason = own.text("reason", kLongText);
  out.evidence = read_considered(own);
  own.finish();
  return out;
}

CborMap under(const char* name, const Bytes& id, const PublicKey& key, CborMap own) {
  return {field(kCti, Cbor::bytes(id)), field(kCnf, confirmation(key)), field(name, Cbor::map(std::move(own)))};
}

}  // namespace

std::string_view ground_name(DisputeGround ground) { return kGrounds[static_cast<std::size_t>(ground)]; }
std::string_view outcome_name(DisputeOutcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }
std::string dispute_urn(ByteView dispute_id) { return "urn:stegpass:dispute:" + to_hex(dispute_id); }

CborMap write_body(const DisputeClaim& body) {
  return under(kDisputeClaim, body.id, body.claimant,
               {field("registration", Cbor::bytes(body.registration_id)), field("ground", Cbor::text(ground_name(body.ground))),
                field("statement", Cbor::text(body.statement)), field("arbiter", Cbor::bytes(body.arbiter))});
}

CborMap write_body(const DisputeEvidence& body) {
  return under(
      kEvidence, body.id, body.party,
      {field("dispute", Cbor::bytes(body.dispute_id)), field("media-type", Cbor::text(body.media_type)),
       field("bytes", cbor_number(body.bytes)), field("digest", Cbor::bytes(body.digest)), field("note", Cbor::text(body.note))});
}

CborMap write_body(const DisputeFinding& body) {
  CborArray considered;
  for (const Bytes& id : body.evidence) considered.push_back(Cbor::bytes(id));
  return under(kFinding, body.id, body.arbiter,
               {field("dispute", Cbor::bytes(body.dispute_id)), field("outcome", Cbor::text(outcome_name(body.outcome))),
                field("reason", Cbor::text(body.reason)), field("evidence", Cbor::array(std::move(considered)))});
}

std::optional<StatementBody> read_dispute(StatementKind kind, Fields& claims) {
  switch (kind) {
    case StatementKind::dispute_claim: return read_claim(claims);
    case StatementKind::dispute_evidence: return read_evidence(claims);
    case StatementKind::dispute_finding: return read_finding(claims);
    default: return std::nullopt;
  }
}

}  // namespace stegpass::credential
