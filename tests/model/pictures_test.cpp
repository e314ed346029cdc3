#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/files.hpp>
#include <stegpass/model/io/identity.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/sheet.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/isn_evaluation.hpp>

#include "tests/support/catch.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

Digest32 thumbprint(std::uint8_t start) {
  Digest32 out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(start + 29 * i);
  return out;
}

Errc decode_error(ByteView file) {
  const auto decoded = decode_image(file);
  REQUIRE_FALSE(decoded.ok());
  return decoded.error().code;
}

// An empty folder of its own that goes with the test.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "stegpass-pictures-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  void write(const std::string& name, ByteView bytes) const {
    std::ofstream(path / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  fs::path path;
};

IsnModel shipped_isn() {
  return IsnModel::load(read_file(STEGPASS_SOURCE_DIR "/weights/isn-small.safetensors", 4'000'000).value()).value();
}

}  // namespace

TEST_CASE("a PNG of ours reads back pixel by pixel, and is the same file every time") {
  const auto picture = draw_scene(50, 34, 1);
  CHECK(decode_image(encode_png(picture)).value() == picture);
  CHECK(encode_png(picture) == encode_png(picture));
}

TEST_CASE("a JPEG that states two sizes is refused before anything is made of either") {
  const Bytes large = {0xff, 0xc0, 0, 11, 8, 0x7f, 0xf8, 0x7f, 0xf8, 1, 1, 0x11, 0},
              small = {0xff, 0xc0, 0, 11, 8, 0, 16, 0, 16, 1, 1, 0x11, 0};
  Bytes file = {0xff, 0xd8};
  append(file, large);
  append(file, small);
  append(file, Bytes{0xff, 0xd9});
  const auto decoded = decode_image(file);
  REQUIRE_FALSE(decoded.ok());
  CHECK(decoded.error().detail.find("two frame headers") != std::string::npos);
}

TEST_CASE("a PNG that was cut, changed or lengthened is malformed") {
  const Bytes file = encode_png(draw_scene(40, 40, 1));
  for (std::size_t size = 0; size < file.size(); size += 101) CHECK(decode_error(ByteView(file).first(size)) == Errc::malformed);
  for (std::size_t at = 0; at < file.size(); at += 89) {
    Bytes changed = file;
    changed[at] ^= 1;
    CHECK(decode_error(changed) == Errc::malformed);
  }
  Bytes longer = file;
  longer.push_back(0);
  CHECK(decode_error(longer) == Errc::malformed);
  CHECK(decode_error(as_bytes("GIF89a and so on")) == Errc::malformed);
}

TEST_CASE("what gzip cannot vouch for is refused") {
  CHECK(gunzip(as_bytes("no gzip"), 100).error().code == Errc::malformed);
  CHECK(gunzip({}, 100).error().code == Errc::malformed);
  CHECK(read_file("/no/such/file", 100).error().code == Errc::io);
}

TEST_CASE("a picture folder is read in order, and one bad file stops it by name") {
  const Folder folder;
  CHECK(load_image_folder(folder.path).error().code == Errc::not_found);
  folder.write("b.png", encode_png(draw_scene(32, 24, 2)));
  folder.write("a.png", encode_png(draw_scene(24, 32, 1)));
  folder.write("notes.txt", as_bytes("no picture"));
  const auto pictures = load_image_folder(folder.path).value();
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].width == 24);
  const auto squares = load_image_squares(folder.path, 16).value();
  CHECK(squares[1].width == 16);
  CHECK(squares[1].height == 16);
  folder.write("c.png", as_bytes("torn"));
  const auto torn = load_image_folder(folder.path);
  REQUIRE_FALSE(torn.ok());
  CHECK(torn.error().detail.find("c.png") != std::string::npos);
  CHECK(load_image_folder(folder.path / "absent").error().code == Errc::io);
}

TEST_CASE("drawn pictures are the same for the same seed and full of detail") {
  CHECK(draw_scene(64, 64, 4) == draw_scene(64, 64, 4));
  CHECK_FALSE(draw_scene(64, 64, 4) == draw_scene(64, 64, 5));
  CHECK(std::abs(correlation(draw_scene(64, 64, 4), draw_scene(64, 64, 5))) < 0.9);
  CHECK(draw_identity_card(128, 1, "Lena") == draw_identity_card(128, 1, "Lena"));
  CHECK_FALSE(draw_identity_card(128, 1, "Lena") == draw_identity_card(128, 1, "Lene"));
}

