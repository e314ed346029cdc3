#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/image.hpp>

#include <torch/types.h>

#include "tests/model/data_folder.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;
using test::flat_png;

}  // namespace

TEST_CASE("of a folder a class every fifth picture is for testing, and classes go by name") {
  DataFolder folder;
  folder.write_two_classes();
  folder.write("bee/notes.txt", as_bytes("no picture"));
  folder.write(".hidden/a.png", as_bytes("no class"));
  const auto data = folder.load().value();
  CHECK(data.train.class_names == std::vector<std::string>{"ant", "bee"});
  REQUIRE(data.train.images.sizes() == at::IntArrayRef({4 + 9, 3, 32, 32}));
  CHECK(data.train.classes == 2);
  CHECK(torch::equal(data.test.labels, torch::tensor({0, 1, 1}, torch::kInt64)));
  CHECK(data.test.images[0][2][0][0].item<int>() == 5);
  CHECK(data.test.images[2][2][31][31].item<int>() == 10);
  CHECK(data.test.images[2][0][31][31].item<int>() == 200);
  CHECK(data.train.name == "data/train");
}

TEST_CASE("train and test folders are used where both are there, and must hold the same classes") {
  DataFolder folder;
  for (const std::string part : {"train/", "test/"}) {
    folder.write_class(part + "ant", 2, 10);
    folder.write_class(part + "bee", 3, 20);
  }
  const auto data = folder.load().value();
  CHECK(data.train.size() == 5);
  CHECK(data.test.size() == 5);
  CHECK(data.train.class_names == std::vector<std::string>{"ant", "bee"});
  folder.write_class("test/cow", 1, 30);
  const Error error = folder.error();
  CHECK(error.code == Errc::refused);
  CHECK(says(error, "data/test: other class folders"));
}

TEST_CASE("Caltech's folders of clutter are no classes") {
  DataFolder folder;
  folder.write_two_classes();
  folder.write_class("BACKGROUND_Google", 5, 1);
  folder.write_class("257.clutter", 5, 1);
  CHECK(folder.load()->train.class_names == std::vector<std::string>{"ant", "bee"});
}

TEST_CASE("grey, 16-bit, palette and transparent pictures become RGB") {
  DataFolder folder;
  folder.write("a/1-grey.png", flat_png(33, 50, {8, 0}, {70}));
  folder.write("a/2-rgb16.png", flat_png(50, 33, {16, 2}, {0x80, 0x80, 0x40, 0x40, 0xff, 0xff}));
  folder.write("a/3-palette.png", flat_png(40, 40, {8, 3, {1, 2, 3, 250, 120, 60}}, {1}));
  folder.write("a/4-alpha.png", flat_png(40, 40, {8, 6}, {0, 100, 255, 51}));
  folder.write("a/5-grey-alpha.png", flat_png(40, 40, {8, 4}, {100, 0}));
  folder.write("b/1.png", flat_png(40, 40, {16, 0}, {0xff, 0xff}));
  folder.write("b/2.png", flat_png(1, 1, {}, {9, 8, 7}));
  const auto data = folder.load().value();
  const auto colour = [](const LabelledImages& part, int index) {
    const auto pixel = part.images[index].flatten(1).to(torch::kInt32);
    REQUIRE(torch::equal(std::get<0>(pixel.min(1)), std::get<0>(pixel.max(1))));
    return std::vector<int>{pixel[0][7].item<int>(), pixel[1][7].item<int>(), pixel[2][7].item<int>()};
  };
  CHECK(colour(data.train, 0) == std::vector<int>{70, 70, 70});
  CHECK(colour(data.train, 1) == std::vector<int>{0x80, 0x40, 0xff});
  CHECK(colour(data.train, 2) == std::vector<int>{250, 120, 60});
  CHECK(colour(data.train, 3) == std::vector<int>{204, 224, 255});  // a fifth of it, the rest white
  CHECK(colour(data.test, 0) == std::vector<int>{255, 255, 255});
  CHECK(colour(data.train, 4) == std::vector<int>{255, 255, 255});
  CHECK(colour(data.train, 5) == std::vector<int>{9, 8, 7});
}

TEST_CASE("the short side is resized and the middle kept") {
  DataFolder folder;
  Raster wide{128, 64, Bytes(std::size_t{128} * 64 * 3)};
  for (std::size_t i = 0; i < wide.rgb.size(); ++i)
    wide.rgb[i] = i / 3 % 128 < 32 || i / 3 % 128 >= 96 ? 255 : i % 3 == 0 ? 50 : 100;
  for (int i = 1; i <= 5; ++i) folder.write("a/" + std::to_string(i) + ".png", encode_png(wide));
  folder.write("b/1.png", encode_png(wide));
  const auto data = folder.load().value();
  CHECK((data.test.images[0][0] == 50).all().item<bool>());
  CHECK((data.test.images[0][1] == 100).all().item<bool>());
}

TEST_CASE("a picture that cannot be read is refused by its name, the first of them, whatever the number of threads") {
  DataFolder folder;
  folder.write_two_classes();
  folder.write("bee/04.png", as_bytes("torn"));
  folder.write("bee/08.png", as_bytes("torn too"));
  for (const int threads : {1, 2, 7}) {
    folder.options.threads = threads;
    const Error error = folder.error();
    CHECK(error.code == Errc::malformed);
    CHECK(says(error, "bee/04.png"));
  }
  CHECK_FALSE(fs::exists(folder.options.cache_folder));
  folder.write("bee/04.png", {});
  CHECK(says(folder.error(), "bee/04.png: no bytes"));
}

