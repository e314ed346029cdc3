#include "model_fixtures.hpp"

#include <array>
#include <cmath>
#include <random>

namespace stegpass::model::testing {
namespace {

constexpr double kTwoPi = 6.28318530717958647692;

double unit(std::mt19937_64& random) { return static_cast<double>(random() >> 11) * 0x1p-53; }

double gauss(std::mt19937_64& random) { return std::sqrt(-2 * std::log(1 - unit(random))) * std::cos(kTwoPi * unit(random)); }

std::uint8_t to_byte(double value) { return static_cast<std::uint8_t>(std::min(255.0, std::max(0.0, std::round(value)))); }

/// Sixty waves with amplitudes falling as 1 / frequency, nearly grey, as photographs are.
void draw_picture(Bytes& out, int size, std::mt19937_64& random) {
  struct Wave {
    double fx, fy, phase;
    std::array<double, 3> amplitude;
  };
  std::array<Wave, 60> waves;
  for (Wave& wave : waves) {
    const double frequency = std::exp(unit(random) * std::log(size / 4.0)), angle = kTwoPi * unit(random);
    const double amplitude = 40 * gauss(random) / frequency;
    wave = {frequency * std::cos(angle) / size, frequency * std::sin(angle) / size, kTwoPi * unit(random), {}};
    for (double& a : wave.amplitude) a = amplitude * (0.7 + 0.6 * unit(random));
  }
  const double level = 90 + 70 * unit(random);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      std::array<double, 3> pixel{level, level, level};
      for (const Wave& wave : waves) {
        const double value = std::cos(kTwoPi * (wave.fx * x + wave.fy * y) + wave.phase);
        for (std::size_t c = 0; c < 3; ++c) pixel[c] += wave.amplitude[c] * value;
      }
      for (const double value : pixel) out.push_back(to_byte(value));
    }
  }
}

}  // namespace

Architecture tiny_architecture() { return Architecture::create({.width = 125}).value(); }

Passport example_passport() {
  Bytes raster;
  for (int y = 0; y < 128; ++y) {
    for (int x = 0; x < 64; ++x) {
      for (int c = 0; c < 3; ++c) raster.push_back(static_cast<std::uint8_t>((7 * x + 13 * y + 29 * c + (x * y) % 31) % 256));
    }
  }
  return Passport::create(64, std::move(raster)).value();
}

MarkSeed example_seed() {
  Digest32 thumbprint, salt;
  for (std::size_t i = 0; i < 32; ++i) {
    thumbprint[i] = static_cast<std::uint8_t>(i);
    salt[i] = static_cast<std::uint8_t>(255 - i);
  }
  return derive_mark_seed(example_passport().digest(), thumbprint, salt);
}

Passport drawn_passport(std::uint64_t seed, int size) {
  std::mt19937_64 random(seed);
  Bytes raster;
  draw_picture(raster, size, random);
  draw_picture(raster, size, random);
  return Passport::create(size, std::move(raster)).value();
}

Passport noisy_passport(const Passport& passport, double sigma, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Bytes raster;
  for (const std::uint8_t byte : passport.raster()) raster.push_back(to_byte(byte + sigma * gauss(random)));
  return Passport::create(passport.size(), std::move(raster)).value();
}

double psnr_db(ByteView a, ByteView b) {
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / squares);
}

MarkSeed seed_of(const Passport& passport) { return derive_mark_seed(passport.digest(), {}, {}); }

Mark mark_of(std::uint64_t passport, Pooling pooling) {
  const Passport drawn = drawn_passport(passport);
  return make_mark(tiny_architecture(), pooling, drawn, seed_of(drawn)).value();
}

TrainingTask tiny_task(Pooling pooling) {
  return {tiny_architecture(),
          draw_shapes(1280, 1),
          draw_shapes(400, 2),
          mark_of(1, pooling),
          {mark_of(2, pooling), mark_of(3, pooling)}};
}

TrainingSettings tiny_settings() {
  TrainingSettings settings = training_preset("quick").value();
  settings.batch = 32;
  settings.epochs = 5;
  settings.rate = 0.03;  // the preset's suits the whole width
  settings.train_images = 0;
  settings.precision = Precision::fp32;
  return settings;
}

const TrainedModel& tiny_model() {
  static const TrainedModel model = train(tiny_task(), tiny_settings()).value();
  return model;
}

}  // namespace stegpass::model::testing
