#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/dispute_papers.hpp>
#include <stegpass/credential/dispute_report.hpp>
#include <stegpass/credential/trust_policy.hpp>

#include "model_checks.hpp"

namespace stegpass::cli {

/// The flags that say what is disputed; each NAME=FILE or NAME=PARTY.
struct CaseOptions {
  std::string policy, audience, nonce, claim;
  std::vector<std::string> parties, models, taken, own, brought, times, earlier, licenses, presentations, controls, evidence;
};

struct CaseParty {
  credential::DisputeParty facts;
  std::optional<EvidenceFile> bundle;
  std::vector<credential::PassportOpening> openings;
};
struct CaseModel {
  credential::DisputeModel facts;
  EvidenceFile file;
};
struct CaseControl {
  std::string name;
  Bytes bytes;
};

/// Everything read and its papers judged; tensors are not looked at yet.
struct Case {
  std::int64_t now = 0;
  credential::TrustPolicy policy;
  std::vector<CaseParty> parties;
  std::vector<CaseModel> models;
  std::vector<CaseControl> controls;
  std::optional<credential::DisputeClaim> claim;
  std::vector<credential::Statement> evidence;
  std::vector<credential::DisputeInput> inputs;  ///< every file that was read, by what it is
};

/// Errors  usage on names that are not there, used twice or hide characters, on two files of one kind, and on evidence that does
/// not fit the claim; those of files.
Result<Case> read_case(const CaseOptions& options, std::int64_t now);

/// Reads every opened passport in every model and control, aligned where that helps, into facts. Where this build has no model
/// part, marks stay unread. Also moves into the facts what the papers said.
credential::DisputeFacts collect_facts(Case& dispute);

}  // namespace stegpass::cli
