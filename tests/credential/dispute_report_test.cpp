// A decision as text and as a statement.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/dispute_report.hpp>
#include <stegpass/credential/printable.hpp>

#include "dispute_facts.hpp"

namespace stegpass::credential::testing {
namespace {

const std::string kPage = std::string(STEGPASS_SOURCE_DIR) + "/schemas/dispute-report.md";

Quarrel overwritten() {
  Quarrel out({party_of("acme", 1), party_of("rival", 4)});
  out.registered(0, {MarkState::present, MarkState::absent});
  out.registered(1, {MarkState::present, MarkState::present});
  return out;
}

std::vector<DisputeInput> inputs() {
  return {{"trust policy", named_digest<32>("policy")},
          {"bundle of acme", named_digest<32>("bundle")},
          {"model acme's release", named_digest<32>("acme's model")}};
}

/// The example on the page, or what it has to be if the environment says so.
std::string example(const std::string& made) {
  std::ifstream in(kPage);
  std::ostringstream text;
  text << in.rdbuf();
  std::string page = text.str();
  const std::string fence = "```text\n";
  const auto begin = page.find(fence) + fence.size(), end = page.find("```", begin);
  REQUIRE(page.find(fence) != std::string::npos);
  if (std::getenv("STEGPASS_WRITE_EXAMPLES") != nullptr) {
    page.replace(begin, end - begin, made);
    std::ofstream(kPage) << page;
    return made;
  }
  return page.substr(begin, end - begin);
}

}  // namespace

TEST_CASE("the report of the schema page is what the code writes") {
  const Quarrel quarrel = overwritten();
  const std::string made = render_dispute(quarrel.facts, quarrel.decide(), inputs());
  CHECK(example(made) == made);
}

TEST_CASE("what other people's files say is shown so that it cannot steer a reader") {
  CHECK(printable("plain, Zoë, 漢字") == "plain, Zoë, 漢字");
  CHECK(printable("a\x1b[31m\nb\x7f") == "a\\u{1b}[31m\\u{a}b\\u{7f}");
  CHECK(printable("x\xe2\x80\xae"
                  "gpj.exe") == "x\\u{202e}gpj.exe");
  CHECK(printable("\xff\xc0\x80\xe2\x80") == "\\x{ff}\\x{c0}\\x{80}\\x{e2}\\x{80}");
  Quarrel quarrel = overwritten();
  quarrel.facts.parties[0].registration->model_name = "release\n\xe2\x80\xaeoutcome: none";
  const std::string report = render_dispute(quarrel.facts, quarrel.decide(), inputs());
  CHECK(report.find("\noutcome: none") == std::string::npos);
  CHECK(report.find("release\\u{a}\\u{202e}outcome: none") != std::string::npos);
}

TEST_CASE("the finding names the report, is signed as the schema asks, and follows from the evidence alone") {
  const Quarrel quarrel = overwritten();
  const DisputeDecision decision = quarrel.decide();
  const std::string report = render_dispute(quarrel.facts, decision, inputs());
  const PrivateKey arbiter = named_key("arbiter");
  const auto files = inputs();
  const DisputeFinding finding = make_finding(arbiter.public_key(), {quarrel.facts, decision, files, report, {}, {}});
  CHECK(finding.outcome == DisputeOutcome::upheld);
  CHECK(finding.reason.find("report SHA-256 " + to_hex(fast_sha256(as_bytes(report)))) != std::string::npos);
  const Statement signed_one = Office::sign(arbiter, finding, kNow),
                  signed_two = Office::sign(
                      arbiter, make_finding(arbiter.public_key(), {quarrel.facts, decision, files, report, {}, {}}), kNow);
  CHECK(signed_one.entry() == signed_two.entry());
  CHECK(make_finding(arbiter.public_key(), {quarrel.facts, decision, files, report + "x", {}, {}}).id != finding.id);
  auto others = files;
  others.back().digest[0] ^= 1;
  CHECK(make_finding(arbiter.public_key(), {quarrel.facts, decision, others, report, {}, {}}).dispute_id != finding.dispute_id);
  Office office;
  const DisputeFinding on_claim = make_finding(
      arbiter.public_key(), {quarrel.facts, decision, files, report, office.make_claim(), {named_bytes("evidence", 16)}});
  CHECK(on_claim.dispute_id == office.make_claim().id);
  CHECK(on_claim.evidence.size() == 1);
}

TEST_CASE("a reason that would be too long is cut between characters, and still names the report") {
  Quarrel quarrel = overwritten();
  DisputeDecision decision = quarrel.decide();
  std::string said;
  for (int i = 0; i < 5000; ++i) said += "ë";
  decision.verdict = {};
  decision.verdict.add("party.mark", Outcome::invalid, "false");
  decision.verdict.add("dispute.outcome", Outcome::valid, said);
  const auto files = inputs();
  const DisputeFinding finding =
      make_finding(named_key("arbiter").public_key(), {quarrel.facts, decision, files, "report", {}, {}});
  CHECK(finding.reason.size() <= 8000);
  CHECK(finding.reason.find("; false: party.mark; report SHA-256 ") != std::string::npos);
  CHECK(sign_statement(named_key("arbiter"), finding, kNow).ok());
}

TEST_CASE("an outcome upholds or rejects the claimant's claim by its ground") {
  const auto outcome = [](DisputeResult result, std::optional<std::size_t> right, DisputeGround ground) {
    DisputeDecision decision;
    decision.result = result, decision.right = right;
    return outcome_for_claimant(decision, ground);
  };
  using R = DisputeResult;
  for (const auto ground : {DisputeGround::ownership, DisputeGround::infringement}) {
    for (const R taken : {R::descends, R::first}) {
      CHECK(outcome(taken, 0, ground) == DisputeOutcome::upheld);
      CHECK(outcome(taken, 1, ground) == DisputeOutcome::rejected);
    }
    for (const R other : {R::both_right, R::licensed, R::separate, R::not_descended, R::none})
      CHECK(outcome(other, 0, ground) == DisputeOutcome::rejected);
    CHECK(outcome(R::undecided, {}, ground) == DisputeOutcome::undecided);
  }
  CHECK(outcome(R::licensed, 1, DisputeGround::license) == DisputeOutcome::upheld);
  CHECK(outcome(R::both_right, 1, DisputeGround::license) == DisputeOutcome::upheld);
  CHECK(outcome(R::licensed, 0, DisputeGround::license) == DisputeOutcome::rejected);
  CHECK(outcome(R::descends, 0, DisputeGround::license) == DisputeOutcome::rejected);
}

}  // namespace stegpass::credential::testing
