#include "isn_loss.hpp"

#include <stegpass/model/haar.hpp>

namespace stegpass::model {
namespace {

// One a sample; 0 where a side is flat.
torch::Tensor cosine(const torch::Tensor& a, const torch::Tensor& b) {
  const auto x = a.flatten(1), y = b.flatten(1);
  return (x * y).sum(1) / (x.norm(2, 1) * y.norm(2, 1) + 1e-6);
}

torch::Tensor centred(const torch::Tensor& picture) { return picture - picture.mean({1, 2, 3}, true); }

torch::Tensor details(const torch::Tensor& picture) { return haar_forward(picture).narrow(1, 3, kIsnBands - 3); }

// Bounds a picture softly to what a file can hold, so that values far outside neither count nor pull.
torch::Tensor bound_softly(const torch::Tensor& picture) { return torch::tanh((picture - 0.5).mul(2.0)).mul(0.5).add(0.5); }

// What a wrong key's reveal, within a file's bounds, tells of the secret: squared correlations in the picture, in its details
// and in two coarser pictures, and of the coarsest with its brightness. Coarse ones matter, and so do the bounds: a network left
// free of them buries the secret under wide noise, from which a glance with half-closed eyes takes it back.
torch::Tensor wrong_key_loss(const torch::Tensor& wrong_reveal, const torch::Tensor& secret) {
  const auto coarse = [](const torch::Tensor& picture, std::int64_t side) { return torch::avg_pool2d(picture, side); };
  const auto seen = bound_softly(wrong_reveal);
  auto loss = cosine(centred(seen), centred(secret)).square() + cosine(details(seen), details(secret)).square() +
              cosine(coarse(seen, 8) - 0.5, coarse(secret, 8) - 0.5).square();
  for (const std::int64_t side : {4, 8})
    loss = loss + cosine(centred(coarse(seen, side)), centred(coarse(secret, side))).square();
  return loss.mean();
}

}  // namespace

torch::Tensor round_straight_through(const torch::Tensor& picture) {
  return picture + (picture.mul(255.0).round().clamp(0, 255).div(255.0) - picture).detach();
}

torch::Tensor square_mean(const torch::Tensor& difference) { return difference.square().mean(); }

StepResult evaluate_loss(Isn& network, const IsnBatch& batch, const IsnTrainingOptions& options) {
  const auto wrong = options.form.keyed ? (batch.cover.size(0) + 1) / 2 : 0;
  const auto stego = network->forward(batch.cover, batch.secret, batch.key).stego;
  const auto rounded = round_straight_through(stego);
  // One pass reveals all pairs with their keys and the first ones again with a wrong key.
  const auto revealed = network->reveal(torch::cat({rounded, rounded.narrow(0, 0, wrong)}),
                                        torch::cat({batch.key, batch.wrong_key.narrow(0, 0, wrong)}));
  const auto right = revealed.narrow(0, 0, batch.cover.size(0));
  const auto low = haar_forward(stego - batch.cover).narrow(1, 0, 3);
  StepResult result;
  result.loss = options.stego_weight * square_mean(stego - batch.cover) +
                options.reveal_weight * square_mean(right - batch.secret) + options.low_weight * square_mean(low);
  const auto wrong_reveal = revealed.narrow(0, batch.cover.size(0), wrong), secret = batch.secret.narrow(0, 0, wrong);
  if (wrong > 0) result.loss = result.loss + options.wrong_key_weight * wrong_key_loss(wrong_reveal, secret);
  torch::NoGradGuard no_gradient;
  result.stego_error = square_mean(rounded - batch.cover).item<double>();
  result.reveal_error = square_mean(right.clamp(0, 1) - batch.secret).item<double>();
  if (wrong > 0)
    result.wrong_correlation = cosine(centred(wrong_reveal.clamp(0, 1)), centred(secret)).abs().mean().item<double>();
  return result;
}

}  // namespace stegpass::model
