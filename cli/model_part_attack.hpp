#pragma once

#include "model_part.hpp"

namespace stegpass::cli {

/// One attack on a network: what its attacker has, and what judges it. Fields are those of model::AttackSettings.
struct AttackRequest {
  std::string name, variant;
  Bytes model;        ///< release or owner model
  Bytes owner_model;  ///< whose verification parts judge, or empty
  MarkDescription mark;
  std::vector<OpenPassport> passports;  ///< the owner's, cover first: they judge
  Bytes user_passport;                  ///< PNG that a licensee has, or empty
  std::string data, test_data;          ///< the attacker's; what accuracies are measured on, or empty: the same set's test images
  std::vector<double> strengths;
  std::uint64_t epochs = 6, batch = 64, count = 1, at_once = 8, seed = 1, train_images = 0, test_images = 0;
  double rate = 1e-3, momentum = 0.9, weight_decay = 5e-4, sign_weight = 0.1, sign_margin = 0.5, data_share = 1;
  bool augment = true, verification = false;
  std::string device = "cpu", precision = "fp32";
  Bytes resume;
  std::function<Status(ByteView)> on_checkpoint;
};

struct AttackResult {
  std::string settings, curve, details;  ///< JSON: schemas/attack.md
  Bytes model;                           ///< release model as the attacker leaves it, or empty
  std::uint64_t steps = 0, images = 0;
  double seconds = 0;  ///< of every run that it took
};

}  // namespace stegpass::cli
