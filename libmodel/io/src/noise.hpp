#pragma once

#include <array>
#include <cstdint>

namespace stegpass::model::io {

/// A colour or a point, red green blue in [0, 1].
using Colour = std::array<float, 3>;

inline Colour mix(const Colour& a, const Colour& b, float t) {
  return {a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t};
}
inline Colour scaled(const Colour& a, float factor) { return {a[0] * factor, a[1] * factor, a[2] * factor}; }

/// 0 below `low`, 1 above `high`, smooth between.
float smooth_step(float low, float high, float value);

/// Noise fields of one seed: the same values everywhere for the same arguments.
class Noise {
 public:
  explicit Noise(std::uint64_t seed) : seed_(seed) {}

  /// A number in [0, 1) for a lattice point and a purpose.
  float hash(std::int32_t x, std::int32_t y, std::uint32_t purpose) const;
  /// Gradient noise (Perlin, 2002), about [-1, 1], detail one unit wide.
  float gradient(float x, float y, std::uint32_t purpose) const;
  /// Sum of `octaves` of gradient noise, each of twice the frequency and `gain` times the height; about [-1, 1].
  float fractal(float x, float y, int octaves, std::uint32_t purpose, float gain = 0.5F) const;

  /// The nearest of the points scattered one a cell: distance to it, to the border with the next, and a number that names it.
  struct Cell {
    float distance, border, name;
  };
  Cell cell(float x, float y, std::uint32_t purpose) const;

 private:
  std::uint64_t seed_;
};

/// A saturated colour of the given hue (turns), saturation and value, each in [0, 1].
Colour hsv(float hue, float saturation, float value);

}  // namespace stegpass::model::io
