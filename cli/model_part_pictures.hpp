#pragma once

#include <stegpass/model/io/image.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/raster.hpp>

#include "model_part.hpp"

namespace stegpass::cli {

/// Reads a passport file: one PNG, S wide and 2 S high. Errors malformed on another shape, those of decode_image and
/// Passport::create.
Result<model::Passport> decode_passport(ByteView png);
/// Its PNG, size and digest.
PassportFile passport_file(const model::Passport& passport);
/// One of its two pictures.
model::Raster passport_picture(const model::Passport& passport, model::Picture which);
/// A passport of two rasters of one square size.
Result<model::Passport> join_passport(const model::Raster& scale, const model::Raster& bias);

}  // namespace stegpass::cli
