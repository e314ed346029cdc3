#pragma once

#include <string>
#include <string_view>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/ledger/policy.hpp>

namespace stegpass::ledger {

/// A refusal by a rule, which its detail names first.
inline Error refuse(std::string_view rule, const std::string& detail) {
  return {Errc::refused, "rule " + std::string(rule) + ": " + detail};
}

/// What the ledger says of a license and the list does not, as "revoked by entry 3"; empty if the list says as much or more.
std::string milder_than(const LicenseState& license, const credential::StatusList& list);

}  // namespace stegpass::ledger
