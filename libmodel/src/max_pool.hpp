#pragma once

#include <torch/types.h>

#include <stegpass/model/architecture.hpp>

namespace stegpass::model {

/// The pooling behind a convolution, in a network and in its key network. (N, C, H, W).
inline torch::Tensor pooled(const ConvPlan& plan, const torch::Tensor& x) {
  if (plan.pool == Pool::none) return x;
  return plan.pool == Pool::two ? at::max_pool2d(x, 2) : at::max_pool2d(x, 3, 2, 1);
}

}  // namespace stegpass::model
