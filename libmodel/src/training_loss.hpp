#pragma once

#include <vector>

#include <stegpass/model/network.hpp>
#include <stegpass/model/training.hpp>

namespace stegpass::model {

/// The loss of one step, and its parts before their weights.
struct StepLoss {
  torch::Tensor total;  ///< with gradients
  torch::Tensor parts;  ///< (4) float32, detached: cross entropies of deployment and verification, hinge, balance
};

/// CE(deploy) + CE(verify) + sign_weight hinge + sign_decay |s|^2 + balance_weight L1(a0, gain) + L1(c0, offset), the hinge
/// and |s|^2 summed over bits and passports. Where the branches do not differ their cross entropy counts once.
/// `cover`, `reserves`: keys on the network's device; `images` (N, 3, n, n) float32, `labels` (N) int64.
/// Source  Cui et al., CVPR 2024, section 3; design.md, section 3.
StepLoss training_loss(PassportNetworkImpl& network, const NetworkKeys& cover, const std::vector<NetworkKeys>& reserves,
                       const TrainingSettings& settings, const torch::Tensor& images, const torch::Tensor& labels);

}  // namespace stegpass::model
