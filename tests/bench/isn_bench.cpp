// Hiding, revealing and training at the size of the papers, beside the computation of the published code and beside the bare
// convolutions; the peak memory of training by the number of blocks; then minting as whole processes, over what the tests'
// fixture holds (or the folder that STEGPASS_FIXTURE names).

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <stegpass/model/haar.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/runtime.hpp>

#include "tests/bench/run_program.hpp"

namespace {

namespace fs = std::filesystem;

using namespace stegpass::model;

constexpr int kSide = 224;

struct Inputs {
  explicit Inputs(const IsnForm& form = {}) : network(form) {}
  Isn network;
  torch::Tensor cover = torch::rand({1, 3, kSide, kSide});
  torch::Tensor secret = torch::rand({1, 3, kSide, kSide});
  torch::Tensor key = isn_key_signs({}, kSide, kSide);
};

/// HiNet's network as its code runs it: contiguous float32, each subnet for itself, both streams in one tensor between blocks.
class AsPublished {
 public:
  explicit AsPublished(const IsnForm& form) : form_(form) {
    for (std::int64_t i = 0; i < 3 * form.blocks; ++i) {
      std::vector<torch::nn::Conv2d> layers;
      for (std::int64_t j = 0; j < 5; ++j)
        layers.emplace_back(torch::nn::Conv2dOptions(kIsnBands + j * form.growth, j < 4 ? form.growth : kIsnBands, 3).padding(1));
      subnets_.push_back(std::move(layers));
    }
  }

  torch::Tensor hide(const torch::Tensor& cover, const torch::Tensor& secret) {
    auto x = torch::cat({haar_forward(cover), haar_forward(secret)}, 1);
    for (std::size_t i = 0; i < subnets_.size(); i += 3) {
      const auto y1 = x.narrow(1, 0, kIsnBands) + run(i, x.narrow(1, kIsnBands, kIsnBands));
      x = torch::cat({y1, scale(run(i + 1, y1)) * x.narrow(1, kIsnBands, kIsnBands) + run(i + 2, y1)}, 1);
    }
    return haar_inverse(x.narrow(1, 0, kIsnBands));
  }

  torch::Tensor reveal(const torch::Tensor& stego) {
    const auto bands = haar_forward(stego);
    auto x = torch::cat({bands, torch::randn_like(bands)}, 1);
    for (std::size_t i = subnets_.size(); i > 0; i -= 3) {
      const auto y1 = x.narrow(1, 0, kIsnBands);
      const auto x2 = (x.narrow(1, kIsnBands, kIsnBands) - run(i - 1, y1)) / scale(run(i - 2, y1));
      x = torch::cat({y1 - run(i - 3, x2), x2}, 1);
    }
    return haar_inverse(x.narrow(1, kIsnBands, kIsnBands));
  }

 private:
  torch::Tensor scale(const torch::Tensor& s) const { return torch::exp(form_.clamp * 2 * (torch::sigmoid(s) - 0.5)); }
  torch::Tensor run(std::size_t subnet, const torch::Tensor& x) {
    std::vector<torch::Tensor> features{x};
    auto& layers = subnets_[subnet];
    for (std::size_t j = 0; j < 4; ++j)
      features.push_back(torch::leaky_relu(layers[j]->forward(torch::cat(features, 1)), form_.leak()));
    return layers[4]->forward(torch::cat(features, 1));
  }

