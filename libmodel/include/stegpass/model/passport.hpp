#pragma once

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// The two pictures of a passport.
enum class Picture { scale, bias };

/// Two square 8-bit RGB pictures of one size: the scale picture on top, the bias picture below, as its PNG holds them.
/// Made only by `create`, so a value always has both pictures whole and neither of them flat.
class Passport {
 public:
  static constexpr int kMinSize = 16;
  static constexpr int kMaxSize = 4096;
  /// Least standard deviation (grey levels, mean over the three channels) of each picture.
  static constexpr double kMinContrast = 4.0;

  /// `size`: side in pixels; `raster`: 2 size * size * 3 bytes, rows from the top, R G B.
  /// Errors  unsupported on a size out of range, malformed on a raster that does not fit it, refused on a flat picture.
  static Result<Passport> create(int size, Bytes raster);

  int size() const { return size_; }
  ByteView raster() const { return raster_; }
  /// size * size * 3 bytes; lives as long as the passport.
  ByteView picture(Picture which) const;
  /// SHA-512 over the domain "stegpass.passport.v1", a zero byte, the size (8 bytes, big-endian) and the raster.
  Digest64 digest() const;

 private:
  Passport(int size, Bytes raster) : size_(size), raster_(std::move(raster)) {}
  int size_;
  Bytes raster_;
};

/// Standard deviation of an RGB raster, in grey levels: the root of the mean over the channels of their variances.
double picture_contrast(ByteView rgb);

}  // namespace stegpass::model