TEST_CASE("trees that are no data set are refused with the folder's name") {
  DataFolder folder;
  CHECK(folder.error().code == Errc::not_found);
  folder.write_class("ant", 6, 1);
  CHECK(says(folder.error(), "1 class folders, expected at least 2"));
  fs::create_directory(folder.data / "bee");
  CHECK(says(folder.error(), "data/bee: a class without pictures"));
  folder.write("bee/1.bmp", as_bytes("BM"));
  CHECK(says(folder.error(), "bee/1.bmp: a picture of another format"));
  fs::remove(folder.data / "bee/1.bmp");
  folder.write_class("bee", 1, 2);
  CHECK(folder.load());
  folder.write_class("\xff\xfe", 1, 2);
  CHECK(folder.error().code == Errc::malformed);
}

TEST_CASE("a tree without a class of five pictures has nothing to test on and is refused") {
  DataFolder folder;
  folder.write_class("ant", 4, 1);
  folder.write_class("bee", 4, 2);
  CHECK(says(folder.error(), "no class has 5 pictures"));
}

TEST_CASE("a tree is decoded once, at each side, and its cache gives the same data") {
  DataFolder folder;
  folder.write_two_classes();
  const auto first = folder.load().value();
  REQUIRE(folder.notes.size() == 1);
  CHECK(folder.notes[0] == "decoded pictures are kept in " + folder.cache().string());
  const auto written = fs::last_write_time(folder.cache());
  const auto second = folder.load().value();
  CHECK(folder.notes.empty());
  CHECK(fs::last_write_time(folder.cache()) == written);
  CHECK(same(first, second));
  CHECK(folder.load(64)->train.side() == 64);
  CHECK(fs::exists(folder.cache(64)));
  folder.options.use_cache = false;
  CHECK(same(folder.load().value(), first));
}

TEST_CASE("a cache is made anew when pictures were added, changed, touched or removed") {
  DataFolder folder;
  folder.write_two_classes();
  REQUIRE(folder.load());
  const auto stale = [&] {
    REQUIRE(folder.load());
    return folder.notes.size() == 2 && folder.notes[0].find("older than the pictures") != std::string::npos;
  };
  folder.write("ant/06.png", flat_png(40, 30, {}, {1, 2, 3}));
  CHECK(stale());
  folder.write("ant/06.png", flat_png(41, 30, {}, {1, 2, 3}));
  CHECK(stale());
  fs::last_write_time(folder.data / "ant/06.png", fs::last_write_time(folder.data / "ant/06.png") - std::chrono::seconds(5));
  CHECK(stale());
  fs::remove(folder.data / "ant/06.png");
  CHECK(stale());
  CHECK_FALSE(stale());
}

TEST_CASE("a cache with any damage is noticed, not used, and made anew") {
  DataFolder folder;
  folder.write_two_classes();
  const auto whole = folder.load().value();
  std::ifstream in(folder.cache(), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(in), {}};
  for (const std::size_t at :
       {std::size_t{0}, std::size_t{20}, std::size_t{300}, bytes.size() / 2, bytes.size() - 9, bytes.size() - 1, bytes.size()}) {
    std::string changed = bytes.substr(0, at == bytes.size() ? at / 3 : at + 1);
    if (at < bytes.size()) changed.back() = static_cast<char>(changed.back() ^ 4), changed += bytes.substr(at + 1);
    std::ofstream(folder.cache(), std::ios::binary | std::ios::trunc) << changed;
    INFO("byte " << at);
    CHECK(same(folder.load().value(), whole));
    CHECK(folder.notes.size() == 2);
  }
}

TEST_CASE("a cache folder that cannot be written costs a note, no more") {
  DataFolder folder;
  folder.write_two_classes();
  std::ofstream(folder.options.cache_folder) << "a file in its way";
  CHECK(folder.load());
  REQUIRE(folder.notes.size() == 1);
  CHECK(folder.notes[0].find("cannot be kept in") != std::string::npos);
}

TEST_CASE("decoding stops when asked to, and leaves nothing behind") {
  DataFolder folder;
  folder.write_two_classes();
  const Bytes scene = encode_png(draw_scene(512, 512, 1));
  for (int i = 0; i < 60; ++i) folder.write("ant/" + std::to_string(100 + i) + ".png", scene);
  for (const bool at_once : {true, false}) {
    folder.options.progress = [&](std::size_t done, std::size_t) { return !at_once && done == 0; };
    folder.options.threads = 1;
    CHECK(folder.error().code == Errc::interrupted);
    CHECK_FALSE(fs::exists(folder.options.cache_folder));
  }
}

#ifdef STEGPASS_CALTECH_DIR
// Sixteen classes of Caltech-101 with 55 photographs each; the folder is unpacked by a ctest fixture.
TEST_CASE("Caltech-101's folders load, and again from the cache") {
  DataFolder folder;
  const auto load = [&] { return load_dataset(STEGPASS_CALTECH_DIR, 32, folder.options).value(); };
  const DataSplit data = load();
  CHECK(data.train.classes == 16);
  CHECK(data.train.size() == 16 * 44);
  CHECK(data.test.size() == 16 * 11);
  CHECK(same(load(), data));
}
#endif

}  // namespace stegpass::model::io
