#include <torch/optim/adam.h>
#include <torch/types.h>

#include <stegpass/model/isn.hpp>

namespace stegpass::model {
namespace {

/// The picture as a file holds it, with the gradient of one that was never rounded.
torch::Tensor as_file(const torch::Tensor& picture) {
  return picture + (picture.mul(255.0).round().clamp(0, 255).div(255.0) - picture).detach();
}

}  // namespace

Result<Raster> refine_stego(const IsnModel& model, const HiddenParts& parts, const RefineOptions& options) {
  const auto same = [&](const Raster& other) { return other.width == parts.cover.width && other.height == parts.cover.height; };
  if (!same(parts.stego) || !same(parts.secret)) return {Errc::usage, "expected cover, stego and secret of one size"};
  if (parts.cover.width % 2 != 0 || parts.cover.height % 2 != 0) return {Errc::usage, "expected pictures of even sides"};
  Isn network = model.network();
  const torch::Tensor cover = tensor_of(parts.cover), secret = tensor_of(parts.secret);
  const torch::Tensor signs = isn_key_signs(parts.key, parts.cover.height, parts.cover.width);
  const torch::Tensor stego = tensor_of(parts.stego).requires_grad_();
  torch::optim::Adam adam({stego}, torch::optim::AdamOptions(options.rate));
  for (int step = 0; step < options.steps; ++step) {
    adam.zero_grad();
    const torch::Tensor file = as_file(stego);
    (options.stego_weight * (file - cover).square().mean() + (network->reveal(file, signs) - secret).square().mean()).backward();
    adam.step();
  }
  return raster_of(stego);
}

}  // namespace stegpass::model
