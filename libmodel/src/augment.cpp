#include "augment.hpp"

#include <random>

#include "shuffle.hpp"

namespace stegpass::model {

torch::Tensor augment_images(const torch::Tensor& images, std::uint64_t seed) {
  constexpr std::int64_t kShift = 4;
  std::mt19937_64 random(seed);
  const torch::Tensor padded = torch::constant_pad_nd(images, {kShift, kShift, kShift, kShift});
  torch::Tensor out = torch::empty(images.sizes(), images.options());
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const std::int64_t y = draw(random, 2 * kShift + 1), x = draw(random, 2 * kShift + 1);
    torch::Tensor window = padded[i].narrow(1, y, images.size(2)).narrow(2, x, images.size(3));
    if (draw(random, 2) == 1) window = window.flip(2);
    out[i].copy_(window);
  }
  return out;
}

}  // namespace stegpass::model
