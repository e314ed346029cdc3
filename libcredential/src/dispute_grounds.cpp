#include "dispute_grounds.hpp"

#include <algorithm>

#include "dispute_marks.hpp"

namespace stegpass::credential {
namespace {

using Lines = std::vector<std::string>;

void assume_custody(const DisputeView& view, Lines& out) {
  for (const DisputeModel& model : view.facts.models) {
    if (model.custody == Custody::taken && model.party)
      out.push_back(model.name + " was in " + view.name(*model.party) + "'s custody as his own use of it: the arbiter's word");
  }
}

void assume_passports(const DisputeView& view, Lines& out) {
  for (const DisputeParty& party : view.facts.parties) {
    if (party.opened.empty()) continue;
    const bool cover_alone =
        std::all_of(party.opened.begin(), party.opened.end(), [](const auto& role) { return role == "cover"; });
    if (cover_alone)
      out.push_back(
          party.name +
          " opened his cover passport alone: whoever was shown its seed (a verifier's bundle shows it) could have embedded it");
    else
      out.push_back(party.name + "'s opened reserve never left his vault before this dispute");
  }
}

void assume_keys(const DisputeView& view, Lines& out) {
  const auto& parties = view.facts.parties;
  for (std::size_t a = 0; a < parties.size(); ++a) {
    for (std::size_t b = a + 1; b < parties.size(); ++b) {
      if (!parties[a].registration || !parties[b].registration ||
          !(parties[a].registration->owner == parties[b].registration->owner))
        continue;
      out.push_back(parties[a].name + " and " + parties[b].name +
                    " bring registrations by one and the same key, as when a key was stolen: who holds it is not asked, only "
                    "whose mark is where");
    }
  }
  for (const DisputeParty& party : parties) {
    if (const Check* rotated = party.papers.find("key-rotation"); rotated && rotated->outcome == Outcome::valid)
      out.push_back(party.name + "'s key was rotated; what the ledger held before stays as it was, whatever date is claimed");
  }
}

Lines assumptions(const DisputeView& view, const DisputeDecision& decision) {
  Lines out = {"SHA-2 and the signatures are not broken, and a key's signatures are its holder's",
               "each bundle was brought by the party it is listed under; whom that party is in life is for the trust policy's "
               "issuers and certificates"};
  assume_keys(view, out);
  assume_passports(view, out);
  assume_custody(view, out);
  if (decision.verdict.find("ledger.view"))
    out.push_back("the log that both parties use has one history; what shows otherwise is two trees of one size, or witnesses");
  const auto timed = [](const auto& subject) { return !subject.times.empty(); };
  if (std::any_of(view.facts.parties.begin(), view.facts.parties.end(), timed))
    out.push_back("the authorities of time and witnesses of the trust policy told the truth");
  out.push_back("independent models have nothing to do with any party's secrets");
  return out;
}

Lines errors(const DisputeView& view, const DisputeDecision& decision) {
  Lines out;
  std::optional<double> weakest;  // of the marks that are called present
  for (const auto& of_party : decision.marks) {
    for (const MarkFinding& mark : of_party) {
      if (mark.state == MarkState::present) weakest = std::max(weakest.value_or(mark.log10_p_corrected), mark.log10_p_corrected);
    }
  }
  if (weakest)
    out.push_back("a mark that is called present is there by chance: at most 10^" + decimal_text(*weakest, 1) + " for all " +
                  std::to_string(decision.tests) + " tests together, 2^80 tries unseen allowed for; the bound was 10^" +
                  decimal_text(view.facts.mark_bound_log10, 1));
  out.push_back("a mark that is not there is called neither shown nor ruled out: at most 2 x 10^" +
                decimal_text(kNoMarkLog10, 0) + " for all tests together");
  out.push_back("sound controls leave the dispute undecided: at most 10^-6 a party");
  out.push_back(
      "a copy whose mark was wiped is called absent: no probability, it depends on what was done to it; absence proves no "
      "independence");
  return out;
}

void change_by_pair(const DisputeView& view, const PairFinding& pair, Lines& out) {
  const std::string a = view.name(pair.a), b = view.name(pair.b);
  const std::size_t right = pair.right.value_or(pair.a), other = right == pair.a ? pair.b : pair.a;
  switch (pair.result) {
    case DisputeResult::descends:
      out.push_back("a license of " + view.name(right) + "'s to " + view.name(other) + " that is in force, with proof that " +
                    view.name(other) + " holds its key");
      out.push_back("bytes that " + view.name(right) + " registered, had or had timestamped, and that carry " + view.name(other) +
                    "'s mark" + (view.opened(other) ? "" : ", which " + view.name(other) + " did not open"));
      return;
    case DisputeResult::first:
      out.push_back(
          "bytes that " + a + " or " + b +
          " registered, had or had timestamped, with his own mark alone: they show who took from whom, whoever was first");
      out.push_back("an earlier time from outside for " + view.name(other));
      return;
    case DisputeResult::both_right:
    case DisputeResult::licensed:
      out.push_back("a newer status by which the license of " + view.name(right) +
                    "'s is revoked, suspended or over, or a use that its terms do not allow");
      return;
    case DisputeResult::separate:
    case DisputeResult::not_descended:
    case DisputeResult::none:
      out.push_back("another passport of " + a + "'s or " + b +
                    "'s, or another model taken from one of them, in which the other's mark reads");
      return;
    case DisputeResult::undecided: out.push_back(a + " and " + b + ": " + pair.detail); return;
  }
}

}  // namespace

void state_grounds(const DisputeView& view, DisputeDecision& decision) {
  decision.assumptions = assumptions(view, decision);
  decision.errors = errors(view, decision);
  for (const PairFinding& pair : decision.pairs) change_by_pair(view, pair, decision.changes);
  const auto& checks = decision.verdict.checks();
  const auto fails = [](const Check& check) { return check.code == "controls.binomial" && check.outcome != Outcome::valid; };
  if (std::any_of(checks.begin(), checks.end(), fails))
    decision.changes.push_back("controls that hold: models of the same architecture that no party had a hand in");
}

}  // namespace stegpass::credential
