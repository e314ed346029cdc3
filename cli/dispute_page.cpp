#include "dispute_page.hpp"

#include <algorithm>
#include <cmath>

#include <stegpass/credential/core/text.hpp>

#include "charts.hpp"
#include "page.hpp"
#include "report.hpp"
#include "report_words.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

using namespace credential;
using html::code;
using html::foreign;
using html::Markup;

namespace {

/// A step of the decision: a link of the drawing and a table of checks.
struct Step {
  std::string_view title;
  std::vector<std::string_view> codes;
};

const std::vector<Step>& steps_of_decision() {
  static const std::vector<Step> kSteps = {
      {"Papers and opened passports", {"party.papers", "party.passport", "evidence.statement"}},
      {"Who stands behind which bytes", {"model.custody", "ledger.view"}},
      {"Independent models as controls", {"controls.binomial"}},
      {"Marks read", {"mark.reading", "party.mark"}},
      {"Licenses held", {"license.held"}},
      {"Each pair, and who was first", {"pair.priority", "pair.result"}},
      {"Outcome", {"dispute.outcome"}},
  };
  return kSteps;
}

bool belongs_to(const Step& step, std::string_view check) {
  return std::find(step.codes.begin(), step.codes.end(), check) != step.codes.end();
}

/// Sign and colour of a mark's state: a mark that is not there is no fault of anybody.
Outcome colour_of(MarkState state) {
  switch (state) {
    case MarkState::present: return Outcome::valid;
    case MarkState::weak: return Outcome::undecided;
    case MarkState::absent:
    case MarkState::unread: break;
  }
  return Outcome::not_checked;
}

/// Writes one page; its methods add to the document in the order in which it reads.
class DisputeWriter {
 public:
  explicit DisputeWriter(const DisputePageInputs& inputs)
      : in_(inputs), document_("stegpass dispute report: " + std::string(dispute_result_name(inputs.decision.result))) {}

  std::string write() {
    put_banner();
    put_parties();
    put_steps();
    put_marks();
    put_controls();
    put_pairs();
    put_checks();
    put_grounds();
    put_evidence();
    put_commands();
    document_.footer(
        "Written by stegpass from the evidence named above; the same evidence, policy and clock give the same page, byte by "
        "byte. "
        "Nothing in it was loaded from elsewhere, and nothing in it runs.");
    return document_.write();
  }

 private:
  const std::string& party(std::size_t index) const { return in_.facts.parties[index].name; }
  const std::string& model(std::size_t index) const { return in_.facts.models[index].name; }

  void put_banner();
  void put_parties();
  std::vector<Markup> party_row(const DisputeParty& party) const;
  void put_models();
  void put_steps();
  void put_marks();
  Markup mark_cell(std::size_t party, std::size_t model) const;
  std::vector<std::size_t> strongest_readings() const;
  void put_readings();
  void put_controls();
  void put_pairs();
  void put_checks();
  void put_grounds();
  void put_list(std::string_view title, const std::vector<std::string>& sentences);
  void put_evidence();
  void put_commands();

