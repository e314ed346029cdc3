// Training steps of passport networks, both branches and sign loss, batch 64, beside the computation as the papers describe it:
// both branches run one after the other through the whole network, and each step convolves the passport's layer keys with every
// passport layer's weight. Then the share of the machine's matrix peak, and peak memory of whole processes.

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <torch/nn/module.h>
#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/runtime.hpp>
#include <stegpass/model/training.hpp>

namespace {

using namespace stegpass;
using namespace stegpass::model;
using Clock = std::chrono::steady_clock;

constexpr int kBatch = 64, kSteps = 3;

struct Case {
  const char* network;
  Precision precision;
};

Architecture architecture_of(const Case& what) {
  const std::string network = what.network;
  return Architecture::create(
             {.network = network,
              .passports = choose_passport_layers(network, network == "alexnet-cifar" ? "last3" : "layer4").value()})
      .value();
}

LabelledImages random_images(std::int64_t count) {
  return {torch::randint(0, 256, {count, 3, 32, 32}, torch::kUInt8), torch::randint(0, 10, {count}, torch::kInt64), 10, "random"};
}

Mark random_mark(const Architecture& architecture) {
  Bytes raster = expand("bench.passport", {}, "pictures", 2 * 128 * 128 * 3);
  for (std::size_t i = 0; i < raster.size(); ++i) raster[i] = static_cast<std::uint8_t>(raster[i] / 2 + i / 7 % 128);
  const Passport passport = Passport::create(128, std::move(raster)).value();
  return make_mark(architecture, Pooling::whitened, passport, derive_mark_seed(passport.digest(), Digest32{}, Digest32{}))
      .value();
}

/// Seconds for `steps` steps of the trainer, after one that warms up.
double time_trainer(const Case& what, int steps) {
  const Architecture architecture = architecture_of(what);
  TrainingTask task{
      .architecture = architecture, .train = random_images(kBatch * (steps + 1)), .test = {}, .cover = random_mark(architecture)};
  TrainingSettings settings;
  settings.epochs = 1;
  settings.precision = what.precision;
  Clock::time_point begin, end;
  const TrainingHooks hooks{.progress = [&](const TrainingProgress& at) {
    (at.step == 1 ? begin : end) = Clock::now();
    return true;
  }};
  if (!train(task, settings, hooks)) std::abort();
  return std::chrono::duration<double>(end - begin).count();
}

/// The papers' computation: contiguous float32, each branch for itself, passports convolved in every step, torch's own optimiser.
class AsPublished {
 public:
  explicit AsPublished(const Architecture& architecture) : network_(architecture, Branches::both, 1) {
    for (auto& parameter : network_->parameters()) parameter.set_data(parameter.contiguous());
    for (const ConvPlan& layer : architecture.passport_convs()) {
      keys_.push_back(torch::randn({1, layer.in_channels, layer.side, layer.side}));
      bias_keys_.push_back(torch::randn_like(keys_.back()));
      bits_.push_back(torch::randint(0, 2, {layer.out_channels}, torch::kFloat32) * 2 - 1);
    }
    optimiser_ = std::make_unique<torch::optim::SGD>(network_->parameters(),
                                                     torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(5e-4));
  }

  void step(const torch::Tensor& images, const torch::Tensor& labels) {
    optimiser_->zero_grad();
    torch::Tensor hinge = torch::zeros({});
    torch::Tensor loss =
        at::cross_entropy_loss(run(images, nullptr), labels) + at::cross_entropy_loss(run(images, &hinge), labels);
    (loss + 0.1 * hinge).backward();
    optimiser_->step();
  }

 private:
  static torch::Tensor convolve(const ConvBlock& block, const torch::Tensor& x) {
    return at::conv2d(x, block.conv->weight, {}, block.plan.stride, block.plan.kernel / 2);
  }

  /// Normalised outputs; `hinge` asks for the verification branch and gathers its sign loss.
  torch::Tensor normalised(ConvBlock& block, const torch::Tensor& y, torch::Tensor* hinge, std::size_t passport) {
    if (hinge == nullptr || !block.plan.passport) return block.norm->forward(y);
    const auto pool = [&](const torch::Tensor& key) { return convolve(block, key).mean({0, 2, 3}); };
    const torch::Tensor s = pool(keys_[passport]);
    *hinge = *hinge + at::relu(0.1 - bits_[passport] * s).sum();
    VerificationPartImpl& part = *block.verification;
    const torch::Tensor g = part.tlp->forward(s), h = part.tlp->forward(pool(bias_keys_[passport]));
    return g.view({1, -1, 1, 1}) * part.bn->forward(y) + h.view({1, -1, 1, 1});
  }

  torch::Tensor run(torch::Tensor x, torch::Tensor* hinge) {
    std::vector<torch::Tensor> outputs;
    std::size_t passport = 0;
    for (ConvBlock& block : network_->blocks()) {
      if (block.plan.from >= 0) x = outputs[static_cast<std::size_t>(block.plan.from)];
      x = normalised(block, convolve(block, x), hinge, passport);
      if (block.plan.passport) ++passport;
      if (block.plan.add >= 0) x = x + outputs[static_cast<std::size_t>(block.plan.add)];
      if (block.plan.relu) x = at::relu(x);
      if (block.plan.pool == Pool::two) x = at::max_pool2d(x, 2);
      outputs.push_back(x);
    }
    x = network_->architecture().averaged() ? x.mean({2, 3}) : x.flatten(1);
    const auto parameters = network_->named_parameters();
    const std::string classifier = network_->architecture().classifier();
    return at::linear(x, parameters[classifier + ".weight"], parameters[classifier + ".bias"]);
  }

