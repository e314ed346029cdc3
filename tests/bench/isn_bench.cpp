// Hiding and revealing at the size of the papers, beside the bare convolutions that the network consists of.

#include <vector>

#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <stegpass/model/haar.hpp>
#include <stegpass/model/isn.hpp>

namespace {

using namespace stegpass::model;

constexpr int kSide = 224;

struct Inputs {
  Isn network{IsnForm{}};
  torch::Tensor cover = torch::rand({1, 3, kSide, kSide});
  torch::Tensor secret = torch::rand({1, 3, kSide, kSide});
  torch::Tensor key = isn_key_signs({}, kSide, kSide);
};

void hide_ours(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Inputs in;
  for (auto _ : state) benchmark::DoNotOptimize(in.network->forward(in.cover, in.secret, in.key).stego);
}
void reveal_ours(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Inputs in;
  for (auto _ : state) benchmark::DoNotOptimize(in.network->reveal(in.cover, in.key));
}

// Every 3x3 convolution of one pass, on inputs that lie ready: no concatenation, activation, coupling or transform.
void convolutions(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  const IsnForm form;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> layers;  // input, weight
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto in = 2 * kIsnBands + i * form.growth, out = i < 4 ? form.growth : kIsnBands;
    layers.emplace_back(torch::rand({1, in, kSide / 2, kSide / 2}), torch::rand({out, in, 3, 3}));
  }
  for (auto _ : state)
    for (std::int64_t subnet = 0; subnet < 3 * form.blocks; ++subnet)
      for (const auto& [input, weight] : layers) benchmark::DoNotOptimize(torch::conv2d(input, weight, {}, 1, 1));
}

BENCHMARK(hide_ours)->Name("hide at 224/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(convolutions)->Name("hide at 224/peer=its convolutions alone")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(reveal_ours)->Name("reveal at 224/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(convolutions)->Name("reveal at 224/peer=its convolutions alone")->Unit(benchmark::kMillisecond)->UseRealTime();

void haar_ours(benchmark::State& state) {
  const auto picture = torch::rand({8, 3, 512, 512});
  for (auto _ : state) benchmark::DoNotOptimize(haar_forward(picture));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * 2 * picture.numel() * 4));
}
void haar_peer(benchmark::State& state) {
  const auto picture = torch::rand({8, 3, 512, 512});
  auto out = torch::empty_like(picture);
  for (auto _ : state) benchmark::DoNotOptimize(out.copy_(picture));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * 2 * picture.numel() * 4));
}
BENCHMARK(haar_ours)->Name("Haar transform, 8 pictures of 512/ours")->UseRealTime();
BENCHMARK(haar_peer)->Name("Haar transform, 8 pictures of 512/peer=copying the tensor once")->UseRealTime();

}  // namespace