TEST_CASE("an identity image gives its thumbprint back at every size") {
  for (const std::int64_t size : {128, 160, 224, 256, 384}) {
    const auto identity = compose_identity(draw_identity_card(256, 3, "size"), size, thumbprint(9)).value();
    CHECK(identity.width == size);
    CHECK(read_identity_qr(identity).value() == thumbprint(9));
  }
  CHECK(compose_identity(draw_scene(64, 64, 1), 127, thumbprint(1)).error().code == Errc::usage);
}

TEST_CASE("an identity of less contrast is softer outside its code, which reads as before") {
  const Raster picture = draw_scene(200, 200, 4);
  const Digest32 thumbprint = sha256(as_bytes("somebody"));
  const Raster whole = compose_identity(picture, 256, thumbprint).value(),
               soft = compose_identity(picture, 256, thumbprint, 0.7).value();
  CHECK(read_identity_qr(soft).value() == thumbprint);
  const QrPlace place = qr_place(256);
  double spread_of_whole = 0, spread_of_soft = 0;
  for (std::size_t i = 0; i < whole.rgb.size(); ++i) {
    const auto x = static_cast<std::int64_t>(i / 3 % 256), y = static_cast<std::int64_t>(i / 3 / 256);
    if (x >= place.left && y >= place.top && x < place.left + place.side && y < place.top + place.side) {
      CHECK(whole.rgb[i] == soft.rgb[i]);
    } else if (x < 128 && y < 128) {
      spread_of_whole += std::abs(whole.rgb[i] - 128), spread_of_soft += std::abs(soft.rgb[i] - 128);
    }
  }
  CHECK(spread_of_soft < 0.72 * spread_of_whole);
  CHECK(spread_of_soft > 0.65 * spread_of_whole);
}

TEST_CASE("an identity picture that holds a QR code already is refused") {
  const auto identity = compose_identity(draw_identity_card(256, 3, "twice"), 256, thumbprint(9)).value();
  CHECK(compose_identity(identity, 256, thumbprint(8)).error().code == Errc::refused);
  CHECK(read_identity_qr(draw_scene(256, 256, 1)).error().code == Errc::malformed);
}

TEST_CASE("the difference picture is grey where nothing changed and twenty times what did") {
  const auto cover = draw_scene(32, 32, 1);
  auto stego = cover;
  stego.rgb[10] = static_cast<std::uint8_t>(stego.rgb[10] < 200 ? stego.rgb[10] + 2 : stego.rgb[10] - 2);
  const auto difference = difference_picture(cover, stego);
  CHECK(difference.rgb[0] == 128);
  CHECK(std::abs(difference.rgb[10] - 128) == 40);
}

TEST_CASE("identities hidden in drawn covers come back over the bar, code and all, and a wrong key finds noise") {
  const auto isn = shipped_isn();
  for (std::uint8_t i = 0; i < 8; ++i) {
    const auto cover = draw_scene(256, 256, 500u + i);
    const auto identity =
        compose_identity(draw_identity_card(256, 700u + i, "licensee " + std::to_string(i)), 256, thumbprint(i)).value();
    Digest64 key{}, near{};
    key.fill(static_cast<std::uint8_t>(3 * i + 1));
    near = key;
    near[i] ^= 4;
    const auto stego = decode_image(encode_png(isn.hide(cover, identity, key).value())).value();
    const auto revealed = isn.reveal(stego, key).value(), wrong = isn.reveal(stego, near).value();
    INFO("licensee " << int{i});
    CHECK(psnr_db(cover, stego) >= 34);
    CHECK(psnr_db(identity, revealed) >= 31);
    CHECK(read_identity_qr(revealed).value() == thumbprint(i));
    CHECK(std::abs(correlation(wrong, identity)) < 0.1);
    CHECK_FALSE(read_identity_qr(wrong).ok());
  }
}

#ifdef STEGPASS_KODAK_DIR
// Photographs that no training saw; the folder is unpacked by a ctest fixture.
TEST_CASE("kodak: stego at least 36 dB, reveal at least 32 dB, wrong key uncorrelated, at 224 pixels and 8 bits") {
  const auto pictures = load_image_squares(STEGPASS_KODAK_DIR, 224).value();
  REQUIRE(pictures.size() == 24);
  const auto figures = evaluate_isn(shipped_isn(), pictures, 1).value();
  CHECK(figures.stego_psnr_db >= 36);
  CHECK(figures.reveal_psnr_db >= 32);
  CHECK(figures.wrong_key_correlation <= 0.1);
}
#endif

}  // namespace stegpass::model::io
