#include "dispute_pairs.hpp"

#include <algorithm>
#include <cstdlib>

#include <stegpass/credential/verification.hpp>

#include "verification_memory.hpp"

namespace stegpass::credential {
namespace {

// By how much two times from outside must differ, so that no clock can have turned them round.
constexpr std::int64_t kTimeMargin = 2 * kClockSkew;

// That `to` has something of `from`: a model which `to` stands behind and which carries the mark of `from`.
struct Edge {
  std::size_t to = 0, from = 0, model = 0;
  bool both = false;                  // it carries the mark of `to` as well
  std::optional<std::size_t> source;  // then: a model behind which `from` stands and which carries his mark alone
};

// Every way in which `to` may have something of `from`; where both marks show, only those with a source prove a direction.
std::vector<Edge> edges_of(const DisputeView& view, std::size_t to, std::size_t from) {
  std::vector<Edge> out;
  const std::vector<std::size_t> sources = view.vouched(from);
  for (const std::size_t model : view.vouched(to)) {
    if (!view.marked(from, model)) continue;
    Edge edge{to, from, model, view.marked(to, model), {}};
    for (const std::size_t source : sources) {
      if (source != model && view.marked(from, source) && view.state(to, source) == MarkState::absent) edge.source = source;
    }
    out.push_back(edge);
  }
  return out;
}

// The edge that proves most: with the mark of `from` alone before one with both, with a source before one without.
std::optional<Edge> proof(const std::vector<Edge>& edges) {
  for (const Edge& edge : edges) {
    if (!edge.both) return edge;
  }
  for (const Edge& edge : edges) {
    if (edge.source) return edge;
  }
  return std::nullopt;
}

// The license that covers the edge: in force before undecided before refuted; null when there is none.
const HeldLicense* covering(const DisputeView& view, const Edge& edge) {
  const std::optional<Registration>& owner = view.facts.parties[edge.from].registration;
  const HeldLicense* best = nullptr;
  const auto rank = [](const HeldLicense& license) {
    if (license.in_force == Outcome::invalid || license.holder == Outcome::invalid) return 0;
    return license.in_force == Outcome::valid && license.holder == Outcome::valid ? 2 : 1;
  };
  for (const HeldLicense& license : view.facts.parties[edge.to].licenses) {
    if (!owner || license.registration_id != owner->id || license.owner != owner->owner) continue;
    if (!best || rank(license) > rank(*best)) best = &license;
  }
  return best;
}

bool holds(const HeldLicense& license) { return license.in_force == Outcome::valid && license.holder == Outcome::valid; }
bool refuted(const HeldLicense& license) { return license.in_force == Outcome::invalid || license.holder == Outcome::invalid; }

class Pair {
 public:
  Pair(const DisputeView& view, std::size_t a, std::size_t b) : view_(view), a_(a), b_(b) {}

  PairDecision run() {
    out_.finding.a = a_, out_.finding.b = b_;
    if (same_registration()) {
      undecided("both bring the same registration, and a bundle does not tell who brings it");
      return std::move(out_);
    }
    const std::vector<Edge> to_a = edges_of(view_, a_, b_), to_b = edges_of(view_, b_, a_);
    const std::optional<Edge> a_from_b = proof(to_a), b_from_a = proof(to_b);
    if (a_from_b && b_from_a)
      contested("each has a model with the other's mark");
    else if (a_from_b)
      judge_edge(*a_from_b);
    else if (b_from_a)
      judge_edge(*b_from_a);
    else if (!to_a.empty() && !to_b.empty())
      contested("both marks are in the bytes of both");
    else if (!to_a.empty())
      unsourced(to_a.front());
    else if (!to_b.empty())
      unsourced(to_b.front());
    else
      judge_apart();
    return std::move(out_);
  }

 private:
  const std::string& name(std::size_t party) const { return view_.name(party); }
  const std::string& model(std::size_t index) const { return view_.facts.models[index].name; }
  void set(DisputeResult result, std::optional<std::size_t> right, std::string detail) {
    out_.finding.result = result, out_.finding.right = right, out_.finding.detail = std::move(detail);
  }
  void undecided(std::string detail) { set(DisputeResult::undecided, {}, std::move(detail)); }

  bool same_registration() const {
    const std::optional<Registration>&of_a = view_.facts.parties[a_].registration, &of_b = view_.facts.parties[b_].registration;
    return of_a && of_b && of_a->id == of_b->id && of_a->owner == of_b->owner;
  }

