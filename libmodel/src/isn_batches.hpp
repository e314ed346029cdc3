#pragma once

#include <cstdint>
#include <vector>

#include <torch/types.h>

#include <stegpass/model/isn.hpp>

namespace stegpass::model {

/// One step's training data on the CPU.
struct IsnBatch {
  torch::Tensor cover, secret;   ///< (N, 3, crop, crop) in [0, 1]
  torch::Tensor key, wrong_key;  ///< (N, 12, crop/2, crop/2) of +-1
};

/// Draws crops, flips, pairs and keys for one step; the same for the same arguments on every platform.
/// A crop is cut at one, two or three times its side where the picture allows, and reduced by exact box average;
/// one in four gets strong contrast.
IsnBatch draw_isn_batch(const std::vector<torch::Tensor>& pictures, std::int64_t batch, std::int64_t crop, std::uint64_t seed,
                        std::uint64_t step, std::uint64_t attempt);

/// The pictures as (3, H, W) bytes, in the order given.
std::vector<torch::Tensor> isn_picture_tensors(const std::vector<Raster>& pictures);

}  // namespace stegpass::model