  IsnForm form_;
  std::vector<std::vector<torch::nn::Conv2d>> subnets_;
};

void pass_ours(benchmark::State& state, torch::Dtype type) {
  const torch::NoGradGuard no_grad;
  Inputs in(kHinetForm);
  in.network->compute_in(type);
  for (auto _ : state)
    benchmark::DoNotOptimize(in.network->reveal(in.network->forward(in.cover, in.secret, in.key).stego, in.key));
}
void pass_peer(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Inputs in;
  AsPublished network(kHinetForm);
  for (auto _ : state) benchmark::DoNotOptimize(network.reveal(network.hide(in.cover, in.secret)));
}

void train_step(Inputs& in) {
  const auto stego = in.network->forward(in.cover, in.secret, in.key).stego;
  ((stego - in.cover).square().mean() + (in.network->reveal(stego, in.key) - in.secret).square().mean()).backward();
}
void train_ours(benchmark::State& state, torch::Dtype type, bool recompute) {
  Inputs in(kHinetForm);
  in.network->compute_in(type);
  in.network->recompute(recompute);
  for (auto _ : state) train_step(in);
}
void train_peer(benchmark::State& state) {
  Inputs in;
  AsPublished network(kHinetForm);
  for (auto _ : state) {
    const auto stego = network.hide(in.cover, in.secret);
    ((stego - in.cover).square().mean() + (network.reveal(stego) - in.secret).square().mean()).backward();
  }
}

void hide_small(benchmark::State& state) {
  const torch::NoGradGuard no_grad;
  Inputs in;
  for (auto _ : state) benchmark::DoNotOptimize(in.network->forward(in.cover, in.secret, in.key).stego);
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

/// Peak resident memory of this process in KiB.
long peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) return std::atol(line.c_str() + 6);
  return 0;
}

