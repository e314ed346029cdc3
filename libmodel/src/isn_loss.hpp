#pragma once

#include <torch/types.h>

#include <stegpass/model/isn.hpp>
#include <stegpass/model/isn_training.hpp>

#include "isn_batches.hpp"

namespace stegpass::model {

/// What an 8-bit file keeps of a picture, with the gradient passing as if it kept all.
torch::Tensor round_straight_through(const torch::Tensor& picture);
torch::Tensor square_mean(const torch::Tensor& difference);

/// One step's loss, with its graph, and the mean errors of its 8-bit pictures.
struct StepResult {
  torch::Tensor loss;
  double stego_error = 0, reveal_error = 0, wrong_correlation = 0;
};

/// Hides a batch, rounds, reveals it with its keys and half of it with wrong ones: the loss that `schemas/isn.md` states.
StepResult evaluate_loss(Isn& network, const IsnBatch& batch, const IsnTrainingOptions& options);

}  // namespace stegpass::model
