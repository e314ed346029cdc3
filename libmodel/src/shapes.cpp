#include <array>
#include <cmath>

#include <stegpass/model/dataset.hpp>

#include "shuffle.hpp"

namespace stegpass::model {
namespace {

constexpr int kSide = 32;

/// Where a shape lies, and the period of the textures.
struct Placement {
  double x, y, radius;
  int period, phase;
};

bool inside_triangle(double dx, double dy, double r) { return dy < 0.7 * r && dy > -r && std::abs(dx) < 0.6 * (dy + r); }

/// Whether a pixel belongs to the figure of class `label`: six shapes and four textures.
bool inside(int label, const Placement& at, int x, int y) {
  const double dx = x - at.x, dy = y - at.y, r = at.radius;
  const double distance = std::hypot(dx, dy), square = std::max(std::abs(dx), std::abs(dy));
  const int u = x + at.phase, v = y + at.phase, period = at.period;
  switch (label) {
    case 0: return distance < r;                                                  // disc
    case 1: return distance < r && distance > 0.6 * r;                            // ring
    case 2: return square < 0.85 * r;                                             // square
    case 3: return square < 0.9 * r && square > 0.55 * r;                         // frame
    case 4: return inside_triangle(dx, dy, r);                                    // triangle
    case 5: return square < r && std::min(std::abs(dx), std::abs(dy)) < 0.3 * r;  // cross
    case 6: return v % period < period / 2;                                       // horizontal stripes
    case 7: return u % period < period / 2;                                       // vertical stripes
    case 8: return (u % period < period / 2) != (v % period < period / 2);        // checkerboard
    default: return (u + v) % period < period / 2;                                // diagonal stripes
  }
}

/// Two colours that differ by at least 60 grey levels in some channel.
std::array<std::array<int, 3>, 2> draw_colours(std::mt19937_64& random) {
  std::array<std::array<int, 3>, 2> colours{};
  for (int contrast = 0; contrast < 60;) {
    contrast = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      for (auto& colour : colours) colour[c] = static_cast<int>(draw(random, 256));
      contrast = std::max(contrast, std::abs(colours[0][c] - colours[1][c]));
    }
  }
  return colours;
}

void draw_image(std::uint8_t* out, int label, std::mt19937_64& random) {
  const Placement at{12.0 + static_cast<double>(draw(random, 8)), 12.0 + static_cast<double>(draw(random, 8)),
                     7.0 + static_cast<double>(draw(random, 5)), 2 * static_cast<int>(2 + draw(random, 3)),
                     static_cast<int>(draw(random, 8))};
  const auto colours = draw_colours(random);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const auto& colour = colours[inside(label, at, x, y) ? 1 : 0];
      for (std::size_t c = 0; c < 3; ++c) {
        const int noisy = colour[c] + static_cast<int>(draw(random, 41)) - 20;
        out[(c * kSide + static_cast<std::size_t>(y)) * kSide + static_cast<std::size_t>(x)] =
            static_cast<std::uint8_t>(std::min(255, std::max(0, noisy)));
      }
    }
  }
}

}  // namespace

LabelledImages draw_shapes(std::int64_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  torch::Tensor images = torch::empty({count, 3, kSide, kSide}, torch::kUInt8);
  torch::Tensor labels = torch::empty({count}, torch::kInt64);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto label = static_cast<int>(draw(random, 10));
    draw_image(images.data_ptr<std::uint8_t>() + i * 3 * kSide * kSide, label, random);
    labels.data_ptr<std::int64_t>()[i] = label;
  }
  return {images,
          labels,
          10,
          "drawn shapes",
          {"disc", "ring", "square", "frame", "triangle", "cross", "horizontal stripes", "vertical stripes", "checkerboard",
           "diagonal stripes"}};
}

}  // namespace stegpass::model
