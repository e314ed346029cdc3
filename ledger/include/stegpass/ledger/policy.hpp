#pragma once

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
  std::optional<std::uint64_t> revoked_by;  ///< index of the revocation
};

/// A registration with its licenses, and the other registrations of the same bytes.
struct RegistrationState {
  credential::Registration registration;
  std::uint64_t index = 0;
  bool contested = false;  ///< somebody else registered the same release model
  std::map<std::string, LicenseState> licenses;  ///< by license id in hex
  std::optional<std::uint64_t> newest_status;    ///< index of the newest status list
  std::int64_t issued_at = 0;                    ///< iat of the registration
};

/// The state that the log's statements come to, and the rules by which the next one is taken. Pure: no disk.
/// Rules ("stegpass.registration-policy.v1", schemas/ledger-policy.md): entry 0 is the policy and no other entry is; signature valid; a license, revocation or
/// status list is signed by its registration's owner; references exist; ids are new; status indices are not reused; iat is at most the allowed
/// skew after `now` and not before the registration's; a revoked license is not revoked again; a status list says nothing milder than the log.
/// A refusal reads `rule NAME: what was found`, NAME one of first-entry, rules-version, time, reference, issuer, signature, new-id,
/// status-index, revoked-once, status-list.
class RegistrationPolicy {
 public:
  /// Takes a statement as entry `index`. Errors refused, with the rule; the state is then unchanged.
  Status accept(const credential::Statement& statement, std::uint64_t index, std::int64_t now);
  /// As `accept`; a signature that was found good under `verified` is not checked again when that is the key it must be by.
  Status accept(const credential::Statement& statement, std::uint64_t index, std::int64_t now, const std::optional<credential::PublicKey>& verified);
  /// The key that the statement would have to be signed by; takes nothing. Errors as of `accept`, without the signature.
  Result<credential::PublicKey> key_for(const credential::Statement& statement, std::uint64_t index, std::int64_t now) const;
  /// As `accept`, but leaves the signature to the caller and gives the key that it must be by; for replaying on several cores.
  Result<credential::PublicKey> accept_unverified(const credential::Statement& statement, std::uint64_t index, std::int64_t now);

  const std::optional<credential::LedgerPolicy>& ledger_policy() const { return ledger_policy_; }
  const std::map<std::string, RegistrationState>& registrations() const { return registrations_; }  ///< by id in hex
  const RegistrationState* registration(ByteView id) const;
  const RegistrationState* registration_of_license(ByteView license_id) const;

 private:
  using Judged = Result<credential::PublicKey>;  // the key that the statement must be signed by
  Judged judge(const credential::Statement& statement, std::uint64_t index, std::int64_t now) const;
  Judged judge_body(const credential::Statement&, const credential::LedgerPolicy& policy) const;
  Judged judge_body(const credential::Statement&, const credential::Registration& registration) const;
  Judged judge_body(const credential::Statement& statement, const credential::License& license) const;
  Judged judge_body(const credential::Statement& statement, const credential::Revocation& revocation) const;
  Judged judge_body(const credential::Statement& statement, const credential::StatusList& list) const;
  Judged entitled(const credential::Statement& statement, const RegistrationState& registration) const;
  Status id_is_new(ByteView id) const;

  void take(const credential::Statement&, const credential::LedgerPolicy& policy, std::uint64_t index);
  void take(const credential::Statement& statement, const credential::Registration& registration, std::uint64_t index);
  void take(const credential::Statement&, const credential::License& license, std::uint64_t index);
  void take(const credential::Statement&, const credential::Revocation& revocation, std::uint64_t index);
  void take(const credential::Statement&, const credential::StatusList& list, std::uint64_t index);

  std::optional<credential::LedgerPolicy> ledger_policy_;
  std::map<std::string, RegistrationState> registrations_;
  std::set<std::string> ids_;                                        // of registrations, licenses and revocations, in hex
  std::map<std::string, std::string> registration_of_license_;      // both ids in hex
  std::map<Digest32, std::vector<std::string>> registrations_of_;   // release model -> ids in hex
  std::set<std::pair<std::string, std::uint64_t>> status_indices_;  // registration id in hex, index in its status list
};

}  // namespace stegpass::ledger
