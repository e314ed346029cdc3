#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/statement.hpp>

namespace stegpass::ledger {

/// A license as the statements up to some index leave it.
struct LicenseState {
  credential::License license;
  std::uint64_t index = 0;
  std::optional<std::uint64_t> revoked_by;      ///< index of the revocation
  std::optional<std::uint64_t> suspended_by;    ///< index of the newest suspension
  std::optional<std::uint64_t> reinstated_by;   ///< index of the reinstatement that ended it
  std::optional<std::uint64_t> renewed_by;      ///< index of the newest renewal
  std::optional<std::uint64_t> transferred_by;  ///< index of the transfer that ended it in favour of another
  std::optional<std::uint64_t> succeeds_by;     ///< index of the transfer by which it took another's place
  Bytes suspension_id{};                        ///< of the newest suspension
  std::optional<std::int64_t> renewed_until{};  ///< end by the newest renewal

  bool ended() const { return revoked_by || transferred_by; }
  bool suspended() const { return suspended_by && !reinstated_by; }
  std::int64_t expires() const { return renewed_until.value_or(license.expires); }
  /// What a status list has to say of it, or something harsher.
  credential::StatusList::State state() const;
};

/// A dispute on a registration.
struct DisputeState {
  credential::DisputeClaim claim;
  std::uint64_t index = 0;
  std::map<std::string, std::uint64_t> evidence;  ///< id in hex -> index
  std::optional<std::uint64_t> finding;           ///< index
  std::optional<credential::DisputeOutcome> outcome;
};

/// A registration with its licenses, and the other registrations of the same bytes.
struct RegistrationState {
  credential::Registration registration;
  std::uint64_t index = 0;
  bool contested = false;                             ///< somebody else registered the same release model
  std::map<std::string, LicenseState> licenses;       ///< by license id in hex
  std::optional<std::uint64_t> newest_status;         ///< index of the newest status list
  std::int64_t issued_at = 0;                         ///< iat of the registration
  std::optional<credential::PublicKey> rotated_to{};  ///< the owner's key of now, if it is not the registration's
  std::vector<std::uint64_t> rotations{};             ///< indices of the rotations that led there
  std::map<std::string, DisputeState> disputes{};     ///< by id in hex

  /// The key that the owner signs with now.
  const credential::PublicKey& signer() const { return rotated_to ? *rotated_to : registration.owner; }
};

/// The state that the log's statements come to, and the rules by which the next one is taken. Pure: no disk.
/// Rules ("stegpass.registration-policy.v1", schemas/ledger-policy.md): entry 0 is the policy and no other entry is; signature
/// valid; a license, revocation or status list is signed by its registration's owner; references exist; ids are new; status
/// indices are not reused; iat is at most the allowed skew after `now` and not before the registration's; a revoked license is
/// not revoked again; a status list says nothing milder than the log. Those for suspension, reinstatement, renewal, transfer, key
/// rotation and disputes are on that page too. A refusal reads `rule NAME: what was found`, NAME one of first-entry,
/// rules-version, time, reference, issuer, signature, new-id, status-index, revoked-once, status-list, license-ended, suspension,
/// renewal, transfer, rotated-key, dispute.
class RegistrationPolicy {
 public:
  /// Takes a statement as entry `index`. Errors refused, with the rule; the state is then unchanged.
  Status accept(const credential::Statement& statement, std::uint64_t index, std::int64_t now);
  /// As `accept`; a signature that was found good under `verified` is not checked again when that is the key it must be by.
  Status accept(const credential::Statement& statement, std::uint64_t index, std::int64_t now,
                const std::optional<credential::PublicKey>& verified);
  /// The key that the statement would have to be signed by; takes nothing. Errors as of `accept`, without the signature.
  Result<credential::PublicKey> key_for(const credential::Statement& statement, std::uint64_t index, std::int64_t now) const;
  /// As `accept`, but leaves the signature to the caller and gives the key that it must be by; for replaying on several cores.
  Result<credential::PublicKey> accept_unverified(const credential::Statement& statement, std::uint64_t index, std::int64_t now);

  const std::optional<credential::LedgerPolicy>& ledger_policy() const { return ledger_policy_; }
  const std::map<std::string, RegistrationState>& registrations() const { return registrations_; }  ///< by id in hex
  const RegistrationState* registration(ByteView id) const;
  const RegistrationState* registration_of_license(ByteView license_id) const;
  const RegistrationState* registration_of_dispute(ByteView dispute_id) const;

