#pragma once

#include <cstdint>
#include <string_view>

#include <zlib.h>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::test {

/// What a PNG's header says beside its size.
struct PngForm {
  std::uint8_t depth = 8;   ///< bits a sample
  std::uint8_t colour = 2;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha
  Bytes palette = {};       ///< RGB entries of colour 3
};

inline void append_chunk(Bytes& out, std::string_view type, ByteView data) {
  append_big_endian(out, data.size(), 4);
  const std::size_t start = out.size();
  append(out, type);
  append(out, data);
  append_big_endian(out, crc32(0, out.data() + start, static_cast<uInt>(out.size() - start)), 4);
}

/// A PNG of any form whose pixels all have the same sample bytes. Bytes that OpenCV cannot write have to be written here.
inline Bytes flat_png(std::uint32_t width, std::uint32_t height, const PngForm& form, const Bytes& pixel) {
  Bytes header, rows, packed;
  append_big_endian(header, width, 4);
  append_big_endian(header, height, 4);
  for (const std::uint8_t byte : {form.depth, form.colour, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{0}})
    header.push_back(byte);
  for (std::uint32_t y = 0; y < height; ++y) {
    rows.push_back(0);  // no filter
    for (std::uint32_t x = 0; x < width; ++x) append(rows, pixel);
  }
  uLongf size = compressBound(rows.size());
  packed.resize(size);
  compress(packed.data(), &size, rows.data(), rows.size());
  packed.resize(size);
  Bytes out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  append_chunk(out, "IHDR", header);
  if (!form.palette.empty()) append_chunk(out, "PLTE", form.palette);
  append_chunk(out, "IDAT", packed);
  append_chunk(out, "IEND", {});
  return out;
}

}  // namespace stegpass::test
