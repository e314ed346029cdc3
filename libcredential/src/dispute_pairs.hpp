#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/dispute.hpp>

namespace stegpass::credential {

/// What the rules of a pair look at: facts, the state of every mark, and who stands behind every model.
struct DisputeView {
  const DisputeFacts& facts;
  const std::vector<std::vector<MarkFinding>>& marks;  ///< [party][model]

  const std::string& name(std::size_t party) const { return facts.parties[party].name; }
  MarkState state(std::size_t party, std::size_t model) const { return marks[party][model].state; }
  /// Whether a party's mark shows in a model, and the party's papers hold, so that it counts.
  bool marked(std::size_t party, std::size_t model) const;
  /// Whether a party stands behind a model's bytes: registered them, had them, or says that they are his own, with a time.
  bool vouches(std::size_t party, std::size_t model) const;
  bool registered(std::size_t party, std::size_t model) const;
  std::vector<std::size_t> vouched(std::size_t party) const;
  /// Whether any party stands behind it.
  bool vouched_for(std::size_t model) const;
  /// Whether the mark of a party shows in a model that he stands behind.
  bool stands(std::size_t party) const;
  /// Whether a party has papers that hold and opened a passport, so that his mark can be looked for.
  bool opened(std::size_t party) const;
};

/// Who of two was first, and why; `party` empty: cannot be said, with what would be needed.
struct Priority {
  std::optional<std::size_t> party;
  std::string detail;
};
Priority judge_priority(const DisputeView& view, std::size_t a, std::size_t b);

/// What the pair comes to. `priority` is set when time had to be asked.
struct PairDecision {
  PairFinding finding;
  std::optional<Priority> priority;
};
PairDecision decide_pair(const DisputeView& view, std::size_t a, std::size_t b);

}  // namespace stegpass::credential