 private:
  friend struct RulesMemory;  // of src/: its memory in the database
  friend struct RulesMemoryAccess;
  friend struct RulesMemoryRecords;
  using Judged = Result<credential::PublicKey>;  // the key that the statement must be signed by
  Judged judge(const credential::Statement& statement, std::uint64_t index, std::int64_t now) const;
  Judged judge_body(const credential::Statement&, const credential::LedgerPolicy& policy) const;
  Judged judge_body(const credential::Statement&, const credential::Registration& registration) const;
  Judged judge_body(const credential::Statement& statement, const credential::License& license) const;
  Judged judge_body(const credential::Statement& statement, const credential::Revocation& revocation) const;
  Judged judge_body(const credential::Statement& statement, const credential::StatusList& list) const;
  Judged judge_body(const credential::Statement& statement, const credential::Suspension& suspension) const;
  Judged judge_body(const credential::Statement& statement, const credential::Reinstatement& reinstatement) const;
  Judged judge_body(const credential::Statement& statement, const credential::Renewal& renewal) const;
  Judged judge_body(const credential::Statement& statement, const credential::Transfer& transfer) const;
  Judged judge_body(const credential::Statement& statement, const credential::KeyRotation& rotation) const;
  Judged judge_body(const credential::Statement& statement, const credential::DisputeClaim& claim) const;
  Judged judge_body(const credential::Statement& statement, const credential::DisputeEvidence& evidence) const;
  Judged judge_body(const credential::Statement& statement, const credential::DisputeFinding& finding) const;
  Judged judge_change(const credential::Statement& statement, ByteView id, ByteView license_id) const;
  const DisputeState* dispute(ByteView dispute_id) const;
  Status owner_key_is_current(const credential::PublicKey& key) const;
  Judged entitled(const credential::Statement& statement, const RegistrationState& registration) const;
  Status id_is_new(ByteView id) const;

  void take(const credential::Statement&, const credential::LedgerPolicy& policy, std::uint64_t index);
  void take(const credential::Statement& statement, const credential::Registration& registration, std::uint64_t index);
  void take(const credential::Statement&, const credential::License& license, std::uint64_t index);
  void take(const credential::Statement&, const credential::Revocation& revocation, std::uint64_t index);
  void take(const credential::Statement&, const credential::StatusList& list, std::uint64_t index);
  void take(const credential::Statement&, const credential::Suspension& suspension, std::uint64_t index);
  void take(const credential::Statement&, const credential::Reinstatement& reinstatement, std::uint64_t index);
  void take(const credential::Statement&, const credential::Renewal& renewal, std::uint64_t index);
  void take(const credential::Statement&, const credential::Transfer& transfer, std::uint64_t index);
  void take(const credential::Statement&, const credential::KeyRotation& rotation, std::uint64_t index);
  void take(const credential::Statement&, const credential::DisputeClaim& claim, std::uint64_t index);
  void take(const credential::Statement&, const credential::DisputeEvidence& evidence, std::uint64_t index);
  void take(const credential::Statement&, const credential::DisputeFinding& finding, std::uint64_t index);
  LicenseState& license_state(ByteView license_id);  // of a license that is there
  DisputeState& dispute_state(ByteView dispute_id);  // of a dispute that is there

  std::optional<credential::LedgerPolicy> ledger_policy_;
  std::map<std::string, RegistrationState> registrations_;
  // What an id of 16 bytes is of, and under which registration that is; `other` is what no statement refers to.
  using Id = std::array<std::uint8_t, 16>;
  enum class IdOf { registration, license, dispute, other };
  struct IdUse {
    IdOf of = IdOf::other;
    Id registration{};
  };
  static Id to_id(ByteView id);                 // requires 16 bytes
  const IdUse* id_use(ByteView id) const;       // null for ids that are new, and for other lengths
  const Id* under(ByteView id, IdOf of) const;  // the registration of a license or a dispute; null when it is none
  void use_id(ByteView id, IdOf of = IdOf::other, ByteView registration = {});

  std::map<Id, IdUse> ids_;                                        // of all statements that have one
  std::map<Digest32, std::vector<std::string>> registrations_of_;  // release model -> ids in hex
  std::map<Digest32, std::uint64_t> rotated_keys_;         // thumbprints of keys that handed over -> index of the rotation
  std::set<std::pair<Id, std::uint64_t>> status_indices_;  // registration id, index in its status list
};

}  // namespace stegpass::ledger
