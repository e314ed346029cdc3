#include <memory>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/dispute.hpp>
#include <stegpass/credential/printable.hpp>

#include "dispute.hpp"
#include "dispute_case.hpp"
#include "dispute_page.hpp"
#include "files.hpp"
#include "report.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct JudgeOptions {
  CaseOptions subject;
  std::string key, out, report, page, finding, arbiter;
  PassphraseSource passphrase;
  bool force = false;
  const CLI::App* command = nullptr;  ///< for the page, which says how to repeat it
};

/// A dispute judged: the facts, what they come to, and the report on it.
struct Judged {
  Case subject;
  DisputeFacts facts;
  DisputeDecision decision;
  std::string report;
};

/// Whether the file that an evidence statement names is among those that were brought.
void judge_evidence(const Case& subject, Verdict& verdict) {
  for (const Statement& statement : subject.evidence) {
    const DisputeEvidence& evidence = *statement.as<DisputeEvidence>();
    std::string what;
    for (const DisputeInput& input : subject.inputs) {
      if (input.digest == evidence.digest) what = input.what;
    }
    const std::string said = to_hex(evidence.id) + " by " + evidence.party.thumbprint_uri() + ", \"" + evidence.note + "\": ";
    if (what.empty())
      verdict.add("evidence.statement", Outcome::not_checked,
                  said + "no file was brought with SHA-256 " + to_hex(evidence.digest));
    else
      verdict.add("evidence.statement", Outcome::valid, said + what);
  }
}

Result<Judged> judge(const CaseOptions& options, std::int64_t now) {
  STEGPASS_TRY(subject, read_case(options, now));
  Judged out{.subject = std::move(subject), .facts = {}, .decision = {}, .report = {}};
  out.facts = collect_facts(out.subject);
  out.decision = decide_dispute(out.facts);
  judge_evidence(out.subject, out.decision.verdict);
  out.report = render_dispute(out.facts, out.decision, out.subject.inputs);
  return out;
}

DisputeFinding finding_of(const Judged& judged, const PublicKey& arbiter) {
  std::vector<Bytes> ids;
  for (const Statement& statement : judged.subject.evidence) ids.push_back(statement.as<DisputeEvidence>()->id);
  return make_finding(
      arbiter, {judged.facts, judged.decision, judged.subject.inputs, judged.report, judged.subject.claim, std::move(ids)});
}

Json describe_marks(const Judged& judged) {
  Json out = Json::array();
  for (std::size_t party = 0; party < judged.facts.parties.size(); ++party) {
    for (std::size_t model = 0; model < judged.facts.models.size() && !judged.facts.parties[party].opened.empty(); ++model) {
      const MarkFinding& mark = judged.decision.marks[party][model];
      Json entry = {{"party", judged.facts.parties[party].name},
                    {"model", judged.facts.models[model].name},
                    {"state", mark_state_name(mark.state)}};
      if (mark.reading) {
        const DisputeReading& reading = judged.facts.readings[*mark.reading];
        entry.update({{"passport", reading.role},
                      {"bits", reading.bits},
                      {"matches", reading.matches},
                      {"log10_p", mark.log10_p},
                      {"log10_p_corrected", mark.log10_p_corrected},
                      {"aligned_to", reading.aligned_to.empty() ? Json() : Json(reading.aligned_to)}});
      } else {
        entry["problem"] = mark.problem;
      }
      out.push_back(std::move(entry));
    }
  }
  return out;
}

Json describe_controls(const Judged& judged) {
  Json out = Json::array();
  for (const DisputeControl& control : judged.facts.controls) {
    out.push_back({{"party", judged.facts.parties[control.party].name},
                   {"passport", control.role},
                   {"control", control.model},
                   {"aligned", control.aligned},
                   {"bits", control.bits},
                   {"matches", control.matches}});
  }
  return out;
}

Json describe_pairs(const Judged& judged) {
  Json out = Json::array();
  const auto name = [&](std::size_t party) { return judged.facts.parties[party].name; };
  for (const PairFinding& pair : judged.decision.pairs) {
    out.push_back({{"parties", {name(pair.a), name(pair.b)}},
                   {"outcome", dispute_result_name(pair.result)},
                   {"for", pair.right ? Json(name(*pair.right)) : Json()},
                   {"detail", printable(pair.detail)}});
  }
  return out;
}

Json describe(const Judged& judged) {
  const DisputeDecision& decision = judged.decision;
  Json inputs = Json::array();
  for (const DisputeInput& input : judged.subject.inputs)
    inputs.push_back({{"what", input.what}, {"sha256", to_hex(input.digest)}});
  return {{"outcome", dispute_result_name(decision.result)},
          {"for", decision.right ? Json(judged.facts.parties[*decision.right].name) : Json()},
          {"pairs", describe_pairs(judged)},
          {"tests", decision.tests},
          {"marks", describe_marks(judged)},
          {"controls", describe_controls(judged)},
          {"assumptions", decision.assumptions},
          {"errors", decision.errors},
          {"would_change", decision.changes},
          {"report_sha256", to_hex(fast_sha256(as_bytes(judged.report)))},
          {"inputs", inputs}};
}

