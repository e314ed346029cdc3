// Rules and state of what happens after a license was issued: its suspension, renewal and transfer, the owner's new key,
// disputes.
#include <stegpass/credential/core/text.hpp>

#include "policy_rules.hpp"

namespace stegpass::ledger {
namespace {

using credential::DisputeClaim, credential::DisputeEvidence, credential::DisputeFinding, credential::KeyRotation,
    credential::PublicKey, credential::Reinstatement, credential::Renewal, credential::Statement, credential::StatusList,
    credential::Suspension, credential::Transfer;

std::string entry_name(std::uint64_t index) { return "entry " + std::to_string(index); }
std::string license_name(ByteView id) { return "license " + to_hex(id); }

/// How harsh a state is; a list may be harsher than the ledger, never milder.
int severity(std::uint8_t state) { return state == StatusList::revoked ? 2 : state == StatusList::suspended ? 1 : 0; }

/// Not dated before what it speaks of.
Status not_before(const Statement& statement, const RegistrationState& registration) {
  if (statement.issued_at() >= registration.issued_at) return Done{};
  return refuse("time", "issued at " + std::to_string(statement.issued_at()) + ", before its registration at " +
                            std::to_string(registration.issued_at));
}

}  // namespace

StatusList::State LicenseState::state() const {
  if (ended()) return StatusList::revoked;
  return suspended() ? StatusList::suspended : StatusList::valid;
}

std::string milder_than(const LicenseState& license, const StatusList& list) {
  const auto index = license.license.status_index;
  const std::uint8_t said = index < list.states.size() ? list.states[index] : std::uint8_t{StatusList::valid};
  const bool missing = index >= list.states.size() && license.state() != StatusList::valid;
  if (!missing && severity(said) >= severity(license.state())) return {};
  if (license.revoked_by) return "revoked by " + entry_name(*license.revoked_by);
  if (license.transferred_by) return "transferred by " + entry_name(*license.transferred_by);
  return "suspended by " + entry_name(*license.suspended_by);
}

const RegistrationState* RegistrationPolicy::registration_of_dispute(ByteView dispute_id) const {
  const Id* registration = under(dispute_id, IdOf::dispute);
  return registration ? &registrations_.at(to_hex(*registration)) : nullptr;
}

const DisputeState* RegistrationPolicy::dispute(ByteView dispute_id) const {
  const auto* registration = registration_of_dispute(dispute_id);
  return registration ? &registration->disputes.at(to_hex(dispute_id)) : nullptr;
}

LicenseState& RegistrationPolicy::license_state(ByteView license_id) {
  return registrations_.at(to_hex(*under(license_id, IdOf::license))).licenses.at(to_hex(license_id));
}

DisputeState& RegistrationPolicy::dispute_state(ByteView dispute_id) {
  return registrations_.at(to_hex(*under(dispute_id, IdOf::dispute))).disputes.at(to_hex(dispute_id));
}

/// What every change of a license needs: the license in this ledger and not at its end, its owner, an id of its own.
RegistrationPolicy::Judged RegistrationPolicy::judge_change(const Statement& statement, ByteView id, ByteView license_id) const {
  const auto* owner = registration_of_license(license_id);
  if (!owner) return refuse("reference", "no license " + to_hex(license_id) + " in this ledger");
  auto key = entitled(statement, *owner);
  if (!key) return key;
  STEGPASS_CHECK_OK(id_is_new(id));
  const auto& license = owner->licenses.at(to_hex(license_id));
  if (license.revoked_by)
    return refuse("license-ended", license_name(license_id) + " was revoked by " + entry_name(*license.revoked_by));
  if (license.transferred_by)
    return refuse("license-ended", license_name(license_id) + " was transferred by " + entry_name(*license.transferred_by));
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const Suspension& suspension) const {
  auto key = judge_change(statement, suspension.id, suspension.license_id);
  if (!key) return key;
  const auto& license = registration_of_license(suspension.license_id)->licenses.at(to_hex(suspension.license_id));
  if (license.suspended())
    return refuse("suspension",
                  license_name(suspension.license_id) + " is suspended already, by " + entry_name(*license.suspended_by));
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const Reinstatement& reinstatement) const {
  auto key = judge_change(statement, reinstatement.id, reinstatement.license_id);
  if (!key) return key;
  const auto& license = registration_of_license(reinstatement.license_id)->licenses.at(to_hex(reinstatement.license_id));
  if (!license.suspended()) return refuse("suspension", license_name(reinstatement.license_id) + " is not suspended");
  if (license.suspension_id != reinstatement.suspension_id)
    return refuse("suspension", "ends suspension " + to_hex(reinstatement.suspension_id) + ", but the one in force is " +
                                    to_hex(license.suspension_id));
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const Renewal& renewal) const {
  auto key = judge_change(statement, renewal.id, renewal.license_id);
  if (!key) return key;
  const auto& license = registration_of_license(renewal.license_id)->licenses.at(to_hex(renewal.license_id));
  if (renewal.expires <= license.expires())
    return refuse("renewal", "until " + std::to_string(renewal.expires) + ", which is no later than the end so far, " +
                                 std::to_string(license.expires()));
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const Transfer& transfer) const {
  auto key = judge_change(statement, transfer.id, transfer.license_id);
  if (!key) return key;
  const auto& licenses = registration_of_license(transfer.license_id)->licenses;
  const auto& from = licenses.at(to_hex(transfer.license_id));
  if (from.suspended())
    return refuse("suspension", license_name(transfer.license_id) + " is suspended by " + entry_name(*from.suspended_by));
  const auto to = licenses.find(to_hex(transfer.successor_id));
  if (to == licenses.end())
    return refuse("reference", "no license " + to_hex(transfer.successor_id) + " under the same registration");
  if (to->second.license.licensee == from.license.licensee)
    return refuse("transfer", license_name(transfer.successor_id) + " has the same licensee");
  if (to->second.state() != StatusList::valid || to->second.succeeds_by)
    return refuse("transfer", license_name(transfer.successor_id) + " is suspended, at its end, or another's successor already");
  return key;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const KeyRotation& rotation) const {
  const RegistrationState* owned = nullptr;
  for (const auto& [id, state] : registrations_) {
    if (state.signer().thumbprint() == rotation.old_key && !owned) owned = &state;
  }
  if (const auto before = rotated_keys_.find(rotation.old_key); before != rotated_keys_.end())
    return refuse("rotated-key", "key " + to_hex(rotation.old_key) + " handed over already, by " + entry_name(before->second));
  if (!owned) return refuse("reference", "key " + to_hex(rotation.old_key) + " owns no registration in this ledger");
  STEGPASS_CHECK_OK(owner_key_is_current(rotation.new_key));
  if (ledger_policy_ && rotation.new_key == ledger_policy_->log_key) return refuse("rotated-key", "the new key is the log's own");
  auto key = entitled(statement, *owned);
  if (!key) return key;
  STEGPASS_CHECK_OK(id_is_new(rotation.id));
  return key;
}

/// A key that handed over signs nothing more, whatever it once owned.
Status RegistrationPolicy::owner_key_is_current(const PublicKey& key) const {
  const auto before = rotated_keys_.find(key.thumbprint());
  if (before == rotated_keys_.end()) return Done{};
  return refuse("rotated-key", key.thumbprint_uri() + " handed over by " + entry_name(before->second));
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const DisputeClaim& claim) const {
  const auto* disputed = registration(claim.registration_id);
  if (!disputed) return refuse("reference", "no registration " + to_hex(claim.registration_id) + " in this ledger");
  STEGPASS_CHECK_OK(id_is_new(claim.id));
  STEGPASS_CHECK_OK(not_before(statement, *disputed));
  if (claim.claimant == disputed->signer()) return refuse("dispute", "the owner disputes his own registration");
  if (claim.arbiter == disputed->signer().thumbprint()) return refuse("dispute", "the owner would be the arbiter");
  return claim.claimant;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const DisputeEvidence& evidence) const {
  const auto* disputed = registration_of_dispute(evidence.dispute_id);
  if (!disputed) return refuse("reference", "no dispute " + to_hex(evidence.dispute_id) + " in this ledger");
  const auto& found = *dispute(evidence.dispute_id);
  STEGPASS_CHECK_OK(id_is_new(evidence.id));
  STEGPASS_CHECK_OK(not_before(statement, *disputed));
  if (evidence.party != found.claim.claimant && evidence.party != disputed->signer())
    return refuse("issuer", "evidence by " + evidence.party.thumbprint_uri() + ", who is neither claimant nor owner");
  if (found.finding) return refuse("dispute", "the finding is out, by " + entry_name(*found.finding));
  return evidence.party;
}

RegistrationPolicy::Judged RegistrationPolicy::judge_body(const Statement& statement, const DisputeFinding& finding) const {
  const auto* disputed = registration_of_dispute(finding.dispute_id);
  if (!disputed) return refuse("reference", "no dispute " + to_hex(finding.dispute_id) + " in this ledger");
  const auto& found = *dispute(finding.dispute_id);
  STEGPASS_CHECK_OK(id_is_new(finding.id));
  STEGPASS_CHECK_OK(not_before(statement, *disputed));
  if (finding.arbiter.thumbprint() != found.claim.arbiter)
    return refuse("issuer", "finding by " + finding.arbiter.thumbprint_uri() + ", expected the arbiter " +
                                credential::thumbprint_uri(found.claim.arbiter));
  if (found.finding) return refuse("dispute", "the finding is out, by " + entry_name(*found.finding));
  for (const Bytes& id : finding.evidence) {
    if (!found.evidence.contains(to_hex(id))) return refuse("reference", "no evidence " + to_hex(id) + " in this dispute");
  }
  return finding.arbiter;
}

void RegistrationPolicy::take(const Statement&, const Suspension& suspension, std::uint64_t index) {
  auto& license = license_state(suspension.license_id);
  license.suspended_by = index;
  license.reinstated_by.reset();
  license.suspension_id = suspension.id;
  use_id(suspension.id);
}

void RegistrationPolicy::take(const Statement&, const Reinstatement& reinstatement, std::uint64_t index) {
  license_state(reinstatement.license_id).reinstated_by = index;
  use_id(reinstatement.id);
}

void RegistrationPolicy::take(const Statement&, const Renewal& renewal, std::uint64_t index) {
  auto& license = license_state(renewal.license_id);
  license.renewed_by = index;
  license.renewed_until = renewal.expires;
  use_id(renewal.id);
}

void RegistrationPolicy::take(const Statement&, const Transfer& transfer, std::uint64_t index) {
  license_state(transfer.license_id).transferred_by = index;
  license_state(transfer.successor_id).succeeds_by = index;
  use_id(transfer.id);
}

void RegistrationPolicy::take(const Statement&, const KeyRotation& rotation, std::uint64_t index) {
  for (auto& [id, state] : registrations_) {
    if (state.signer().thumbprint() != rotation.old_key) continue;
    state.rotated_to = rotation.new_key;
    state.rotations.push_back(index);
  }
  rotated_keys_.emplace(rotation.old_key, index);
  use_id(rotation.id);
}

void RegistrationPolicy::take(const Statement&, const DisputeClaim& claim, std::uint64_t index) {
  auto& disputes = registrations_.at(to_hex(claim.registration_id)).disputes;
  disputes.insert_or_assign(to_hex(claim.id), DisputeState{claim, index, {}, {}, {}});
  use_id(claim.id, IdOf::dispute, claim.registration_id);
}

void RegistrationPolicy::take(const Statement&, const DisputeEvidence& evidence, std::uint64_t index) {
  dispute_state(evidence.dispute_id).evidence.emplace(to_hex(evidence.id), index);
  use_id(evidence.id);
}

void RegistrationPolicy::take(const Statement&, const DisputeFinding& finding, std::uint64_t index) {
  auto& dispute = dispute_state(finding.dispute_id);
  dispute.finding = index;
  dispute.outcome = finding.outcome;
  use_id(finding.id);
}

}  // namespace stegpass::ledger
