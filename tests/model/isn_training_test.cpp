#include <stegpass/model/isn_training.hpp>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include <torch/types.h>

#include "tests/support/catch.hpp"

namespace stegpass::model {
namespace {

std::vector<Raster> training_pictures() {
  std::vector<Raster> pictures;
  for (int phase = 0; phase < 4; ++phase) {
    Raster picture{40, 36, Bytes(40 * 36 * 3)};
    for (std::size_t i = 0; i < picture.rgb.size(); ++i)
      picture.rgb[i] = static_cast<std::uint8_t>(128 + 100 * std::sin(0.05 * static_cast<double>(i / 3) * (phase + 1)) *
                                                           std::cos(phase + static_cast<double>(i % 3)));
    pictures.push_back(picture);
  }
  return pictures;
}

IsnTrainingOptions tiny_options(std::int64_t steps) {
  IsnTrainingOptions options;
  options.form = {.blocks = 1, .growth = 4};
  options.steps = steps;
  options.crop = 16;
  options.batch = 2;
  options.checkpoint_every = 10;
  options.bf16 = false;
  return options;
}

// LibTorch's sums depend on how many threads share them.
struct OneThread {
  OneThread() : before(torch::get_num_threads()) { torch::set_num_threads(1); }
  ~OneThread() { torch::set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("ISN training learns to reveal, and the same run gives the same bytes") {
  const OneThread one;
  std::vector<double> reveals;
  IsnTrainingHooks hooks;
  hooks.progress = [&reveals](const IsnProgress& progress) { return reveals.push_back(progress.reveal_psnr_db), true; };
  auto options = tiny_options(400);
  options.rate = 5e-3;
  options.stego_weight = 1;
  const auto a = train_isn(training_pictures(), options, hooks).value();
  CHECK(reveals.size() == 40);
  CAPTURE(reveals);
  const auto mean = [](auto from, auto to) { return std::accumulate(from, to, 0.0) / static_cast<double>(to - from); };
  CHECK(mean(reveals.end() - 8, reveals.end()) > mean(reveals.begin(), reveals.begin() + 8) + 1.5);
  CHECK(train_isn(training_pictures(), options).value().weights == a.weights);
  CHECK(IsnModel::load(a.weights).ok());
  auto other = options;
  other.seed = 2;
  CHECK_FALSE(train_isn(training_pictures(), other).value().weights == a.weights);
}

TEST_CASE("an ISN run that was stopped gives, when resumed, the bytes of the undisturbed run") {
  const OneThread one;
  const auto undisturbed = train_isn(training_pictures(), tiny_options(40)).value();
  Bytes state;
  IsnTrainingHooks hooks;
  hooks.checkpoint = [&state](Bytes bytes) { state = std::move(bytes); };
  hooks.progress = [](const IsnProgress& progress) { return progress.step < 20; };
  const auto stopped = train_isn(training_pictures(), tiny_options(40), hooks);
  REQUIRE_FALSE(stopped.ok());
  CHECK(stopped.error().code == Errc::interrupted);
  CHECK(train_isn(training_pictures(), tiny_options(40), {}, state).value().weights == undisturbed.weights);
}

TEST_CASE("an ISN run that was killed goes on from the file it left, and gives the bytes of the undisturbed run") {
  char name[] = "/tmp/stegpass-isn-state-XXXXXX";
  const int fd = ::mkstemp(name);
  REQUIRE(fd >= 0);
  const pid_t child = ::fork();  // before LibTorch has a thread
  if (child == 0) {
    torch::set_num_threads(1);
    IsnTrainingHooks hooks;
    hooks.checkpoint = [fd](Bytes state) {
      if (::ftruncate(fd, 0) != 0 || ::pwrite(fd, state.data(), state.size(), 0) != static_cast<ssize_t>(state.size()))
        ::_exit(1);
    };
    hooks.progress = [](const IsnProgress& at) { return at.step < 20 || ::pause() == 0; };  // until it is killed
    ::_exit(train_isn(training_pictures(), tiny_options(40), hooks).ok() ? 0 : 1);
  }
  const auto size = [fd] { return ::lseek(fd, 0, SEEK_END); };
  for (int tries = 0; tries < 6000 && size() == 0; ++tries) ::usleep(10'000);
  ::usleep(100'000);
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
  Bytes state(static_cast<std::size_t>(size()));
  REQUIRE(::pread(fd, state.data(), state.size(), 0) == static_cast<ssize_t>(state.size()));
  ::close(fd);
  ::unlink(name);
  const OneThread one;
  std::int64_t first = 0;
  IsnTrainingHooks hooks;
  hooks.batch = [&first](std::int64_t step, std::int64_t, torch::Tensor&) { first = first == 0 ? step : first; };
  const auto resumed = train_isn(training_pictures(), tiny_options(40), hooks, state);
  REQUIRE(resumed.ok());
  CHECK(first >= 10);
  CHECK(resumed->weights == train_isn(training_pictures(), tiny_options(40)).value().weights);
}

TEST_CASE("an ISN training state that is damaged, or of another run, is refused") {
  Bytes state;
  IsnTrainingHooks hooks;
  hooks.checkpoint = [&state](Bytes bytes) { state = std::move(bytes); };
  REQUIRE(train_isn(training_pictures(), tiny_options(10), hooks).ok());
  auto other = tiny_options(10);
  other.rate = 2e-3;
  CHECK(train_isn(training_pictures(), other, {}, state).error().code == Errc::refused);
  state.pop_back();
  CHECK(train_isn(training_pictures(), tiny_options(10), {}, state).error().code == Errc::malformed);
}

TEST_CASE("the spike guard returns to the last good state and lowers the rate") {
  const OneThread one;
  std::int64_t spikes = 0;
  double lowest_rate = 1;
  std::string note;
  IsnTrainingHooks hooks;
  hooks.batch = [](std::int64_t step, std::int64_t so_far, torch::Tensor& covers) {
    if (step == 25 && so_far == 0) covers.fill_(std::numeric_limits<float>::quiet_NaN());
  };
  hooks.progress = [&](const IsnProgress& progress) {
    spikes = progress.spikes;
    if (!progress.note.empty()) note = progress.note, lowest_rate = progress.rate;
    return true;
  };
  const auto trained = train_isn(training_pictures(), tiny_options(40), hooks).value();
  CHECK(spikes == 1);
  CHECK_FALSE(note.empty());
  CHECK(lowest_rate < 1e-3);
  CHECK(IsnModel::load(trained.weights).ok());
}

TEST_CASE("ISN training that cannot be brought back says so") {
  IsnTrainingHooks hooks;
  hooks.batch = [](std::int64_t step, std::int64_t, torch::Tensor& covers) {
    if (step == 5) covers.fill_(std::numeric_limits<float>::infinity());
  };
  CHECK(train_isn(training_pictures(), tiny_options(20), hooks).error().code == Errc::diverged);
}

TEST_CASE("ISN training goes on from given weights of its form alone") {
  const auto first = train_isn(training_pictures(), tiny_options(20)).value();
  auto onwards = tiny_options(1);
  onwards.rate = 1e-9;
  onwards.start_weights = first.weights;
  const auto second = IsnModel::load(train_isn(training_pictures(), onwards).value().weights).value();
  const auto start = IsnModel::load(first.weights).value();
  for (std::size_t i = 0; i < start.network()->parameters().size(); ++i)
    CHECK((start.network()->parameters()[i] - second.network()->parameters()[i]).abs().max().item<double>() < 1e-6);
  onwards.form.growth = 8;
  CHECK(train_isn(training_pictures(), onwards).error().code == Errc::usage);
  onwards.start_weights = {1, 2, 3};
  CHECK(train_isn(training_pictures(), onwards).error().code == Errc::malformed);
}

TEST_CASE("ISN training refuses options and pictures that it cannot use") {
  const auto code = [](const std::vector<Raster>& pictures, const IsnTrainingOptions& options) {
    return train_isn(pictures, options).error().code;
  };
  CHECK(code({training_pictures()[0]}, tiny_options(10)) == Errc::usage);
  auto options = tiny_options(10);
  options.crop = 17;
  CHECK(code(training_pictures(), options) == Errc::usage);
  options.crop = 64;
  CHECK(code(training_pictures(), options) == Errc::usage);
  CHECK(code(training_pictures(), tiny_options(0)) == Errc::usage);
}

}  // namespace stegpass::model
