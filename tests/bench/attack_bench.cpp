// Attacks that train, in images a second, beside plain training of the same network without marks; and a pruning curve of 21
// points over AlexNet on 1,017 test images, beside the bare evaluations in it.

#include <chrono>
#include <cstdlib>
#include <string>

#include <benchmark/benchmark.h>
#include <torch/types.h>

#include <stegpass/model/attack.hpp>
#include <stegpass/model/runtime.hpp>
#include <stegpass/model/weights.hpp>

namespace {

using namespace stegpass;
using namespace stegpass::model;
using Clock = std::chrono::steady_clock;

constexpr int kBatch = 64, kSteps = 3, kTestImages = 1017, kPoints = 21;

Architecture architecture_of(bool marked) {
  return Architecture::create(
             {.passports = marked ? choose_passport_layers("alexnet-cifar", "last3").value() : std::vector<std::string>{}})
      .value();
}

LabelledImages random_images(std::int64_t count) {
  return {torch::randint(0, 256, {count, 3, 32, 32}, torch::kUInt8), torch::randint(0, 10, {count}, torch::kInt64), 10, "random"};
}

Passport random_passport(std::string_view name) {
  Bytes raster = expand("bench.passport", {}, std::string(name), 2 * 128 * 128 * 3);
  for (std::size_t i = 0; i < raster.size(); ++i) raster[i] = static_cast<std::uint8_t>(raster[i] / 2 + i / 7 % 128);
  return Passport::create(128, std::move(raster)).value();
}

const AttackTask& subject() {
  static const AttackTask task = [] {
    const PassportNetwork owner(architecture_of(true), Branches::both, 1);
    AttackTask out{.model = decode_release_model(encode_release_model(owner)).value(), .owner = owner};
    const Passport cover = random_passport("cover");
    out.marks = {
        {"cover", make_mark(architecture_of(true), Pooling::whitened, cover, derive_mark_seed(cover.digest(), {}, {})).value()}};
    out.train = random_images(kBatch * (kSteps + 1));
    out.test = random_images(2);
    out.pictures = {random_passport("attacker")};
    out.seeds = {derive_mark_seed(out.pictures.front().digest(), {}, {})};
    return out;
  }();
  return task;
}

/// Seconds from the end of the first step to the end of the last.
struct StepClock {
  Clock::time_point begin, end;
  int calls = 0;
  void tick() { (calls++ == 0 ? begin : end) = Clock::now(); }
  double seconds() const { return std::chrono::duration<double>(end - begin).count(); }
};

double time_attack(const std::string& name, Precision precision) {
  AttackSettings settings;
  settings.name = name;
  settings.epochs = 1;
  settings.precision = precision;
  StepClock clock;
  if (!run_attack(subject(), settings, {[&](double, double, std::string_view) { return clock.tick(), true; }, {}})) std::abort();
  return clock.seconds();
}

double time_plain(Precision precision) {
  TrainingTask task{.architecture = architecture_of(false), .train = random_images(kBatch * (kSteps + 1)), .test = {}};
  TrainingSettings settings;
  settings.epochs = 1;
  settings.precision = precision;
  StepClock clock;
  if (!train(task, settings, {.progress = [&](const TrainingProgress&) { return clock.tick(), true; }})) std::abort();
  return clock.seconds();
}

template <class Timed>
void rate(benchmark::State& state, Timed timed) {
  for (auto _ : state) state.SetIterationTime(timed());
  state.SetItemsProcessed(state.iterations() * kSteps * kBatch);
}

const LabelledImages& test_images() {
  static const LabelledImages images = random_images(kTestImages);
  return images;
}

void prune_curve(benchmark::State& state, Precision precision) {
  AttackTask task = subject();
  task.test = test_images();
  AttackSettings settings;
  settings.name = "prune";
  settings.precision = precision;
  for (auto _ : state) {
    const auto begin = Clock::now();
    if (!run_attack(task, settings)) std::abort();
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
  }
}

void evaluations(benchmark::State& state, Precision precision) {
  for (auto _ : state) {
    const auto begin = Clock::now();
    for (int i = 0; i < kPoints; ++i)
      benchmark::DoNotOptimize(evaluate_deployment(subject().model, test_images(), {torch::kCPU, precision, 250}).deployment);
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - begin).count());
  }
}

const bool registered = [] {
  prepare_runtime();
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const std::string suffix = "_" + std::string(precision_name(precision));
    for (const char* name : {"finetune", "overwrite", "erb"}) {
      const std::string attack = name;
      benchmark::RegisterBenchmark((attack + suffix + "/ours").c_str(),
                                   [=](benchmark::State& state) { rate(state, [=] { return time_attack(attack, precision); }); })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
      benchmark::RegisterBenchmark((attack + suffix + "/peer=plain_training").c_str(),
                                   [=](benchmark::State& state) { rate(state, [=] { return time_plain(precision); }); })
          ->UseManualTime()
          ->Unit(benchmark::kMillisecond);
    }
    benchmark::RegisterBenchmark(("prune_21_points" + suffix + "/ours").c_str(),
                                 [=](benchmark::State& state) { prune_curve(state, precision); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kSecond);
    benchmark::RegisterBenchmark(("prune_21_points" + suffix + "/peer=21_evaluations").c_str(),
                                 [=](benchmark::State& state) { evaluations(state, precision); })
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kSecond);
  }
  return true;
}();

}  // namespace
