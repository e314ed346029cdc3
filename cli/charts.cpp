#include "charts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "output.hpp"
#include "page.hpp"

namespace stegpass::cli {

using html::clipped;
using html::element;
using html::Markup;

namespace {

constexpr double kWidth = 440, kLeft = 14, kRight = 426;

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Markup label(double x, double y, const Markup& text, std::string_view colour, std::string_view anchor = "start",
             std::string_view size = "14") {
  return element("text",
                 {{"x", number(x)},
                  {"y", number(y)},
                  {"fill", std::string(colour)},
                  {"text-anchor", std::string(anchor)},
                  {"font-size", std::string(size)}},
                 text);
}
Markup strong(double x, double y, const Markup& text) {
  return element("text",
                 {{"x", number(x)}, {"y", number(y)}, {"fill", std::string(kInk)}, {"font-size", "15"}, {"font-weight", "600"}},
                 text);
}
Markup line(double x1, double y1, double x2, double y2, std::string_view colour, std::string_view width = "2",
            bool broken = false) {
  return element("line", {{"x1", number(x1)},
                          {"y1", number(y1)},
                          {"x2", number(x2)},
                          {"y2", number(y2)},
                          {"stroke", std::string(colour)},
                          {"stroke-width", std::string(width)},
                          {"stroke-dasharray", broken ? "3 5" : "none"}});
}
Markup box(double x, double y, double width, double height, std::string_view fill) {
  return element("rect", {{"x", number(x)},
                          {"y", number(y)},
                          {"width", number(std::max(0.0, width))},
                          {"height", number(height)},
                          {"fill", std::string(fill)}});
}
Markup drawing(double height, const std::string& alternative, const Markup& content) {
  return element("svg",
                 {{"viewBox", "0 0 " + number(kWidth) + " " + number(height)},
                  {"role", "img"},
                  {"aria-label", alternative},
                  {"font-family", "Source Sans 3, Noto Sans, DejaVu Sans, Liberation Sans, Helvetica, Arial, sans-serif"}},
                 content);
}

double log10_choose(std::uint64_t n, std::uint64_t k) {
  const auto g = [](std::uint64_t value) { return std::lgamma(static_cast<double>(value) + 1); };
  return (g(n) - g(k) - g(n - k)) / std::log(10.0);
}

// --- the chain

constexpr double kStep = 62, kTrunk = 24, kBranch = 58;

double column_of(const ChainStep& step) { return step.branch ? kBranch : kTrunk; }

/// The line that leads to step `at` from the one before it on the same or the outer column.
Markup chain_line(const std::vector<ChainStep>& steps, std::size_t at) {
  const double y = 22 + kStep * static_cast<double>(at);
  const ChainStep& step = steps[at];
  const bool broken = step.outcome != Outcome::valid;
  std::size_t before = at - 1;
  while (!step.branch && before > 0 && steps[before].branch) --before;
  const double from = 22 + kStep * static_cast<double>(before);
  Markup out;
  if (column_of(steps[before]) == column_of(step)) {
    out += line(column_of(step), from, column_of(step), y, kAccent, "2.5", broken);
  } else {
    out += element("path", {{"d", "M" + number(kTrunk) + " " + number(from) + " C" + number(kTrunk) + " " + number(from + 34) +
                                      " " + number(kBranch) + " " + number(y - 34) + " " + number(kBranch) + " " + number(y)},
                            {"fill", "none"},
                            {"stroke", std::string(kAccent)},
                            {"stroke-width", "2.5"},
                            {"stroke-dasharray", broken ? "3 5" : "none"}});
  }
  return out;
}

Markup chain_text(const ChainStep& step, double y) {
  const double x = column_of(step) + 24;
  const std::size_t most = step.branch ? 46 : 50;
  const Markup word = element(
      "tspan", {{"fill", std::string(ink_of(step.outcome).text)}, {"font-size", "13"}, {"font-weight", "600"}, {"dx", "8"}},
      std::string(outcome_name(step.outcome)));
  const Markup title = element(
      "text", {{"x", number(x)}, {"y", number(y)}, {"fill", std::string(kInk)}, {"font-size", "15"}, {"font-weight", "600"}},
      clipped(step.title, 30) + word);
  return title + label(x, y + 18, clipped(step.detail, most), kMuted, "start", "13");
}

}  // namespace

Markup chain_chart(const std::vector<ChainStep>& steps) {
  Markup lines, marks;
  std::string alternative = "The chain from the model's weights to the witnesses: ";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double y = 22 + kStep * static_cast<double>(i);
    if (i > 0) lines += chain_line(steps, i);
    marks += outcome_sign(steps[i].outcome, column_of(steps[i]), y) + chain_text(steps[i], y);
    alternative += (i ? "; " : "") + steps[i].title + " " + std::string(outcome_name(steps[i].outcome));
  }
  return drawing(kStep * static_cast<double>(steps.size()) - 8, alternative, lines + marks);
}

