#pragma once

#include <stegpass/model/dataset.hpp>
#include <stegpass/model/network.hpp>

namespace stegpass::model {

/// Shares of images classified rightly.
struct Accuracy {
  std::int64_t images = 0;
  double deployment = 0;
  double verification = 0;  ///< 0 where only the deployment branch was asked for
};

/// How and where to evaluate.
struct EvaluationSettings {
  torch::Device device = torch::kCPU;
  Precision precision = Precision::fp32;
  int batch = 250;
};

/// The deployment branch alone, of an owner or a release model. Leaves the network in evaluation mode.
Accuracy evaluate_deployment(PassportNetwork network, const LabelledImages& data, const EvaluationSettings& settings);

/// Both branches, the verification branch under `mark`: the cover's, or a user passport's (made with the cover's seed).
/// Errors  usage when the network has no verification branch or the mark lacks its bias picture.
Result<Accuracy> evaluate(PassportNetwork network, const LabelledImages& data, const Mark& mark,
                          const EvaluationSettings& settings);

}  // namespace stegpass::model