  PassportNetwork network_;
  std::vector<torch::Tensor> keys_, bias_keys_, bits_;
  std::unique_ptr<torch::optim::SGD> optimiser_;
};

double time_published(const Case& what, int steps) {
  AsPublished published(architecture_of(what));
  const LabelledImages data = random_images(kBatch);
  const torch::Tensor images = network_images(data.images);
  published.step(images, data.labels);
  const auto begin = Clock::now();
  for (int i = 0; i < steps; ++i) published.step(images, data.labels);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

using Timed = double (*)(const Case&, int);

void rate(benchmark::State& state, Case what, Timed timed) {
  for (auto _ : state) state.SetIterationTime(timed(what, kSteps));
  state.SetItemsProcessed(state.iterations() * kSteps * kBatch);
}

/// Multiply-adds of one image in one training step: trunk once, what follows the first passport layer twice; backward twice
/// forward.
double operations_per_image(const Architecture& architecture) {
  double sum = 0;
  int branches = 1;
  for (const ConvPlan& conv : architecture.convs()) {
    sum += branches * static_cast<double>(conv.fan_in()) * conv.out_channels * conv.positions();
    if (conv.passport) branches = 2;
  }
  return 2 * 3 * (sum + 2.0 * architecture.classifier_inputs() * architecture.classes());
}

/// Operations per second, as items.
void peak_ours(benchmark::State& state, Case what) {
  for (auto _ : state) state.SetIterationTime(time_trainer(what, kSteps));
  state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<double>(state.iterations()) * kSteps * kBatch *
                                                    operations_per_image(architecture_of(what))));
}

/// The largest layer's convolution as one matrix product, which oneDNN does without any of its surroundings.
void peak_product(benchmark::State& state, at::ScalarType type) {
  constexpr std::int64_t kImages = 2 * kBatch, kChannels = 512, kSide = 16;
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = torch::randn({kImages, kChannels, kSide, kSide}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  const torch::Tensor w = torch::randn({kChannels, kChannels, 1, 1}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
  benchmark::DoNotOptimize(at::conv2d(x, w));
  for (auto _ : state) {
    const auto begin = Clock::now();
    for (int i = 0; i < 4; ++i) benchmark::DoNotOptimize(at::conv2d(x, w));
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
  }
  state.SetItemsProcessed(state.iterations() * 4 * 2 * kImages * kSide * kSide * kChannels * kChannels);
}

/// Peak resident memory of this process in KiB.
long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::atol(line.c_str() + 6);
  }
  return 0;
}

/// Peak resident memory of a process of its own that does a few steps.
void memory(benchmark::State& state, const char* side, const Case& what) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command = self + " --one " + side + " " + what.network + " " + std::string(precision_name(what.precision));
  for (auto _ : state) {
    std::FILE* output = ::popen(command.c_str(), "r");
    long kib = 0;
    const bool read = output != nullptr && std::fscanf(output, "%ld", &kib) == 1;
    if (output == nullptr || ::pclose(output) != 0 || !read)
      return state.SkipWithError("the process that was to be measured failed");
    state.SetIterationTime(1);
    state.counters["megabytes"] = static_cast<double>(kib) * 1024 / 1e6;
  }
}

void register_all() {
  const Case cases[] = {{"alexnet-cifar", Precision::fp32},
                        {"alexnet-cifar", Precision::bf16},
                        {"resnet18-cifar", Precision::fp32},
                        {"resnet18-cifar", Precision::bf16}};
  for (const Case& what : cases) {
    const std::string precision(precision_name(what.precision));
    const std::string name = std::string(what.network) + " " + precision;
    const auto add = [](const std::string& text, auto function) {
      benchmark::RegisterBenchmark(text.c_str(), function)->UseManualTime()->Iterations(1);
    };
    add(name + " images/ours", [=](auto& state) { rate(state, what, time_trainer); });
    add(name + " images/peer=both branches apart, passports convolved each step, fp32",
        [=](auto& state) { rate(state, what, time_published); });
    add(name + " operations/ours", [=](auto& state) { peak_ours(state, what); });
    const auto type = what.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat;
    add(name + " operations/peer=1 x 1 convolution of 512 channels alone, " + precision,
        [=](auto& state) { peak_product(state, type); });
    add(name + " peak memory/ours", [=](auto& state) { memory(state, "ours", what); });
    add(name + " peak memory/peer=both branches apart, fp32", [=](auto& state) { memory(state, "published", what); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  prepare_runtime();
  if (argc == 5 && std::string(argv[1]) == "--one") {
    const Case what{argv[3], parse_precision(argv[4], torch::kCPU).value()};
    (std::string(argv[2]) == "ours" ? time_trainer : time_published)(what, 2);
    std::printf("%ld\n", peak_memory());
    return 0;
  }
  register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
