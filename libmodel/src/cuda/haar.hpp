#pragma once

#include <cstdint>

#include <cuda_runtime_api.h>

namespace stegpass::model::cuda {

/// Sizes of a transform: a picture of (count, channels, 2 height, 2 width), its bands of (count, 4 channels, height, width).
struct HaarShape {
  std::int64_t count, channels, height, width;
};

/// Contiguous float32 device pointers; returns null, or what CUDA said of the launch.
const char* launch_haar_forward(const float* picture, float* bands, HaarShape shape, cudaStream_t stream);
const char* launch_haar_inverse(const float* bands, float* picture, HaarShape shape, cudaStream_t stream);

}  // namespace stegpass::model::cuda
