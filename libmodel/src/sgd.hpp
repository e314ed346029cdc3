#pragma once

#include <string>
#include <utility>
#include <vector>

#include <torch/nn/module.h>

#include <stegpass/model/process_group.hpp>

#include "named_tensors.hpp"

namespace stegpass::model {

/// Stochastic gradient descent with momentum and weight decay, as torch.optim.SGD does it, with a state that can be saved.
class Sgd {
 public:
  Sgd(const torch::nn::Module& module, double momentum, double weight_decay);

  void clear_gradients();
  /// Replaces every gradient by its mean over the processes.
  void average_gradients(const ProcessGroup& group);
  void step(double rate);
  /// The velocities, named "momentum." and the parameter.
  NamedTensors state() const;

 private:
  double momentum_, weight_decay_;
  NamedTensors parameters_;
  std::vector<torch::Tensor> velocities_;
};

}  // namespace stegpass::model
