#include "dispute_marks.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace stegpass::credential {
namespace {

const double kLog10Unseen = 80 * std::log10(2.0);

bool was_read(const DisputeReading& reading) { return reading.problem.empty() && reading.bits > 0; }

// log10 of P[X >= k] for 2k > n: the first term, times a series whose terms fall.
double upper_tail(std::uint64_t n, std::uint64_t k) {
  long double log_choose = 0;
  for (std::uint64_t i = 1; i <= n - k; ++i)
    log_choose += std::log(static_cast<long double>(k + i) / static_cast<long double>(i));
  long double sum = 1, term = 1;
  for (std::uint64_t i = k; i < n && term > 0; ++i) {
    term *= static_cast<long double>(n - i) / static_cast<long double>(i + 1);
    sum += term;
  }
  return static_cast<double>((log_choose + std::log(sum) - static_cast<long double>(n) * std::log(2.0L)) / std::log(10.0L));
}

// Chance that fair coins lie as far from the middle as this or further, to either side; at most 1.
double two_sided(std::uint64_t bits, std::uint64_t matches) {
  const std::uint64_t far = std::max(matches, bits - matches);
  return 2 * far == bits ? 1.0 : std::min(1.0, 2 * std::pow(10.0, upper_tail(bits, far)));
}

MarkFinding judge(const DisputeFacts& facts, std::size_t party, std::size_t model, double log10_tests) {
  MarkFinding out;
  for (std::size_t i = 0; i < facts.readings.size(); ++i) {
    const DisputeReading& reading = facts.readings[i];
    if (reading.party != party || reading.model != model) continue;
    if (!was_read(reading)) {
      out.problem = reading.problem;
      continue;
    }
    const double log10_p = log10_of_matches(reading.bits, reading.matches);
    if (out.reading && log10_p >= out.log10_p) continue;
    out.reading = i;
    out.log10_p = log10_p;
  }
  if (!out.reading) return out;
  out.log10_p_corrected = std::min(0.0, out.log10_p + log10_tests + kLog10Unseen);
  const DisputeReading& best = facts.readings[*out.reading];
  // Far fewer matches than coins would give are no absence either: somebody who knew the bits turned them.
  const double against = log10_of_matches(best.bits, best.bits - best.matches);
  const bool like_coins = std::min(out.log10_p, against) + log10_tests > kNoMarkLog10;
  const bool proved = out.log10_p_corrected <= facts.mark_bound_log10;
  out.state = proved ? MarkState::present : like_coins ? MarkState::absent : MarkState::weak;
  return out;
}

}  // namespace

double log10_of_matches(std::uint64_t bits, std::uint64_t matches) {
  if (matches == 0 || bits == 0) return 0;
  if (2 * matches > bits) return upper_tail(bits, std::min(matches, bits));
  // P[X >= k] = 1 - P[X >= n - k + 1], by symmetry.
  return std::log1p(-std::pow(10.0, upper_tail(bits, bits - matches + 1))) / std::log(10.0);
}

std::uint64_t count_tests(const DisputeFacts& facts) {
  return static_cast<std::uint64_t>(std::count_if(facts.readings.begin(), facts.readings.end(), was_read));
}

std::vector<std::vector<MarkFinding>> judge_marks(const DisputeFacts& facts) {
  const double log10_tests = std::log10(static_cast<double>(std::max<std::uint64_t>(1, count_tests(facts))));
  std::vector<std::vector<MarkFinding>> out(facts.parties.size(), std::vector<MarkFinding>(facts.models.size()));
  for (std::size_t party = 0; party < facts.parties.size(); ++party) {
    for (std::size_t model = 0; model < facts.models.size(); ++model) out[party][model] = judge(facts, party, model, log10_tests);
  }
  return out;
}

Check judge_controls(const DisputeFacts& facts, std::size_t party) {
  const std::string code = "controls.binomial", name = facts.parties[party].name;
  std::uint64_t count = 0, bits = 0, matches = 0;
  double least = 1;
  for (const DisputeControl& control : facts.controls) {
    if (control.party != party || control.bits == 0) continue;
    ++count, bits += control.bits, matches += control.matches;
    least = std::min(least, two_sided(control.bits, control.matches));
  }
  if (count == 0) return {code, Outcome::undecided, name + ": no independent model could be read with his passports"};
  // Half of the chance for the strangest single control, half for all of them together.
  least = std::min(1.0, least * static_cast<double>(count));
  const double pooled = two_sided(bits, matches);
  const std::string said = name + ": " + std::to_string(matches) + " of " + std::to_string(bits) + " bits match in " +
                           std::to_string(count) + (count == 1 ? " reading" : " readings") + " of independent models; p " +
                           decimal_text(pooled, 4) + " together, " + decimal_text(least, 4) + " for the strangest";
  if (least >= kControlAlpha / 2 && pooled >= kControlAlpha / 2) return {code, Outcome::valid, said};
  return {code, Outcome::undecided, said + ": not what coins would give, so his marks prove nothing here"};
}

std::string decimal_text(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  const std::string out = text;
  return out.find_first_not_of("-0.") == std::string::npos && out.front() == '-' ? out.substr(1) : out;
}

std::string reading_text(const DisputeFacts& facts, const MarkFinding& mark) {
  if (!mark.reading) return mark.problem.empty() ? "not read" : "not read: " + mark.problem;
  const DisputeReading& reading = facts.readings[*mark.reading];
  return reading.role + (reading.aligned_to.empty() ? "" : " after alignment to " + reading.aligned_to) + ", " +
         std::to_string(reading.matches) + " of " + std::to_string(reading.bits) + " bits, log10 p " +
         decimal_text(mark.log10_p, 1) + ", corrected " + decimal_text(mark.log10_p_corrected, 1);
}

}  // namespace stegpass::credential