/// The finding, signed by the arbiter whom the claim names.
Result<Statement> sign_finding(const JudgeOptions& options, const Judged& judged) {
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.key));
  STEGPASS_TRY(key, read_private_key(options.key, passphrase));
  const Digest32 arbiter = key.public_key().thumbprint();
  if (judged.subject.claim && judged.subject.claim->arbiter != arbiter)
    return Error{Errc::refused,
                 "the claim names arbiter " + thumbprint_uri(judged.subject.claim->arbiter) + ", not " + thumbprint_uri(arbiter)};
  for (const DisputeParty& party : judged.facts.parties) {
    if (party.registration && party.registration->owner == key.public_key())
      return Error{Errc::refused, "the arbiter's key is that of party " + party.name};
  }
  return sign_statement(key, finding_of(judged, key.public_key()), judged.facts.now);
}

Status check_outputs(const JudgeOptions& options) {
  if (options.out.empty() != options.key.empty())
    return Error{Errc::usage, "--key and --out go together: the finding is signed by the arbiter's key"};
  for (const std::string& path : {options.out, options.report, options.page}) {
    if (!path.empty()) STEGPASS_CHECK_OK(check_output(path, options.force));
  }
  return Done{};
}

std::string page_of(const JudgeOptions& options, const Judged& judged) {
  return dispute_page(
      {judged.facts, judged.decision, judged.subject.inputs, options.subject.policy, fast_sha256(as_bytes(judged.report)),
       given_arguments(*options.command, {"--key", "--passphrase-file", "--passphrase-fd", "--out", "--report", "--page"})});
}

/// Signs and writes what was asked for; the finding last, so that it never stands without its report.
Status hand_out(const JudgeOptions& options, const Judged& judged, Json& figures) {
  std::optional<Statement> finding;
  if (!options.key.empty()) {
    STEGPASS_TRY(made, sign_finding(options, judged));
    finding = std::move(made);
  }
  if (!options.report.empty()) STEGPASS_CHECK_OK(write_file(options.report, as_bytes(judged.report), {.force = options.force}));
  if (!options.page.empty())
    STEGPASS_CHECK_OK(write_file(options.page, as_bytes(page_of(options, judged)), {.force = options.force}));
  if (!finding) return Done{};
  STEGPASS_CHECK_OK(write_file(options.out, finding->entry(), {.force = options.force}));
  const DisputeFinding& body = *finding->as<DisputeFinding>();
  figures["finding"] = {{"out", options.out},
                        {"id", to_hex(body.id)},
                        {"dispute", to_hex(body.dispute_id)},
                        {"outcome", outcome_name(body.outcome)},
                        {"arbiter", body.arbiter.thumbprint_uri()}};
  return Done{};
}

int run_judge(const JudgeOptions& options, Output& output) {
  if (auto checked = check_outputs(options); !checked) return output.fail(checked.error());
  const auto judged = judge(options.subject, current_time());
  if (!judged) return output.fail(judged.error());
  Json figures = describe(*judged);
  if (auto written = hand_out(options, *judged, figures); !written) return output.fail(written.error());
  return output.judged(judged->decision.verdict, judged->facts.now, figures);
}

void compare(Verdict& verdict, const char* code, bool same, const std::string& what, const std::string& found) {
  verdict.add(code, same ? Outcome::valid : Outcome::invalid,
              same ? what + ", as in the finding" : what + " is not that of the finding, " + found);
}

/// What a finding says against what the same evidence gives now.
Verdict compare_finding(const JudgeOptions& options, const Statement& statement, const Judged& judged) {
  const DisputeFinding& said = *statement.as<DisputeFinding>();
  const DisputeFinding found = finding_of(judged, said.arbiter);
  Verdict out;
  const std::string by = "signed by " + said.arbiter.thumbprint_uri() + " at " + utc_time(statement.issued_at());
  if (options.arbiter.empty())
    out.add("finding.arbiter", Outcome::not_checked, by + "; whether that is the arbiter needs --arbiter");
  else
    compare(out, "finding.arbiter", options.arbiter == said.arbiter.thumbprint_uri(), by, options.arbiter);
  if (judged.subject.claim)
    compare(out, "finding.claim", said.arbiter.thumbprint() == judged.subject.claim->arbiter, "the arbiter whom the claim names",
            thumbprint_uri(judged.subject.claim->arbiter));
  compare(out, "finding.dispute", said.dispute_id == found.dispute_id, "dispute " + to_hex(found.dispute_id),
          to_hex(said.dispute_id));
  compare(out, "finding.outcome", said.outcome == found.outcome, std::string(outcome_name(found.outcome)),
          std::string(outcome_name(said.outcome)));
  compare(out, "finding.evidence", said.evidence == found.evidence, std::to_string(found.evidence.size()) + " pieces of evidence",
          std::to_string(said.evidence.size()));
  compare(out, "finding.report", said.id == found.id && said.reason == found.reason,
          "report of SHA-256 " + to_hex(fast_sha256(as_bytes(judged.report))), "which reasons: " + printable(said.reason));
  return out;
}

