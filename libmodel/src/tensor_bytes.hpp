#pragma once

#include <string>
#include <string_view>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/safetensors.hpp>

namespace stegpass::model {

/// The tensor of that name, or null; lives as long as `file`.
const TensorView* find_tensor(const Safetensors& file, std::string_view name);

/// Copies a floating-point tensor out of a file, in its own type. Errors  malformed on another shape or type.
Result<torch::Tensor> copy_tensor(const TensorView& view, at::IntArrayRef shape);

/// Looks up by name and copies. Errors  not_found, and those of `copy_tensor`.
Result<torch::Tensor> read_tensor(const Safetensors& file, std::string_view name, at::IntArrayRef shape);

/// Views a contiguous float32 CPU tensor as one of a file; lives as long as `tensor`.
TensorView view_tensor(std::string name, const torch::Tensor& tensor);

/// "[384, 192, 3, 3]"
std::string shape_text(at::IntArrayRef shape);

}  // namespace stegpass::model
