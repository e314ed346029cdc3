#include "training_loss.hpp"

namespace stegpass::model {
namespace {

/// What the sign loss pulls to the bits: s, or s * a1.
torch::Tensor read_values(const ConvBlock& block, const torch::Tensor& s, SignatureMode mode) {
  return mode == SignatureMode::strict ? s : s * block.verification->bn->weight;
}

}  // namespace

StepLoss training_loss(PassportNetworkImpl& network, const NetworkKeys& cover, const std::vector<NetworkKeys>& reserves,
                       const TrainingSettings& settings, const torch::Tensor& images, const torch::Tensor& labels) {
  const auto outputs = network.both(images, cover, settings.precision);
  const bool branches_differ = !outputs.verification.is_same(outputs.deployment);
  const torch::Tensor deployment = at::cross_entropy_loss(outputs.deployment, labels);
  const torch::Tensor verification = branches_differ ? at::cross_entropy_loss(outputs.verification, labels) : deployment;
  torch::Tensor hinge = torch::zeros({}, deployment.options()), squares = hinge, balance = hinge;
  const std::vector<ConvBlock> blocks = network.passport_blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto demand = [&](const LayerKeys& keys, const torch::Tensor& s) {
      hinge = hinge + at::relu(settings.sign_margin - keys.bits * read_values(blocks[i], s, settings.signature)).sum();
      squares = squares + s.square().sum();
    };
    demand(cover[i], outputs.affines[i].signs);
    for (const NetworkKeys& reserve : reserves) demand(reserve[i], layer_signs(blocks[i].conv->weight, reserve[i].scale));
    if (branches_differ) {
      balance = balance + at::l1_loss(outputs.affines[i].gain, blocks[i].norm->weight) +
                at::l1_loss(outputs.affines[i].offset, blocks[i].norm->bias);
    }
  }
  torch::Tensor total = deployment + settings.sign_weight * hinge + settings.sign_decay * squares;
  if (branches_differ) total = total + verification;
  if (settings.balance > 0) total = total + settings.balance * balance;
  return {total, torch::stack({deployment, verification, hinge, balance}).detach()};
}

}  // namespace stegpass::model
