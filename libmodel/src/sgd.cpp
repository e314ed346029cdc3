#include "sgd.hpp"

namespace stegpass::model {

Sgd::Sgd(const torch::nn::Module& module, double momentum, double weight_decay)
    : momentum_(momentum), weight_decay_(weight_decay) {
  for (const auto& item : module.named_parameters()) {
    parameters_.emplace_back(item.key(), item.value());
    velocities_.push_back(torch::zeros_like(item.value()));
  }
}

void Sgd::clear_gradients() {
  for (auto& named : parameters_) named.second.mutable_grad() = torch::Tensor();
}

void Sgd::average_gradients(const ProcessGroup& group) {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> flat;
  for (const auto& named : parameters_) {
    if (named.second.grad().defined()) flat.push_back(named.second.grad().flatten());
  }
  torch::Tensor all = torch::cat(flat);  // one exchange for all of them
  group.sum(all);
  all /= group.size();
  std::int64_t at = 0;
  for (const auto& named : parameters_) {
    torch::Tensor grad = named.second.grad();
    if (!grad.defined()) continue;
    grad.copy_(all.narrow(0, at, grad.numel()).view(grad.sizes()));
    at += grad.numel();
  }
}

void Sgd::step(double rate) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    torch::Tensor& parameter = parameters_[i].second;
    if (!parameter.grad().defined()) continue;
    velocities_[i].mul_(momentum_).add_(parameter.grad()).add_(parameter, weight_decay_);
    parameter.add_(velocities_[i], -rate);
  }
}

NamedTensors Sgd::state() const {
  NamedTensors out;
  for (std::size_t i = 0; i < parameters_.size(); ++i) out.emplace_back("momentum." + parameters_[i].first, velocities_[i]);
  return out;
}

}  // namespace stegpass::model
