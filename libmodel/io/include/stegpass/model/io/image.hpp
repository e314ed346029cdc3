#pragma once

#include <cstdint>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// Bounds that are read from a picture's header before anything is decoded.
inline constexpr std::int64_t kMaxSide = 16384;
inline constexpr std::int64_t kMaxPixels = std::int64_t{64} << 20;

/// What becomes of a picture with transparent pixels: refused, since nobody can say what it looks like, or laid on white.
enum class Transparency { refuse, on_white };

/// Decodes a PNG or JPEG file. Grey becomes three equal channels, palettes their colours, 16 bits are rounded to 8 (v / 257), an
/// alpha channel is accepted where every pixel is opaque. The orientation that a camera wrote beside the pixels is not applied.
/// Errors  malformed (not PNG or JPEG, truncated, a checksum or marker that does not fit; the detail says what was found),
///         unsupported (sides or pixels over the bounds above, transparent pixels unless they go on white).
Result<Raster> decode_image(ByteView file, Transparency transparency = Transparency::refuse);

/// Encodes as 8-bit RGB PNG without metadata; the same bytes for the same picture. Requires a whole raster (assertion).
Bytes encode_png(const Raster& picture);

/// The picture as a JPEG of that quality, 1 to 100, gives it back.
Raster through_jpeg(const Raster& picture, int quality);

/// The largest centred part of that shape, brought to `width` by `height` pixels: exact area averages when it gets smaller,
/// linear when larger. Requires width and height >= 1.
Raster centre_part(const Raster& picture, std::int64_t width, std::int64_t height);
/// The same for a square.
Raster centre_square(const Raster& picture, std::int64_t side);

}  // namespace stegpass::model::io