  std::string describe(const Edge& edge) const {
    const std::string subject = name(edge.to) + "'s model " + model(edge.model);
    if (!edge.both) return subject + " carries " + name(edge.from) + "'s mark, and not " + name(edge.to) + "'s";
    return subject + " carries both marks" +
           (edge.source ? ", and " + name(edge.from) + "'s model " + model(*edge.source) + " his alone" : "");
  }

  void judge_edge(const Edge& edge) {
    const HeldLicense* license = covering(view_, edge);
    if (license && holds(*license)) {
      return set(edge.both ? DisputeResult::both_right : DisputeResult::licensed, edge.from,
                 describe(edge) + "; " + name(edge.to) + " holds a license of his in force: " + license->detail);
    }
    if (license && !refuted(*license))
      return undecided(describe(edge) + "; whether a license covers it cannot be said: " + license->detail);
    set(DisputeResult::descends, edge.from,
        describe(edge) + ": it descends from " + name(edge.from) + "'s; " +
            (license ? "the license does not cover it: " + license->detail : "no license of his was shown"));
  }

  // Both marks in one model, and nothing that shows which was there first: it takes bytes with one mark.
  void unsourced(const Edge& edge) {
    const HeldLicense* license = covering(view_, edge);
    if (license && holds(*license)) return judge_edge(edge);
    undecided(describe(edge) + ", which does not tell whose came first; needs a model that " + name(edge.from) +
              " registered, with his mark and without " + name(edge.to) + "'s");
  }

  void contested(const std::string& why) {
    for (const auto& [to, from] : {std::pair(a_, b_), std::pair(b_, a_)}) {
      for (const Edge& edge : edges_of(view_, to, from)) {
        const HeldLicense* license = covering(view_, edge);
        if (license && holds(*license)) return judge_edge(edge);
      }
    }
    out_.priority = judge_priority(view_, a_, b_);
    if (!out_.priority->party) return undecided(why + "; " + out_.priority->detail);
    set(DisputeResult::first, out_.priority->party, why + "; " + out_.priority->detail);
  }

  // Nobody's model is shown to carry the other's mark: said only when all that could have shown it was looked at.
  void judge_apart() {
    for (const auto& [party, other] : {std::pair(a_, b_), std::pair(b_, a_)}) {
      const std::string lacking = missing(party, other);
      if (!lacking.empty()) return undecided(lacking);
    }
    const bool a = view_.stands(a_), b = view_.stands(b_);
    if (a && b) return set(DisputeResult::separate, {}, "each mark is in its own party's model, and neither in the other's");
    if (!a && !b) return set(DisputeResult::none, {}, "neither has a mark in any model that either stands behind");
    const std::size_t right = a ? a_ : b_, other = a ? b_ : a_;
    set(DisputeResult::not_descended, right,
        name(right) + "'s mark is in his own model, and in none that " + name(other) + " stands behind");
  }

  // What keeps us from saying that `other`'s models lack the mark of `party`; empty when nothing does.
  std::string missing(std::size_t party, std::size_t other) const {
    const DisputeParty& facts = view_.facts.parties[party];
    if (facts.has_papers && facts.papers.outcome() == Outcome::undecided)
      return name(party) + "'s papers are incomplete: " + first_lacking(facts.papers);
    if (facts.has_papers && facts.papers.outcome() == Outcome::valid && facts.opened.empty())
      return name(party) + " opened no passport; needs his bundle for an arbiter";
    if (view_.vouched(party).empty() && facts.papers.outcome() != Outcome::invalid)
      return facts.registration ? "the model that " + name(party) + " registered was not brought"
                                : "no model was brought that " + name(party) + " stands behind";
    if (!view_.opened(party)) return {};
    for (const std::size_t model_index : view_.vouched(party)) {
      const MarkFinding& mark = view_.marks[party][model_index];
      if (mark.state == MarkState::weak)
        return "whether " + name(party) + "'s mark is in his own model " + model(model_index) + " cannot be said";
    }
    for (const std::size_t model_index : view_.vouched(other)) {
      const MarkFinding& mark = view_.marks[party][model_index];
      const std::string where = name(party) + "'s mark in " + name(other) + "'s model " + model(model_index);
      if (mark.state == MarkState::weak) return where + " is neither shown nor ruled out";
      if (mark.state == MarkState::unread) return where + " could not be read: " + mark.problem;
    }
    return {};
  }

  static std::string first_lacking(const Verdict& papers) {
    for (const Check& check : papers.checks()) {
      if (check.outcome == Outcome::undecided) return check.code + ", " + check.detail;
    }
    return "nothing was checked";
  }

