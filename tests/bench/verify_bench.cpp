// The whole program, from its start to its exit code, beside the start of a program that does nothing.
// It works on what scripts/demo left in demo-out (or in the folder that STEGPASS_DEMO names).

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "tests/bench/run_program.hpp"

namespace {

namespace fs = std::filesystem;

fs::path demo() {
  const char* named = std::getenv("STEGPASS_DEMO");
  return named ? fs::path(named) : fs::path(STEGPASS_SOURCE_DIR) / "demo-out";
}

void measure(benchmark::State& state, const std::string& program, const std::vector<std::string>& arguments) {
  for (auto _ : state)
    if (const int code = stegpass::bench::run_program(program, arguments); code != 0)
      return state.SkipWithError((program + " " + arguments.front() + " ended with " + std::to_string(code)).c_str());
}

void run_stegpass(benchmark::State& state, const std::vector<std::string>& arguments, const std::vector<fs::path>& needed) {
  for (const auto& file : needed)
    if (!fs::exists(file)) return state.SkipWithError(("no " + file.string() + "; run scripts/demo first").c_str());
  measure(state, STEGPASS_PROGRAM, arguments);
}

void verify_ours(benchmark::State& state) {
  const auto bundle = demo() / "license.bundle", policy = demo() / "trust.policy";
  run_stegpass(state, {"verify", "--bundle", bundle.string(), "--policy", policy.string()}, {bundle, policy});
}
void audit_ours(benchmark::State& state) {
  const auto ledger = demo() / "ledger";
  run_stegpass(state, {"audit", ledger.string()}, {ledger});
}
void start_ours(benchmark::State& state) { measure(state, STEGPASS_PROGRAM, {"--version"}); }
void start_peer(benchmark::State& state) { measure(state, "/bin/true", {"--version"}); }

BENCHMARK(verify_ours)->Name("stegpass verify, papers alone/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass verify, papers alone/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(audit_ours)->Name("stegpass audit/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass audit/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_ours)->Name("stegpass --version/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass --version/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
