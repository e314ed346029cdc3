// The whole program, from its start to its exit code, beside the start of a program that does nothing; and bundles in one
// process, beside the signatures that are in them. The program works on what scripts/demo left in demo-out (or in the folder that
// STEGPASS_DEMO names).

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <sodium.h>

#include "tests/bench/run_program.hpp"

#include "tests/credential/papers_fixture.hpp"

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
void verify_mark(benchmark::State& state) {
  const auto bundle = demo() / "arbiter.bundle", policy = demo() / "trust.policy", model = demo() / "release.safetensors";
  run_stegpass(state, {"verify", "--bundle", bundle.string(), "--policy", policy.string(), "--model", model.string()},
               {bundle, policy, model});
}
void verify_reveal(benchmark::State& state) {
  const auto bundle = demo() / "license.bundle", policy = demo() / "trust.policy", model = demo() / "release.safetensors",
             passport = demo() / "user-passport.png";
  run_stegpass(state,
               {"verify", "--bundle", bundle.string(), "--policy", policy.string(), "--model", model.string(), "--passport",
                passport.string()},
               {bundle, policy, model, passport});
}
void audit_ours(benchmark::State& state) {
  const auto ledger = demo() / "ledger";
  run_stegpass(state, {"audit", ledger.string()}, {ledger});
}
void start_ours(benchmark::State& state) { measure(state, STEGPASS_PROGRAM, {"--version"}); }
void start_peer(benchmark::State& state) { measure(state, "/bin/true", {"--version"}); }

BENCHMARK(verify_ours)->Name("stegpass verify, papers alone/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass verify, papers alone/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(verify_mark)
    ->Name("stegpass verify, AlexNet and an opened passport/ours")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(start_peer)
    ->Name("stegpass verify, AlexNet and an opened passport/peer=true")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(verify_reveal)
    ->Name("stegpass verify, AlexNet, user passport and identity/ours")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(start_peer)
    ->Name("stegpass verify, AlexNet, user passport and identity/peer=true")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(audit_ours)->Name("stegpass audit/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass audit/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_ours)->Name("stegpass --version/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(start_peer)->Name("stegpass --version/peer=true")->Unit(benchmark::kMillisecond)->UseRealTime();

using stegpass::credential::testing::Office;

constexpr int kBundles = 10'000;
/// Checkpoint, four statements, and the root that their receipts share.
constexpr int kSignatures = 6;

void bundles_ours(benchmark::State& state) {
  Office office;
  const stegpass::Bytes bundle = encode_bundle(office.issue(stegpass::credential::Purpose::public_));
  const auto policy = office.policy();
  for (auto _ : state)
    for (int i = 0; i < kBundles; ++i)
      if (verify_papers(bundle, policy, {.now = stegpass::credential::testing::kNow}).verdict.outcome() !=
          stegpass::Outcome::valid)
        return state.SkipWithError("the bundle is not valid");
  state.SetItemsProcessed(state.iterations() * kBundles);
}

/// As many signatures by libsodium, over messages of a statement's size.
void bundles_peer(benchmark::State& state) {
  unsigned char key[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES], signature[crypto_sign_BYTES];
  crypto_sign_keypair(key, secret);
  const stegpass::Bytes message(700, 0x5a);
  crypto_sign_detached(signature, nullptr, message.data(), message.size(), secret);
  for (auto _ : state)
    for (int i = 0; i < kBundles * kSignatures; ++i)
      if (crypto_sign_verify_detached(signature, message.data(), message.size(), key) != 0)
        return state.SkipWithError("the signature does not verify");
  state.SetItemsProcessed(state.iterations() * kBundles);
}
BENCHMARK(bundles_ours)->Name("10,000 bundles in one process/ours")->UseRealTime()->Iterations(1);
BENCHMARK(bundles_peer)
    ->Name("10,000 bundles in one process/peer=libsodium, their 60,000 signatures alone")
    ->UseRealTime()
    ->Iterations(1);

}  // namespace
