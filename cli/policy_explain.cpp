#include "policy_explain.hpp"

#include <cstdio>
#include <memory>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/policy_review.hpp>

#include "policy_files.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct ExplainOptions {
  std::string file;
  bool checks = false;
};

std::string age_text(std::int64_t seconds) {
  if (seconds % 86400 == 0) return std::to_string(seconds / 86400) + " days";
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + " hours";
  return std::to_string(seconds) + " seconds";
}

std::string explain_trust(const TrustPolicy& policy) {
  std::string text;
  for (const NoteVerifier& log : policy.logs)
    text += "trusts the log " + log.name + " signed by " + log.key.thumbprint_uri() + "\n";
  for (const auto& issuer : policy.issuers)
    text += "trusts the owner " + issuer.name + ", key " + thumbprint_uri(issuer.thumbprint) + "\n";
  for (const TrustedRoot& root : policy.certifiers) text += "trusts owners that are certified under " + root.name + "\n";
  for (const TrustedRoot& root : policy.time_roots) text += "trusts timestamps of authorities under " + root.name + "\n";
  for (const auto& witness : policy.witnesses) text += "knows the witness " + witness.name + ", " + witness.key.to_vkey() + "\n";
  for (const auto& group : policy.groups) {
    text += "takes " + group.name + " to have cosigned when " + std::to_string(group.needed) + " of these did:";
    for (const std::string& member : group.members) text += " " + member;
    text += "\n";
  }
  return text;
}

std::string explain_check(const std::string& code) {
  const CheckInfo* info = find_check_info(code);
  if (!info) return "demands the check " + code + "\n";
  const std::string needs = info->needs.empty() ? "" : "; needs " + std::string(info->needs);
  return "demands the check " + code + ": " + std::string(info->says) + needs + "\n";
}

std::string explain_demands(const TrustPolicy& policy) {
  std::string text = policy.quorum.empty()
                         ? "demands no witness: another view of the log, shown to somebody else, goes unnoticed\n"
                         : "demands that " + policy.quorum + " cosigned a checkpoint\n";
  text += policy.max_age_s ? "takes checkpoints and status lists up to " + age_text(*policy.max_age_s) +
                                 " old, a status list no longer than its own time to live (stegpass writes 24 hours)\n"
                           : "names no greatest age: whether a license is still in force stays undecided\n";
  text += policy.descent_suffices
              ? "takes a model that is the registered file, or that carries an opened passport's mark: model descends\n"
              : "takes no model but the registered file, byte for byte: model exact\n";
  for (const std::string& code : policy.required) text += explain_check(code);
  char bound[160];
  std::snprintf(bound, sizeof(bound),
                "takes an opened mark as the owner's when its corrected log10 p is at most %g, which takes at least %llu bits\n",
                policy.mark_bound_log10, static_cast<unsigned long long>(least_bits(policy.mark_bound_log10)));
  return text + bound;
}

std::string explain(const TrustPolicy& policy) {
  std::string text = explain_trust(policy) + explain_demands(policy);
  for (const std::string& doubt : doubtful(policy)) text += "take care: " + doubt + "\n";
  for (const std::string& reason : never_met(policy)) text += "CAN NEVER BE MET: " + reason + "\n";
  return text;
}

Json describe(const TrustPolicy& policy) {
  Json logs = Json::array(), issuers = Json::array(), witnesses = Json::array(), groups = Json::array();
  for (const NoteVerifier& log : policy.logs) logs.push_back({{"name", log.name}, {"vkey", log.to_vkey()}});
  for (const auto& issuer : policy.issuers)
    issuers.push_back({{"name", issuer.name}, {"thumbprint", thumbprint_uri(issuer.thumbprint)}});
  Json certifiers = Json::array(), times = Json::array();
  for (const TrustedRoot& root : policy.certifiers)
    certifiers.push_back({{"name", root.name}, {"sha256", to_hex(fast_sha256(root.certificate))}});
  for (const TrustedRoot& root : policy.time_roots)
    times.push_back({{"name", root.name}, {"sha256", to_hex(fast_sha256(root.certificate))}});
  for (const auto& witness : policy.witnesses) witnesses.push_back({{"name", witness.name}, {"vkey", witness.key.to_vkey()}});
  for (const auto& group : policy.groups)
    groups.push_back({{"name", group.name}, {"needed", group.needed}, {"members", group.members}});
  return {{"logs", logs},
          {"issuers", issuers},
          {"certifiers", certifiers},
          {"times", times},
          {"witnesses", witnesses},
          {"groups", groups},
          {"quorum", policy.quorum.empty() ? Json() : Json(policy.quorum)},
          {"max_age_s", policy.max_age_s ? Json(*policy.max_age_s) : Json()},
          {"required", policy.required},
          {"model", policy.descent_suffices ? "descends" : "exact"},
          {"mark_bound_log10", policy.mark_bound_log10},
          {"doubtful", doubtful(policy)},
          {"never_met", never_met(policy)}};
}

/// Every check that a policy may demand, a line each.
int list_checks(Output& output) {
  std::string text;
  Json checks = Json::array();
  for (const CheckInfo& info : check_catalogue()) {
    char line[320];
    std::snprintf(line, sizeof(line), "%-24s  %s%s%s\n", std::string(info.code).c_str(), std::string(info.says).c_str(),
                  info.needs.empty() ? "" : "; needs ", std::string(info.needs).c_str());
    text += line;
    checks.push_back({{"code", info.code}, {"says", info.says}, {"needs", info.needs}});
  }
  return output.done(text, {{"checks", checks}});
}

int run_explain(const ExplainOptions& options, Output& output) {
  if (options.checks) return list_checks(output);
  if (options.file.empty())
    return output.fail({Errc::usage, "needs the policy file, or --checks"}, "e.g. stegpass policy explain trust.policy");
  auto policy = read_trust_policy(options.file);
  if (!policy) return output.fail(policy.error());
  const int code = output.done(explain(*policy), describe(*policy));
  return code == kExitValid && !never_met(*policy).empty() ? static_cast<int>(kExitInvalid) : code;
}

}  // namespace

void setup_policy_explain(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App& command =
      *parent.add_subcommand("explain", "Read a trust policy in words; exit code 1 if no bundle can ever meet it");
  auto* file = command.add_option("file", options->file, "The policy file");
  command.add_flag("--checks", options->checks, "Instead: list every check that a policy may demand")->excludes(file);
  command.footer("Example: stegpass policy explain trust.policy");
  bind_command(commands, command, options, run_explain);
}

}  // namespace stegpass::cli
