#include "shared_moments.hpp"

#include <torch/csrc/autograd/custom_function.h>

namespace stegpass::model {
namespace {

/// Sum over processes; the gradient of each process's share is the sum of what all processes make of the result.
class SharedSum : public torch::autograd::Function<SharedSum> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& values, std::int64_t group) {
    context->saved_data["group"] = group;
    return summed(values, group);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    return {summed(grads[0], context->saved_data["group"].toInt()), torch::Tensor()};
  }

 private:
  static torch::Tensor summed(const torch::Tensor& values, std::int64_t group) {
    torch::Tensor copy = values.detach().clone(at::MemoryFormat::Contiguous);
    reinterpret_cast<const ProcessGroup*>(group)->sum(copy);
    return copy;
  }
};

}  // namespace

std::pair<torch::Tensor, torch::Tensor> shared_moments(const ProcessGroup& group, const torch::Tensor& y,
                                                       torch::Tensor& running_mean, torch::Tensor& running_var, double momentum) {
  const auto handle = reinterpret_cast<std::int64_t>(&group);
  const std::vector<std::int64_t> over = y.dim() == 4 ? std::vector<std::int64_t>{0, 2, 3} : std::vector<std::int64_t>{0};
  const torch::Tensor values = y.to(torch::kFloat32);
  const double count = static_cast<double>(values.numel()) / static_cast<double>(values.size(1)) * group.size();
  const torch::Tensor mean = SharedSum::apply(values.sum(over), handle) / count;
  const torch::Tensor wide = y.dim() == 4 ? mean.view({1, -1, 1, 1}) : mean.view({1, -1});
  const torch::Tensor variance = SharedSum::apply((values - wide).square().sum(over), handle) / count;
  const torch::NoGradGuard no_grad;
  running_mean.mul_(1 - momentum).add_(mean, momentum);
  running_var.mul_(1 - momentum).add_(variance, momentum * count / (count - 1));
  return {mean, variance};
}

}  // namespace stegpass::model
