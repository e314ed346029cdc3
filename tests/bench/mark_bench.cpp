// Reading the owner's mark from a model file, beside the linear algebra that it cannot do without.

#include <vector>

#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/weights.hpp>

namespace {

using namespace stegpass;
using namespace stegpass::model;

constexpr int kSize = 256;

const Architecture& alexnet() {
  static const auto made = Architecture::create({}).value();
  return made;
}

const Passport& passport() {
  static const auto made = [] {
    Bytes raster = expand("bench.passport", {}, "pictures", 2 * kSize * kSize * 3);
    for (std::size_t i = 0; i < raster.size(); ++i) raster[i] = static_cast<std::uint8_t>(raster[i] / 2 + i / 7 % 128);
    return Passport::create(kSize, std::move(raster)).value();
  }();
  return made;
}

MarkSeed seed() { return derive_mark_seed(passport().digest(), Digest32{}, Digest32{}); }

Result<Mark> make_scale_mark() { return make_mark(alexnet(), Pooling::whitened, passport(), seed(), MarkPictures::scale_only); }

const Bytes& release_model() {
  static const Bytes made = encode_release_model(PassportNetwork(alexnet(), Branches::deployment, 1));
  return made;
}

void make_ours(benchmark::State& state) {
  for (auto _ : state)
    if (!make_scale_mark()) return state.SkipWithError("the mark could not be made");
}
BENCHMARK(make_ours)->Name("u of AlexNet's last three layers from a passport/ours")->Unit(benchmark::kMillisecond)->UseRealTime();

// The Gram matrices that whitening takes apart are as large as the smaller side of U: inputs of a filter, or columns.
void make_peer(benchmark::State& state) {
  std::vector<torch::Tensor> matrices;
  for (const auto& layer : alexnet().passport_convs()) {
    const int columns = alexnet().tiles() * alexnet().tiles() * layer.positions();
    const auto u = torch::randn({layer.fan_in(), columns}, torch::kFloat64);
    matrices.push_back(layer.fan_in() < columns ? u.mm(u.t()) : u.t().mm(u));
  }
  for (auto _ : state)
    for (const auto& matrix : matrices) benchmark::DoNotOptimize(at::linalg_eigh(matrix, "L"));
}
BENCHMARK(make_peer)->Name("u of AlexNet's last three layers from a passport/peer=LAPACK eigendecompositions of as large matrices")->Unit(benchmark::kMillisecond)->UseRealTime();

void read_ours(benchmark::State& state) {
  const auto mark = make_scale_mark().value();
  const Bytes& file = release_model();
  for (auto _ : state)
    if (!read_mark(file, alexnet(), mark)) return state.SkipWithError("the mark could not be read");
}
BENCHMARK(read_ours)->Name("896 bits from a model file, u at hand/ours")->Unit(benchmark::kMillisecond)->UseRealTime();

void read_peer(benchmark::State& state) {
  const auto mark = make_scale_mark().value();
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> weights;
  for (const auto& layer : mark.layers) weights.push_back(torch::randn(layer.scale.sizes()));
  for (auto _ : state)
    for (std::size_t i = 0; i < weights.size(); ++i)
      benchmark::DoNotOptimize((weights[i].to(torch::kFloat64) * mark.layers[i].scale).sum(1));
}
BENCHMARK(read_peer)->Name("896 bits from a model file, u at hand/peer=the products alone, weights in memory")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
