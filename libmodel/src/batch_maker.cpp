#include "batch_maker.hpp"

#include <algorithm>
#include <cstring>
#include <random>

#include <c10/util/Exception.h>

#include "augment.hpp"

namespace stegpass::model {
namespace {

/// Rows without gaps; the channels may share memory, as those of grey images do.
torch::Tensor with_whole_planes(const torch::Tensor& images) {
  const std::int64_t side = images.size(3);
  const bool whole =
      images.stride(3) == 1 && images.stride(2) == side && (images.stride(1) == 0 || images.stride(1) == side * side);
  return whole ? images : images.contiguous();
}

void check_images(const LabelledImages& data) {
  const torch::Tensor& images = data.images;
  TORCH_CHECK(images.defined() && images.dim() == 4 && images.size(1) == 3 && images.size(2) == images.size(3),
              "images are not (N, 3, S, S)");
  TORCH_CHECK(images.scalar_type() == torch::kUInt8 && images.device().is_cpu(), "images are not uint8 on the CPU");
  TORCH_CHECK(data.labels.numel() == images.size(0), "labels and images differ in number");
}

void check_order(const torch::Tensor& order, std::int64_t size) {
  TORCH_CHECK(order.dim() == 1 && order.scalar_type() == torch::kInt64 && order.device().is_cpu(),
              "the order is not (n) int64 on the CPU");
  const std::int64_t* index = order.data_ptr<std::int64_t>();
  const bool within = std::all_of(index, index + order.numel(), [&](std::int64_t i) { return i >= 0 && i < size; });
  TORCH_CHECK(within, "the order names an image that is not there");
}

}  // namespace

BatchMaker::BatchMaker(const LabelledImages& data, const torch::Tensor& order, LoaderOptions options)
    : labels_(data.labels.contiguous()), order_(order.contiguous()), options_(std::move(options)) {
  check_images(data);
  check_order(order_, data.size());
  TORCH_CHECK(options_.batch > 0 && options_.ahead > 0 && options_.threads >= 0, "batch, ahead or threads out of range");
  images_ = with_whole_planes(data.images);
  side_ = images_.size(3);
  channel_stride_ = images_.stride(1);
  steps_ = (order_.numel() + (options_.keep_partial ? options_.batch - 1 : 0)) / options_.batch;
  const torch::Tensor values = network_images(torch::arange(256, torch::kUInt8));
  std::copy_n(values.data_ptr<float>(), values_.size(), values_.begin());
}

Batch BatchMaker::make(std::int64_t step) {
  const std::int64_t first = step * options_.batch, count = std::min(options_.batch, order_.numel() - first);
  Batch batch{take_memory(count), torch::empty({count}, torch::kInt64)};
  for (std::int64_t i = 0; i < count; ++i) {
    batch.labels.data_ptr<std::int64_t>()[i] = labels_.data_ptr<std::int64_t>()[order_.data_ptr<std::int64_t>()[first + i]];
  }
  write_images(first, count, step, batch.images.data_ptr<float>());
  return batch;
}

void BatchMaker::write_images(std::int64_t first, std::int64_t count, std::int64_t step, float* to) const {
  std::mt19937_64 random(options_.augment_seed ? options_.augment_seed(step) : 0);
  const std::int64_t* index = order_.data_ptr<std::int64_t>() + first;
  for (std::int64_t i = 0; i < count; ++i, to += 3 * side_ * side_) {
    const std::uint8_t* from = images_.data_ptr<std::uint8_t>() + index[i] * images_.stride(0);
    const Movement movement = options_.augment_seed ? draw_movement(random, augment_border(side_)) : Movement{};
    write_image(from, options_.augment_seed ? &movement : nullptr, to);
  }
}

void BatchMaker::write_image(const std::uint8_t* from, const Movement* movement, float* to) const {
  const std::int64_t border = movement ? augment_border(side_) : 0, row = 3 * side_;
  const Movement none;
  const Movement& move = movement ? *movement : none;
  const RowSpan span = row_span(move, border, side_);
  for (std::int64_t y = 0; y < side_; ++y, to += row) {
    const std::int64_t source = y + move.y - border;
    if (source < 0 || source >= side_) {
      std::fill(to, to + row, values_[0]);
      continue;
    }
    std::fill(to, to + 3 * span.first, values_[0]);
    write_row(from + source * side_ + span.from, span.step, span.last - span.first, to + 3 * span.first);
    std::fill(to + 3 * span.last, to + row, values_[0]);
  }
}

void BatchMaker::write_row(const std::uint8_t* from, std::int64_t stride, std::int64_t count, float* to) const {
  const std::uint8_t *green = from + channel_stride_, *blue = green + channel_stride_;
  for (std::int64_t x = 0; x < count; ++x, to += 3) {
    to[0] = values_[from[x * stride]];
    to[1] = values_[green[x * stride]];
    to[2] = values_[blue[x * stride]];
  }
}

/// A batch's memory is free again when no tensor outside shares it; then fresh pages need not be asked for.
torch::Tensor BatchMaker::take_memory(std::int64_t count) {
  const std::lock_guard lock(pool_mutex_);
  for (const torch::Tensor& memory : pool_) {
    if (memory.size(0) == count && memory.use_count() == 1 && memory.storage().use_count() == 1) return memory;
  }
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).memory_format(torch::MemoryFormat::ChannelsLast);
  torch::Tensor memory = torch::empty({count, 3, side_, side_}, options);
  const std::size_t most = static_cast<std::size_t>(options_.ahead) + 2;  // what is ready, in use, and in the making
  if (pool_.size() < most) pool_.push_back(memory);
  return memory;
}

}  // namespace stegpass::model
