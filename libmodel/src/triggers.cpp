#include "triggers.hpp"

#include <cmath>
#include <random>

#include "shuffle.hpp"

namespace stegpass::model {
namespace {

constexpr int kWaves = 4;
constexpr double kTurn = 6.283185307179586;

/// One wave of one channel: cycles across the picture in x and y, and its phase in turns.
struct Wave {
  double x, y, phase;
};

Wave draw_wave(std::mt19937_64& random) {
  const auto cycles = [&] { return static_cast<double>(draw(random, 13)) - 6; };
  const double x = cycles(), y = cycles();
  return {x, y, static_cast<double>(draw(random, 1000)) / 1000};
}

void paint(std::uint8_t* plane, int side, const Wave* waves) {
  for (int at = 0; at < side * side; ++at) {
    double sum = 0;
    for (int i = 0; i < kWaves; ++i) {
      sum += std::sin(kTurn * (waves[i].x * (at % side) / side + waves[i].y * (at / side) / side + waves[i].phase));
    }
    plane[at] = static_cast<std::uint8_t>(std::lround(127.5 + 127.0 * sum / kWaves));
  }
}

}  // namespace

LabelledImages draw_triggers(std::int64_t count, int classes, int side, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  LabelledImages out{torch::empty({count, 3, side, side}, torch::kUInt8), torch::empty({count}, torch::kInt64), classes,
                     "triggers"};
  for (std::int64_t i = 0; i < count; ++i) {
    out.labels.data_ptr<std::int64_t>()[i] = draw(random, classes);
    for (std::int64_t c = 0; c < 3; ++c) {
      Wave waves[kWaves];
      for (Wave& wave : waves) wave = draw_wave(random);
      paint(out.images.data_ptr<std::uint8_t>() + (i * 3 + c) * side * side, side, waves);
    }
  }
  return out;
}

}  // namespace stegpass::model
