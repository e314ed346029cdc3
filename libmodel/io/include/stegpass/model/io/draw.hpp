#pragma once

#include <cstdint>
#include <string_view>

#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// Draws a colourful scene out of fractal noise: by seed a layered landscape, lights in a nebula, or a bed of stones.
/// Texture at every scale (about 1 / f), so that it serves as a passport picture; the same picture for the same arguments.
/// Requires width and height from 1 to 4096.
Raster draw_scene(std::int64_t width, std::int64_t height, std::uint64_t seed);

/// Draws a square identity card: a stylised portrait before soft colours, and the name at the lower left. The lower right
/// corner is left to compose_identity's QR code. Characters of the name outside printable ASCII become '?'.
/// Requires size from 64 to 4096.
Raster draw_identity_card(std::int64_t size, std::uint64_t seed, std::string_view name);

}  // namespace stegpass::model::io
