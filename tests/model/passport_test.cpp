#include <stegpass/model/passport.hpp>

#include <stegpass/credential/core/text.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

Bytes checkered(int size) {
  Bytes raster;
  for (int i = 0; i < 2 * size * size * 3; ++i) raster.push_back(static_cast<std::uint8_t>((i / 3) % 2 * 100));
  return raster;
}

}  // namespace

TEST_CASE("a passport's digest is that of an independent program") {
  CHECK(to_hex(example_passport().digest()).substr(0, 32) == "4acebcbea92ab132397170970f24f920");
}

TEST_CASE("the digest changes with any byte of the raster") {
  Bytes raster = checkered(16);
  const Digest64 before = Passport::create(16, raster).value().digest();
  for (const std::size_t at : {std::size_t{0}, raster.size() / 2, raster.size() - 1}) {
    Bytes changed = raster;
    changed[at] ^= 1;
    CHECK(Passport::create(16, changed).value().digest() != before);
  }
}

TEST_CASE("the scale picture lies above the bias picture") {
  Bytes raster = checkered(16);
  raster[0] = 7;
  raster[raster.size() / 2] = 9;
  const Passport passport = Passport::create(16, raster).value();
  CHECK(passport.picture(Picture::scale)[0] == 7);
  CHECK(passport.picture(Picture::bias)[0] == 9);
  CHECK(passport.picture(Picture::scale).size() == 16 * 16 * 3);
}

TEST_CASE("a raster that does not fit the size is refused") {
  for (const int change : {-1, 1, 3}) {
    Bytes raster = checkered(16);
    raster.resize(raster.size() + static_cast<std::size_t>(change));
    const auto passport = Passport::create(16, raster);
    REQUIRE_FALSE(passport);
    CHECK(passport.error().code == Errc::malformed);
    CHECK(passport.error().detail.find("1536 expected") != std::string::npos);
  }
}

TEST_CASE("a size out of range is refused before its raster is looked at") {
  for (const int size : {-1, 0, 15, 4097, 2147483647}) CHECK(Passport::create(size, {}).error().code == Errc::unsupported);
}

TEST_CASE("a flat scale picture is refused and its contrast stated") {
  Bytes raster = checkered(16);
  std::fill_n(raster.begin(), raster.size() / 2, 128);
  const auto passport = Passport::create(16, raster);
  REQUIRE_FALSE(passport);
  CHECK(passport.error().code == Errc::refused);
  CHECK(passport.error().detail == "the scale picture is flat: contrast 0.00 grey levels, at least 4.00 expected");
}

TEST_CASE("a flat bias picture is refused even in colour") {
  Bytes raster = checkered(16);
  for (std::size_t i = raster.size() / 2; i < raster.size(); ++i) raster[i] = static_cast<std::uint8_t>(80 * (i % 3));
  CHECK(Passport::create(16, raster).error().detail.find("the bias picture is flat: contrast 0.00") == 0);
}

TEST_CASE("contrast is the root of the mean channel variance") {
  CHECK(picture_contrast(checkered(16)) == Approx(50));
  CHECK(picture_contrast({}) == 0);
}
