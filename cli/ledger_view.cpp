#include "ledger_view.hpp"

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>

namespace stegpass::cli {
namespace {

using namespace credential;

Json index_or_null(const std::optional<std::uint64_t>& index) { return index ? Json(*index) : Json(); }

std::string_view state_name(StatusList::State state) {
  return state == StatusList::valid ? "valid" : state == StatusList::revoked ? "revoked" : "suspended";
}

Json describe_disputes(const ledger::RegistrationState& entry) {
  Json out = Json::array();
  for (const auto& [id, dispute] : entry.disputes) {
    out.push_back({{"id", id},
                   {"index", dispute.index},
                   {"claimant", dispute.claim.claimant.thumbprint_uri()},
                   {"ground", ground_name(dispute.claim.ground)},
                   {"arbiter", thumbprint_uri(dispute.claim.arbiter)},
                   {"evidence", dispute.evidence.size()},
                   {"finding", index_or_null(dispute.finding)},
                   {"outcome", dispute.outcome ? Json(outcome_name(*dispute.outcome)) : Json()}});
  }
  return out;
}

Json describe_license(const ledger::LicenseState& state) {
  const License& license = state.license;
  Json out = {{"id", to_hex(license.id)},
              {"index", state.index},
              {"licensee", license.licensee.thumbprint_uri()},
              {"not_before", utc_time(license.not_before)},
              {"expires", utc_time(state.expires())},
              {"status", state_name(state.state())},
              {"revoked_by", index_or_null(state.revoked_by)},
              {"suspended_by", state.suspended() ? index_or_null(state.suspended_by) : Json()},
              {"renewed_by", index_or_null(state.renewed_by)},
              {"transferred_by", index_or_null(state.transferred_by)}};
  return out;
}

}  // namespace

Json describe_state(const ledger::RegistrationPolicy& state) {
  Json out = Json::array();
  for (const auto& [id, entry] : state.registrations()) {
    Json licenses = Json::array();
    for (const auto& [license_id, license] : entry.licenses) licenses.push_back(describe_license(license));
    out.push_back({{"id", id},
                   {"index", entry.index},
                   {"model", entry.registration.model_name},
                   {"card", entry.registration.card ? Json(to_hex(*entry.registration.card)) : Json()},
                   {"owner", entry.registration.owner.thumbprint_uri()},
                   {"signer", entry.signer().thumbprint_uri()},
                   {"contested", entry.contested},
                   {"newest_status", index_or_null(entry.newest_status)},
                   {"rotations", entry.rotations},
                   {"disputes", describe_disputes(entry)},
                   {"licenses", std::move(licenses)}});
  }
  return out;
}

Result<Json> describe_entry(std::uint64_t index, std::int64_t time, ByteView octets) {
  auto statement = Statement::decode(octets);
  if (!statement) return Error{statement.error().code, "entry " + std::to_string(index) + ": " + statement.error().detail};
  return Json{{"index", index},
              {"time", utc_time(time)},
              {"kind", statement_kind_name(statement->kind())},
              {"subject", statement->subject()},
              {"issuer", statement->issuer()},
              {"issued_at", utc_time(statement->issued_at())},
              {"leaf", to_hex(merkle_leaf(octets))},
              {"entry", to_hex(octets)}};
}

Result<Checkpoint> newest_checkpoint(const ledger::Ledger& log) {
  STEGPASS_TRY(signed_checkpoint, log.checkpoint());
  STEGPASS_TRY(note, parse_note(signed_checkpoint));
  return parse_checkpoint(note.text);
}

}  // namespace stegpass::cli
