#include <stegpass/model/io/qr.hpp>

#include <string>

#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/image.hpp>

#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::model;

namespace {

const std::string kText = "stegpass:card:1:" + std::string(32, 'a') + ":" + std::string(32, '0') + ":" + std::string(64, 'f');

io::CardFace face() {
  io::CardFace out{"a card", {}, "foot", kText};
  for (int i = 0; i < 7; ++i) out.facts.emplace_back("name", std::string(300, 'w'));
  return out;
}

/// The picture turned by a quarter.
Raster turned(const Raster& picture) {
  Raster out{picture.height, picture.width, Bytes(picture.rgb.size())};
  for (std::int64_t y = 0; y < picture.height; ++y)
    for (std::int64_t x = 0; x < picture.width; ++x)
      for (std::int64_t c = 0; c < 3; ++c)
        out.rgb[static_cast<std::size_t>((x * picture.height + (picture.height - 1 - y)) * 3 + c)] =
            picture.rgb[static_cast<std::size_t>((y * picture.width + x) * 3 + c)];
  return out;
}

}  // namespace

TEST_CASE("a card's code reads from the picture, through JPEG, turned and made smaller") {
  const auto card = io::draw_card(face());
  REQUIRE(card);
  CHECK(card->width == 1012);
  CHECK(card->height == 638);
  CHECK(io::read_qr(*card).value() == kText);
  CHECK(io::read_qr(io::through_jpeg(*card, 40)).value() == kText);
  CHECK(io::read_qr(turned(*card)).value() == kText);
  CHECK(io::read_qr(io::centre_part(*card, 759, 478)).value() == kText);
}

TEST_CASE("a QR code has the modules of its version, and texts that make none are refused") {
  const auto code = io::encode_qr("short");
  REQUIRE(code);
  CHECK(code->side == 21);
  CHECK(code->dark.size() == 21u * 21u);
  for (const std::string& text :
       {std::string(), std::string(401, 'a'), std::string("caf\xc3\xa9"), std::string("line\n"), std::string(1, '\0')})
    CHECK(!io::encode_qr(text));
}

TEST_CASE("a picture without a code says so") {
  const auto found = io::read_qr(io::draw_scene(256, 256, 3));
  REQUIRE(!found);
  CHECK(found.error().code == Errc::not_found);
}
