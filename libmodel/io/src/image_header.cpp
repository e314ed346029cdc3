#include "image_header.hpp"

#include <algorithm>
#include <array>
#include <string>

#include <zlib.h>

#include <stegpass/credential/core/text.hpp>

namespace stegpass::model::io {
namespace {

constexpr std::array<std::uint8_t, 8> kPngSignature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

Error malformed(const std::string& what) { return {Errc::malformed, "picture: " + what}; }

std::uint32_t big_endian(ByteView bytes, std::size_t at, int width) {
  std::uint32_t value = 0;
  for (int i = 0; i < width; ++i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

// PNG (ISO/IEC 15948), section 5: length, type, data, checksum of type and data.
Result<ImageHeader> read_png(ByteView file) {
  ImageHeader header{ImageFormat::png, 0, 0};
  std::size_t at = kPngSignature.size();
  while (true) {
    if (file.size() - at < 12)
      return malformed("png ends after " + std::to_string(file.size()) + " bytes, before its IEND chunk");
    const std::size_t length = big_endian(file, at, 4);
    if (length > file.size() - at - 12)
      return malformed("png chunk at byte " + std::to_string(at) + " claims " + std::to_string(length) + " bytes, the file has " +
                       std::to_string(file.size() - at - 12) + " left");
    const auto checked = file.subspan(at + 4, 4 + length);
    const auto checksum = crc32(0, checked.data(), static_cast<uInt>(checked.size()));
    if (checksum != big_endian(file, at + 8 + length, 4))
      return malformed("png chunk at byte " + std::to_string(at) + " has a wrong checksum");
    const auto type = as_text(checked.first(4));
    if (at == kPngSignature.size()) {
      if (type != "IHDR" || length != 13) return malformed("png does not begin with its IHDR chunk");
      header.width = big_endian(checked, 4, 4), header.height = big_endian(checked, 8, 4);
    }
    at += 12 + length;
    if (type == "IEND") break;
  }
  if (at != file.size()) return malformed(std::to_string(file.size() - at) + " bytes after the end of the png");
  return header;
}

bool is_frame(std::uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

bool has_no_length(std::uint8_t marker) { return marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7); }

// The next marker at or after `at`, past compressed data and fill bytes; the file's size if there is none.
std::size_t next_marker(ByteView file, std::size_t at) {
  for (; at + 1 < file.size(); ++at)
    if (file[at] == 0xFF && file[at + 1] != 0x00 && file[at + 1] != 0xFF) return at;
  return file.size();
}

// JPEG (ITU-T T.81), annex B: markers, each with a length but for a few; compressed data holds no marker save restarts.
Result<ImageHeader> read_jpeg(ByteView file) {
  ImageHeader header{ImageFormat::jpeg, 0, 0};
  std::size_t at = 2;
  bool framed = false;
  while (true) {
    at = next_marker(file, at);
    if (at >= file.size()) return malformed("jpeg ends after " + std::to_string(file.size()) + " bytes, before its end marker");
    const auto marker = file[at + 1];
    at += 2;
    if (marker == 0xD9) break;
    if (has_no_length(marker)) continue;
    const std::size_t length = file.size() - at >= 2 ? big_endian(file, at, 2) : 0;
    if (length < 2 || length > file.size() - at)
      return malformed("jpeg segment at byte " + std::to_string(at - 2) + " is cut off or has no length");
    if (is_frame(marker)) {
      if (framed) return malformed("jpeg with two frame headers");  // readers differ in which of them they take
      framed = true;
      if (length < 8) return malformed("jpeg frame header of " + std::to_string(length) + " bytes, expected at least 8");
      header.height = big_endian(file, at + 3, 2), header.width = big_endian(file, at + 5, 2);
    }
    at += length;
  }
  if (header.width == 0) return malformed("jpeg without a frame header");
  return header;
}

}  // namespace

Result<ImageHeader> read_image_header(ByteView file) {
  if (file.empty()) return malformed("no bytes, expected png or jpeg");
  if (file.size() >= kPngSignature.size() && std::equal(kPngSignature.begin(), kPngSignature.end(), file.begin()))
    return read_png(file);
  if (file.size() >= 2 && file[0] == 0xFF && file[1] == 0xD8) return read_jpeg(file);
  return malformed("begins with " + to_hex(file.first(std::min<std::size_t>(file.size(), 8))) + ", expected png or jpeg");
}

}  // namespace stegpass::model::io
