#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

#include "model_checks.hpp"

namespace stegpass::cli {

struct VerifyOptions {
  std::string bundle, list, policy, model, every_model, original, passport, isn, presentation, audience, nonce, memory, contract,
      report, card;
  bool force = false;
  const CLI::App* command = nullptr;  ///< for the report, which says how to repeat it
};

/// What `verify` judges, read from its files.
struct VerifyInputs {
  credential::TrustPolicy policy;
  EvidenceFile bundle;
  credential::PaperOptions papers;
  ModelEvidence evidence;
  std::optional<EvidenceFile> contract, card;
};

/// Errors  those of files that the world refuses, and of a policy or memory that does not read; bad evidence is no error.
Result<VerifyInputs> read_inputs(const VerifyOptions& options);

credential::PaperVerdict judge_papers(const VerifyInputs& inputs);

/// Adds license.text: whether the text that was brought is the one that the license names; no check where there is neither.
void check_contract(Verdict& verdict, const std::optional<credential::License>& license,
                    const std::optional<EvidenceFile>& contract);

/// Judges the papers once and every model file under `options.every_model`: a line for each, and the exit code of the worst
/// (proved false before unreadable before undecided). A folder without a model is undecided.
int verify_every_model(const VerifyOptions& options, Output& output);

}  // namespace stegpass::cli
