#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
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
};

/// The state that the log's statements come to, and the rules by which the next one is taken. Pure: no disk.
/// Rules ("stegpass.registration-policy.v1", schemas/ledger-policy.md): entry 0 is the policy and no other entry is; signature valid; a license, revocation or
/// status list is signed by its registration's owner; references exist; ids are new; status indices are not reused; iat is at most the allowed
/// skew after `now` and not before the registration's; a revoked license is not revoked again; a status list says nothing milder than the log.
class RegistrationPolicy {
 public:
  /// Takes a statement as entry `index`. Errors refused, with the rule; the state is then unchanged.
  Status accept(const credential::Statement& statement, std::uint64_t index, std::int64_t now);

  const std::optional<credential::LedgerPolicy>& ledger_policy() const { return ledger_policy_; }
  const std::map<std::string, RegistrationState>& registrations() const { return registrations_; }  ///< by id in hex
  const RegistrationState* registration(ByteView id) const;
  const RegistrationState* registration_of_license(ByteView license_id) const;

 private:
  std::optional<credential::LedgerPolicy> ledger_policy_;
  std::map<std::string, RegistrationState> registrations_;
};

}  // namespace stegpass::ledger
