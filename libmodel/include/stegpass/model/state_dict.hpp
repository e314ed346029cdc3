#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// Tensors by name, as PyTorch keeps a network's weights.
struct StateDict {
  std::vector<std::pair<std::string, torch::Tensor>>
      tensors;                        ///< in the file's order; contiguous, on the CPU, in the file's own type
  std::vector<std::string> left_out;  ///< entries that are no tensors, such as an epoch or an optimizer's state
};

/// Whether the file begins as one of torch.save.
bool is_torch_file(ByteView file);

/// Reads what torch.save wrote, the zip form (since 1.6) and the older one, and runs nothing of it: schemas/pytorch.md.
/// The state dict is the entry `state_dict`, else `model_state_dict`, `model` or `net`, where that is a dict, else the whole; the
/// prefix `module.` is dropped where every name has it. Types: F64, F32, F16, BF16, I64, I32, I16, I8, U8 and bool. Tensors over
/// one part of a storage share memory. Errors  refused, with its name, when the file asks for a class or function other than
/// those of tensors; unsupported on compressed
///         entries, big-endian files, other pickle protocols; malformed on everything else: what does not fit its storage,
///         damaged or missing bytes, bytes too many, names that are not printable ASCII of 1 to 512 characters or that repeat,
///         more tensor bytes than four times the file's.
Result<StateDict> parse_state_dict(ByteView file);

/// Type of a tensor as safetensors names it, or empty.
std::string tensor_dtype(const torch::Tensor& tensor);

}  // namespace stegpass::model
