// Reading the owner's mark from a model file, beside the linear algebra that it cannot do without.

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <benchmark/benchmark.h>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/alignment.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/runtime.hpp>
#include <stegpass/model/weights.hpp>

namespace {

using namespace stegpass;
using namespace stegpass::model;

constexpr int kSize = 256;

/// A network with its usual passport layers, and a release model of it.
struct Subject {
  Architecture architecture;
  Bytes file;

  Subject(const std::string& network, const std::string& layers)
      : architecture(
            Architecture::create({.network = network, .passports = choose_passport_layers(network, layers).value()}).value()),
        file(encode_release_model(PassportNetwork(architecture, Branches::deployment, 1))) {}
};

const Passport& passport() {
  static const auto made = [] {
    Bytes raster = expand("bench.passport", {}, "pictures", 2 * kSize * kSize * 3);
    for (std::size_t i = 0; i < raster.size(); ++i) raster[i] = static_cast<std::uint8_t>(raster[i] / 2 + i / 7 % 128);
    return Passport::create(kSize, std::move(raster)).value();
  }();
  return made;
}

Result<Mark> make_scale_mark(const Subject& subject) {
  const MarkSeed seed = derive_mark_seed(passport().digest(), Digest32{}, Digest32{});
  return make_mark(subject.architecture, Pooling::whitened, passport(), seed, MarkPictures::scale_only);
}

void read_all(benchmark::State& state, const Subject& subject) {
  for (auto _ : state) {
    const auto mark = make_scale_mark(subject);
    if (!mark || !read_mark(subject.file, subject.architecture, *mark)) return state.SkipWithError("the mark could not be read");
  }
}

/// U U' or U'U, whichever is smaller, its eigendecomposition, the inverse root and the products with patterns and U.
void algebra(benchmark::State& state, const Subject& subject) {
  struct Layer {
    torch::Tensor u, patterns;
  };
  std::vector<Layer> layers;
  for (const auto& layer : subject.architecture.passport_convs()) {
    const int columns = subject.architecture.tiles() * subject.architecture.tiles() * layer.positions();
    layers.push_back(
        {torch::randn({layer.fan_in(), columns}, torch::kFloat64), torch::randn({layer.out_channels, columns}, torch::kFloat64)});
  }
  for (auto _ : state) {
    for (const Layer& layer : layers) {
      const bool few = layer.u.size(1) <= layer.u.size(0);
      const auto [values, vectors] = at::linalg_eigh(few ? layer.u.t().mm(layer.u) : layer.u.mm(layer.u.t()), "L");
      const torch::Tensor root = (vectors * values.abs().add(1).rsqrt()).mm(vectors.t()), u = layer.u.t();
      benchmark::DoNotOptimize(few ? layer.patterns.mm(root).mm(u) : layer.patterns.mm(u).mm(root));
    }
  }
}

void read_ours(benchmark::State& state, const Subject& subject) {
  const auto mark = make_scale_mark(subject).value();
  for (auto _ : state)
    if (!read_mark(subject.file, subject.architecture, mark)) return state.SkipWithError("the mark could not be read");
}

void read_peer(benchmark::State& state, const Subject& subject) {
  const auto mark = make_scale_mark(subject).value();
  std::vector<torch::Tensor> weights;
  for (const auto& layer : mark.layers) weights.push_back(torch::randn(layer.scale.sizes()));
  for (auto _ : state)
    for (std::size_t i = 0; i < weights.size(); ++i)
      benchmark::DoNotOptimize((weights[i].to(torch::kFloat64) * mark.layers[i].scale).sum(1));
}

/// A copy whose channels all lie elsewhere costs what an independent network does: the assignment has to be searched for, layer
/// by layer.
void align_ours(benchmark::State& state, const Subject& subject) {
  const auto mark = make_scale_mark(subject).value();
  const Bytes other = encode_release_model(PassportNetwork(subject.architecture, Branches::deployment, 2));
  for (auto _ : state)
    if (!align_model(other, subject.file, subject.architecture, {mark}))
      return state.SkipWithError("the copy could not be aligned");
}

/// The cosines of every layer's filters, which any matching has to compute.
void align_peer(benchmark::State& state, const Subject& subject) {
  std::vector<torch::Tensor> filters;
  for (const ConvPlan& conv : subject.architecture.convs())
    filters.push_back(torch::randn({conv.out_channels, conv.fan_in()}, torch::kFloat64));
  for (auto _ : state)
    for (const torch::Tensor& rows : filters) benchmark::DoNotOptimize(rows.mm(rows.t()));
}

void add(const std::string& name, const Subject& subject, void (*run)(benchmark::State&, const Subject&)) {
  benchmark::RegisterBenchmark(name.c_str(), [&subject, run](benchmark::State& state) { run(state, subject); })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

void add_cases(const std::string& name, const Subject& subject) {
  const std::string bits = std::to_string(subject.architecture.bits()) + " bits of " + name;
  add(bits + ", u included/ours", subject, read_all);
  add(bits + ", u included/peer=its matrix products and LAPACK eigendecompositions alone", subject, algebra);
  add(bits + ", u at hand/ours", subject, read_ours);
  add(bits + ", u at hand/peer=LibTorch's products alone, weights in memory", subject, read_peer);
  add("align a copy of " + name + "/ours", subject, align_ours);
  add("align a copy of " + name + "/peer=the products of its filters alone", subject, align_peer);
}

}  // namespace

int main(int count, char** arguments) {
  prepare_runtime();
  const torch::NoGradGuard no_grad;
  const Subject alexnet("alexnet-cifar", "last3"), resnet("resnet18-cifar", "layer4");
  add_cases("AlexNet last3", alexnet);
  add_cases("ResNet-18 layer4", resnet);
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
