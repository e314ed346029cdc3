#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/pick_pictures.hpp>

#include <torch/types.h>

#include "tests/model/data_folder.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;
using test::flat_png;

Bytes cifar10_records(std::size_t count, std::uint8_t start) {
  Bytes file;
  for (std::size_t i = 0; i < count; ++i) {
    file.push_back(static_cast<std::uint8_t>((start + i) % 10));
    file.insert(file.end(), 3072, static_cast<std::uint8_t>(start + i));
  }
  return file;
}

Bytes cifar100_records(std::size_t count) {
  Bytes file;
  for (std::size_t i = 0; i < count; ++i) {
    file.push_back(static_cast<std::uint8_t>(i % 20));
    file.push_back(static_cast<std::uint8_t>(i % 100));
    file.insert(file.end(), 3072, static_cast<std::uint8_t>(i));
  }
  return file;
}

}  // namespace

TEST_CASE("a data file gives back what it was made of") {
  for (const DataSplit& data :
       {DataSplit{draw_shapes(12, 1), draw_shapes(5, 2)}, DataSplit{parse_cifar10(cifar10_records(3, 4), "a/train").value(),
                                                                    parse_cifar10(cifar10_records(2, 1), "a/test").value()}}) {
    const auto file = decode_data_file(encode_data_file(data, "from nowhere")).value();
    CHECK(same(file.data, data));
    CHECK(file.data.train.classes == data.train.classes);
    CHECK(file.source == "from nowhere");
  }
}

TEST_CASE("a data file that was cut, or changed in any byte, is refused") {
  const Bytes file = encode_data_file({draw_shapes(2, 1), draw_shapes(1, 2)});
  for (std::size_t size = 0; size < file.size(); size += 97)
    CHECK_FALSE(decode_data_file(Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size))));
  for (std::size_t at = 0; at < file.size(); at += at < 1600 ? 1 : 53) {
    Bytes changed = file;
    changed[at] ^= 1;
    const auto read = decode_data_file(changed);
    INFO("byte " << at);
    // Names and source are not hashed: a changed name is another name, and only of the file's own making.
    if (read) CHECK((dataset_digest(read->data.train) == dataset_digest(draw_shapes(2, 1)) && read->data.train.size() == 2));
  }
}

TEST_CASE("a data file of another side than wanted is refused, and taken as it is when none is") {
  DataFolder folder;
  folder.write("x.safetensors",
               encode_data_file({scale_images(draw_shapes(2, 1), 64).value(), scale_images(draw_shapes(2, 2), 64).value()}));
  const std::string path = (folder.data / "x.safetensors").string();
  CHECK(load_dataset(path, 64)->train.size() == 2);
  CHECK(load_dataset(path, 0)->train.side() == 64);
  CHECK(load_dataset(path, 32).error().code == Errc::usage);
  CHECK(load_dataset(path, 48).error().code == Errc::usage);
}

TEST_CASE("CIFAR-10 folders may hold any number of batches of any length, in the order of their numbers") {
  DataFolder folder;
  folder.write("data_batch_10.bin", cifar10_records(1, 9));
  folder.write("data_batch_2.bin", cifar10_records(3, 3));
  folder.write("test_batch.bin", cifar10_records(2, 0));
  folder.write("batches.meta.txt", as_bytes("a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n"));
  CHECK(find_data_kind(folder.data.string()).value() == DataKind::cifar10);
  const auto data = folder.load().value();
  CHECK(torch::equal(data.train.labels, torch::tensor({3, 4, 5, 9}, torch::kInt64)));
  CHECK(data.train.class_names.back() == "j");
  CHECK(data.train.name == "data/train");
  CHECK(folder.load(96)->test.images.sizes() == at::IntArrayRef({2, 3, 96, 96}));
  folder.write("data_batch_2.bin", Bytes(100));
  CHECK(says(folder.error(), "data_batch_2.bin: CIFAR-10 file of 100 bytes"));
  folder.options.test_alone = true;
  CHECK(folder.load()->train.size() == 0);
}

TEST_CASE("CIFAR-100 folders are known by train.bin and test.bin") {
  DataFolder folder;
  folder.write("train.bin", cifar100_records(250));
  folder.write("test.bin", cifar100_records(100));
  folder.write("fine_label_names.txt", as_bytes("too\nfew\n"));
  CHECK(find_data_kind(folder.data.string()).value() == DataKind::cifar100);
  const auto data = folder.load().value();
  CHECK(data.train.classes == 100);
  CHECK(data.train.labels[249].item<int>() == 49);
  CHECK(data.test.size() == 100);
  CHECK(data.train.class_names.empty());
  folder.write("test.bin", Bytes(3074, 200));
  CHECK(says(folder.error(), "test.bin: coarse label 200 of image 0"));
}

