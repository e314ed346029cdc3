#pragma once

#include <cstdint>

#include <torch/types.h>

namespace stegpass::model {

/// Shifts each image by up to four pixels either way (what comes in is zero) and mirrors every other one at random.
/// (N, 3, H, W) uint8 on the CPU; follows from the seed alone.
torch::Tensor augment_images(const torch::Tensor& images, std::uint64_t seed);

}  // namespace stegpass::model
