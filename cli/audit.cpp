#include <algorithm>
#include <memory>
#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/witness.hpp>
#include <stegpass/ledger/audit.hpp>
#include <stegpass/ledger/tiles.hpp>
#include <stegpass/ledger/witness.hpp>

#include "command.hpp"
#include "files.hpp"
#include "ledger_view.hpp"
#include "policy_files.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct AuditOptions {
  std::string folder, tiles, log_key, policy, since;
};

/// Whom the auditor trusts: --policy, or the one log of --log-key; nobody without either.
Result<TrustPolicy> trusted(const AuditOptions& options) {
  if (!options.policy.empty()) return read_trust_policy(options.policy);
  TrustPolicy policy;
  if (options.log_key.empty()) return policy;
  STEGPASS_TRY(verifier, read_vkey(options.log_key));
  policy.logs.push_back(std::move(verifier));
  return policy;
}

std::uint64_t count_licenses(const ledger::RegistrationPolicy& state) {
  std::uint64_t count = 0;
  for (const auto& [id, registration] : state.registrations()) count += registration.licenses.size();
  return count;
}

int say(const AuditOptions& options, Output& output, const ledger::AuditReport& report, const Verdict& verdict) {
  const Checkpoint& checkpoint = report.checkpoint;
  if (!output.json()) {
    output.note("log " + checkpoint.origin + ": " + std::to_string(checkpoint.tree_size) + " entries, " +
                std::to_string(report.state.registrations().size()) + " models, " + std::to_string(count_licenses(report.state)) +
                " licenses, root " + to_hex(checkpoint.root));
  }
  return output.judged(verdict, checkpoint.time,
                       {{"policy", options.policy.empty() ? Json() : Json(options.policy)},
                        {"origin", checkpoint.origin},
                        {"size", checkpoint.tree_size},
                        {"root", to_hex(checkpoint.root)},
                        {"registrations", output.json() ? describe_state(report.state) : Json()}});
}

/// A ledger that is there but cannot be read as one is evidence that something altered it.
int unreadable(const AuditOptions& options, Output& output, const Error& error) {
  if (error.code != Errc::malformed)
    return output.fail(error, options.tiles.empty() ? "the argument is the ledger's folder, e.g. acme/ledger" : "");
  Verdict verdict;
  verdict.add("audit.entries", Outcome::invalid, error.detail);
  return output.judged(verdict, 0);
}

/// An export's checkpoint, whose first line is the log's name; empty where there is none to read.
std::string tiles_checkpoint(const std::string& folder) {
  auto note = read_file(std::filesystem::path(folder) / "checkpoint", kMaxSmallFile, "a signed checkpoint");
  return note ? std::string(as_text(*note)) : std::string{};
}

/// Adds whether the quorum that the policy demands has cosigned the newest checkpoint.
void judge_quorum(const TrustPolicy& policy, const Result<std::string>& newest, Verdict& verdict) {
  if (policy.quorum.empty()) return;
  const auto note = newest ? parse_note(*newest) : Result<Note>(newest.error());
  if (!note) return verdict.add("checkpoint.witnesses", Outcome::invalid, note.error().detail);
  const Check check = judge_witnesses(*note, policy, current_time());
  verdict.add(check.code, check.outcome, check.detail);
}

int finish_audit(const AuditOptions& options, Output& output, const Result<ledger::AuditReport>& audited,
                 const TrustPolicy& policy, const Result<std::string>& newest) {
  if (!audited) return unreadable(options, output, audited.error());
  Verdict verdict = audited->verdict;
  judge_quorum(policy, newest, verdict);
  const bool asked = !options.policy.empty() || !options.log_key.empty();
  if (asked && std::ranges::find(policy.logs, audited->checkpoint.origin, &NoteVerifier::name) == policy.logs.end()) {
    verdict.add("audit.log-key", Outcome::undecided, "none of the trusted log keys is for " + audited->checkpoint.origin);
  }
  return say(options, output, *audited, verdict);
}

/// The checkpoint of an earlier audit; none when none is named.
Result<std::optional<std::string>> read_since(const AuditOptions& options) {
  if (options.since.empty()) return std::optional<std::string>{};
  STEGPASS_TRY(note, read_file(options.since, kMaxSmallFile, "a signed checkpoint"));
  if (auto parsed = parse_note(as_text(note)); !parsed)
    return Error{Errc::malformed, options.since + " is no signed checkpoint: " + parsed.error().detail};
  return std::optional(std::string(as_text(note)));
}

int run(const AuditOptions& options, Output& output) {
  if (options.folder.empty() == options.tiles.empty()) {
    return output.fail({Errc::usage, "one of a ledger's folder and --tiles is needed"}, "e.g. stegpass audit acme/ledger");
  }
  auto policy = trusted(options);
  if (!policy) return output.fail(policy.error());
  const auto since = read_since(options);
  if (!since) return output.fail(since.error());
  ProgressBar bar("audit");
  const auto progress = [&](std::uint64_t done, std::uint64_t total) {
    bar.update(static_cast<double>(done), static_cast<double>(total));
  };
  if (!options.tiles.empty()) {
    const std::string newest = tiles_checkpoint(options.tiles);
    const auto key = log_of(policy->logs, newest);
    return finish_audit(options, output, ledger::audit_tiles(options.tiles, key, progress, *since), *policy, newest);
  }
  auto log = ledger::Ledger::open(options.folder, ledger::Ledger::Mode::read);
  if (!log) return unreadable(options, output, log.error());
  const auto newest = ledger::cosigned_checkpoint(*log);
  const auto key = log_of(policy->logs, newest ? *newest : log->origin());
  return finish_audit(options, output, ledger::audit(*log, key, progress, *since), *policy, newest);
}

}  // namespace

void setup_audit(Commands& commands) {
  auto options = std::make_shared<AuditOptions>();
  CLI::App& command =
      *commands.app.add_subcommand("audit", "Replay a ledger from nothing: every signature, every decision, the tree");
  command.add_option("ledger", options->folder, "The ledger's folder");
  command.add_option("--tiles", options->tiles, "Instead: a folder that ledger export wrote, or any other log's tlog-tiles");
  auto* key = command.add_option("--log-key", options->log_key, "File with the log's verifier key (log.vkey) that you trust");
  command.add_option("--policy", options->policy, "Trust policy that names the log and its key")->excludes(key);
  command.add_option("--since", options->since, "Checkpoint of your earlier audit: signatures before it are not checked again");
  command.footer("Example: stegpass audit acme/ledger --policy trust.policy --json");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
