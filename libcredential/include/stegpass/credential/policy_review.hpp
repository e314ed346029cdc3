#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/trust_policy.hpp>

namespace stegpass::credential {

/// One check that a verdict on a bundle may hold.
struct CheckInfo {
  std::string_view code;   ///< as in verdicts; ROLE at its end stands for cover, reserve-1, reserve-2, ...
  std::string_view says;   ///< what it says where it is valid, as in "the model is the registered file"
  std::string_view needs;  ///< what has to be there for it to be made; empty when every bundle has it
};

/// Every check of a bundle, in the order in which they are made. Lives as long as the program.
std::span<const CheckInfo> check_catalogue();
/// The check of this code, a role in place of ROLE; null when no verdict on a bundle ever holds it.
const CheckInfo* find_check_info(std::string_view code);

/// Why no bundle whatever can be valid under this policy, one sentence a reason; empty when some can.
std::vector<std::string> never_met(const TrustPolicy& policy);
/// What in this policy has no effect, or less than it seems to; one sentence each.
std::vector<std::string> doubtful(const TrustPolicy& policy);

/// Fewest bits of a mark, all of them matching, whose corrected log10 p is at most `bound_log10`.
std::uint64_t least_bits(double bound_log10);

}  // namespace stegpass::credential
