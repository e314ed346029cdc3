// Does the same work on the CPU and on a GPU, and compares what comes out. A plain program, since a machine with a GPU may
// have nothing but LibTorch and a compiler.
//
//   gpu_check [--case haar|isn|reading|training] [--json FILE] [--on-cpu]
//
// Exit code 0 when every claim holds, 1 when one does not, 2 on wrong usage, 77 without a GPU. `--on-cpu` puts the CPU in
// the GPU's place, so that the program itself can be tested anywhere.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/version.h>
#ifdef STEGPASS_WITH_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

#include "check.hpp"

namespace {

using namespace stegpass::gpu_check;

struct Case {
  std::string name;
  void (*check)(const torch::Device&, Report&);
};
const std::vector<Case> kCases = {
    {"haar", check_haar}, {"isn", check_isn}, {"reading", check_reading}, {"training", check_training}};

struct Options {
  std::string only, json;
  bool on_cpu = false;
};

bool parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--on-cpu") {
      options.on_cpu = true;
    } else if (argument == "--case" && i + 1 < count) {
      options.only = arguments[++i];
    } else if (argument == "--json" && i + 1 < count) {
      options.json = arguments[++i];
    } else {
      return false;
    }
  }
  if (options.only.empty()) return true;
  for (const auto& known : kCases)
    if (known.name == options.only) return true;
  return false;
}

std::string device_name(const torch::Device& device) {
#ifdef STEGPASS_WITH_CUDA
  if (device.is_cuda()) return at::cuda::getCurrentDeviceProperties()->name;
#endif
  return device.str();
}

// Runs one case; an exception is a claim that does not hold.
std::string run(const Case& one, const torch::Device& device, bool& all_passed) {
  Report report;
  const double start = now_seconds();
  try {
    one.check(device, report);
  } catch (const std::exception& problem) {
    report.claim("no exception: " + std::string(problem.what()).substr(0, 300), false);
  }
  const double seconds = now_seconds() - start;
  for (const auto& [text, holds] : report.claims())
    std::printf("%s %s: %s\n", holds ? "ok    " : "FAILED", one.name.c_str(), text.c_str());
  all_passed = all_passed && report.passed();
  return "{\"case\": " + json_text(one.name) + ", \"seconds\": " + json_number(seconds) + ", " + report.json_members() + "}";
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  if (!parse(count, arguments, options)) {
    std::fprintf(stderr, "usage: gpu_check [--case haar|isn|reading|training] [--json FILE] [--on-cpu]\n");
    return 2;
  }
  if (!options.on_cpu && !torch::cuda::is_available()) {
    std::fprintf(stderr, "skipped: no CUDA device, or a LibTorch without CUDA\n");
    return 77;
  }
  const torch::Device device = options.on_cpu ? torch::Device(torch::kCPU) : torch::Device(torch::kCUDA, 0);
  // Both devices must compute in the same precision, or differences would say nothing about our code.
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);

  bool all_passed = true;
  std::string cases;
  for (const auto& one : kCases)
    if (options.only.empty() || options.only == one.name) cases += (cases.empty() ? "" : ",\n  ") + run(one, device, all_passed);

  const std::string json = "{\"device\": " + json_text(device_name(device)) + ", \"torch\": " + json_text(TORCH_VERSION) +
                           ", \"passed\": " + (all_passed ? "true" : "false") + ", \"cases\": [\n  " + cases + "\n]}\n";
  if (!options.json.empty() && !(std::ofstream(options.json) << json).flush()) {
    std::fprintf(stderr, "cannot write %s\n", options.json.c_str());
    return 4;
  }
  return all_passed ? 0 : 1;
}