TEST_CASE("IDX folders are read packed or not") {
  DataFolder folder;
  const auto idx = [](std::uint32_t magic, std::uint32_t count, std::size_t item) {
    Bytes file;
    append_big_endian(file, magic, 4);
    append_big_endian(file, count, 4);
    if (item > 1) append_big_endian(file, (std::uint64_t{28} << 32) + 28, 8);
    file.insert(file.end(), count * item, 3);
    return file;
  };
  folder.write("t10k-images-idx3-ubyte", idx(0x803, 2, 784));
  folder.write("t10k-labels.idx1-ubyte", idx(0x801, 2, 1));
  CHECK(find_data_kind(folder.data.string()).value() == DataKind::idx);
  CHECK(says(folder.error(), "train-images-idx3-ubyte.gz: no such file"));
  folder.write("train-images-idx3-ubyte", idx(0x803, 3, 784));
  folder.write("train-labels-idx1-ubyte", idx(0x801, 3, 1));
  CHECK(folder.load()->train.size() == 3);
  folder.write("train-labels-idx1-ubyte", idx(0x801, 4, 1));
  CHECK(says(folder.error(), "train-*: labels 4, 3 expected"));
}

TEST_CASE("what is no data set is said to be none, by what was found") {
  DataFolder folder;
  CHECK(find_data_kind((folder.data / "absent").string()).error().code == Errc::not_found);
  CHECK(find_data_kind("/dev/null").error().code == Errc::io);
  folder.write("data_batch_1", as_bytes("pickled"));
  CHECK(says(find_data_kind(folder.data.string()).error(), "CIFAR's Python version"));
  folder.write("note.txt", as_bytes("no tensors"));
  CHECK(load_dataset((folder.data / "note.txt").string()).error().code == Errc::malformed);
  CHECK(load_dataset("drawn", 64)->test.side() == 64);
}

TEST_CASE("a large file that is no data file is refused by its first bytes") {
  DataFolder folder;
  folder.write("sparse.safetensors", as_bytes("12345678 no header"));
  fs::resize_file(folder.data / "sparse.safetensors", std::uintmax_t{60} << 30);
  CHECK(says(load_dataset((folder.data / "sparse.safetensors").string()).error(), "no data file"));
  folder.write("train.bin", {});
  folder.write("test.bin", {});
  fs::resize_file(folder.data / "test.bin", std::uintmax_t{2} << 30);
  CHECK(says(folder.error(), "test.bin: longer than"));
}

TEST_CASE("the digest that the page on data sets shows is that of the drawn shapes") {
  std::ifstream page(STEGPASS_SOURCE_DIR "/schemas/dataset.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  CHECK(text.find("    " + to_hex(dataset_digest(load_dataset("drawn")->train)) + "\n") != std::string::npos);
}

TEST_CASE("pictures are picked at random by the seed, at any depth, all different") {
  DataFolder folder;
  for (int i = 0; i < 12; ++i)
    folder.write("deep/" + std::to_string(i % 3) + "/" + std::to_string(i) + ".png",
                 encode_png(draw_scene(96, 80, static_cast<std::uint64_t>(i))));
  PickOptions options{.count = 4, .seed = 5, .size = 64};
  const auto names = [&] {
    std::vector<std::string> out;
    const Picks picks = pick_pictures(folder.data, options).value();
    for (const auto& picture : picks.pictures) out.push_back(picture.path.string());
    return out;
  };
  const auto first = names();
  CHECK(first.size() == 4);
  CHECK(std::set<std::string>(first.begin(), first.end()).size() == 4);
  CHECK(names() == first);
  options.seed = 6;
  CHECK(names() != first);
}

TEST_CASE("flat, torn and near-identical pictures are passed over, and too few are refused with the reasons") {
  DataFolder folder;
  for (int i = 0; i < 3; ++i)
    folder.write(std::to_string(i) + ".png", encode_png(draw_scene(96, 96, static_cast<std::uint64_t>(10 + i))));
  Raster twin = draw_scene(96, 96, 10);
  twin.rgb[5] ^= 9;
  folder.write("twin.png", encode_png(twin));
  folder.write("flat.png", flat_png(96, 96, {}, {9, 9, 9}));
  folder.write("torn.jpg", as_bytes("torn"));
  PickOptions options{.count = 3, .seed = 1, .size = 64};
  CHECK(pick_pictures(folder.data, options)->pictures.size() == 3);
  options.count = 4;
  const auto few = pick_pictures(folder.data, options);
  REQUIRE_FALSE(few);
  CHECK(few.error().code == Errc::refused);
  CHECK(says(few.error(), "3 usable pictures among 6, 4 expected (1 flat, 1 like another, 1 unreadable)"));
}

#ifdef STEGPASS_CIFAR_DIR
TEST_CASE("a part of CIFAR-10 in its official layout loads whole") {
  const DataSplit data = load_dataset(STEGPASS_CIFAR_DIR).value();
  CHECK(data.train.size() == 8068);
  CHECK(data.test.size() == 1017);
  CHECK(data.train.class_names.front() == "airplane");
  CHECK((data.train.labels == 0).sum().item<int>() == 810);
  CHECK((data.test.labels == 9).sum().item<int>() == 110);
}
#endif

}  // namespace stegpass::model::io
