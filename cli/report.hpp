#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

#include "model_checks.hpp"
#include "output.hpp"

namespace stegpass::cli {

/// What a verification report is written from: all that the verdict rests on.
struct ReportInputs {
  const Verdict& verdict;  ///< every check, in the order in which they were made
  const credential::PaperVerdict& papers;
  const credential::TrustPolicy& policy;
  const ModelEvidence& evidence;
  const EvidenceFile& bundle;
  std::int64_t now = 0;                ///< the verifier's clock
  std::vector<std::string> arguments;  ///< of the command that made the verdict (`given_arguments`)
  Json description;                    ///< the members that --json shows beside the verdict: bundle, policy, marks, ...
};

/// The verdict as one HTML page: no scripts, nothing loaded, readable on paper; the same bytes for the same evidence and clock.
/// Never fails on evidence: what cannot be shown is said in words. The model part is loaded only if a passport was brought or
/// opened.
std::string verification_report(const ReportInputs& inputs);

/// The options that a command was given, as typed and in the parser's order, without --help, --json, --force and those of
/// `left_out`, which say what to write and not what to judge.
std::vector<std::string> given_arguments(const CLI::App& command, const std::vector<std::string_view>& left_out);
/// Words of a command line, quoted for a POSIX shell.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace stegpass::cli
