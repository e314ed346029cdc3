#include "noise.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace stegpass::model::io {
namespace {

float fade(float t) { return t * t * t * (t * (t * 6 - 15) + 10); }

float blend(float a, float b, float t) { return a + (b - a) * t; }

}  // namespace

float smooth_step(float low, float high, float value) {
  const float t = std::clamp((value - low) / (high - low), 0.0F, 1.0F);
  return t * t * (3 - 2 * t);
}

float Noise::hash(std::int32_t x, std::int32_t y, std::uint32_t purpose) const {
  std::uint64_t value = seed_ ^ (static_cast<std::uint64_t>(static_cast<std::uint32_t>(x)) << 32 | static_cast<std::uint32_t>(y));
  value += 0x9e3779b97f4a7c15ULL * (purpose + 1);
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ULL;  // the mixing steps of SplitMix64
  value = (value ^ value >> 27) * 0x94d049bb133111ebULL;
  value ^= value >> 31;
  return static_cast<float>(value >> 40) * (1.0F / 16777216.0F);
}

float Noise::gradient(float x, float y, std::uint32_t purpose) const {
  const float fx = std::floor(x), fy = std::floor(y), dx = x - fx, dy = y - fy;
  const auto column = static_cast<std::int32_t>(fx), row = static_cast<std::int32_t>(fy);
  const auto corner = [&](std::int32_t i, std::int32_t j) {
    const float angle = 2 * std::numbers::pi_v<float> * hash(column + i, row + j, purpose);
    return std::cos(angle) * (dx - static_cast<float>(i)) + std::sin(angle) * (dy - static_cast<float>(j));
  };
  const float u = fade(dx), v = fade(dy);
  return 1.4F * blend(blend(corner(0, 0), corner(1, 0), u), blend(corner(0, 1), corner(1, 1), u), v);
}

float Noise::fractal(float x, float y, int octaves, std::uint32_t purpose, float gain) const {
  float sum = 0, height = 1, total = 0;
  for (int i = 0; i < octaves; ++i) {
    sum += height * gradient(x, y, purpose + static_cast<std::uint32_t>(i));
    total += height, height *= gain;
    const float turned = 1.6F * x - 1.2F * y + 7.3F;  // twice the frequency, turned, so that lattices do not line up
    y = 1.2F * x + 1.6F * y + 3.1F, x = turned;
  }
  return 1.5F * sum / total;
}

Noise::Cell Noise::cell(float x, float y, std::uint32_t purpose) const {
  const auto column = static_cast<std::int32_t>(std::floor(x)), row = static_cast<std::int32_t>(std::floor(y));
  Cell nearest{9, 9, 0};
  float second = 9;
  for (std::int32_t j = row - 1; j <= row + 1; ++j)
    for (std::int32_t i = column - 1; i <= column + 1; ++i) {
      const float dx = static_cast<float>(i) + hash(i, j, purpose) - x, dy = static_cast<float>(j) + hash(i, j, purpose + 1) - y;
      const float distance = std::sqrt(dx * dx + dy * dy);
      if (distance < nearest.distance)
        second = nearest.distance, nearest = {distance, 0, hash(i, j, purpose + 2)};
      else
        second = std::min(second, distance);
    }
  nearest.border = second - nearest.distance;
  return nearest;
}

Colour hsv(float hue, float saturation, float value) {
  const auto channel = [&](float shift) {
    const float turn = hue + shift - std::floor(hue + shift);
    return value * (1 - saturation * std::clamp(2 - std::abs(6 * turn - 3), 0.0F, 1.0F));
  };
  // Red is full at hue 0, green at 1/3, blue at 2/3.
  return {channel(0.0F), channel(2.0F / 3.0F), channel(1.0F / 3.0F)};
}

}  // namespace stegpass::model::io
