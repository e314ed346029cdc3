#include <stegpass/model/loader.hpp>

#include <thread>

#include <torch/types.h>

#include "libmodel/src/augment.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::model;

namespace {

/// The definition of augmentation in tensor operations: a border of zeros, a window, perhaps a mirror image.
torch::Tensor augment_by_tensors(const torch::Tensor& images, std::uint64_t seed) {
  const std::int64_t border = images.size(3) / 8;
  std::mt19937_64 random(seed);
  const torch::Tensor padded = torch::constant_pad_nd(images, {border, border, border, border});
  torch::Tensor out = torch::empty(images.sizes(), images.options());
  for (std::int64_t i = 0; i < images.size(0); ++i) {
    const std::int64_t y = draw(random, 2 * border + 1), x = draw(random, 2 * border + 1);
    torch::Tensor window = padded[i].narrow(1, y, images.size(2)).narrow(2, x, images.size(3));
    if (draw(random, 2) == 1) window = window.flip(2);
    out[i].copy_(window);
  }
  return out;
}

std::uint64_t step_seed(std::int64_t step) { return 1000 + 17 * static_cast<std::uint64_t>(step); }

LoaderOptions options_of(int threads, std::int64_t batch = 16) {
  LoaderOptions options;
  options.threads = threads;
  options.batch = batch;
  options.augment_seed = step_seed;
  return options;
}

}  // namespace

TEST_CASE("augmentation in byte loops is what padding, cutting and mirroring give") {
  const LabelledImages data = draw_shapes(300, 5);
  CHECK(torch::equal(augment_images(data.images, 9), augment_by_tensors(data.images, 9)));
  const torch::Tensor large = scale_images(draw_shapes(40, 5), 64).value().images;
  CHECK(torch::equal(augment_images(large, 10), augment_by_tensors(large, 10)));
  const torch::Tensor grey = data.images.narrow(1, 0, 1).expand({-1, 3, -1, -1});
  CHECK(torch::equal(augment_images(grey, 11), augment_by_tensors(grey, 11)));
}

TEST_CASE("batches equal augmentation and normalisation in tensors, whatever the number of threads") {
  const LabelledImages data = draw_shapes(100, 3);
  const torch::Tensor order = shuffled_indices(100, 8);
  for (const int threads : {0, 1, 2, 5}) {
    BatchLoader loader(data, order, options_of(threads));
    REQUIRE(loader.steps() == 6);
    for (std::int64_t step = 0; step < loader.steps(); ++step) {
      const auto batch = loader.next();
      REQUIRE(batch);
      const torch::Tensor chosen = order.narrow(0, step * 16, 16);
      const torch::Tensor bytes = augment_by_tensors(data.images.index_select(0, chosen), step_seed(step));
      INFO(threads << " threads, step " << step);
      CHECK(torch::equal(batch->images, network_images(bytes)));
      CHECK(batch->images.is_contiguous(torch::MemoryFormat::ChannelsLast));
      CHECK(torch::equal(batch->labels, data.labels.index_select(0, chosen)));
    }
    CHECK_FALSE(loader.next());
    CHECK_FALSE(loader.next());
  }
}

TEST_CASE("batches come in order though their threads end out of order") {
  LabelledImages data = draw_shapes(64, 3);
  data.labels = torch::arange(64);
  LoaderOptions options = options_of(4, 2);
  options.augment_seed = [](std::int64_t step) {
    std::this_thread::sleep_for(std::chrono::milliseconds(step % 4 == 0 ? 3 : 0));
    return step_seed(step);
  };
  BatchLoader loader(data, torch::arange(64), options);
  for (std::int64_t step = 0; step < 32; ++step) CHECK(loader.next()->labels[0].item<std::int64_t>() == 2 * step);
}

TEST_CASE("without augmentation images stay as they are, and what is left at the end may make a smaller batch") {
  const LabelledImages data = draw_shapes(10, 3);
  LoaderOptions options;
  options.batch = 4;
  BatchLoader whole(data, torch::arange(10), options);
  CHECK(whole.steps() == 2);
  options.keep_partial = true;
  BatchLoader all(data, torch::arange(10), options);
  std::vector<torch::Tensor> parts;
  while (const auto batch = all.next()) parts.push_back(batch->images);
  REQUIRE(parts.size() == 3);
  CHECK(torch::equal(torch::cat(parts), network_images(data.images)));
}

TEST_CASE("grey images whose channels share memory load like spread out ones") {
  LabelledImages grey = draw_shapes(12, 3), spread = grey;
  grey.images = grey.images.narrow(1, 0, 1).expand({-1, 3, -1, -1});
  spread.images = grey.images.contiguous();
  BatchLoader a(grey, torch::arange(12), options_of(1, 12)), b(spread, torch::arange(12), options_of(1, 12));
  CHECK(torch::equal(a.next()->images, b.next()->images));
}

TEST_CASE("a batch that the caller keeps is not written over") {
  const LabelledImages data = draw_shapes(200, 3);
  BatchLoader loader(data, torch::arange(200), options_of(2, 4));
  const torch::Tensor kept = loader.next()->images;
  const torch::Tensor view = loader.next()->images.narrow(0, 1, 2);  // only a part is kept
  const torch::Tensor first = kept.clone(), second = view.clone();
  while (loader.next()) {
  }
  CHECK(torch::equal(kept, first));
  CHECK(torch::equal(view, second));
}

TEST_CASE("a loader that is left early ends its threads") {
  const LabelledImages data = draw_shapes(100, 3);
  for (int i = 0; i < 200; ++i) {
    BatchLoader loader(data, torch::arange(100), options_of(1 + i % 4, 2));
    for (int step = 0; step < i % 7; ++step) REQUIRE(loader.next());
  }
  const auto leave = [&] {
    BatchLoader loader(data, torch::arange(100), options_of(3, 2));
    loader.next();
    throw std::runtime_error("the trainer stops");
  };
  CHECK_THROWS_WITH(leave(), "the trainer stops");
}

TEST_CASE("what a loader's thread throws is thrown at its step") {
  const LabelledImages data = draw_shapes(20, 3);
  for (const int threads : {0, 2}) {
    LoaderOptions options = options_of(threads, 5);
    options.augment_seed = [](std::int64_t step) { return step == 2 ? throw std::runtime_error("step 2") : step_seed(step); };
    BatchLoader loader(data, torch::arange(20), options);
    CHECK(loader.next());
    CHECK(loader.next());
    CHECK_THROWS_WITH(loader.next(), "step 2");
  }
}

TEST_CASE("an order that names an image that is not there is refused before any thread reads it") {
  const LabelledImages data = draw_shapes(10, 3);
  CHECK_THROWS_AS(BatchLoader(data, torch::tensor({0, 10}, torch::kInt64)), c10::Error);
  CHECK_THROWS_AS(BatchLoader(data, torch::tensor({-1}, torch::kInt64)), c10::Error);
  LabelledImages floats = data;
  floats.images = data.images.to(torch::kFloat32);
  CHECK_THROWS_AS(BatchLoader(floats, torch::arange(10)), c10::Error);
}
