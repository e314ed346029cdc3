#pragma once

#include "model_part_attack.hpp"
#include "output.hpp"

namespace stegpass::cli {

inline constexpr const char* kCardFormat = "stegpass.attack-card.v1";

enum class CardMark { cover, reserve };

/// What a mark still says wherever the attacker kept 95 % of the accuracy: the largest log10 p, of the best reserve where there
/// are several, over the attack's points, permutations undone. The untouched model is none of them; null where there is no such
/// point.
Json kept_log10_p(const Json& curve, CardMark wanted);

/// Calls `field(name, member)` for all that decides a line's curve but models and data; names as in `settings` of its record.
template <class Request, class Field>
void for_each_setting(Request& request, Field field) {
  field("attack", request.name);
  field("variant", request.variant);
  field("strengths", request.strengths);
  field("epochs", request.epochs);
  field("batch", request.batch);
  field("rate", request.rate);
  field("momentum", request.momentum);
  field("weight_decay", request.weight_decay);
  field("sign_weight", request.sign_weight);
  field("sign_margin", request.sign_margin);
  field("data_share", request.data_share);
  field("count", request.count);
  field("at_once", request.at_once);
  field("augment", request.augment);
  field("verification", request.verification);
  field("precision", request.precision);
  field("seed", request.seed);
  field("drawn_train_images", request.train_images);
  field("drawn_test_images", request.test_images);
}

}  // namespace stegpass::cli
