#include <stegpass/credential/dispute.hpp>

#include <algorithm>
#include <array>
#include <cassert>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/verification.hpp>

#include "dispute_grounds.hpp"
#include "dispute_marks.hpp"
#include "dispute_pairs.hpp"

namespace stegpass::credential {
namespace {

constexpr std::array<std::string_view, 3> kCustodies = {"brought", "own", "taken"};
constexpr std::array<std::string_view, 4> kStates = {"unread", "absent", "weak", "present"};
constexpr std::array<std::string_view, 8> kResults = {"undecided", "descends", "first",         "both-right",
                                                      "licensed",  "separate", "not-descended", "none"};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

// Makes every check, in the order of the header. A step that could not be made is not checked: whether that leaves the dispute
// open is said once, by the pairs.
class Decider {
 public:
  explicit Decider(const DisputeFacts& facts) : facts_(facts), view_{facts, out_.marks} {}

  DisputeDecision run() {
    out_.marks = judge_marks(facts_);
    out_.tests = count_tests(facts_);
    for (const DisputeParty& party : facts_.parties) judge_papers(party);
    judge_ledgers();
    for (std::size_t model = 0; model < facts_.models.size(); ++model) judge_custody(model);
    judge_all_controls();
    judge_readings();
    for (std::size_t party = 0; party < facts_.parties.size(); ++party) judge_own_mark(party);
    for (const DisputeParty& party : facts_.parties) judge_licenses(party);
    judge_pairs();
    judge_outcome();
    state_grounds(view_, out_);
    return std::move(out_);
  }

 private:
  void add(const char* code, Outcome outcome, std::string detail) { out_.verdict.add(code, outcome, std::move(detail)); }
  const std::string& name(std::size_t party) const { return facts_.parties[party].name; }

  void judge_papers(const DisputeParty& party) {
    if (!party.has_papers) return add("party.papers", Outcome::not_checked, party.name + " brought no bundle, so claims no mark");
    const Outcome outcome = party.papers.outcome();
    add("party.papers", outcome == Outcome::undecided ? Outcome::not_checked : outcome, party.name + ": " + papers_text(party));
    if (outcome == Outcome::invalid) return;
    if (party.opened.empty())
      return add("party.passport", Outcome::not_checked, party.name + " opened no passport; needs his bundle for an arbiter");
    add("party.passport", Outcome::valid,
        party.name + " opened " + joined(party.opened) + ": the seed is the committed one and follows from the picture");
  }

  static std::string papers_text(const DisputeParty& party) {
    for (const Outcome worst : {Outcome::invalid, Outcome::undecided}) {
      if (party.papers.outcome() != worst) continue;
      for (const Check& check : party.papers.checks()) {
        if (check.outcome == worst) return check.code + ": " + check.detail;
      }
    }
    if (!party.registration) return "no registration";
    std::string out = "registration " + to_hex(party.registration->id) + " of \"" + party.registration->model_name + "\" by " +
                      party.registration->owner.thumbprint_uri();
    if (party.place) out += ", entry " + std::to_string(party.place->index) + " of ledger " + party.place->origin;
    for (const OutsideTime& time : party.times) out += ", by " + utc_text(time.time) + " (" + time.source + ")";
    return out;
  }

  // Two bundles of one log have to be of one history.
  void judge_ledgers() {
    for (std::size_t a = 0; a < facts_.parties.size(); ++a) {
      for (std::size_t b = a + 1; b < facts_.parties.size(); ++b) {
        const auto &place_a = facts_.parties[a].place, &place_b = facts_.parties[b].place;
        if (!place_a || !place_b || place_a->origin != place_b->origin || place_a->log_key != place_b->log_key) continue;
        judge_ledger(a, *place_a, b, *place_b);
      }
    }
  }

  void judge_ledger(std::size_t a, const LedgerPlace& place_a, std::size_t b, const LedgerPlace& place_b) {
    const std::string both = name(a) + "'s and " + name(b) + "'s bundles are of ledger " + place_a.origin;
    const bool other_root = place_a.tree_size == place_b.tree_size && place_a.root != place_b.root;
    const bool other_entry =
        place_a.index == place_b.index && facts_.parties[a].registration->id != facts_.parties[b].registration->id;
    if (other_root)
      return add("ledger.view", Outcome::invalid,
                 both + ", which signed two trees of " + std::to_string(place_a.tree_size) + " entries: forked");
    if (other_entry)
      return add("ledger.view", Outcome::invalid,
                 both + ", which shows two statements at entry " + std::to_string(place_a.index) + ": forked");
    add("ledger.view", Outcome::valid,
        both + (place_a.tree_size == place_b.tree_size ? ", of one tree" : "; nothing in them contradicts one history"));
  }

