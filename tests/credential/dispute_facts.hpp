#pragma once

#include <cmath>
#include <string>

#include <stegpass/credential/dispute.hpp>

#include "papers_fixture.hpp"

// Facts of disputes for tests of the rules: parties with papers that hold, models, and readings that say what a test needs.
namespace stegpass::credential::testing {

inline constexpr std::uint64_t kBits = 264;

/// So many of 264 bits that the mark is in that state after the corrections of a few tests.
inline std::uint64_t matches_for(MarkState state) {
  return state == MarkState::present ? 260 : state == MarkState::weak ? 180 : 133;
}

inline DisputeParty party_of(const std::string& name, std::uint64_t index = 0) {
  DisputeParty out{.name = name,
                   .has_papers = true,
                   .papers = {},
                   .registration = Registration{.owner = named_key(name).public_key(), .id = named_bytes(name, 16)},
                   .place = {},
                   .times = {},
                   .opened = {"reserve-1"},
                   .licenses = {}};
  out.papers.add("bundle.bytes", Outcome::valid, "an arbiter bundle");
  out.registration->model_name = name + ".safetensors";
  out.registration->model_digest = named_digest<32>(name + "'s model");
  if (index > 0) out.place = LedgerPlace{"log.example/one", named_digest<32>("log"), index, 100, named_digest<32>("root")};
  return out;
}
inline DisputeParty without_papers(const std::string& name) {
  return {.name = name,
          .has_papers = false,
          .papers = {},
          .registration = {},
          .place = {},
          .times = {},
          .opened = {},
          .licenses = {}};
}

/// A dispute that tests fill; models are named by their index.
struct Quarrel {
  DisputeFacts facts;

  explicit Quarrel(std::vector<DisputeParty> parties) {
    facts.now = kNow;
    facts.parties = std::move(parties);
    for (std::size_t party = 0; party < facts.parties.size(); ++party) {
      if (!facts.parties[party].opened.empty()) facts.controls.push_back({party, "reserve-1", "elsewhere", false, kBits, 130});
    }
  }
  std::size_t add(DisputeModel model, const std::vector<MarkState>& states) {
    facts.models.push_back(std::move(model));
    const std::size_t index = facts.models.size() - 1;
    for (std::size_t party = 0; party < states.size(); ++party) {
      if (facts.parties[party].opened.empty()) continue;
      DisputeReading reading{party, index, "reserve-1", "", kBits, matches_for(states[party]), ""};
      if (states[party] == MarkState::unread)
        reading = {party, index, "reserve-1", "", 0, 0, "tensor features.4.conv.weight is missing"};
      facts.readings.push_back(reading);
    }
    return index;
  }
  /// The model that a party registered, with the states of all parties' marks in it.
  std::size_t registered(std::size_t party, const std::vector<MarkState>& states) {
    return add({.name = facts.parties[party].name + "'s release",
                .digest = facts.parties[party].registration->model_digest,
                .custody = Custody::brought,
                .party = {},
                .time = {}},
               states);
  }
  std::size_t held(Custody custody, std::size_t party, const std::vector<MarkState>& states,
                   std::optional<OutsideTime> time = {}) {
    const std::string name = "model " + std::to_string(facts.models.size());
    return add({.name = name, .digest = named_digest<32>(name), .custody = custody, .party = party, .time = std::move(time)},
               states);
  }
  DisputeDecision decide() const { return decide_dispute(facts); }
};

inline HeldLicense license_from(const DisputeParty& owner, Outcome in_force, Outcome holder) {
  return {named_bytes("held", 16), owner.registration->id, owner.registration->owner, in_force, holder, "license held"};
}

inline Outcome outcome_of(const DisputeDecision& decision, std::string_view code) {
  const Check* check = decision.verdict.find(code);
  return check ? check->outcome : Outcome::not_checked;
}

/// The decision is this, with the exit code's outcome, and for this party.
inline void check_decision(const DisputeDecision& decision, DisputeResult result, std::optional<std::size_t> right, Outcome sum) {
  for (const Check& check : decision.verdict.checks())
    UNSCOPED_INFO(outcome_name(check.outcome) << " " << check.code << ": " << check.detail);
  CHECK(dispute_result_name(decision.result) == dispute_result_name(result));
  CHECK(decision.right == right);
  CHECK(outcome_name(decision.verdict.outcome()) == outcome_name(sum));
  CHECK_FALSE(decision.changes.empty());
}

}  // namespace stegpass::credential::testing
