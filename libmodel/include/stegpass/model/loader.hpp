#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

#include <torch/types.h>

#include <stegpass/model/dataset.hpp>

namespace stegpass::model {

/// One step's input.
struct Batch {
  torch::Tensor images;  ///< (B, 3, S, S) float32 in channels-last order, as `network_images` gives them
  torch::Tensor labels;  ///< (B) int64
};

struct LoaderOptions {
  std::int64_t batch = 128;   ///< images a step
  bool keep_partial = false;  ///< whether what is left at the end makes a smaller batch, or is left out
  /// Seed of a step's augmentation, called from the loader's threads with 0, 1, ...; without it images stay as they are.
  std::function<std::uint64_t(std::int64_t step)> augment_seed;
  int threads = 2;  ///< that prepare batches; 0: the caller's own, in `next`
  int ahead = 4;    ///< batches that are ready or under way at most
};

/// Prepares the batches of one epoch ahead of the trainer and hands them out in order. A batch follows from data, order and seed
/// alone, whatever the number of threads, and equals network_images(augment_images(...)) on the CPU bit by bit.
/// Lifetime       data and order are shared (tensors), not copied, unless their layout demands it.
/// Thread-safety  `next` from one thread at a time; the destructor stops and joins the loader's threads at once.
class BatchLoader {
 public:
  /// `order` is (n) int64: which images, in which order.
  /// Errors  c10::Error on images that are not (N, 3, S, S) uint8 on the CPU, indices outside them, numbers below 1: the
  ///         caller's mistake.
  BatchLoader(const LabelledImages& data, const torch::Tensor& order, LoaderOptions options = {});
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  std::int64_t steps() const;
  /// The next batch, or nothing after the last one. What a thread threw on the way is thrown here, at its step. A batch's memory
  /// is used again once the caller has let go of all tensors that share it.
  std::optional<Batch> next();

 private:
  class Ring;
  std::unique_ptr<Ring> ring_;
};

}  // namespace stegpass::model