  const DisputePageInputs& in_;
  Document document_;
};

void DisputeWriter::put_banner() {
  const DisputeDecision& decision = in_.decision;
  std::string word(dispute_result_name(decision.result));
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  if (decision.right) word += ", for " + html::clipped(party(*decision.right), 40);
  std::string parties;
  for (const DisputeParty& one : in_.facts.parties) parties += (parties.empty() ? "" : ", ") + one.name;
  document_.banner({decision.verdict.outcome(),
                    "Dispute report",
                    word,
                    foreign(decision.verdict.find("dispute.outcome")->detail, 1000),
                    {{"As of", utc_time(in_.facts.now) + ", by the arbiter's clock"},
                     {"Parties", foreign(parties, 400)},
                     {"Policy", foreign(in_.policy, 120)},
                     {"Tests made", std::to_string(decision.tests) + ", for all of which every chance below is corrected"},
                     {"Text report's SHA-256", code(to_hex(in_.report))}}});
}

std::vector<Markup> DisputeWriter::party_row(const DisputeParty& one) const {
  Markup place =
      one.place ? Markup("entry " + std::to_string(one.place->index) + " of " + std::to_string(one.place->tree_size) + " in ") +
                      foreign(one.place->origin, 80)
                : Markup("none that counts");
  std::string times, opened;
  for (const OutsideTime& time : one.times) times += (times.empty() ? "" : "; ") + utc_time(time.time) + ", " + time.source;
  for (const std::string& role : one.opened) opened += (opened.empty() ? "" : ", ") + role;
  const Outcome papers = one.has_papers ? one.papers.outcome() : Outcome::not_checked;
  return {foreign(one.name),
          outcome_badge(papers, one.has_papers ? "" : "no bundle"),
          one.registration ? foreign(one.registration->model_name, 80) : Markup("none"),
          std::move(place),
          foreign(times.empty() ? "none" : times, 300),
          foreign(opened.empty() ? "none" : opened, 200)};
}

void DisputeWriter::put_parties() {
  document_.section("Who, and over what");
  Table parties{"The parties, the claimant first",
                {{"Party"}, {"Papers", true}, {"Registered"}, {"Where"}, {"Time from outside"}, {"Passports opened"}},
                {}};
  for (const DisputeParty& one : in_.facts.parties) parties.rows.push_back(party_row(one));
  document_.table(parties);
  put_models();
}

void DisputeWriter::put_models() {
  Table models{"The models", {{"Model"}, {"Custody", true}, {"Party"}, {"Time from outside"}, {"SHA-256"}}, {}};
  for (const DisputeModel& one : in_.facts.models)
    models.rows.push_back({foreign(one.name), std::string(custody_name(one.custody)),
                           one.party ? foreign(party(*one.party)) : Markup("nobody"),
                           one.time ? Markup(utc_time(one.time->time) + ", ") + foreign(one.time->source, 120) : Markup("none"),
                           code(to_hex(one.digest))});
  document_.table(models);
}

void DisputeWriter::put_steps() {
  std::vector<ChainStep> chain;
  for (const Step& step : steps_of_decision()) {
    const auto& checks = in_.decision.verdict.checks();
    const auto count =
        std::count_if(checks.begin(), checks.end(), [&](const Check& check) { return belongs_to(step, check.code); });
    chain.push_back({std::string(step.title), std::to_string(count) + (count == 1 ? " check" : " checks"),
                     sum_of(in_.decision.verdict, step.codes)});
  }
  document_.section("How it was decided")
      .figures({{chain_chart(chain), "Each step sums up its checks below, from top to bottom."}});
}

Markup DisputeWriter::mark_cell(std::size_t owner, std::size_t subject) const {
  const MarkFinding& mark = in_.decision.marks[owner][subject];
  const Markup badge = outcome_badge(colour_of(mark.state), mark_state_name(mark.state));
  if (!mark.reading) return mark.problem.empty() ? badge : badge + " " + foreign(mark.problem, 300);
  const DisputeReading& reading = in_.facts.readings[*mark.reading];
  return badge + " " + foreign(reading.role, 80) + ": " + std::to_string(reading.matches) + " of " +
         std::to_string(reading.bits) + " bits, log10 p " + with_decimals(mark.log10_p, 1) + ", corrected " +
         with_decimals(mark.log10_p_corrected, 1) +
         (reading.aligned_to.empty() ? Markup() : Markup("; brought into the order of ") + foreign(reading.aligned_to, 80));
}

void DisputeWriter::put_marks() {
  document_.section("Whose mark is in which model");
  Table table{"The strongest reading of every party's passports in every model", {{"Mark of", true}}, {}};
  for (const DisputeModel& one : in_.facts.models) table.columns.push_back({"in " + html::clipped(one.name, 40)});
  for (std::size_t owner = 0; owner < in_.facts.parties.size(); ++owner) {
    if (in_.facts.parties[owner].opened.empty()) continue;
    std::vector<Markup> row{foreign(party(owner))};
    for (std::size_t subject = 0; subject < in_.facts.models.size(); ++subject) row.push_back(mark_cell(owner, subject));
    table.rows.push_back(std::move(row));
  }
  if (table.rows.empty()) {
    document_.paragraph("No party opened a passport, so no mark was read.");
    return;
  }
  document_.table(table);
  put_readings();
}

std::vector<std::size_t> DisputeWriter::strongest_readings() const {
  std::vector<std::size_t> out;
  for (const auto& of_party : in_.decision.marks)
    for (const MarkFinding& mark : of_party)
      if (mark.reading && in_.facts.readings[*mark.reading].bits > 0) out.push_back(*mark.reading);
  return out;
}

void DisputeWriter::put_readings() {
  const std::vector<std::size_t> strongest = strongest_readings();
  if (strongest.empty()) return;
  std::vector<MatchBar> bars;
  for (const std::size_t index : strongest) {
    const DisputeReading& reading = in_.facts.readings[index];
    bars.push_back({html::clipped(party(reading.party), 20) + " in " + html::clipped(model(reading.model), 20), reading.matches,
                    reading.bits});
  }
  const auto rank = [&](std::size_t index) {
    return log10_of_matches(in_.facts.readings[index].bits, in_.facts.readings[index].matches);
  };
  const std::size_t best =
      *std::min_element(strongest.begin(), strongest.end(), [&](auto a, auto b) { return rank(a) < rank(b); });
  const DisputeReading& reading = in_.facts.readings[best];
  const double added = std::log10(static_cast<double>(std::max<std::uint64_t>(in_.decision.tests, 1))) + 80 * std::log10(2.0);
  document_.figures(
      {{match_chart(bars), "Bits that match; the line at one half is where chance would leave them."},
       {null_chart(reading.bits, reading.matches, least_matches(reading.bits, added, in_.facts.mark_bound_log10)),
        Markup("The strongest of them, ") + foreign(party(reading.party), 40) + " in " + foreign(model(reading.model), 40) +
            ", beside networks that know nothing of the passport. A mark counts as present when its chance, corrected for all "
            "tests and for "
            "2^80 tries unseen, is at most 10 to the power of " +
            with_decimals(in_.facts.mark_bound_log10, 1) + "."}});
}

void DisputeWriter::put_controls() {
  if (in_.facts.controls.empty()) return;
  Table table{"The same passports in models that no party had a hand in",
              {{"Control"}, {"Mark of"}, {"Passport", true}, {"Matching", true}, {"Bits", true}, {"Aligned", true}},
              {}};
  for (const DisputeControl& one : in_.facts.controls)
    table.rows.push_back({foreign(one.model), foreign(party(one.party)), foreign(one.role), std::to_string(one.matches),
                          std::to_string(one.bits), one.aligned ? "yes" : "no"});
  document_.section("Controls").table(table);
}

void DisputeWriter::put_pairs() {
  Table table{"", {{"Pair", true}, {"Outcome", true}, {"For", true}, {"Why"}}, {}};
  for (const PairFinding& pair : in_.decision.pairs)
    table.rows.push_back({foreign(party(pair.a)) + " and " + foreign(party(pair.b)),
                          outcome_badge(pair.result == DisputeResult::undecided ? Outcome::undecided : Outcome::valid,
                                        dispute_result_name(pair.result)),
                          pair.right ? foreign(party(*pair.right)) : Markup("nobody"), foreign(pair.detail, 2000)});
  document_.section("Each pair of parties").table(table);
}

void DisputeWriter::put_checks() {
  document_.section("Every check");
  for (const Step& step : steps_of_decision()) {
    std::vector<CheckRow> rows;
    for (const Check& check : in_.decision.verdict.checks())
      if (belongs_to(step, check.code)) rows.push_back({check, std::string(question_of(check.code)), {}, "A"});
    document_.checks(step.title, rows);
  }
}

void DisputeWriter::put_list(std::string_view title, const std::vector<std::string>& sentences) {
  Markup items;
  for (const std::string& sentence : sentences) items += html::element("li", foreign(sentence, 4000));
  document_.section(title);
  if (sentences.empty())
    document_.paragraph("Nothing.");
  else
    document_.put(html::element("ul", items));
}

void DisputeWriter::put_grounds() {
  put_list("What it rests on", in_.decision.assumptions);
  put_list("How likely it is wrong", in_.decision.errors);
  put_list("What would change it", in_.decision.changes);
}

void DisputeWriter::put_evidence() {
  Table table{"", {{"Evidence"}, {"SHA-256"}}, {}};
  for (const DisputeInput& input : in_.inputs) table.rows.push_back({foreign(input.what), code(to_hex(input.digest))});
  document_.section("The evidence, by its bytes").table(table);
}

void DisputeWriter::put_commands() {
  std::vector<std::string> all{"stegpass", "dispute", "judge"};
  all.insert(all.end(), in_.arguments.begin(), in_.arguments.end());
  document_.section("Commands that repeat it")
      .paragraph(
          "The letter in the tables above names the command. It needs no network, and reads the files under the names that they "
          "had here.")
      .commands({{"A", "STEGPASS_NOW=" + std::to_string(in_.facts.now) + " " + shell_line(all),
                  "every step again, at the same time of the clock; with --report the same text, whose SHA-256 stands above."},
                 {"B", "stegpass policy explain " + shell_line({in_.policy}),
                  "whom the arbiter trusts and what counts as a mark, in words."}});
}

}  // namespace

std::string dispute_page(const DisputePageInputs& inputs) { return DisputeWriter(inputs).write(); }

}  // namespace stegpass::cli
