// Writes what accidents and forgers make of a user passport: edit_pictures IN FOLDER. A program of its own, since LibTorch comes
// with the pictures.
#include <exception>
#include <iostream>
#include <random>
#include <stdexcept>

#include <stegpass/model/io/image.hpp>

#include "grid_tool.hpp"

namespace {

using stegpass::model::Raster;
using namespace stegpass::model::io;

Raster scaled(const Raster& picture, std::int64_t numerator, std::int64_t denominator) {
  return centre_part(picture, picture.width * numerator / denominator, picture.height * numerator / denominator);
}

Raster noise(Raster picture) {
  std::mt19937_64 random(20270115);
  for (std::uint8_t& byte : picture.rgb) byte = static_cast<std::uint8_t>(random());
  return picture;
}

Raster one_bit_changed(Raster picture) {
  picture.rgb[picture.rgb.size() / 3] ^= 1;
  return picture;
}

void edit(const std::string& file, const std::string& folder) {
  const auto picture = decode_image(stegpass::test::read_bytes(file));
  if (!picture) throw std::runtime_error(file + ": " + picture.error().detail);
  const auto write = [&](const char* name, const Raster& made) {
    stegpass::test::write_bytes(folder + "/" + name, encode_png(made));
  };
  write("noise.png", noise(*picture));
  write("jpeg.png", through_jpeg(*picture, 90));
  write("small.png", scaled(*picture, 1, 2));
  write("resize.png", scaled(scaled(*picture, 1, 2), 2, 1));
  write("one-bit.png", one_bit_changed(*picture));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("usage: edit_pictures IN FOLDER");
    edit(argv[1], argv[2]);
  } catch (const std::exception& problem) {
    std::cerr << "edit_pictures: " << problem.what() << "\n";
    return 1;
  }
  return 0;
}
