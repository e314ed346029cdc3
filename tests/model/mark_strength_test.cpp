// What an embedded mark withstands, on a tiny network: each claim here was first measured at full size.

#include <cmath>

#include <torch/optim/sgd.h>
#include <torch/types.h>

#include <stegpass/model/evaluation.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

double match_on(const PassportNetwork& network, const Mark& mark) {
  return read_mark(encode_release_model(network), tiny_architecture(), mark).value().match();
}

/// Embeds the attacker's marks by a strong sign loss while keeping the task, all layers free.
void overwrite(PassportNetwork& network, const std::vector<Mark>& marks, int steps) {
  const LabelledImages data = draw_shapes(32 * 10, 21);
  torch::optim::SGD optimiser(network->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
  network->train();
  for (const Mark& mark : marks) {
    const NetworkKeys keys = network_keys(tiny_architecture(), mark, torch::kCPU);
    for (int step = 0; step < steps; ++step) {
      const std::int64_t at = step % 10 * 32;
      torch::Tensor loss = at::cross_entropy_loss(
          network->deployment(network_images(data.images.narrow(0, at, 32)), Precision::fp32), data.labels.narrow(0, at, 32));
      std::size_t i = 0;
      for (ConvBlock& block : network->passport_blocks()) {
        loss = loss + at::relu(0.5 - keys[i].bits * layer_signs(block.conv->weight, keys[i].scale)).sum();
        ++i;
      }
      optimiser.zero_grad();
      loss.backward();
      optimiser.step();
    }
  }
  network->eval();
}

PassportNetwork copy_of(const PassportNetwork& network) { return decode_owner_model(encode_owner_model(network)).value(); }

}  // namespace

TEST_CASE("wrong passports match about half the bits") {
  double sum = 0;
  constexpr int kPassports = 12;
  for (std::uint64_t i = 0; i < kPassports; ++i) sum += match_on(tiny_model().network, mark_of(100 + i));
  const double sigma = 0.5 / std::sqrt(112.0 * kPassports);
  CHECK(std::abs(sum / kPassports - 0.5) < 4 * sigma);
}

TEST_CASE("a wrong passport does not drive the verification branch") {
  const LabelledImages test = draw_shapes(200, 2);
  const Accuracy right = evaluate(tiny_model().network, test, mark_of(1), {}).value();
  const Accuracy wrong = evaluate(tiny_model().network, test, mark_of(50), {}).value();
  CHECK(wrong.deployment == right.deployment);
  CHECK(wrong.verification < right.verification - 0.2);
}

TEST_CASE("another passport with the cover's seed is no user passport") {
  const Mark foreign = make_mark(tiny_architecture(), Pooling::whitened, drawn_passport(60), seed_of(drawn_passport(1))).value();
  CHECK(match_on(tiny_model().network, foreign) < 0.8);
}

TEST_CASE("noise of 36 dB on the passport leaves every bit") {
  const Passport cover = drawn_passport(1), user = noisy_passport(cover, 4, 3);
  const double psnr = psnr_db(cover.raster(), user.raster());
  CHECK(psnr == Approx(36).margin(0.7));
  const Mark mark = make_mark(tiny_architecture(), Pooling::whitened, user, seed_of(cover)).value();
  CHECK(match_on(tiny_model().network, mark) == 1.0);
}

TEST_CASE("a user passport drives the verification branch as the cover does") {
  const Passport cover = drawn_passport(1);
  const LabelledImages test = draw_shapes(200, 2);
  const Mark user = make_mark(tiny_architecture(), Pooling::whitened, noisy_passport(cover, 4, 3), seed_of(cover)).value();
  const double as_user = evaluate(tiny_model().network, test, user, {}).value().verification;
  CHECK(as_user > evaluate(tiny_model().network, test, mark_of(1), {}).value().verification - 0.05);
}

TEST_CASE("overwriting with whitened marks does not turn the owner's bits") {
  PassportNetwork stolen = copy_of(tiny_model().network);
  overwrite(stolen, {mark_of(70)}, 40);
  CHECK(match_on(stolen, mark_of(70)) == 1.0);
  CHECK(match_on(stolen, mark_of(1)) > 0.97);
  CHECK(match_on(stolen, mark_of(2)) > 0.97);
}

TEST_CASE("overwriting with mean marks wipes the owner's bits out") {
  TrainingTask task = tiny_task(Pooling::mean);
  task.reserves.clear();
  PassportNetwork stolen = train(task, tiny_settings()).value().network;
  overwrite(stolen, {mark_of(70, Pooling::mean)}, 40);
  CHECK(match_on(stolen, mark_of(1, Pooling::mean)) < 0.75);
}

TEST_CASE("rounding the weights to three bits leaves every bit") {
  PassportNetwork rounded = copy_of(tiny_model().network);
  const torch::NoGradGuard no_grad;
  for (ConvBlock& block : rounded->passport_blocks()) {
    torch::Tensor& w = block.conv->weight;
    const torch::Tensor step = w.abs().max() / 3.5;
    w.copy_((w / step).round() * step);
  }
  CHECK(match_on(rounded, mark_of(1)) > 0.95);
}

TEST_CASE("an unmarked network matches about half the bits of any passport") {
  const PassportNetwork innocent(tiny_architecture(), Branches::both, 77);
  double sum = 0;
  for (std::uint64_t i = 0; i < 12; ++i) sum += match_on(innocent, mark_of(100 + i));
  CHECK(std::abs(sum / 12 - 0.5) < 4 * 0.5 / std::sqrt(112.0 * 12));
}

TEST_CASE("a mark is read from the release model by text and seed alone") {
  const Passport cover = drawn_passport(1);
  const Bytes release = encode_release_model(tiny_model().network);
  const MarkReading reading = read_mark(release, tiny_architecture().text(), Pooling::whitened, cover, seed_of(cover)).value();
  CHECK(reading.match() == 1.0);
  CHECK(reading.log10_p == Approx(-112 * std::log10(2.0)));
  CHECK_FALSE(read_mark(release, "{}", Pooling::whitened, cover, seed_of(cover)));
}
