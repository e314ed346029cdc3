#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/safetensors.hpp>

namespace stegpass::model {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

/// Parameters and buffers of a module; not batch norm's step counters, which nothing here reads.
NamedTensors weights_of(const torch::nn::Module& module);

/// Contiguous float32 copies on the CPU, under the same names.
NamedTensors for_file(const NamedTensors& tensors);

/// Appends views of what `for_file` returned; they live as long as it.
void append_views(std::vector<TensorView>& views, const NamedTensors& tensors);

/// Copies every tensor of the file into the target of the same name.
/// Errors  not_found on a tensor too few; malformed on one too many, a wrong shape, another type than F32, a value that is
///         not finite. The targets may be partly written after an error.
Status read_into(const NamedTensors& targets, const Safetensors& file);

/// Copies what the file has under the same name and in the same shape, of any floating-point type; returns the names of the
/// targets that got nothing. Errors  malformed on a value that is not finite.
Result<std::vector<std::string>> read_what_fits(const NamedTensors& targets, const Safetensors& file);

}  // namespace stegpass::model
