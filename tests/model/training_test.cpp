#include <stegpass/model/training.hpp>

#include <torch/types.h>

#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

TrainingTask short_task() {
  TrainingTask task = tiny_task();
  task.train = draw_shapes(160, 1);
  task.test = draw_shapes(40, 2);
  return task;
}

TrainingSettings short_settings(int epochs) {
  TrainingSettings settings = tiny_settings();
  settings.epochs = epochs;
  settings.augment = true;
  return settings;
}

Errc error_of(const TrainingTask& task, const TrainingSettings& settings) {
  const auto trained = train(task, settings);
  REQUIRE_FALSE(trained);
  return trained.error().code;
}

}  // namespace

TEST_CASE("a tiny network learns the shapes in both branches") {
  CHECK(tiny_model().accuracy.images == 400);
  CHECK(tiny_model().accuracy.deployment > 0.7);
  CHECK(tiny_model().accuracy.verification > 0.7);
}

TEST_CASE("cover and reserves are all embedded whole") { CHECK(tiny_model().matches == std::vector<double>{1, 1, 1}); }

TEST_CASE("mean pooling embeds its cover as well") {
  TrainingTask task = tiny_task(Pooling::mean);
  task.reserves.clear();
  CHECK(train(task, tiny_settings()).value().matches == std::vector<double>{1});
}

TEST_CASE("one seed gives the same weights twice, another gives others") {
  TrainingSettings settings = short_settings(1);
  const Bytes first = encode_owner_model(train(short_task(), settings).value().network);
  CHECK(encode_owner_model(train(short_task(), settings).value().network) == first);
  settings.seed = 2;
  CHECK(encode_owner_model(train(short_task(), settings).value().network) != first);
}

TEST_CASE("a resumed run gives the weights of an undisturbed one") {
  const TrainingTask task = short_task();
  const TrainingSettings settings = short_settings(3);
  std::vector<Bytes> states;
  TrainingHooks hooks;
  hooks.checkpoint = [&](ByteView state) -> Status { return states.push_back(to_bytes(state)), Done{}; };
  const TrainedModel whole = train(task, settings, hooks).value();
  REQUIRE(states.size() == 3);
  for (const Bytes& state : states) {
    const TrainedModel resumed = train(task, settings, {}, state).value();
    CHECK(encode_owner_model(resumed.network) == encode_owner_model(whole.network));
  }
}

TEST_CASE("a run that is asked to stop can go on from its last epoch") {
  const TrainingTask task = short_task();
  const TrainingSettings settings = short_settings(2);
  Bytes state;
  TrainingHooks hooks;
  hooks.checkpoint = [&](ByteView bytes) -> Status { return state = to_bytes(bytes), Done{}; };
  hooks.progress = [](const TrainingProgress& progress) { return progress.step < 7; };
  const auto stopped = train(task, settings, hooks);
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().code == Errc::interrupted);
  const Bytes resumed = encode_owner_model(train(task, settings, {}, state).value().network);
  CHECK(resumed == encode_owner_model(train(task, settings).value().network));
}

TEST_CASE("a state of another run is refused") {
  const TrainingTask task = short_task();
  Bytes state;
  TrainingHooks hooks;
  hooks.checkpoint = [&](ByteView bytes) -> Status { return state = to_bytes(bytes), Done{}; };
  REQUIRE(train(task, short_settings(1), hooks));
  TrainingSettings other = short_settings(1);
  other.rate *= 2;
  CHECK(train(task, other, {}, state).error().code == Errc::refused);
  TrainingTask other_data = task;
  other_data.train = draw_shapes(160, 9);
  CHECK(train(other_data, short_settings(1), {}, state).error().code == Errc::refused);
  TrainingTask other_mark = task;
  other_mark.reserves[0] = mark_of(7);
  CHECK(train(other_mark, short_settings(1), {}, state).error().code == Errc::refused);
}

TEST_CASE("a damaged state is refused") {
  const TrainingTask task = short_task();
  Bytes state;
  TrainingHooks hooks;
  hooks.checkpoint = [&](ByteView bytes) -> Status { return state = to_bytes(bytes), Done{}; };
  REQUIRE(train(task, short_settings(1), hooks));
  for (const std::size_t length : {std::size_t{1}, std::size_t{9}, state.size() / 2, state.size() - 1}) {
    CHECK(train(task, short_settings(1), {}, ByteView(state).first(length)).error().code == Errc::malformed);
  }
  CHECK(train(task, short_settings(1), {}, encode_owner_model(tiny_model().network)).error().code == Errc::malformed);
}

