#include "isn_batches.hpp"

#include <algorithm>
#include <random>

#include <torch/types.h>

#include "shuffle.hpp"

namespace stegpass::model {
namespace {

torch::Tensor draw_crop(const torch::Tensor& picture, std::int64_t crop, std::mt19937_64& random) {
  const auto largest = std::min<std::int64_t>(3, std::min(picture.size(1), picture.size(2)) / crop);
  const auto factor = 1 + draw(random, largest);
  const auto side = factor * crop;
  const auto top = draw(random, picture.size(1) - side + 1), left = draw(random, picture.size(2) - side + 1);
  auto cut = picture.narrow(1, top, side).narrow(2, left, side).to(torch::kFloat32).div(255.0);
  cut = cut.view({3, crop, factor, crop, factor}).mean({2, 4});
  if (draw(random, 2) == 1) cut = cut.flip(2);
  if (draw(random, 2) == 1) cut = cut.transpose(1, 2);
  // Strong contrast fills a file's range to its bounds, where rounding clips what is hidden.
  if (draw(random, 4) == 0) cut = cut.sub(0.5).mul(1.7).add(0.5).clamp(0, 1);
  return cut.contiguous();
}

torch::Tensor draw_signs(std::int64_t batch, std::int64_t side, std::mt19937_64& random) {
  auto signs = torch::empty({batch, kIsnBands, side, side}, torch::kFloat32);
  auto* out = signs.data_ptr<float>();
  std::uint64_t bits = 0;
  for (std::int64_t i = 0; i < signs.numel(); ++i) {
    if (i % 64 == 0) bits = random();
    out[i] = (bits >> (i % 64)) & 1 ? 1.0F : -1.0F;
  }
  return signs;
}

}  // namespace

IsnBatch draw_isn_batch(const std::vector<torch::Tensor>& pictures, std::int64_t batch, std::int64_t crop, std::uint64_t seed,
                        std::uint64_t step, std::uint64_t attempt) {
  std::seed_seq source{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), static_cast<std::uint32_t>(step),
                       static_cast<std::uint32_t>(attempt)};
  std::mt19937_64 random(source);
  const auto count = static_cast<std::int64_t>(pictures.size());
  std::vector<torch::Tensor> covers, secrets;
  for (std::int64_t i = 0; i < batch; ++i) {
    const auto cover = draw(random, count);
    const auto secret = (cover + 1 + draw(random, count - 1)) % count;
    covers.push_back(draw_crop(pictures[static_cast<std::size_t>(cover)], crop, random));
    secrets.push_back(draw_crop(pictures[static_cast<std::size_t>(secret)], crop, random));
  }
  const auto key = draw_signs(batch, crop / 2, random);
  return {torch::stack(covers), torch::stack(secrets), key, draw_signs(batch, crop / 2, random)};
}

std::vector<torch::Tensor> isn_picture_tensors(const std::vector<Raster>& pictures) {
  std::vector<torch::Tensor> tensors;
  for (const auto& picture : pictures) {
    auto bytes = torch::empty({picture.height, picture.width, 3}, torch::kUInt8);
    std::copy(picture.rgb.begin(), picture.rgb.end(), bytes.data_ptr<std::uint8_t>());
    tensors.push_back(bytes.permute({2, 0, 1}).contiguous());
  }
  return tensors;
}

}  // namespace stegpass::model
