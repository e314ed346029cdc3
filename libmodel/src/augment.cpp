#include "augment.hpp"

#include <algorithm>
#include <cstring>

namespace stegpass::model {
namespace {

/// One channel of one image: both planes are height * width bytes, row by row.
struct Plane {
  std::int64_t height, width, border;
};

void move_plane(const Plane& plane, const Movement& movement, const std::uint8_t* from, std::uint8_t* to) {
  const RowSpan span = row_span(movement, plane.border, plane.width);
  for (std::int64_t y = 0; y < plane.height; ++y, to += plane.width) {
    const std::int64_t source = y + movement.y - plane.border;
    std::memset(to, 0, static_cast<std::size_t>(plane.width));
    if (source < 0 || source >= plane.height || span.first >= span.last) continue;
    const std::uint8_t* row = from + source * plane.width + span.from;
    if (!movement.mirrored) {
      std::memcpy(to + span.first, row, static_cast<std::size_t>(span.last - span.first));
    } else {
      for (std::int64_t x = span.first; x < span.last; ++x) to[x] = *row--;
    }
  }
}

}  // namespace

RowSpan row_span(const Movement& movement, std::int64_t border, std::int64_t width) {
  // Column x of the outcome is column x + shift of the image, or of the image's mirror at width - 1 - x + shift.
  const std::int64_t shift = movement.x - border;
  const std::int64_t begin = std::max<std::int64_t>(0, -shift), end = std::min(width, width - shift);
  if (!movement.mirrored) return {begin, end, begin + shift, 1};
  return {width - end, width - begin, end - 1 + shift, -1};
}

torch::Tensor augment_images(const torch::Tensor& images, std::uint64_t seed) {
  const torch::Tensor in = images.contiguous();
  torch::Tensor out = torch::empty(in.sizes(), in.options());
  const Plane plane{in.size(2), in.size(3), augment_border(in.size(3))};
  const std::int64_t channels = in.size(1), area = plane.height * plane.width;
  const std::uint8_t* from = in.data_ptr<std::uint8_t>();
  std::uint8_t* to = out.data_ptr<std::uint8_t>();
  std::mt19937_64 random(seed);
  for (std::int64_t i = 0; i < in.size(0); ++i) {
    const Movement movement = draw_movement(random, plane.border);
    for (std::int64_t c = 0; c < channels; ++c, from += area, to += area) move_plane(plane, movement, from, to);
  }
  return out;
}

}  // namespace stegpass::model
