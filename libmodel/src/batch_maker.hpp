#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <vector>

#include <torch/types.h>

#include <stegpass/model/loader.hpp>

namespace stegpass::model {

struct Movement;

/// Makes the batch of any step; safe from several threads at once.
class BatchMaker {
 public:
  BatchMaker(const LabelledImages& data, const torch::Tensor& order, LoaderOptions options);

  std::int64_t steps() const { return steps_; }
  Batch make(std::int64_t step);

 private:
  void write_images(std::int64_t first, std::int64_t count, std::int64_t step, float* to) const;
  void write_image(const std::uint8_t* from, const Movement* movement, float* to) const;
  void write_row(const std::uint8_t* from, std::int64_t stride, std::int64_t count, float* to) const;
  torch::Tensor take_memory(std::int64_t count);

  torch::Tensor images_, labels_, order_;
  LoaderOptions options_;
  std::int64_t side_, channel_stride_, steps_;
  std::array<float, 256> values_{};  // network_images of each byte
  std::mutex pool_mutex_;            // guards pool_
  std::vector<torch::Tensor> pool_;  // memory of batches, handed out again when nobody else holds it
};

}  // namespace stegpass::model
