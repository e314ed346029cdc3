#include <stegpass/model/passport.hpp>

#include <array>
#include <cmath>
#include <cstdio>

namespace stegpass::model {
namespace {

std::string flat_detail(const char* which, double contrast) {
  char text[160];
  std::snprintf(text, sizeof text, "the %s picture is flat: contrast %.2f grey levels, at least %.2f expected", which, contrast,
                Passport::kMinContrast);
  return text;
}

}  // namespace

double picture_contrast(ByteView rgb) {
  std::array<std::uint64_t, 3> sum{}, squares{};
  for (std::size_t i = 0; i + 3 <= rgb.size(); i += 3) {
    for (std::size_t c = 0; c < 3; ++c) {
      sum[c] += rgb[i + c];
      squares[c] += static_cast<std::uint64_t>(rgb[i + c]) * rgb[i + c];
    }
  }
  const double pixels = static_cast<double>(rgb.size() / 3);
  if (pixels == 0) return 0;
  double variance = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = static_cast<double>(sum[c]) / pixels;
    variance += static_cast<double>(squares[c]) / pixels - mean * mean;
  }
  return std::sqrt(std::max(variance, 0.0) / 3);
}

Result<Passport> Passport::create(int size, Bytes raster) {
  if (size < kMinSize || size > kMaxSize) {
    return Error{Errc::unsupported, "passport size " + std::to_string(size) + " is not within " + std::to_string(kMinSize) +
                                        " to " + std::to_string(kMaxSize)};
  }
  const std::size_t expected = 6 * static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  if (raster.size() != expected) {
    return Error{Errc::malformed, "passport raster has " + std::to_string(raster.size()) + " bytes, " + std::to_string(expected) +
                                      " expected: an RGB picture twice as tall as wide"};
  }
  Passport passport(size, std::move(raster));
  for (const Picture which : {Picture::scale, Picture::bias}) {
    const double contrast = picture_contrast(passport.picture(which));
    if (contrast < kMinContrast) {
      return Error{Errc::refused, flat_detail(which == Picture::scale ? "scale" : "bias", contrast)};
    }
  }
  return passport;
}

ByteView Passport::picture(Picture which) const {
  const std::size_t half = raster_.size() / 2;
  return ByteView(raster_).subspan(which == Picture::scale ? 0 : half, half);
}

Digest64 Passport::digest() const {
  constexpr std::string_view kDomain("stegpass.passport.v1\0", 21);
  return Sha512().update(kDomain).update_u64(static_cast<std::uint64_t>(size_)).update(raster_).finish();
}

}  // namespace stegpass::model