TEST_CASE("a loss that is not finite stops the run and leaves the last good state") {
  TrainingSettings settings = short_settings(3);
  settings.schedule = Schedule::steps;
  settings.rate = 100;
  settings.weight_decay = 1000;
  int good = 0;
  TrainingHooks hooks;
  Bytes kept;
  hooks.checkpoint = [&](ByteView state) -> Status { return ++good, kept = to_bytes(state), Done{}; };
  const auto trained = train(short_task(), settings, hooks);
  REQUIRE_FALSE(trained);
  CHECK(trained.error().code == Errc::diverged);
  CHECK(good < 3);
  if (good > 0) {  // which the next run takes: statistics may overflow before any loss does
    const auto again = train(short_task(), settings, {}, kept);
    REQUIRE_FALSE(again);
    CHECK(again.error().code == Errc::diverged);
  }
}

TEST_CASE("a checkpoint that cannot be written ends the run with its error") {
  TrainingHooks hooks;
  hooks.checkpoint = [](ByteView) -> Status { return Error{Errc::io, "no space"}; };
  CHECK(train(short_task(), short_settings(2), hooks).error().code == Errc::io);
}

TEST_CASE("progress counts every step of every epoch") {
  std::vector<TrainingProgress> seen;
  TrainingHooks hooks;
  hooks.progress = [&](const TrainingProgress& progress) { return seen.push_back(progress), true; };
  REQUIRE(train(short_task(), short_settings(2), hooks));
  REQUIRE(seen.size() == 10);
  CHECK(seen.back().step == 10);
  CHECK(seen.back().steps == 10);
  CHECK(seen.back().epoch == 2);
  CHECK(seen.front().sign_loss > seen.back().sign_loss);
}

TEST_CASE("settings out of range are the caller's mistake, and said") {
  const TrainingTask task = short_task();
  for (const auto& spoil : std::vector<void (*)(TrainingSettings&)>{
           [](TrainingSettings& s) { s.epochs = 0; }, [](TrainingSettings& s) { s.batch = 1; },
           [](TrainingSettings& s) { s.rate = 0; }, [](TrainingSettings& s) { s.rate = std::nan(""); },
           [](TrainingSettings& s) { s.momentum = 1; }, [](TrainingSettings& s) { s.weight_decay = -1; },
           [](TrainingSettings& s) { s.batch = 161; }}) {
    TrainingSettings settings = short_settings(1);
    spoil(settings);
    CHECK(error_of(task, settings) == Errc::usage);
  }
}

TEST_CASE("a cover without its bias picture cannot be trained with") {
  TrainingTask task = short_task();
  task.cover.layers[1].bias = torch::Tensor();
  CHECK(error_of(task, short_settings(1)) == Errc::usage);
}

TEST_CASE("data with another number of classes are refused") {
  TrainingTask task = short_task();
  task.train.classes = 11;
  CHECK(error_of(task, short_settings(1)) == Errc::usage);
}

TEST_CASE("presets are known by name, and no other name") {
  CHECK(training_preset("paper").value().epochs == 200);
  CHECK(training_preset("quick").value().preset == "quick");
  CHECK(training_preset("fast").error().code == Errc::unsupported);
}

TEST_CASE("the record names data, settings, library and curves") {
  const std::string record = train(short_task(), short_settings(2)).value().record;
  for (const char* part : {"\"train_digest\":\"", "\"settings\":{\"preset\":\"quick\"", "\"libtorch\":\"",
                           "\"curves\":[{\"epoch\":1,", "{\"epoch\":2,", "\"architecture\":{\"channels\":3,"}) {
    CHECK(record.find(part) != std::string::npos);
  }
}

TEST_CASE("bf16 embeds the marks as well") {
  TrainingSettings settings = tiny_settings();
  settings.precision = Precision::bf16;
  TrainingTask task = tiny_task();
  task.train = draw_shapes(640, 1);
  CHECK(train(task, settings).value().matches == std::vector<double>{1, 1, 1});
}

TEST_CASE("the balance term pulls the branches' affine maps together") {
  const auto gap = [](double balance) {
    TrainingSettings settings = short_settings(4);
    settings.balance = balance;
    PassportNetwork network = train(short_task(), settings).value().network;
    const NetworkKeys keys = network_keys(tiny_architecture(), short_task().cover, torch::kCPU);
    double sum = 0;
    std::size_t i = 0;
    for (ConvBlock& block : network->passport_blocks()) {
      sum += at::l1_loss(block.verification->affine(block.conv->weight, keys[i++]).gain, block.norm->weight).item<double>();
    }
    return sum;
  };
  CHECK(gap(5) < 0.8 * gap(0));
}