Markup match_chart(const std::vector<MatchBar>& bars) {
  constexpr double kRow = 42;
  const double bottom = kRow * static_cast<double>(bars.size()) + 8;
  Markup out;
  std::string alternative = "Bits that match, by layer: ";
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const MatchBar& bar = bars[i];
    const double share = bar.bits == 0 ? 0 : static_cast<double>(bar.matches) / static_cast<double>(bar.bits),
                 y = kRow * static_cast<double>(i);
    const std::string figures =
        std::to_string(bar.matches) + " of " + std::to_string(bar.bits) + " (" + number(100 * share) + " %)";
    out += label(kLeft, y + 16, clipped(bar.label, 32), kInk) + label(kRight, y + 16, figures, kInk, "end");
    out += box(kLeft, y + 23, kRight - kLeft, 11, "#e3e8ef") + box(kLeft, y + 23, (kRight - kLeft) * share, 11, kAccent);
    alternative += (i ? "; " : "") + clipped(bar.label, 64) + " " + figures;
  }
  const double half = (kLeft + kRight) / 2;
  for (std::size_t i = 0; i < bars.size(); ++i)
    out += line(half, kRow * static_cast<double>(i) + 20, half, kRow * static_cast<double>(i) + 37, kOutcomeInk[2].text, "2.5");
  out += label(kLeft, bottom + 12, "none", kMuted, "start", "13") +
         label(half, bottom + 12, "half: what chance leaves", kOutcomeInk[2].text, "middle", "13") +
         label(kRight, bottom + 12, "all", kMuted, "end", "13");
  return drawing(bottom + 20, alternative + "; chance leaves one half", out);
}

double log10_tail(std::uint64_t bits, std::uint64_t matches) {
  // The terms fall from the first on when it is beyond the middle, so few are needed; before it the tail is one minus what is
  // left out.
  const double half = static_cast<double>(bits) * std::log10(2.0);
  double largest = -1e300, sum = 0;
  for (std::uint64_t k = matches; k <= bits; ++k) largest = std::max(largest, log10_choose(bits, k));
  for (std::uint64_t k = matches; k <= bits; ++k) sum += std::pow(10.0, log10_choose(bits, k) - largest);
  return std::min(0.0, largest + std::log10(sum) - half);
}

