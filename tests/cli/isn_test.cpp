#include <algorithm>
#include <filesystem>

#include <stegpass/credential/core/text.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

/// A cover, a secret and a key file of 32 bytes in a folder.
struct Pictures {
  TempFolder folder;
  std::string cover, secret, key, stego = folder.file("stego.png");

  Pictures()
      : cover(folder.file("cover.png")),
        secret(folder.file("secret.png")),
        key(folder.write("key", "0123456789abcdefghijklmnopqrstuv")) {
    REQUIRE(run({"data", "draw", "--size", "128", "--seed", "5", "--out", cover}).code == 0);
    REQUIRE(run({"data", "draw", "--kind", "portrait", "--size", "160", "--seed", "6", "--out", secret}).code == 0);
  }
  Args hide(const std::string& key_file) const {
    return {"isn", "hide", "--cover", cover, "--secret", secret, "--key", key_file, "--out", stego};
  }
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

TEST_CASE("where other keys show something of what is hidden, hiding says so") {
  const Pictures at;
  CHECK_FALSE(run_json(at.hide(at.key)).json().contains("warning"));
  // 16 x 16 pixels of white.
  const auto white = stegpass::parse_hex(
      "89504e470d0a1a0a0000000d494844520000001000000010080200000090916836000000144944415478da63f84f226018d530aa61f86a0000afadfd"
      "1f6de8a0ca0000000049454e44ae426082");
  at.folder.write("cover.png", std::string(white->begin(), white->end()));
  Args hide = at.hide(at.key);
  hide.push_back("--force");
  const Json small = run_json(hide).json();
  CHECK(small["wrong_key_correlation"].get<double>() > 0.1);
  CHECK_THAT(small["warning"].get<std::string>(), Catch::Matchers::Contains("larger cover"));
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
  const auto reveal = [&](const std::string& stego) {
    return run({"isn", "reveal", "--stego", stego, "--key", at.key, "--out", out});
  };
  CHECK(reveal(text).code == 2);
  CHECK(reveal(at.folder.write("jpeg", "\xff\xd8\xff\xe0 and so on")).err.find("not a PNG") != std::string::npos);
  CHECK(reveal(at.folder.write("cut.png", read_text(at.stego).substr(0, 500))).code == 2);
  CHECK(reveal(at.folder.file("absent.png")).code == 4);
  CHECK_FALSE(fs::exists(out));
  CHECK(run(at.hide(at.key)).code == 2);  // the stego is there already
  CHECK(run({"isn", "convert", "--from", text, "--out", at.folder.file("isn.safetensors")}).code == 2);
  CHECK_FALSE(fs::exists(at.folder.file("isn.safetensors")));
}

TEST_CASE("evaluation counts the QR codes that come back, and those that wrong keys find") {
  const TempFolder folder;
  const std::string pictures = folder.file("pictures");
  REQUIRE(run({"data", "draw", "--count", "3", "--size", "256", "--out", pictures}).code == 0);
  const Ran ran = run_json({"isn", "evaluate", "--images", pictures, "--size", "128", "--mints", "4"});
  INFO(ran.err << ran.out);
  REQUIRE(ran.code == 0);
  const Json mints = ran.json()["mints"];
  CHECK(mints["count"] == 4);
  CHECK(mints["codes_read"] == 4);
  CHECK(mints["wrong_keys"] == 8);
  CHECK(mints["wrong_key_codes"] == 0);
  CHECK(ran.json()["stego_ssim"].get<double>() > 0.9);
}

TEST_CASE("evaluation takes whole pictures of different sizes, each secret brought to its cover's") {
  const TempFolder folder;
  REQUIRE(run({"data", "draw", "--count", "2", "--size", "64", "--out", folder.file("pictures/small")}).code == 0);
  REQUIRE(run({"data", "draw", "--count", "1", "--size", "96", "--out", folder.file("pictures/large")}).code == 0);
  const Ran ran = run_json({"isn", "evaluate", "--images", folder.file("pictures"), "--whole"});
  INFO(ran.err << ran.out);
  REQUIRE(ran.code == 0);
  CHECK(ran.json()["images"] == 3);
  CHECK(ran.json()["size"] == "whole");
  CHECK(ran.json()["reveal_psnr_db"].get<double>() > 20);
  CHECK(run({"isn", "evaluate", "--images", folder.file("pictures"), "--whole", "--size", "64"}).code == 2);
}

TEST_CASE("training takes the form that is asked for, and leaves weights, record and curves") {
  const TempFolder folder;
  const std::string pictures = folder.file("pictures"), out = folder.file("isn.safetensors");
  REQUIRE(run({"data", "draw", "--count", "2", "--size", "64", "--out", pictures}).code == 0);
  const Ran ran = run({"isn", "train", "--images", pictures, "--steps", "1", "--form", "hinet", "--recompute", "--out", out});
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  const Json record = Json::parse(read_text(folder.file("isn.json")));
  CHECK(record["keyed"] == false);
  CHECK(record["curve"].size() == 1);
  CHECK(run({"isn", "evaluate", "--images", pictures, "--size", "64", "--weights", out}).code == 0);
  CHECK(run({"isn", "train", "--images", pictures, "--steps", "1", "--form", "round", "--out", folder.file("b.safetensors")})
            .code == 2);
}

TEST_CASE("training by two processes leaves one set of weights, and a batch that they cannot share is refused") {
  const TempFolder folder;
  const std::string pictures = folder.file("pictures"), out = folder.file("isn.safetensors");
  REQUIRE(run({"data", "draw", "--count", "2", "--size", "64", "--out", pictures}).code == 0);
  const Ran ran = run_json({"isn", "train", "--images", pictures, "--steps", "1", "--nproc", "2", "--out", out});
  INFO(ran.err << ran.out);
  REQUIRE(ran.code == 0);
  CHECK(ran.json()["processes"] == 2);
  CHECK(fs::exists(out));
  const Ran refused = run({"isn", "train", "--images", pictures, "--steps", "1", "--nproc", "2", "--batch", "3", "--out",
                           folder.file("b.safetensors")});
  CHECK(refused.code == 2);
  CHECK(message_fault(refused) == "");
  CHECK_FALSE(fs::exists(folder.file("b.safetensors")));
}

TEST_CASE("a folder of requests is minted with a line each, one bad request does not stop it, and a second run goes on") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered"), requests = folder.file("requests"), out = folder.file("minted");
  fs::create_directory(requests);
  fs::copy_file(fixture("ada.request"), requests + "/ada.request");
  folder.write("requests/broken.request", "no request");
  const auto mint = [&] {
    return run_json(with_passphrase({"passport", "mint", "--home", home, "--licensees", requests, "--out", out}));
  };
  const Ran first = mint();
  CHECK(first.code == 2);
  CHECK(first.json()["detail"].get<std::string>().find("1 minted, 0 were there, 1 could not be") != std::string::npos);
  CHECK(first.json()["detail"].get<std::string>().find("broken.request") != std::string::npos);
  const std::string manifest = read_text(out + "/manifest.jsonl");
  CHECK(std::count(manifest.begin(), manifest.end(), '\n') == 2);
  const Json line = Json::parse(manifest.substr(0, manifest.find('\n')));
  CHECK(line["user_passport"] == "ada.png");
  CHECK(line["reveal_psnr_db"].get<double>() > 30);
  fs::remove(requests + "/broken.request");
  const std::string passport = read_text(out + "/ada.png");
  const Ran second = mint();
  REQUIRE(second.code == 0);
  CHECK(second.json()["already"] == 1);
  CHECK(second.json()["minted"] == 0);
  CHECK(read_text(out + "/ada.png") == passport);
  fs::remove(out + "/ada.png");  // as if the run had ended before it was written
  CHECK(mint().json()["minted"] == 1);
  CHECK(read_text(out + "/ada.png") == passport);
  const Ran issued = run(with_passphrase({"license", "issue", "--home", home, "--request", fixture("ada.request"), "--passport",
                                          out + "/ada.png", "--out", folder.file("ada.delivery")}));
  INFO(issued.err);
  CHECK(issued.code == 0);
}

TEST_CASE("a batch refuses a folder without requests, and a manifest that is none") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered"), requests = folder.file("requests"), out = folder.file("minted");
  const auto mint = [&] {
    return run(with_passphrase({"passport", "mint", "--home", home, "--licensees", requests, "--out", out}));
  };
  CHECK(mint().code == 4);
  fs::create_directory(requests);
  CHECK(mint().code == 2);
  fs::copy_file(fixture("ada.request"), requests + "/ada.request");
  fs::create_directory(out);
  folder.write("minted/manifest.jsonl", "[1, 2]\n");
  CHECK(mint().code == 2);
  CHECK_FALSE(fs::exists(out + "/ada.png"));
}