  const DisputeView& view_;
  std::size_t a_, b_;
  PairDecision out_;
};

std::string place_text(const DisputeView& view, std::size_t party) {
  return view.name(party) + " at entry " + std::to_string(view.facts.parties[party].place->index);
}

// The earliest time from outside by which a party's mark was fixed: that of its registration, or of bytes that carry its mark
// alone.
std::optional<OutsideTime> earliest(const DisputeView& view, std::size_t party) {
  std::vector<OutsideTime> times = view.facts.parties[party].times;
  for (const std::size_t model : view.vouched(party)) {
    bool alone = view.marked(party, model);
    for (std::size_t other = 0; other < view.facts.parties.size(); ++other)
      alone = alone && (other == party || !view.marked(other, model));
    if (alone && view.facts.models[model].time)
      times.push_back({view.facts.models[model].time->time,
                       "bytes of " + view.facts.models[model].name + ", " + view.facts.models[model].time->source});
  }
  const auto first = std::min_element(times.begin(), times.end(), [](const auto& x, const auto& y) { return x.time < y.time; });
  return first == times.end() ? std::nullopt : std::optional(*first);
}

std::string time_text(const DisputeView& view, std::size_t party, const OutsideTime& time) {
  return view.name(party) + " by " + utc_text(time.time) + " (" + time.source + ")";
}

}  // namespace

bool DisputeView::opened(std::size_t party) const {
  const DisputeParty& facts_of = facts.parties[party];
  return facts_of.has_papers && facts_of.papers.outcome() == Outcome::valid && !facts_of.opened.empty();
}

bool DisputeView::marked(std::size_t party, std::size_t model) const {
  return opened(party) && state(party, model) == MarkState::present;
}

bool DisputeView::registered(std::size_t party, std::size_t model) const {
  const std::optional<Registration>& registration = facts.parties[party].registration;
  return registration && registration->model_digest == facts.models[model].digest;
}

bool DisputeView::vouches(std::size_t party, std::size_t model) const {
  const DisputeModel& subject = facts.models[model];
  if (registered(party, model)) return true;
  if (subject.party != party) return false;
  return subject.custody == Custody::taken || (subject.custody == Custody::own && subject.time);
}

std::vector<std::size_t> DisputeView::vouched(std::size_t party) const {
  std::vector<std::size_t> out;
  for (std::size_t model = 0; model < facts.models.size(); ++model) {
    if (vouches(party, model)) out.push_back(model);
  }
  return out;
}

bool DisputeView::vouched_for(std::size_t model) const {
  for (std::size_t party = 0; party < facts.parties.size(); ++party) {
    if (vouches(party, model)) return true;
  }
  return false;
}

bool DisputeView::stands(std::size_t party) const {
  const std::vector<std::size_t> own = vouched(party);
  return std::any_of(own.begin(), own.end(), [&](std::size_t model) { return marked(party, model); });
}

Priority judge_priority(const DisputeView& view, std::size_t a, std::size_t b) {
  const std::optional<LedgerPlace>&place_a = view.facts.parties[a].place, &place_b = view.facts.parties[b].place;
  if (place_a && place_b && place_a->origin == place_b->origin && place_a->log_key == place_b->log_key) {
    if (place_a->index == place_b->index) return {{}, "both stand at one entry of the ledger"};
    const std::size_t first = place_a->index < place_b->index ? a : b, second = first == a ? b : a;
    return {first, "in ledger " + place_a->origin + " " + place_text(view, first) + " stands before " + place_text(view, second)};
  }
  const std::optional<OutsideTime> time_a = earliest(view, a), time_b = earliest(view, b);
  if (!time_a && !time_b)
    return {{},
            "they are not in one ledger, and neither has a time from outside (a timestamp, witnesses, earlier bytes with one)"};
  if (!time_a || !time_b) {
    const std::size_t first = time_a ? a : b, second = time_a ? b : a;
    return {first, "only " + time_text(view, first, time_a ? *time_a : *time_b) + " has a time from outside; what " +
                       view.name(second) + "'s own ledger says does not count"};
  }
  const std::string said = time_text(view, a, *time_a) + ", " + time_text(view, b, *time_b);
  if (std::abs(time_a->time - time_b->time) <= kTimeMargin) return {{}, "their times from outside are too close: " + said};
  return {time_a->time < time_b->time ? a : b, "by time from outside: " + said};
}

PairDecision decide_pair(const DisputeView& view, std::size_t a, std::size_t b) { return Pair(view, a, b).run(); }

}  // namespace stegpass::credential
