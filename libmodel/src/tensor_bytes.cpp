#include "tensor_bytes.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace stegpass::model {
namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 4> kFloatTypes = {
    {{"F32", at::kFloat}, {"F64", at::kDouble}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}}};

}  // namespace

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text.append(i == 0 ? "" : ", ").append(std::to_string(shape[i]));
  return text + "]";
}

const TensorView* find_tensor(const Safetensors& file, std::string_view name) {
  const auto found =
      std::find_if(file.tensors.begin(), file.tensors.end(), [&](const TensorView& view) { return view.name == name; });
  return found == file.tensors.end() ? nullptr : &*found;
}

Result<torch::Tensor> copy_tensor(const TensorView& view, at::IntArrayRef shape) {
  const auto type = std::find_if(kFloatTypes.begin(), kFloatTypes.end(), [&](const auto& t) { return t.first == view.dtype; });
  if (type == kFloatTypes.end()) {
    return Error{Errc::malformed, "tensor " + view.name + " has type " + view.dtype + ", F32, F64, F16 or BF16 expected"};
  }
  if (at::IntArrayRef(view.shape) != shape) {
    return Error{Errc::malformed,
                 "tensor " + view.name + " has shape " + shape_text(view.shape) + ", " + shape_text(shape) + " expected"};
  }
  torch::Tensor tensor = torch::empty(shape, type->second);
  if (tensor.nbytes() != view.data.size()) {
    return Error{Errc::malformed, "tensor " + view.name + " has " + std::to_string(view.data.size()) + " bytes, " +
                                      std::to_string(tensor.nbytes()) + " expected"};
  }
  std::memcpy(tensor.data_ptr(), view.data.data(), view.data.size());
  return tensor;
}

Result<torch::Tensor> read_tensor(const Safetensors& file, std::string_view name, at::IntArrayRef shape) {
  const TensorView* view = find_tensor(file, name);
  if (view == nullptr) return Error{Errc::not_found, "tensor " + std::string(name) + " is absent"};
  return copy_tensor(*view, shape);
}

TensorView view_tensor(std::string name, const torch::Tensor& tensor) {
  TORCH_CHECK(tensor.is_contiguous() && tensor.scalar_type() == at::kFloat && tensor.is_cpu(), "float32 on the CPU expected");
  const auto* data = static_cast<const std::uint8_t*>(tensor.data_ptr());
  return {std::move(name), "F32", tensor.sizes().vec(), ByteView(data, tensor.nbytes())};
}

}  // namespace stegpass::model
