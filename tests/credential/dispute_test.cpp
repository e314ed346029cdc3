// The rules of a dispute: facts in, decision out.
#include <cmath>

#include "dispute_facts.hpp"

namespace stegpass::credential::testing {
namespace {

constexpr MarkState kAbsent = MarkState::absent, kWeak = MarkState::weak, kPresent = MarkState::present,
                    kUnread = MarkState::unread;
using Result = DisputeResult;

Quarrel two(std::uint64_t index_a = 0, std::uint64_t index_b = 0) {
  return Quarrel({party_of("ann", index_a), party_of("ben", index_b)});
}

/// What 81 constellations of two marks in two registered models come to, said apart from the rules' code: `ab` is ann's mark in
/// ben's.
Result expected(MarkState aa, MarkState ab, MarkState ba, MarkState bb, bool same_ledger) {
  const bool b_from_a = ab == kPresent && (bb != kPresent || (aa == kPresent && ba == kAbsent));
  const bool a_from_b = ba == kPresent && (aa != kPresent || (bb == kPresent && ab == kAbsent));
  const bool crossed = ab == kPresent && ba == kPresent;
  if ((a_from_b && b_from_a) || (crossed && !a_from_b && !b_from_a)) return same_ledger ? Result::first : Result::undecided;
  if (a_from_b || b_from_a) return Result::descends;
  if (ab == kPresent || ba == kPresent) return Result::undecided;
  if (aa == kWeak || ab == kWeak || ba == kWeak || bb == kWeak) return Result::undecided;
  if (aa == kPresent && bb == kPresent) return Result::separate;
  return aa == kPresent || bb == kPresent ? Result::not_descended : Result::none;
}

}  // namespace

TEST_CASE("all 81 constellations of two marks in two registered models come to what the rules say, whoever is named first") {
  const std::vector<MarkState> states = {kAbsent, kWeak, kPresent};
  for (const bool ledger : {false, true}) {
    for (int code = 0; code < 81; ++code) {
      const MarkState aa = states[code % 3], ab = states[code / 3 % 3], ba = states[code / 9 % 3], bb = states[code / 27];
      Quarrel forward = two(ledger ? 3 : 0, ledger ? 7 : 0);
      forward.registered(0, {aa, ba});
      forward.registered(1, {ab, bb});
      Quarrel mirrored({party_of("ben", ledger ? 7 : 0), party_of("ann", ledger ? 3 : 0)});
      mirrored.registered(1, {ba, aa});
      mirrored.registered(0, {bb, ab});
      const DisputeDecision one = forward.decide(), other = mirrored.decide();
      INFO("ann in hers " << mark_state_name(aa) << ", in ben's " << mark_state_name(ab) << ", ben in ann's "
                          << mark_state_name(ba) << ", in his " << mark_state_name(bb));
      CHECK(dispute_result_name(one.result) == dispute_result_name(expected(aa, ab, ba, bb, ledger)));
      CHECK(dispute_result_name(one.result) == dispute_result_name(other.result));
      CHECK(one.right.has_value() == other.right.has_value());
      if (one.right) CHECK(*one.right == 1 - *other.right);
      const bool false_mark = aa == kAbsent || bb == kAbsent;
      CHECK((one.verdict.outcome() == Outcome::invalid) == false_mark);
    }
  }
}

TEST_CASE("a model that one party brings alone changes no decision, whatever marks are in it") {
  for (int code = 0; code < 9; ++code) {
    const std::vector<MarkState> all = {kAbsent, kWeak, kPresent};
    for (const auto& own : {std::vector{kPresent, kAbsent}, std::vector{kPresent, kPresent}}) {
      Quarrel plain = two();
      plain.registered(0, {kPresent, kAbsent});
      plain.registered(1, {own[1], kPresent});
      Quarrel framed = plain;
      framed.held(Custody::brought, 0, {all[code % 3], all[code / 3]});
      framed.held(Custody::own, 1, {all[code % 3], all[code / 3]});  // his word without a time
      CHECK(plain.decide().result == framed.decide().result);
      CHECK(plain.decide().right == framed.decide().right);
    }
  }
}

TEST_CASE("a copy taken from the accused descends from the owner's model, with the chance of error said") {
  Quarrel quarrel({party_of("owner"), without_papers("thief")});
  quarrel.registered(0, {kPresent});
  quarrel.held(Custody::taken, 1, {kPresent});
  const DisputeDecision decision = quarrel.decide();
  check_decision(decision, Result::descends, 0, Outcome::valid);
  CHECK(decision.tests == 2);
  REQUIRE(decision.errors.size() == 4);
  CHECK(decision.errors[0].find("for all 2 tests together") != std::string::npos);
  CHECK(decision.marks[0][1].log10_p_corrected == Approx(decision.marks[0][1].log10_p + std::log10(2.0) + 80 * std::log10(2.0)));
  CHECK(decision.assumptions.size() >= 4);
}

TEST_CASE("a copy taken from the accused without any mark shows no descent, and says that absence proves no independence") {
  Quarrel quarrel({party_of("owner"), without_papers("rival")});
  quarrel.registered(0, {kPresent});
  quarrel.held(Custody::taken, 1, {kAbsent});
  const DisputeDecision decision = quarrel.decide();
  check_decision(decision, Result::not_descended, 0, Outcome::valid);
  CHECK(decision.errors.back().find("absence proves no independence") != std::string::npos);
}

TEST_CASE("what the accused says is his own counts against him once its bytes have a time") {
  Quarrel quarrel = two();
  quarrel.registered(0, {kPresent, kAbsent});
  quarrel.registered(1, {kAbsent, kPresent});
  quarrel.held(Custody::own, 1, {kPresent, kAbsent}, OutsideTime{kNow - kDay, "timestamp"});
  check_decision(quarrel.decide(), Result::descends, 0, Outcome::valid);
}

TEST_CASE(
    "a license in force excuses, one that is over does not and is a false claim, one that cannot be judged leaves it open") {
  const auto with = [](bool both, Outcome in_force, Outcome holder) {
    Quarrel quarrel = two();
    quarrel.registered(0, {kPresent, kAbsent});
    quarrel.registered(1, {kPresent, both ? kPresent : kAbsent});
    if (!both) quarrel.facts.parties[1].opened.clear();  // a licensee without a mark of his own
    quarrel.facts.parties[1].licenses.push_back(license_from(quarrel.facts.parties[0], in_force, holder));
    return quarrel.decide();
  };
  check_decision(with(true, Outcome::valid, Outcome::valid), Result::both_right, 0, Outcome::valid);
  check_decision(with(false, Outcome::valid, Outcome::valid), Result::licensed, 0, Outcome::valid);
  for (const bool both : {true, false}) {
    check_decision(with(both, Outcome::invalid, Outcome::valid), Result::descends, 0, Outcome::invalid);
    check_decision(with(both, Outcome::valid, Outcome::invalid), Result::descends, 0, Outcome::invalid);
    check_decision(with(both, Outcome::undecided, Outcome::valid), Result::undecided, {}, Outcome::undecided);
    check_decision(with(both, Outcome::valid, Outcome::undecided), Result::undecided, {}, Outcome::undecided);
  }
}

TEST_CASE("a license under another registration excuses nothing") {
  Quarrel quarrel({party_of("owner"), without_papers("buyer"), party_of("seller")});
  quarrel.registered(0, {kPresent, kAbsent, kAbsent});
  quarrel.held(Custody::taken, 1, {kPresent, kAbsent, kAbsent});
  quarrel.registered(2, {kAbsent, kAbsent, kPresent});
  quarrel.facts.parties[1].licenses.push_back(license_from(quarrel.facts.parties[2], Outcome::valid, Outcome::valid));
  check_decision(quarrel.decide(), Result::descends, 0, Outcome::valid);
  HeldLicense same_id = license_from(quarrel.facts.parties[2], Outcome::valid, Outcome::valid);
  same_id.registration_id = quarrel.facts.parties[0].registration->id;  // the seller registers the owner's id under his own key
  quarrel.facts.parties[1].licenses.push_back(same_id);
  check_decision(quarrel.decide(), Result::descends, 0, Outcome::valid);
}

TEST_CASE("both marks in one model of the accused prove no direction without a model that has the owner's alone") {
  Quarrel quarrel = two(3, 7);
  quarrel.registered(1, {kPresent, kPresent});
  check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
  quarrel.registered(0, {kPresent, kAbsent});
  check_decision(quarrel.decide(), Result::descends, 0, Outcome::valid);
}

TEST_CASE("one registered before the other decides only within one ledger, and only where marks do not") {
  const auto same_bytes = [](Quarrel quarrel) {
    quarrel.facts.parties[1].registration->model_digest = quarrel.facts.parties[0].registration->model_digest;
    quarrel.registered(0, {kPresent, kPresent});
    return quarrel;
  };
  check_decision(same_bytes(two(9, 4)).decide(), Result::first, 1, Outcome::valid);
  Quarrel apart = same_bytes(two(9, 4));
  apart.facts.parties[1].place->origin = "log.example/two";
  check_decision(apart.decide(), Result::undecided, {}, Outcome::undecided);
  apart.facts.parties[0].times = {{kNow - kDay, "timestamp"}};
  check_decision(apart.decide(), Result::first, 0, Outcome::valid);
  apart.facts.parties[1].times = {{kNow, "late"}, {kNow - 2 * kDay, "witnesses"}};
  check_decision(apart.decide(), Result::first, 1, Outcome::valid);
  apart.facts.parties[0].times = {{kNow - 2 * kDay + 600, "timestamp"}};  // two clocks of five minutes' skew
  check_decision(apart.decide(), Result::undecided, {}, Outcome::undecided);
  Quarrel squatter = two(9, 4);  // who was first does not matter where marks tell
  squatter.registered(0, {kPresent, kAbsent});
  squatter.registered(1, {kPresent, kPresent});
  check_decision(squatter.decide(), Result::descends, 0, Outcome::valid);
}

TEST_CASE("bytes with a time and one mark alone date that mark") {
  Quarrel quarrel = two();
  quarrel.facts.parties[1].times = {{kNow - 5 * kDay, "timestamp"}};
  quarrel.registered(0, {kPresent, kPresent});
  quarrel.registered(1, {kPresent, kPresent});
  check_decision(quarrel.decide(), Result::first, 1, Outcome::valid);
  quarrel.held(Custody::own, 0, {kPresent, kPresent}, OutsideTime{kNow - 9 * kDay, "archive"});  // with both it dates neither
  check_decision(quarrel.decide(), Result::first, 1, Outcome::valid);
}

TEST_CASE("papers that are false count for nothing, and the finding says so beside what is decided") {
  Quarrel quarrel = two(3, 7);
  quarrel.registered(0, {kPresent, kPresent});
  quarrel.held(Custody::taken, 1, {kPresent, kPresent});
  quarrel.facts.parties[1].papers.add("receipt.registration", Outcome::invalid, "path does not lead to the root");
  const DisputeDecision decision = quarrel.decide();
  check_decision(decision, Result::descends, 0, Outcome::invalid);
  CHECK(outcome_of(decision, "party.papers") == Outcome::valid);  // the first party's
}

TEST_CASE("what is missing leaves a dispute open and is named") {
  const auto detail = [](const Quarrel& quarrel) {
    const DisputeDecision decision = quarrel.decide();
    check_decision(decision, Result::undecided, {}, Outcome::undecided);
    return decision.verdict.find("dispute.outcome")->detail;
  };
  Quarrel untrusted = two();
  untrusted.registered(0, {kPresent, kAbsent});
  untrusted.registered(1, {kAbsent, kPresent});
  Quarrel closed = untrusted, unread = untrusted, no_model({party_of("ann"), without_papers("ben")}), no_original = two();
  untrusted.facts.parties[0].papers.add("checkpoint.signature", Outcome::undecided, "no trusted log signed it");
  CHECK(detail(untrusted).find("incomplete: checkpoint.signature") != std::string::npos);
  closed.facts.parties[1].opened.clear();
  CHECK(detail(closed).find("ben opened no passport") != std::string::npos);
  unread.held(Custody::taken, 1, {kUnread, kAbsent});
  CHECK(detail(unread).find("could not be read: tensor features.4") != std::string::npos);
  no_model.registered(0, {kPresent});
  CHECK(detail(no_model).find("no model was brought that ben stands behind") != std::string::npos);
  no_original.registered(1, {kAbsent, kPresent});
  CHECK(detail(no_original).find("the model that ann registered was not brought") != std::string::npos);
}

TEST_CASE("who refuses to open a passport cannot keep his copy from being found") {
  Quarrel quarrel = two(7, 3);
  quarrel.facts.parties[1].opened.clear();
  quarrel.registered(0, {kPresent, kAbsent});
  quarrel.registered(1, {kPresent, kAbsent});
  const DisputeDecision decision = quarrel.decide();
  check_decision(decision, Result::descends, 0, Outcome::valid);
  CHECK(decision.changes[1].find("which ben did not open") != std::string::npos);
}

TEST_CASE("the same registration in two hands is undecided") {
  Quarrel quarrel({party_of("ann"), party_of("ann")});
  quarrel.facts.parties[1].name = "ben";
  quarrel.registered(0, {kPresent, kPresent});
  check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
}

TEST_CASE("controls that are no coins, and no controls at all, leave a dispute open") {
  Quarrel quarrel({party_of("owner"), without_papers("thief")});
  quarrel.registered(0, {kPresent});
  quarrel.held(Custody::taken, 1, {kPresent});
  for (const std::uint64_t matches : {0u, 80u, 190u, 264u}) {
    quarrel.facts.controls = {{0, "reserve-1", "elsewhere", false, kBits, matches}};
    check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
  }
  quarrel.facts.controls.assign(40, {0, "reserve-1", "elsewhere", true, kBits, 145});  // each would pass, all together do not
  check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
  quarrel.facts.controls.clear();
  check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
  quarrel.facts.controls = {{0, "reserve-1", "elsewhere", false, kBits, 145}};
  check_decision(quarrel.decide(), Result::descends, 0, Outcome::valid);
}

TEST_CASE("every test makes a mark harder to prove") {
  Quarrel quarrel({party_of("owner"), without_papers("thief")});
  quarrel.registered(0, {kPresent});
  quarrel.held(Custody::taken, 1, {kPresent});
  quarrel.facts.readings.back().matches = 250;
  const double once = quarrel.decide().marks[0][1].log10_p_corrected;
  for (int i = 0; i < 998; ++i) quarrel.facts.readings.push_back({0, 0, "cover", "", kBits, 130, ""});
  CHECK(quarrel.decide().tests == 1000);
  CHECK(quarrel.decide().marks[0][1].log10_p_corrected == Approx(once + std::log10(500.0)));
  quarrel.facts.mark_bound_log10 = -300;
  CHECK(quarrel.decide().marks[0][1].state == kWeak);
}

TEST_CASE("the chance of matches is the exact binomial tail") {
  CHECK(log10_of_matches(10, 10) == Approx(-10 * std::log10(2.0)));
  CHECK(log10_of_matches(10, 9) == Approx(std::log10(11.0 / 1024)));
  CHECK(log10_of_matches(10, 5) == Approx(std::log10(638.0 / 1024)));
  CHECK(log10_of_matches(10, 1) == Approx(std::log10(1023.0 / 1024)));
  CHECK(log10_of_matches(10, 0) == 0);
  CHECK(log10_of_matches(0, 0) == 0);
  CHECK(log10_of_matches(264, 264) == Approx(-264 * std::log10(2.0)));
}

TEST_CASE("a log that shows two trees, or two statements at one entry, has forked") {
  Quarrel quarrel = two(3, 7);
  quarrel.registered(0, {kPresent, kAbsent});
  quarrel.registered(1, {kAbsent, kPresent});
  check_decision(quarrel.decide(), Result::separate, {}, Outcome::valid);
  CHECK(outcome_of(quarrel.decide(), "ledger.view") == Outcome::valid);
  Quarrel roots = quarrel, entries = quarrel;
  roots.facts.parties[1].place->root = named_digest<32>("another root");
  check_decision(roots.decide(), Result::separate, {}, Outcome::invalid);
  entries.facts.parties[1].place->index = 3;
  entries.facts.parties[1].place->tree_size = 200;
  check_decision(entries.decide(), Result::separate, {}, Outcome::invalid);
}

TEST_CASE("of three parties each pair is decided, and what is open leaves the whole open") {
  Quarrel quarrel({party_of("owner"), party_of("thief"), party_of("neighbour")});
  quarrel.registered(0, {kPresent, kAbsent, kAbsent});
  quarrel.registered(1, {kPresent, kPresent, kAbsent});
  quarrel.registered(2, {kAbsent, kAbsent, kPresent});
  const DisputeDecision decision = quarrel.decide();
  check_decision(decision, Result::descends, 0, Outcome::valid);
  REQUIRE(decision.pairs.size() == 3);
  CHECK(decision.pairs[1].result == Result::separate);
  quarrel.facts.parties[2].opened.clear();
  check_decision(quarrel.decide(), Result::undecided, {}, Outcome::undecided);
}

}  // namespace stegpass::credential::testing
