#pragma once

#include <torch/types.h>

namespace stegpass::model {

/// The 2x2 Haar transform of a picture: four bands of half size in the order low, horizontal, vertical and diagonal detail,
/// three colour channels each. Orthonormal: every band is half the signed sum of a block's four pixels, so energy is kept, a
/// flat picture of value v has the low band 2v, and the inverse is the adjoint (which is how both directions are differentiated).
/// Shapes   (N, C, H, W), H and W even -> (N, 4C, H/2, W/2); floating point, any device.
/// Device   tensor operations on the CPU; the kernel of src/cuda/haar.cu on float32 CUDA tensors where it was compiled in.
/// Errors   c10::Error on other shapes: the caller's mistake.
/// Source   Haar, 1910; the place in the network after HiNet (Jing et al., ICCV 2021), section 3.2.
torch::Tensor haar_forward(const torch::Tensor& picture);

/// Inverse of haar_forward, equal within 1e-6 on values in [0, 1]. Shapes  (N, 4C, h, w) -> (N, C, 2h, 2w).
torch::Tensor haar_inverse(const torch::Tensor& bands);

/// Whether this build holds the CUDA kernel and a device answers.
bool haar_runs_on_gpu();

/// Largest absolute difference between CPU and GPU, both directions and their gradients, on a random picture of this size.
/// Requires haar_runs_on_gpu(), height and width even. For the checks on a machine with a device.
double haar_cpu_gpu_difference(std::int64_t height, std::int64_t width, std::uint64_t seed);

}  // namespace stegpass::model
