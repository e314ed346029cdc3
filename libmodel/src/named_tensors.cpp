#include "named_tensors.hpp"

#include <algorithm>

#include "tensor_bytes.hpp"

namespace stegpass::model {

NamedTensors weights_of(const torch::nn::Module& module) {
  NamedTensors out;
  for (const auto& item : module.named_parameters()) out.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) {
    if (item.value().is_floating_point()) out.emplace_back(item.key(), item.value());
  }
  return out;
}

NamedTensors for_file(const NamedTensors& tensors) {
  NamedTensors out;
  for (const auto& [name, tensor] : tensors) {
    out.emplace_back(name, tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous());
  }
  return out;
}

void append_views(std::vector<TensorView>& views, const NamedTensors& tensors) {
  for (const auto& [name, tensor] : tensors) views.push_back(view_tensor(name, tensor));
}

Status read_into(const NamedTensors& targets, const Safetensors& file) {
  const torch::NoGradGuard no_grad;
  for (const auto& [name, target] : targets) {
    STEGPASS_TRY(value, read_tensor(file, name, target.sizes()));
    if (value.scalar_type() != torch::kFloat32) return Error{Errc::malformed, "tensor " + name + " is not of type F32"};
    if (!value.isfinite().all().item<bool>())
      return Error{Errc::malformed, "tensor " + name + " holds a value that is not finite"};
    target.detach().copy_(value);
  }
  for (const TensorView& view : file.tensors) {
    const bool known = std::any_of(targets.begin(), targets.end(), [&](const auto& target) { return target.first == view.name; });
    if (!known) return Error{Errc::malformed, "tensor " + view.name + " has no place in the architecture"};
  }
  return Done{};
}

Result<std::vector<std::string>> read_what_fits(const NamedTensors& targets, const Safetensors& file) {
  const torch::NoGradGuard no_grad;
  std::vector<std::string> left;
  for (const auto& [name, target] : targets) {
    const TensorView* view = find_tensor(file, name);
    if (view == nullptr || at::IntArrayRef(view->shape) != target.sizes()) {
      left.push_back(name);
      continue;
    }
    STEGPASS_TRY(value, copy_tensor(*view, target.sizes()));
    if (!value.isfinite().all().item<bool>())
      return Error{Errc::malformed, "tensor " + name + " holds a value that is not finite"};
    target.detach().copy_(value);
  }
  return left;
}

}  // namespace stegpass::model
