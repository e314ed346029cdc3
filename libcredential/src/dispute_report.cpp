#include <stegpass/credential/dispute_report.hpp>

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/printable.hpp>
#include <stegpass/credential/verification.hpp>

#include "dispute_marks.hpp"
#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kIdLength = 16, kMaxReason = 8000;

class Writer {
 public:
  void line(std::string_view text) { out_ += printable(text) + "\n"; }
  void section(std::string_view title) { out_ += "\n" + std::string(title) + "\n"; }
  void item(std::string_view text) { line("- " + std::string(text)); }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string padded(std::string_view word, std::size_t width) {
  return std::string(word) + std::string(word.size() < width ? width - word.size() : 1, ' ');
}

void write_marks(Writer& out, const DisputeFacts& facts, const DisputeDecision& decision) {
  out.section("marks");
  for (std::size_t party = 0; party < facts.parties.size(); ++party) {
    for (std::size_t model = 0; model < facts.models.size() && !facts.parties[party].opened.empty(); ++model) {
      const MarkFinding& mark = decision.marks[party][model];
      out.item(facts.parties[party].name + " in " + facts.models[model].name + ": " + std::string(mark_state_name(mark.state)) +
               "; " + reading_text(facts, mark));
    }
  }
  for (const DisputeControl& control : facts.controls) {
    out.item(facts.parties[control.party].name + "'s " + control.role + " in control " + control.model +
             (control.aligned ? " after alignment: " : ": ") + std::to_string(control.matches) + " of " +
             std::to_string(control.bits) + " bits");
  }
}

void write_list(Writer& out, std::string_view title, const std::vector<std::string>& lines) {
  out.section(title);
  for (const std::string& text : lines) out.item(text);
}

std::string list_inputs(const std::vector<DisputeInput>& inputs) {
  std::string out;
  for (const DisputeInput& input : inputs) out += to_hex(input.digest) + "  " + printable(input.what) + "\n";
  return out;
}

Bytes id_of(std::string_view domain, std::string_view text) {
  const Digest32 digest = fast_sha256(as_bytes(std::string(domain) + "\n" + std::string(text)));
  return Bytes(digest.begin(), digest.begin() + kIdLength);
}

std::string reason_of(const FindingRequest& request) {
  const Check* outcome = request.decision.verdict.find("dispute.outcome");
  std::string said = printable(outcome->detail);
  const Outcome sum = request.decision.verdict.outcome();
  std::string end = "; " + std::to_string(request.decision.tests) + " tests";
  if (sum == Outcome::invalid) {
    const auto& checks = request.decision.verdict.checks();
    end += "; false: " +
           std::find_if(checks.begin(), checks.end(), [](const Check& check) { return check.outcome == Outcome::invalid; })->code;
  }
  end += "; report SHA-256 " + to_hex(fast_sha256(as_bytes(request.report)));
  while (said.size() + end.size() > kMaxReason || !is_utf8(said)) said.pop_back();
  return said + end;
}

}  // namespace

std::string render_dispute(const DisputeFacts& facts, const DisputeDecision& decision, const std::vector<DisputeInput>& inputs) {
  Writer out;
  out.line("stegpass dispute report v1");
  out.line("as of " + utc_text(facts.now));
  out.line("outcome: " + decision.verdict.find("dispute.outcome")->detail);
  if (decision.right) out.line("for: " + facts.parties[*decision.right].name);
  out.line("checks together: " + std::string(outcome_name(decision.verdict.outcome())));
  out.section("checks");
  for (const Check& check : decision.verdict.checks())
    out.line(padded(outcome_name(check.outcome), 13) + padded(check.code, 19) + check.detail);
  write_marks(out, facts, decision);
  write_list(out, "what it rests on", decision.assumptions);
  write_list(out, "how likely it is wrong", decision.errors);
  write_list(out, "what would change it", decision.changes);
  out.section("evidence, by SHA-256");
  return out.take() + list_inputs(inputs);
}

DisputeOutcome outcome_for_claimant(const DisputeDecision& decision, DisputeGround ground) {
  if (decision.result == DisputeResult::undecided) return DisputeOutcome::undecided;
  const bool claimants = decision.right == std::size_t{0};
  const bool taken = decision.result == DisputeResult::descends || decision.result == DisputeResult::first;
  const bool licensed = decision.result == DisputeResult::licensed || decision.result == DisputeResult::both_right;
  const bool upheld = ground == DisputeGround::license ? licensed && !claimants : taken && claimants;
  return upheld ? DisputeOutcome::upheld : DisputeOutcome::rejected;
}

DisputeFinding make_finding(const PublicKey& arbiter, const FindingRequest& request) {
  DisputeFinding out{.arbiter = arbiter, .id = id_of("stegpass.dispute-finding.v1", request.report)};
  out.dispute_id = request.claim ? request.claim->id : id_of("stegpass.dispute.v1", list_inputs(request.inputs));
  out.outcome = outcome_for_claimant(request.decision, request.claim ? request.claim->ground : DisputeGround::infringement);
  out.reason = reason_of(request);
  out.evidence = request.evidence;
  return out;
}

}  // namespace stegpass::credential
