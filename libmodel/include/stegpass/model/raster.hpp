#pragma once

#include <cassert>
#include <cmath>
#include <cstdint>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::model {

/// An 8-bit colour picture in memory: rows from the top, three bytes (red, green, blue) a pixel; rgb holds width * height * 3.
/// Needs no LibTorch, so that model_io and model share it.
struct Raster {
  std::int64_t width = 0;
  std::int64_t height = 0;
  Bytes rgb;

  bool operator==(const Raster&) const = default;
};

/// Peak signal-to-noise ratio in decibels over all 8-bit values; 100 for equal pictures. Requires equal sizes (assertion).
inline double psnr_db(const Raster& a, const Raster& b) {
  assert(a.width == b.width && a.height == b.height && a.rgb.size() == b.rgb.size());
  double squares = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const double difference = static_cast<double>(a.rgb[i]) - b.rgb[i];
    squares += difference * difference;
  }
  if (squares == 0) return 100.0;
  return 10.0 * std::log10(255.0 * 255.0 * static_cast<double>(a.rgb.size()) / squares);
}

}  // namespace stegpass::model
