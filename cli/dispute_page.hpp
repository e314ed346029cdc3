#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/dispute_report.hpp>

namespace stegpass::cli {

/// What the page of a dispute is written from: all that the decision rests on.
struct DisputePageInputs {
  const credential::DisputeFacts& facts;
  const credential::DisputeDecision& decision;
  const std::vector<credential::DisputeInput>& inputs;
  std::string policy;                  ///< the arbiter's policy, as a path
  Digest32 report{};                   ///< SHA-256 of the report as text, which a finding names
  std::vector<std::string> arguments;  ///< of the command that judged (`given_arguments`)
};

/// The decision as one HTML page: the same facts as the report, with drawings of how it was decided and of every mark beside
/// chance. No scripts, nothing loaded, readable on paper; the same bytes for the same evidence and clock.
std::string dispute_page(const DisputePageInputs& inputs);

}  // namespace stegpass::cli
