#include <filesystem>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

/// A cover, a secret and a key file of 32 bytes in a folder.
struct Pictures {
  TempFolder folder;
  std::string cover, secret, key, stego = folder.file("stego.png");

  Pictures() : cover(folder.file("cover.png")), secret(folder.file("secret.png")), key(folder.write("key", "0123456789abcdefghijklmnopqrstuv")) {
    REQUIRE(run({"data", "draw", "--size", "128", "--seed", "5", "--out", cover}).code == 0);
    REQUIRE(run({"data", "draw", "--kind", "portrait", "--size", "160", "--seed", "6", "--out", secret}).code == 0);
  }
  Args hide(const std::string& key_file) const { return {"isn", "hide", "--cover", cover, "--secret", secret, "--key", key_file, "--out", stego}; }
};

}  // namespace

TEST_CASE("a picture is hidden in another, measured from the file, and found under its key alone") {
  const Pictures at;
  Args hide = at.hide(at.key);
  hide.insert(hide.end(), {"--sheet", at.folder.file("sheet.png")});
  const Ran hidden = run_json(hide);
  INFO(hidden.err << hidden.out);
  REQUIRE(hidden.code == 0);
  const Json figures = hidden.json();
  CHECK(figures["stego_psnr_db"].get<double>() > 33);
  CHECK(figures["reveal_psnr_db"].get<double>() > 27);
  CHECK(figures["reveal_ssim"].get<double>() > 0.5);
  CHECK(figures["wrong_key_correlation"].get<double>() < 0.1);
  CHECK(fs::exists(at.folder.file("sheet.png")));
  const std::string other = at.folder.write("other-key", "0123456789abcdefghijklmnopqrstuw");
  REQUIRE(run({"isn", "reveal", "--stego", at.stego, "--key", at.key, "--out", at.folder.file("right.png")}).code == 0);
  REQUIRE(run({"isn", "reveal", "--stego", at.stego, "--key", other, "--out", at.folder.file("wrong.png")}).code == 0);
  CHECK(read_text(at.folder.file("wrong.png")) != read_text(at.folder.file("right.png")));
}

TEST_CASE("keys that can be guessed are refused, and nothing is written") {
  const Pictures at;
  const auto refused = [&](const std::string& key, const std::string& why) {
    const Ran ran = run(at.hide(key));
    CHECK(ran.code == 2);
    CHECK(ran.err.find(why) != std::string::npos);
    CHECK_FALSE(fs::exists(at.stego));
  };
  refused(at.folder.write("short", "12345"), "5 bytes");
  refused(at.folder.write("flat", std::string(64, 'a')), "flat");
  refused(at.cover, "cover itself");
}

TEST_CASE("hiding and revealing refuse what is no picture, and no PNG where the values count") {
  const Pictures at;
  REQUIRE(run(at.hide(at.key)).code == 0);
  const std::string text = at.folder.write("text", "no picture at all"), out = at.folder.file("revealed.png");
  const auto reveal = [&](const std::string& stego) { return run({"isn", "reveal", "--stego", stego, "--key", at.key, "--out", out}); };
  CHECK(reveal(text).code == 2);
  CHECK(reveal(at.folder.write("jpeg", "\xff\xd8\xff\xe0 and so on")).err.find("not a PNG") != std::string::npos);
  CHECK(reveal(at.folder.write("cut.png", read_text(at.stego).substr(0, 500))).code == 2);
  CHECK(reveal(at.folder.file("absent.png")).code == 4);
  CHECK_FALSE(fs::exists(out));
  CHECK(run(at.hide(at.key)).code == 2);  // the stego is there already
  CHECK(run({"isn", "convert", "--from", text, "--out", at.folder.file("isn.safetensors")}).code == 2);
  CHECK_FALSE(fs::exists(at.folder.file("isn.safetensors")));
}
