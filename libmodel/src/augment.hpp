#pragma once

#include <cstdint>
#include <random>

#include <torch/types.h>

#include "shuffle.hpp"

namespace stegpass::model {

/// How one image is moved: where the window begins in the image with a border of zeros, and whether it is mirrored.
struct Movement {
  std::int64_t y = 0, x = 0;  ///< 0 .. 2 * border
  bool mirrored = false;
};

/// Pixels of the border: an eighth of the side, so four at 32 pixels.
inline std::int64_t augment_border(std::int64_t side) { return side / 8; }

/// The next image's movement; images of a batch take theirs in order from one generator.
inline Movement draw_movement(std::mt19937_64& random, std::int64_t border) {
  Movement movement;
  movement.y = draw(random, 2 * border + 1);
  movement.x = draw(random, 2 * border + 1);
  movement.mirrored = draw(random, 2) == 1;
  return movement;
}

/// The part of a row that comes from the image: from `first` up to `last` (not included) in the outcome, read from column `from`
/// onwards, backwards when mirrored. The rest is zero.
struct RowSpan {
  std::int64_t first = 0, last = 0, from = 0, step = 1;
};
RowSpan row_span(const Movement& movement, std::int64_t border, std::int64_t width);

/// Shifts each image by up to an eighth of its side either way (what comes in is zero) and mirrors every other one at random.
/// (N, 3, H, W) uint8 on the CPU; follows from the seed alone.
torch::Tensor augment_images(const torch::Tensor& images, std::uint64_t seed);

}  // namespace stegpass::model
