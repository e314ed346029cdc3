#pragma once

#include <utility>

#include <torch/types.h>

#include <stegpass/model/process_group.hpp>

namespace stegpass::model {

/// Mean and biased variance (C) of `y` (N, C) or (N, C, H, W) over the batches of all processes, with gradients that reach
/// them all; moves the running statistics by `momentum`, as batch norm does, with the unbiased variance.
std::pair<torch::Tensor, torch::Tensor> shared_moments(const ProcessGroup& group, const torch::Tensor& y,
                                                       torch::Tensor& running_mean, torch::Tensor& running_var, double momentum);

}  // namespace stegpass::model