std::optional<std::uint64_t> least_matches(std::uint64_t bits, double added, double bound) {
  if (log10_tail(bits, bits) + added > bound) return std::nullopt;
  std::uint64_t low = 0, high = bits;  // the tail falls as matches grow
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    if (log10_tail(bits, middle) + added <= bound)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

Markup null_chart(std::uint64_t bits, std::uint64_t matches, std::optional<std::uint64_t> needed) {
  if (bits == 0) return {};
  constexpr double kTop = 66, kBase = 176;
  const auto x = [&](double k) { return kLeft + (kRight - kLeft) * k / static_cast<double>(bits); };
  const double most = log10_choose(bits, bits / 2);
  std::string path = "M" + number(kLeft) + " " + number(kBase);
  const std::uint64_t step = std::max<std::uint64_t>(1, bits / 400);
  for (std::uint64_t k = 0; k <= bits; k += step)
    path += " L" + number(x(static_cast<double>(k))) + " " +
            number(kBase - (kBase - kTop) * std::pow(10.0, log10_choose(bits, k) - most));
  path += " L" + number(kRight) + " " + number(kBase) + " Z";
  Markup out = element("path", {{"d", path}, {"fill", "#c3cedd"}, {"stroke", std::string(kMuted)}, {"stroke-width", "1"}});
  out += line(kLeft, kBase, kRight, kBase, kInk, "1.5");
  for (int quarter = 0; quarter <= 4; ++quarter) {
    const std::uint64_t at = bits * static_cast<std::uint64_t>(quarter) / 4;
    const char* anchor = quarter == 0 ? "start" : quarter == 4 ? "end" : "middle";
    out += line(x(static_cast<double>(at)), kBase, x(static_cast<double>(at)), kBase + 5, kInk, "1.5") +
           label(x(static_cast<double>(at)), kBase + 20, std::to_string(at), kMuted, anchor, "13");
  }
  const auto marker = [&](std::uint64_t at, double y, const std::string& text, std::string_view colour, bool broken) {
    const double place = x(static_cast<double>(at));
    out += line(place, y + 5, place, kBase, colour, "2.5", broken) +
           label(place, y, text, colour, 2 * at > bits ? "end" : "start", "14");
  };
  marker(matches, 18, "observed: " + std::to_string(matches), kAccent, false);
  if (needed) marker(*needed, 40, "counts from " + std::to_string(*needed), kOutcomeInk[2].text, true);
  out += label((kLeft + kRight) / 2, kBase + 40, "matching bits of " + std::to_string(bits), kMuted, "middle", "13");
  std::string alternative = "Exact binomial distribution of the matching bits of an independent network, around " +
                            std::to_string(bits / 2) + " of " + std::to_string(bits) + "; observed " + std::to_string(matches);
  if (needed) alternative += "; the policy's bound is met from " + std::to_string(*needed) + " on";
  return drawing(kBase + 48, alternative, out);
}

Markup timeline_chart(const std::vector<Event>& events) {
  constexpr double kRow = 50, kX = 24;
  Markup out;
  std::string alternative = "What happened, in order: ";
  if (events.size() > 1) out += line(kX, 22, kX, 22 + kRow * static_cast<double>(events.size() - 1), kLine, "3");
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    const double y = 22 + kRow * static_cast<double>(i);
    const std::string_view fill = event.in_ledger ? kAccent : kPaper, ink = event.in_ledger ? kPaper : kAccent;
    out += element("circle", {{"cx", number(kX)},
                              {"cy", number(y)},
                              {"r", "13"},
                              {"fill", std::string(fill)},
                              {"stroke", std::string(kAccent)},
                              {"stroke-width", "2"}});
    out += label(kX, y + 4.5, clipped(event.sign, 5), ink, "middle", "12");
    out += strong(kX + 26, y - 1, clipped(event.what, 30)) + label(kRight, y - 1, event.when, kMuted, "end", "13");
    out += label(kX + 26, y + 17, clipped(event.detail, 46), kMuted, "start", "13");
    alternative += (i ? "; " : "") + clipped(event.what, 64) + " " + event.when;
  }
  return drawing(kRow * static_cast<double>(events.size()), alternative, out);
}

Markup period_chart(const Period& period) {
  std::int64_t first = period.from, last = period.to;
  for (const Moment& moment : period.moments) {
    first = std::min(first, moment.time);
    last = std::max(last, moment.time);
  }
  const double span = std::max(1.0, static_cast<double>(last) - static_cast<double>(first));
  const auto x = [&](std::int64_t time) {
    return kLeft + (kRight - kLeft) * (static_cast<double>(time) - static_cast<double>(first)) / span;
  };
  const double base = 44;
  Markup out = label(kLeft, 18, period.label, kInk) + line(kLeft, base, kRight, base, kLine, "3");
  out += box(x(period.from), base - 7, std::max(3.0, x(period.to) - x(period.from)), 14, kAccent);
  double y = base + 28;
  std::string alternative = period.label + " from " + utc_time(period.from) + " to " + utc_time(period.to);
  for (const Moment& moment : period.moments) {
    const double place = x(moment.time);
    const bool right = place > kWidth / 2;
    out += line(place, base - 12, place, y - 4, kOutcomeInk[2].text, "2.5");
    out += label(place + (right ? -7 : 7), y, clipped(moment.label, 24) + " " + utc_time(moment.time), kInk,
                 right ? "end" : "start", "13");
    y += 22;
    alternative += "; " + moment.label + " " + utc_time(moment.time);
  }
  out += label(kLeft, y + 2, utc_time(first), kMuted, "start", "13") + label(kRight, y + 2, utc_time(last), kMuted, "end", "13");
  return drawing(y + 10, alternative, out);
}

}  // namespace stegpass::cli
