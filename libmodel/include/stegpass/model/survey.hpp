#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/pooling.hpp>

namespace stegpass::model {

/// How many bits each of many wrong passports reads rightly, against the exact binomial distribution.
struct Survey {
  int bits = 0;
  std::vector<int> matches;    ///< one a wrong passport
  double chi_square = 0;       ///< over bins of at least five expected passports
  int degrees_of_freedom = 0;  ///< 0: fewer than two bins, so that nothing was tested
  double p_value = 0;          ///< of the chi-square: small when the counts are not binomial
  double smallest_p = 1;       ///< of any one passport, both tails, times their number (Bonferroni), at most 1

  double mean_match() const;
  /// Whether neither test rejects at the level `alpha`; false where there were too few passports for a chi-square.
  bool binomial(double alpha = 0.001) const { return p_value >= alpha && smallest_p >= alpha; }
};

/// Reads `seeds_per_passport` fresh mark seeds with each passport's picture from a model file, under `whitened` pooling: each
/// pair stands for a passport that somebody else might bring. Seeds follow from `seed` and a counter. `progress`: passports done;
/// false stops (Errc::interrupted). Errors  those of read_mark, and usage without passports or layers.
Result<Survey> survey_wrong_passports(ByteView weights, const Architecture& architecture, const std::vector<Passport>& passports,
                                      int seeds_per_passport, std::uint64_t seed,
                                      const std::function<bool(std::size_t done)>& progress = {});

/// Chi-square and Bonferroni of counts of matches out of `bits`. Requires each within 0 to `bits` (assertion).
Survey judge_survey(int bits, std::vector<int> matches);

}  // namespace stegpass::model