/// Peak resident memory of a process of its own that trains a step.
void memory(benchmark::State& state, int blocks) {
  const std::string command = std::filesystem::read_symlink("/proc/self/exe").string() + " --blocks " + std::to_string(blocks);
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

#ifdef STEGPASS_PROGRAM
/// A copy of the fixture's owner that is thrown away, with the requests that are minted for.
class MintHome {
 public:
  MintHome() {
    const char* named = std::getenv("STEGPASS_FIXTURE");
    fixture_ = named ? fs::path(named) : fs::path(STEGPASS_FIXTURE_FOLDER);
    if (!fs::exists(fixture_ / "stamp")) return;
    ::setenv("STEGPASS_NOW", "1800000300", 1);  // the fixture's time
    std::string name = (fs::temp_directory_path() / "stegpass-bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) return;
    folder_ = name;
    fs::copy(fixture_ / "home-registered", home(), fs::copy_options::recursive);
  }
  ~MintHome() {
    if (!folder_.empty()) fs::remove_all(folder_);
  }
  MintHome(const MintHome&) = delete;
  MintHome& operator=(const MintHome&) = delete;
  bool ready() const { return !folder_.empty(); }
  fs::path home() const { return folder_ / "home"; }
  fs::path file(const char* name) const { return folder_ / name; }
  fs::path of_fixture(const char* name) const { return fixture_ / name; }
  std::string passphrase() const { return (fixture_ / "passphrase").string(); }

  /// Requests of as many licensees as asked for: the fixture's, by other names.
  fs::path requests(int count) const {
    const fs::path out = folder_ / "requests";
    fs::create_directories(out);
    for (int i = 0; i < count; ++i)
      fs::copy_file(fixture_ / (i % 2 == 0 ? "ada.request" : "bob.request"), out / (std::to_string(i) + ".request"),
                    fs::copy_options::overwrite_existing);
    return out;
  }

 private:
  fs::path fixture_, folder_;
};

bool skip_unless_ready(benchmark::State& state, const MintHome& at) {
  if (!at.ready()) state.SkipWithError("the tests' fixture is not there; run ctest -R 'make the fixture' first");
  return at.ready();
}

void mint_ours(benchmark::State& state) {
  const MintHome at;
  if (!skip_unless_ready(state, at)) return;
  for (auto _ : state) {
    if (stegpass::bench::run_program(
            STEGPASS_PROGRAM,
            {"passport", "mint", "--home", at.home().string(), "--request", at.of_fixture("ada.request").string(), "--out",
             at.file("out.png").string(), "--force", "--passphrase-file", at.passphrase()}) != 0)
      return state.SkipWithError("passport mint failed");
  }
}
void mint_peer(benchmark::State& state) {  // what any command with tensors costs
  const MintHome at;
  if (!skip_unless_ready(state, at)) return;
  for (auto _ : state) {
    if (stegpass::bench::run_program(STEGPASS_PROGRAM,
                                     {"data", "draw", "--size", "64", "--out", at.file("drawn.png").string(), "--force"}) != 0)
      return state.SkipWithError("data draw failed");
  }
}

constexpr int kBatch = 48;
void batch_ours(benchmark::State& state) {
  const MintHome at;
  if (!skip_unless_ready(state, at)) return;
  const std::string requests = at.requests(kBatch).string();
  for (auto _ : state) {
    if (stegpass::bench::run_program(STEGPASS_PROGRAM,
                                     {"passport", "mint", "--home", at.home().string(), "--licensees", requests, "--out",
                                      at.file("minted").string(), "--force", "--passphrase-file", at.passphrase()}) != 0)
      return state.SkipWithError("passport mint --licensees failed");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * kBatch);
}
void batch_peer(
    benchmark::State& state) {  // hiding and two reveals of the same pictures in float32, a core each, and nothing else
  constexpr int kMinted = 256;
  const auto key = isn_key_signs({}, kMinted, kMinted), picture = torch::rand({1, 3, kMinted, kMinted});
  Isn network{IsnForm{}};
  const int cores = at::get_num_threads();
  const auto work = [&](int count) {
    const torch::NoGradGuard no_grad;
    at::set_num_threads(1);
    for (int i = 0; i < count; ++i) {
      const auto stego = network->forward(picture, picture, key).stego;
      benchmark::DoNotOptimize(network->reveal(stego, key));
      benchmark::DoNotOptimize(network->reveal(stego, -key));
    }
  };
  for (auto _ : state) {
    std::vector<std::future<void>> others;
    for (int i = 1; i < cores; ++i) others.push_back(std::async(std::launch::async, work, kBatch / 4));
    work(kBatch / 4);
    for (auto& other : others) other.get();
  }
  at::set_num_threads(cores);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * cores * (kBatch / 4));
}
#endif

template <typename Run>
void add(const std::string& name, Run run) {
  benchmark::RegisterBenchmark(name.c_str(), run)->Unit(benchmark::kMillisecond)->UseRealTime();
}

void add_pair(const std::string& name, const std::string& peer, void (*ours)(benchmark::State&),
              void (*theirs)(benchmark::State&)) {
  add(name + "/ours", ours);
  add(name + "/peer=" + peer, theirs);
}

void register_all() {
  const std::string published = "the published computation, fp32";
  const std::string pass = "hide and reveal at 224, 8 blocks of growth 32, ",
                    step = "training step of one picture at 224, 8 blocks of growth 32, ";
  add_pair(
      pass + "fp32", published, [](auto& state) { pass_ours(state, torch::kFloat32); }, pass_peer);
  add_pair(
      pass + "bf16", published, [](auto& state) { pass_ours(state, torch::kBFloat16); }, pass_peer);
  add_pair(
      step + "fp32", published, [](auto& state) { train_ours(state, torch::kFloat32, false); }, train_peer);
  add_pair(
      step + "bf16", published, [](auto& state) { train_ours(state, torch::kBFloat16, false); }, train_peer);
  add_pair(
      step + "bf16, recomputing", published, [](auto& state) { train_ours(state, torch::kBFloat16, true); }, train_peer);
  add_pair("hide at 224, small", "its convolutions alone", hide_small, convolutions);
  add_pair("Haar transform, 8 pictures of 512", "copying the tensor once", haar_ours, haar_peer);
#ifdef STEGPASS_PROGRAM
  add_pair("passport mint, whole process", "a process that loads LibTorch and draws a picture", mint_ours, mint_peer);
  add_pair("passport mint --licensees, 48 of them, whole process", "their passes in fp32 alone", batch_ours, batch_peer);
#endif
  for (const int blocks : {16, 32}) {
    const std::string name = "peak memory of recomputing training, " + std::to_string(blocks) + " blocks";
    benchmark::RegisterBenchmark((name + "/ours").c_str(), memory, blocks)->UseManualTime()->Iterations(1);
    benchmark::RegisterBenchmark((name + "/peer=8 blocks").c_str(), memory, 8)->UseManualTime()->Iterations(1);
  }
}

}  // namespace

int main(int count, char** arguments) {
  prepare_runtime();
  if (count == 3 && std::string(arguments[1]) == "--blocks") {
    Inputs in(IsnForm{.blocks = std::atol(arguments[2]), .growth = 32});
    in.network->recompute(true);
    train_step(in);
    std::printf("%ld\n", peak_memory());
    return 0;
  }
  register_all();
  benchmark::Initialize(&count, arguments);
  benchmark::RunSpecifiedBenchmarks();
}
