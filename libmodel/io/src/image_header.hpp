#pragma once

#include <cstdint>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model::io {

enum class ImageFormat { png, jpeg };

/// What a picture's file says of itself before its pixels are decoded.
struct ImageHeader {
  ImageFormat format = ImageFormat::png;
  std::int64_t width = 0;
  std::int64_t height = 0;
};

/// Walks the whole file: PNG chunks with their checksums to IEND, JPEG markers to the end of the image. Decodes no pixel.
/// Errors  malformed, saying what was found.
Result<ImageHeader> read_image_header(ByteView file);

}  // namespace stegpass::model::io