  void judge_custody(std::size_t model) {
    const DisputeModel& subject = facts_.models[model];
    std::vector<std::string> by;
    for (std::size_t party = 0; party < facts_.parties.size(); ++party) {
      if (view_.registered(party, model)) by.push_back("registered by " + name(party));
    }
    if (subject.party && subject.custody == Custody::taken) by.push_back("taken from " + name(*subject.party));
    if (subject.party && subject.custody == Custody::own && subject.time)
      by.push_back(name(*subject.party) + "'s own by his word");
    if (subject.time) by.push_back("existed by " + utc_text(subject.time->time) + " (" + subject.time->source + ")");
    if (view_.vouched_for(model)) return add("model.custody", Outcome::valid, subject.name + ": " + joined(by));
    const std::string from = !subject.party ? "nobody stands behind it"
                             : subject.custody == Custody::own
                                 ? name(*subject.party) + " says that it is his own, but its bytes have no time from outside"
                                 : "brought by " + name(*subject.party) + " alone";
    add("model.custody", Outcome::not_checked,
        subject.name + ": " + from + "; it decides nothing, since anybody can embed a mark in another's model");
  }

  void judge_all_controls() {
    for (std::size_t party = 0; party < facts_.parties.size(); ++party) {
      if (!view_.opened(party) || out_.tests == 0) continue;
      const Check check = judge_controls(facts_, party);
      controls_hold_ = controls_hold_ && check.outcome == Outcome::valid;
      add("controls.binomial", check.outcome, check.detail);
    }
  }

  void judge_readings() {
    for (std::size_t party = 0; party < facts_.parties.size(); ++party) {
      for (std::size_t model = 0; model < facts_.models.size() && !facts_.parties[party].opened.empty(); ++model) {
        const MarkFinding& mark = out_.marks[party][model];
        const std::string what = name(party) + "'s mark in " + facts_.models[model].name + ": ";
        const std::string state =
            mark.state == MarkState::weak ? "neither shown nor ruled out" : std::string(mark_state_name(mark.state));
        if (mark.state == MarkState::unread)
          add("mark.reading", Outcome::not_checked, what + reading_text(facts_, mark));
        else
          add("mark.reading", Outcome::valid, what + state + "; " + reading_text(facts_, mark));
      }
    }
  }

  // A registration says that its passports are in its model. Where they are not, the party vouched for something false.
  void judge_own_mark(std::size_t party) {
    if (!view_.opened(party)) return;
    for (std::size_t model = 0; model < facts_.models.size(); ++model) {
      if (!view_.registered(party, model)) continue;
      const MarkState state = view_.state(party, model);
      const Outcome outcome = state == MarkState::present  ? Outcome::valid
                              : state == MarkState::absent ? Outcome::invalid
                                                           : Outcome::not_checked;
      return add("party.mark", outcome,
                 name(party) + "'s registered model " + facts_.models[model].name +
                     (state == MarkState::present  ? " carries his mark"
                      : state == MarkState::absent ? " does not carry the mark that he registered for it"
                                                   : ": whether it carries his mark cannot be said"));
    }
    add("party.mark", Outcome::not_checked,
        "the model that " + name(party) + " registered was not brought, SHA-256 " +
            to_hex(facts_.parties[party].registration->model_digest));
  }

  void judge_licenses(const DisputeParty& party) {
    for (const HeldLicense& license : party.licenses) {
      const bool refuted = license.in_force == Outcome::invalid || license.holder == Outcome::invalid;
      const bool holds = license.in_force == Outcome::valid && license.holder == Outcome::valid;
      add("license.held",
          refuted ? Outcome::invalid
          : holds ? Outcome::valid
                  : Outcome::not_checked,
          party.name + ": " + license.detail);
    }
  }

  void judge_pairs() {
    for (std::size_t a = 0; a < facts_.parties.size(); ++a) {
      for (std::size_t b = a + 1; b < facts_.parties.size(); ++b) judge_pair(decide_pair(view_, a, b));
    }
  }

  void judge_pair(PairDecision pair) {
    const std::string both = name(pair.finding.a) + " and " + name(pair.finding.b) + ": ";
    if (pair.priority)
      add("pair.priority", pair.priority->party ? Outcome::valid : Outcome::undecided, both + pair.priority->detail);
    const bool decided = pair.finding.result != DisputeResult::undecided;
    add("pair.result", decided ? Outcome::valid : Outcome::undecided,
        both + std::string(dispute_result_name(pair.finding.result)) + "; " + pair.finding.detail);
    out_.pairs.push_back(std::move(pair.finding));
  }

  void judge_outcome() {
    const auto decides =
        std::min_element(out_.pairs.begin(), out_.pairs.end(), [](const auto& x, const auto& y) { return x.result < y.result; });
    if (!controls_hold_)
      return add("dispute.outcome", Outcome::undecided, "undecided: the controls do not hold, so no mark counts");
    out_.result = decides->result, out_.right = decides->right;
    const bool decided = out_.result != DisputeResult::undecided;
    add("dispute.outcome", decided ? Outcome::valid : Outcome::undecided,
        std::string(dispute_result_name(out_.result)) + ": " + decides->detail);
  }

  const DisputeFacts& facts_;
  DisputeDecision out_;
  DisputeView view_;
  bool controls_hold_ = true;
};

}  // namespace

std::string_view custody_name(Custody custody) { return kCustodies[static_cast<std::size_t>(custody)]; }
std::string_view mark_state_name(MarkState state) { return kStates[static_cast<std::size_t>(state)]; }
std::string_view dispute_result_name(DisputeResult result) { return kResults[static_cast<std::size_t>(result)]; }

DisputeDecision decide_dispute(const DisputeFacts& facts) {
  assert(facts.parties.size() >= 2);
  return Decider(facts).run();
}

}  // namespace stegpass::credential
