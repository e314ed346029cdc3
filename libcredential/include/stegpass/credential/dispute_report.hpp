#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/dispute.hpp>
#include <stegpass/credential/statement.hpp>

// A decision as people read it, and as a statement that the arbiter signs. Both follow from facts, inputs and claim alone, so
// that whoever has the same evidence gets the same bytes.
namespace stegpass::credential {

/// A file that was looked at, by what it is in the dispute; paths are left out, since they differ from machine to machine.
struct DisputeInput {
  std::string what;
  Digest32 digest{};  ///< SHA-256
};

/// The report: lines of UTF-8 that end in a line feed, every one by `printable`.
/// Schema  schemas/dispute-report.md
std::string render_dispute(const DisputeFacts& facts, const DisputeDecision& decision, const std::vector<DisputeInput>& inputs);

/// What the decision means for the claimant, who is the first party: upheld, rejected or undecided.
DisputeOutcome outcome_for_claimant(const DisputeDecision& decision, DisputeGround ground);

/// The finding on a report. Without a claim the dispute's id follows from the inputs. Its own id follows from the report.
struct FindingRequest {
  const DisputeFacts& facts;
  const DisputeDecision& decision;
  const std::vector<DisputeInput>& inputs;
  std::string report;
  std::optional<DisputeClaim> claim;
  std::vector<Bytes> evidence;  ///< ids of the evidence statements that were considered
};
DisputeFinding make_finding(const PublicKey& arbiter, const FindingRequest& request);

}  // namespace stegpass::credential
