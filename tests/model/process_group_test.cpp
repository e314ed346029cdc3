#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include <torch/types.h>

#include <stegpass/model/isn_training.hpp>
#include <stegpass/model/process_group.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

// Each case forks before LibTorch has started a thread, and so must be a process of its own, as ctest runs it.
namespace {

int free_port() { return 20000 + static_cast<int>(::getpid() % 20000); }

TrainingTask shared_task(std::int64_t images = 64) {
  TrainingTask task = tiny_task();
  task.train = draw_shapes(images, 1);
  task.test = draw_shapes(100, 2);
  return task;
}

TrainingSettings shared_settings() {
  TrainingSettings settings = tiny_settings();
  settings.epochs = 1;  // rounding grows from step to step, as in every training
  settings.batch = 16;
  settings.augment = true;
  return settings;
}

/// The owner model's bytes from one process of `size`, or its error.
Result<Bytes> train_as(int rank, int size, int port, std::int64_t images) {
  at::set_num_threads(1);
  TrainingTask task = shared_task(images);
  STEGPASS_TRY(group, ProcessGroup::join({rank, size, "127.0.0.1", port}, torch::kCPU));
  task.group = group.get();
  STEGPASS_TRY(trained, train(task, shared_settings()));
  return encode_owner_model(trained.network);
}

/// Largest difference of any weight, as a share of the largest value of its tensor; and the same of the whole network's norm.
struct Distance {
  double of_a_weight = 0, of_the_norm = 0;
};

Distance distance_of(const Bytes& a_file, const Bytes& b_file) {
  const auto a = decode_owner_model(a_file).value()->parameters(), b = decode_owner_model(b_file).value()->parameters();
  Distance out;
  double squares = 0, whole = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const torch::Tensor gap = a[i] - b[i];
    out.of_a_weight = std::max(out.of_a_weight, (gap.abs().max() / b[i].abs().max()).item<double>());
    squares += gap.square().sum().item<double>();
    whole += b[i].square().sum().item<double>();
  }
  out.of_the_norm = std::sqrt(squares / whole);
  return out;
}

/// Trains on `images` with two processes and with one.
Distance two_against_one(std::int64_t images) {
  const int port = free_port();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(train_as(1, 2, port, images) ? 0 : 1);
  const auto shared = train_as(0, 2, port, images);
  int status = -1;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  REQUIRE(shared);
  return distance_of(*shared, encode_owner_model(train(shared_task(images), shared_settings()).value().network));
}

}  // namespace

TEST_CASE("a step of two processes is the step of one, within rounding") {
  const Distance distance = two_against_one(16);
  CHECK(distance.of_a_weight < 1e-5);
  CHECK(distance.of_a_weight > 0);  // the two did not do the same sums
}

TEST_CASE("two processes train the network that one process trains, within what rounding grows to") {
  CHECK(two_against_one(320).of_the_norm < 5e-3);
}

TEST_CASE("a process that goes away ends the others with an error, not with a crash or a wait") {
  const int port = free_port();
  const auto run = [&](int rank, int last_step) -> Status {
    at::set_num_threads(1);
    TrainingTask task = shared_task(320);
    STEGPASS_TRY(group, ProcessGroup::join({rank, 2, "127.0.0.1", port}, torch::kCPU));
    task.group = group.get();
    const TrainingHooks hooks{.progress = [last_step](const TrainingProgress& at) { return at.step < last_step; }};
    STEGPASS_TRY(trained, train(task, shared_settings(), hooks));
    return trained.network ? Status(Done{}) : Status(Error{Errc::internal, "no network"});
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run(1, 2) ? 1 : 0);
  const Status left = run(0, 1000);
  REQUIRE_FALSE(left);
  CHECK(left.error().code == Errc::io);
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("a batch that processes cannot share evenly is refused before anything is trained") {
  const int port = free_port();
  const auto refused = [&](int rank) {
    TrainingTask task = shared_task();
    auto group = ProcessGroup::join({rank, 2, "127.0.0.1", port}, torch::kCPU);
    if (!group) return false;
    task.group = group->get();
    TrainingSettings settings = shared_settings();
    settings.batch = 15;
    const auto trained = train(task, settings);
    return !trained && trained.error().code == Errc::usage;
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(refused(1) ? 0 : 1);
  CHECK(refused(0));
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

namespace {

std::vector<Raster> isn_pictures() {
  std::vector<Raster> out;
  for (int phase = 0; phase < 3; ++phase) {
    Raster picture{40, 36, Bytes(40 * 36 * 3)};
    for (std::size_t i = 0; i < picture.rgb.size(); ++i)
      picture.rgb[i] = static_cast<std::uint8_t>(128 + 90 * std::sin(0.05 * static_cast<double>(i) + phase));
    out.push_back(picture);
  }
  return out;
}

IsnTrainingOptions isn_options(std::int64_t batch) {
  IsnTrainingOptions options;
  options.form = {.blocks = 2, .growth = 4};
  options.steps = 6;
  options.crop = 16;
  options.batch = batch;
  options.bf16 = false;
  return options;
}

Result<Bytes> train_isn_as(int rank, int port, std::int64_t batch) {
  at::set_num_threads(1);
  STEGPASS_TRY(group, ProcessGroup::join({rank, 2, "127.0.0.1", port}, torch::kCPU));
  IsnTrainingOptions options = isn_options(batch);
  options.group = group.get();
  STEGPASS_TRY(trained, train_isn(isn_pictures(), options));
  return trained.weights;
}

}  // namespace

TEST_CASE("two processes train the ISN that one process trains, within rounding") {
  const int port = free_port();
  const pid_t child = ::fork();
  if (child == 0) ::_exit(train_isn_as(1, port, 4) ? 0 : 1);
  const auto shared = train_isn_as(0, port, 4);
  int status = -1;
  ::waitpid(child, &status, 0);
  REQUIRE(status == 0);
  REQUIRE(shared);
  const auto one = train_isn(isn_pictures(), isn_options(4)).value();
  const auto a = IsnModel::load(*shared).value().network()->parameters(),
             b = IsnModel::load(one.weights).value().network()->parameters();
  double squares = 0, whole = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (a[i] - b[i]).square().sum().item<double>();
    whole += b[i].square().sum().item<double>();
  }
  CHECK(std::sqrt(squares / whole) < 1e-4);
}

TEST_CASE("a batch of pairs that processes cannot share evenly is refused") {
  const int port = free_port();
  const auto refused = [&](int rank) { return train_isn_as(rank, port, 6).error().code == Errc::usage; };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(refused(1) ? 0 : 1);
  CHECK(refused(0));
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
}

TEST_CASE("ranks, sizes and ports out of range are usage errors") {
  using Settings = ProcessGroupSettings;
  for (const Settings& settings : {Settings{-1, 2}, Settings{2, 2}, Settings{0, 0}, Settings{0, 5000},
                                   Settings{0, 1, "127.0.0.1", 0}, Settings{0, 1, "127.0.0.1", 70000}}) {
    CHECK(ProcessGroup::join(settings, torch::kCPU).error().code == Errc::usage);
  }
}