int run_replay(const JudgeOptions& options, Output& output) {
  auto finding = read_statement(options.finding, StatementKind::dispute_finding);
  if (!finding) return output.fail(finding.error());
  const auto judged = judge(options.subject, finding->issued_at());
  if (!judged) return output.fail(judged.error());
  const Verdict verdict = compare_finding(options, *finding, *judged);
  return output.judged(verdict, finding->issued_at(),
                       {{"finding", to_hex(finding->as<DisputeFinding>()->id)}, {"decision", describe(*judged)}});
}

void add_case_options(CLI::App& command, CaseOptions& options) {
  command.add_option("--policy", options.policy, "The arbiter's trust policy (stegpass policy init writes one)")->required();
  command
      .add_option("--party", options.parties,
                  "NAME=BUNDLE or NAME: a party, with its bundle for an arbiter if it claims a mark; the claimant first")
      ->required();
  command.add_option("--model", options.models, "NAME=FILE: a model that matters; may be repeated")->required();
  command.add_option("--taken", options.taken, "MODEL=PARTY: it was taken from that party's custody (the accused's own copy)");
  command.add_option("--own", options.own, "MODEL=PARTY: that party says that it is his own; counts with --time alone");
  command.add_option("--brought", options.brought,
                     "MODEL=PARTY: brought by that party alone; decides nothing, as a model of no known origin");
  command.add_option("--time", options.times, "MODEL=TOKEN: a timestamp (RFC 3161) over the model's file");
  command.add_option("--earlier", options.earlier,
                     "PARTY=BUNDLE: an earlier bundle of its registration, with a timestamp or cosignatures");
  command.add_option("--license", options.licenses, "PARTY=BUNDLE: a license that the party says it holds");
  command.add_option("--presentation", options.presentations, "PARTY=FILE: its proof that it holds the key of its licenses");
  command.add_option("--audience", options.audience, "Who you said you are when you asked for presentations");
  command.add_option("--nonce", options.nonce, "The nonce you asked with, in hexadecimal");
  command.add_option("--control", options.controls, "NAME=FILE: a model of the same architecture that no party had a hand in");
  command.add_option("--claim", options.claim, "The dispute claim, a statement; the finding is then on it");
  command.add_option("--evidence", options.evidence, "A dispute evidence statement on one of the files; may be repeated");
}

void add_judge(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<JudgeOptions>();
  CLI::App& command = *group.add_subcommand("judge", "Decide from bundles and models, with every step, and sign the finding");
  add_case_options(command, options->subject);
  command.add_option("--key", options->key, "The arbiter's encrypted key; Ed25519 gives the same finding bytes each time");
  add_passphrase_options(command, options->passphrase);
  command.add_option("--out", options->out, "The signed finding");
  command.add_option("--report", options->report, "The report as text; the finding names its SHA-256");
  command.add_option("--page", options->page, "The report as an HTML page with drawings, which can be read offline and printed");
  command.add_flag("--force", options->force, "Replace what is there");
  command.footer(
      "Exit codes: 0 decided, and nothing that a party vouched for is false; 1 something is (the outcome says what is decided "
      "all the same);\n"
      "2 usage, 3 undecided, 4 file or environment.\n"
      "Example: stegpass dispute judge --policy arbiter.policy --party acme=acme.bundle --party rival=rival.bundle --model "
      "release=release.safetensors\n"
      "  --model sold=sold.safetensors --taken sold=rival --key arbiter.key --out finding.cose --report report.txt --page "
      "report.html");
  options->command = &command;
  bind_command(commands, command, options, run_judge);
}

void add_replay(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<JudgeOptions>();
  CLI::App& command =
      *group.add_subcommand("replay", "Decide again from the same evidence, as of the finding's time, and compare");
  add_case_options(command, options->subject);
  command.add_option("--finding", options->finding, "The finding to compare with")->required();
  command.add_option("--arbiter", options->arbiter, "Thumbprint URI of the key that it has to be signed by (stegpass key show)");
  command.footer(
      "Exit codes: 0 the evidence gives this finding, 1 it gives another, 2 usage, 4 file or environment.\n"
      "Example: stegpass dispute replay --finding finding.cose --policy arbiter.policy --party acme=acme.bundle --party "
      "rival=rival.bundle\n"
      "  --model release=release.safetensors --model sold=sold.safetensors --taken sold=rival");
  bind_command(commands, command, options, run_replay);
}

}  // namespace

void setup_dispute(Commands& commands) {
  CLI::App& group =
      *commands.app.add_subcommand("dispute", "Whose model is it? Two or more parties' bundles and models, one finding");
  group.require_subcommand(1);
  add_judge(commands, group);
  add_replay(commands, group);
  setup_dispute_statements(commands, group);
#ifdef STEGPASS_WITH_LEDGER
  setup_dispute_enter(commands, group);
#endif
}

}  // namespace stegpass::cli
