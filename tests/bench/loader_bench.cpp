// Batches for training: shifted, mirrored, normalised, channels-last, beside the same by tensor operations on the calling thread.

#include <random>
#include <string>

#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <stegpass/model/dataset.hpp>
#include <stegpass/model/loader.hpp>

namespace {

using namespace stegpass::model;

constexpr std::int64_t kBatch = 128, kImages = 50 * kBatch;

const LabelledImages& images_of(int side) {
  static const LabelledImages small = draw_shapes(kImages, 1);
  static const LabelledImages large = scale_images(draw_shapes(5 * kBatch, 1), 224).value();
  return side == 32 ? small : large;
}

std::uint64_t seed_of(std::int64_t step) { return 7 + static_cast<std::uint64_t>(step); }

torch::Tensor augment_by_tensors(const torch::Tensor& images, std::uint64_t seed) {
  const std::int64_t border = images.size(3) / 8;
  std::mt19937_64 random(seed);
  const auto draw = [&](std::int64_t bound) { return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound)); };
  const torch::Tensor padded = torch::constant_pad_nd(images, {border, border, border, border});
  torch::Tensor out = torch::empty(images.sizes(), images.options());
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const std::int64_t y = draw(2 * border + 1), x = draw(2 * border + 1);
    torch::Tensor window = padded[i].narrow(1, y, images.size(2)).narrow(2, x, images.size(3));
    if (draw(2) == 1) window = window.flip(2);
    out[i].copy_(window);
  }
  return out;
}

void epoch_of_ours(benchmark::State& state, int side, int threads) {
  const LabelledImages& data = images_of(side);
  LoaderOptions options;
  options.batch = kBatch;
  options.threads = threads;
  options.augment_seed = seed_of;
  std::int64_t images = 0;
  for (auto _ : state) {
    BatchLoader loader(data, torch::arange(data.size()), options);
    while (const auto batch = loader.next()) images += batch->labels.size(0);
  }
  state.SetItemsProcessed(images);
}

void epoch_of_tensors(benchmark::State& state, int side) {
  const LabelledImages& data = images_of(side);
  const torch::Tensor order = torch::arange(data.size());
  std::int64_t images = 0;
  for (auto _ : state) {
    for (std::int64_t step = 0; step < data.size() / kBatch; ++step) {
      const torch::Tensor chosen = order.narrow(0, step * kBatch, kBatch);
      const torch::Tensor bytes = augment_by_tensors(data.images.index_select(0, chosen), seed_of(step));
      const torch::Tensor input = network_images(bytes).contiguous(torch::MemoryFormat::ChannelsLast);
      benchmark::DoNotOptimize(input.data_ptr());
      images += data.labels.index_select(0, chosen).size(0);
    }
  }
  state.SetItemsProcessed(images);
}

constexpr const char* kPeer = "/peer=tensor operations on the calling thread";

[[maybe_unused]] const bool registered = [] {
  struct Case {
    const char* name;
    int side, threads;
  };
  for (const Case& at :
       {Case{"batches of 32 x 32, on the calling thread", 32, 0}, Case{"batches of 32 x 32, two threads ahead", 32, 2},
        Case{"batches of 224 x 224, two threads ahead", 224, 2}}) {
    const std::string name = at.name;
    benchmark::RegisterBenchmark((name + "/ours").c_str(), epoch_of_ours, at.side, at.threads)->UseRealTime();
    benchmark::RegisterBenchmark((name + kPeer).c_str(), epoch_of_tensors, at.side)->UseRealTime();
  }
  return true;
}();

}  // namespace
