#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/verdict.hpp>

#include "html.hpp"

// Drawings for pages and paper: SVG within the page, 440 units wide, with a text that says what is to be seen (role img,
// aria-label).
namespace stegpass::cli {

/// One link of the chain from the weights to the witnesses. Those on the branch hang on the step before it that is not.
struct ChainStep {
  std::string title, detail;  ///< any text; shortened to fit
  Outcome outcome = Outcome::not_checked;
  bool branch = false;
};
/// The links from top to bottom, each with its sign; the line to one that is not valid is broken.
html::Markup chain_chart(const std::vector<ChainStep>& steps);

struct MatchBar {
  std::string label;
  std::uint64_t matches = 0, bits = 0;
};
/// A bar a layer, from none to all bits, with a line at one half, where chance would leave it.
html::Markup match_chart(const std::vector<MatchBar>& bars);

/// log10 of the chance of at least `matches` of `bits` fair coins: the exact binomial tail. Requires matches <= bits.
double log10_tail(std::uint64_t bits, std::uint64_t matches);
/// The least number of matches whose tail, with `added` on its log10, is at most `bound`; none when all bits would not do.
std::optional<std::uint64_t> least_matches(std::uint64_t bits, double added, double bound);
/// What independent networks would show, where the observed reading lies, and from where on it counts.
html::Markup null_chart(std::uint64_t bits, std::uint64_t matches, std::optional<std::uint64_t> needed);

/// Something that happened, in the order in which it is to be shown.
struct Event {
  std::string what, when, detail;
  bool in_ledger = true;  ///< an entry; else something that was signed or judged outside it
  std::string sign;       ///< in the circle: the entry's number
};
html::Markup timeline_chart(const std::vector<Event>& events);

/// A span of time with moments on it, all in seconds since 1970.
struct Moment {
  std::string label;
  std::int64_t time = 0;
};
struct Period {
  std::string label;
  std::int64_t from = 0, to = 0;
  std::vector<Moment> moments;
};
html::Markup period_chart(const Period& period);

}  // namespace stegpass::cli
