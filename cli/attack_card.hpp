#pragma once

#include "output.hpp"

namespace stegpass::cli {

inline constexpr const char* kCardFormat = "stegpass.attack-card.v1";

enum class CardMark { cover, reserve };

/// What a mark still says wherever the attacker kept 95 % of the accuracy: the largest log10 p, of the best reserve where there
/// are several, over the attack's points, permutations undone. The untouched model is none of them; null where there is no such
/// point.
Json kept_log10_p(const Json& curve, CardMark wanted);

}  // namespace stegpass::cli
