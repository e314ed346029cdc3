#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/isn.hpp>

namespace stegpass::model {

class ProcessGroup;

/// How a network is trained. Loss: stego |stego - cover|^2 + reveal |reveal - secret|^2 + low |difference in the low band|^2
/// + wrong_key (squared correlations of the wrong reveal with the secret: picture, detail bands, averages over 4 and 8 pixels).
struct IsnTrainingOptions {
  IsnForm form;
  std::int64_t steps = 9000;  ///< length of the run and of the cosine that lowers the rate
  std::int64_t crop = 64;     ///< side of the training crops in pixels, even, at least 16
  std::int64_t batch = 4;     ///< pairs a step; half of them, rounded up, are also revealed with a wrong key
  double rate = 1e-3;         ///< Adam's rate after the first hundred steps
  double stego_weight = 8.0;  ///< these four weigh the parts of the loss
  double reveal_weight = 2.0;
  double low_weight = 1.0;
  double wrong_key_weight = 0.01;
  Bytes start_weights;                  ///< weights file to go on from; empty for a fresh network
  std::uint64_t seed = 1;               ///< of weights, crops, pairs and keys
  bool bf16 = true;                     ///< the subnets compute in bfloat16; weights and streams stay float32
  bool recompute = false;               ///< memory that hardly grows with the blocks, for about 1.6 times the time
  torch::Device device = torch::kCPU;   ///< to train on
  std::int64_t checkpoint_every = 100;  ///< steps between states that a run can resume from, and reports
  const ProcessGroup* group =
      nullptr;  ///< processes that share every batch; each trains the whole network, the first reports; null: one process
};

/// Means over the steps since the last report; PSNR after rounding to 8 bits, at crop size.
struct IsnProgress {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  double loss = 0;
  double stego_psnr_db = 0;
  double reveal_psnr_db = 0;
  double wrong_key_correlation = 0;  ///< mean absolute correlation in the crops
  double rate = 0;
  double validation_stego_psnr_db = 0;  ///< on pictures held out, 0 where none are (fewer than forty)
  double validation_reveal_psnr_db = 0;
  std::int64_t spikes = 0;  ///< times that the guard went back so far
  std::string note;         ///< what the guard did, else empty
};

/// What the trainer tells its caller. Any may be empty.
struct IsnTrainingHooks {
  std::function<bool(const IsnProgress&)> progress;  ///< false asks to stop
  /// Sees a batch's covers before its step, and may change them: where tests inject faults.
  std::function<void(std::int64_t step, std::int64_t spikes, torch::Tensor& covers)> batch;
  std::function<void(Bytes)> checkpoint;  ///< a state to resume from, as bytes to keep in a file
};

struct IsnTrained {
  Bytes weights;       ///< as IsnModel::load reads them
  std::string record;  ///< what was run and came out, one JSON object; also in the weights' metadata
};

/// Trains a network on crops of the pictures, paired and keyed at random, with rounding to 8 bits between hiding and revealing.
/// A loss that is not finite, or far over its running mean three times in a row, makes the guard return to the last checkpoint
/// and halve the rate, which grows back over five hundred steps. One picture in twenty is held out from forty on, and only looked
/// at for the curves. With one thread the result depends on the pictures and options alone; resuming gives the bytes that the
/// undisturbed run gives. Several processes give the weights of one within rounding: each takes its share of a batch, of the
/// pairs with wrong keys too, and gradients and losses are averaged, so that all take the same steps and the same turns of the
/// guard. Errors  usage (fewer than two pictures, a side under the crop, options out of range, a batch that cannot be shared
/// evenly), interrupted
///         (progress said stop), io (another process is gone),
///         diverged (the guard gave up after 20 returns), malformed or refused (a state that is damaged, or of another run).
Result<IsnTrained> train_isn(const std::vector<Raster>& pictures, const IsnTrainingOptions& options,
                             const IsnTrainingHooks& hooks = {}, ByteView resume_state = {});

}  // namespace stegpass::model
