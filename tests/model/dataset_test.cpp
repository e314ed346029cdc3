#include <stegpass/model/dataset.hpp>

#include <torch/types.h>

#include <tests/support/catch.hpp>

using namespace stegpass;
using namespace stegpass::model;

namespace {

Bytes idx_images(std::uint32_t count, std::uint32_t side = 28, std::uint32_t magic = 0x803) {
  Bytes file;
  for (const std::uint32_t word : {magic, count, side, side}) append_big_endian(file, word, 4);
  for (std::uint32_t i = 0; i < count * side * side; ++i) file.push_back(static_cast<std::uint8_t>(i % 251 + 1));
  return file;
}

Bytes idx_labels(std::uint32_t count, std::uint32_t magic = 0x801) {
  Bytes file;
  for (const std::uint32_t word : {magic, count}) append_big_endian(file, word, 4);
  for (std::uint32_t i = 0; i < count; ++i) file.push_back(static_cast<std::uint8_t>(i % 10));
  return file;
}

Errc idx_error(const Bytes& images, const Bytes& labels) {
  const auto data = parse_idx(images, labels, "x");
  REQUIRE_FALSE(data);
  return data.error().code;
}

Bytes cifar(std::size_t count) {
  Bytes file(count * 3073);
  for (std::size_t i = 0; i < file.size(); ++i) file[i] = static_cast<std::uint8_t>(i % 3073 == 0 ? i / 3073 % 10 : i % 256);
  return file;
}

}  // namespace

TEST_CASE("IDX images are padded to 32 x 32 and repeated to three channels") {
  const LabelledImages data = parse_idx(idx_images(3), idx_labels(3), "mini").value();
  REQUIRE(data.images.sizes() == at::IntArrayRef({3, 3, 32, 32}));
  CHECK(data.images[0][0][2][2].item<int>() == 1);
  CHECK(data.images[0][2][2][3].item<int>() == 2);
  CHECK(data.images[2][1][29][29].item<int>() == static_cast<int>((3 * 784 - 1) % 251 + 1));
  CHECK(data.images.narrow(2, 0, 2).max().item<int>() == 0);
  CHECK(data.images.narrow(3, 30, 2).max().item<int>() == 0);
  CHECK(torch::equal(data.labels, torch::tensor({0, 1, 2}, torch::kInt64)));
  CHECK(data.name == "mini");
}

TEST_CASE("an IDX file with another magic number is refused") {
  CHECK(idx_error(idx_images(2, 28, 0x802), idx_labels(2)) == Errc::malformed);
  CHECK(idx_error(idx_images(2), idx_labels(2, 0x803)) == Errc::malformed);
  CHECK(idx_error(idx_labels(2), idx_images(2)) == Errc::malformed);
}

TEST_CASE("an IDX file whose length does not fit its count is refused") {
  Bytes images = idx_images(2), labels = idx_labels(2);
  images.pop_back();
  CHECK(idx_error(images, labels) == Errc::malformed);
  images.resize(images.size() + 2);
  CHECK(idx_error(images, labels) == Errc::malformed);
  labels.push_back(0);
  CHECK(idx_error(idx_images(2), labels) == Errc::malformed);
}

TEST_CASE("an IDX count that would need terabytes is refused without allocating them") {
  Bytes images = idx_images(2);
  for (std::size_t i = 4; i < 8; ++i) images[i] = 0xff;
  CHECK(idx_error(images, idx_labels(2)) == Errc::malformed);
}

TEST_CASE("empty and headless IDX files are refused") {
  CHECK(idx_error({}, idx_labels(1)) == Errc::malformed);
  CHECK(idx_error(idx_images(1), {}) == Errc::malformed);
  CHECK(idx_error(idx_images(0), idx_labels(0)) == Errc::malformed);
  for (std::size_t length = 0; length < 16; ++length) {
    const Bytes images = idx_images(1);
    CHECK(idx_error(Bytes(images.begin(), images.begin() + static_cast<std::ptrdiff_t>(length)), idx_labels(1)) ==
          Errc::malformed);
  }
}

TEST_CASE("IDX images of another size are refused") {
  Bytes images = idx_images(2);
  images[11] = 14;
  images[15] = 56;  // as many bytes, another shape
  CHECK(idx_error(images, idx_labels(2)) == Errc::malformed);
}

TEST_CASE("IDX images and labels of different counts are refused") {
  CHECK(idx_error(idx_images(2), idx_labels(3)) == Errc::malformed);
}

TEST_CASE("a label over nine is refused and its image named") {
  Bytes labels = idx_labels(3);
  labels.back() = 10;
  const auto data = parse_idx(idx_images(3), labels, "x");
  REQUIRE_FALSE(data);
  CHECK(data.error().detail == "label 10 of image 2, 0 to 9 expected");
}

TEST_CASE("CIFAR-10 records are read as planar RGB") {
  const LabelledImages data = parse_cifar10(cifar(12), "c").value();
  REQUIRE(data.images.sizes() == at::IntArrayRef({12, 3, 32, 32}));
  CHECK(data.labels[11].item<int>() == 1);
  CHECK(data.images[0][0][0][0].item<int>() == 1);
  CHECK(data.images[1][2][31][31].item<int>() == static_cast<int>((2 * 3073 - 1) % 256));
}

TEST_CASE("CIFAR-10 bytes that are no whole records are refused") {
  for (const std::size_t length : {0, 1, 3072, 3074}) CHECK(parse_cifar10(Bytes(length), "c").error().code == Errc::malformed);
  Bytes records = cifar(2);
  records[3073] = 10;
  CHECK(parse_cifar10(records, "c").error().detail == "label 10 of image 1, 0 to 9 expected");
}

TEST_CASE("CIFAR-100 records give their fine labels and planar RGB") {
  Bytes records;
  for (std::size_t i = 0; i < 5; ++i) {
    records.push_back(static_cast<std::uint8_t>(19 - i));
    records.push_back(static_cast<std::uint8_t>(95 + i));
    for (std::size_t k = 0; k < 3072; ++k) records.push_back(static_cast<std::uint8_t>((k + 7 * i) % 256));
  }
  const LabelledImages data = parse_cifar100(records, "c").value();
  REQUIRE(data.images.sizes() == at::IntArrayRef({5, 3, 32, 32}));
  CHECK(data.classes == 100);
  CHECK(torch::equal(data.labels, torch::tensor({95, 96, 97, 98, 99}, torch::kInt64)));
  CHECK(data.images[4][0][0][0].item<int>() == 28);
  CHECK(data.images[4][2][31][31].item<int>() == (3071 + 28) % 256);
}

TEST_CASE("CIFAR-100 bytes that are no whole records, or whose labels are out of range, are refused") {
  for (const std::size_t length : {0, 1, 3072, 3073, 3075, 2 * 3073})
    CHECK(parse_cifar100(Bytes(length), "c").error().code == Errc::malformed);
  Bytes records(std::size_t{2} * 3074);
  records[3074] = 20;
  CHECK(parse_cifar100(records, "c").error().detail == "coarse label 20 of image 1, 0 to 19 expected");
  records[3074] = 19;
  records[3075] = 100;
  CHECK(parse_cifar100(records, "c").error().detail == "fine label 100 of image 1, 0 to 99 expected");
}

TEST_CASE("images at another side keep their labels, and flat ones their colour") {
  LabelledImages data = draw_shapes(5, 1);
  data.images[2].fill_(77);
  const LabelledImages larger = scale_images(data, 96).value();
  REQUIRE(larger.images.sizes() == at::IntArrayRef({5, 3, 96, 96}));
  CHECK(torch::equal(larger.labels, data.labels));
  CHECK((larger.images[2] == 77).all().item<bool>());
  CHECK((larger.images.to(torch::kFloat32).mean() - data.images.to(torch::kFloat32).mean()).abs().item<float>() < 1.0f);
}

TEST_CASE("labels over 255 are told apart by the digest") {
  LabelledImages data = draw_shapes(4, 1);
  data.classes = 300;
  LabelledImages other = data;
  other.labels = data.labels + 256;
  CHECK(dataset_digest(data) != dataset_digest(other));
}

TEST_CASE("drawn shapes are the same for the same seed and hold all ten classes") {
  const LabelledImages a = draw_shapes(200, 7), b = draw_shapes(200, 7), c = draw_shapes(200, 8);
  CHECK(torch::equal(a.images, b.images));
  CHECK_FALSE(torch::equal(a.images, c.images));
  CHECK(std::get<0>(at::_unique(a.labels)).numel() == 10);
}

TEST_CASE("a data set's digest follows pixels and labels, not memory layout") {
  const LabelledImages grey = parse_idx(idx_images(3), idx_labels(3), "a").value();
  LabelledImages spread = grey;
  spread.images = grey.images.contiguous();
  spread.name = "b";
  CHECK(dataset_digest(grey) == dataset_digest(spread));
  spread.images[2][2][31][31] = 1;
  CHECK(dataset_digest(grey) != dataset_digest(spread));
  LabelledImages relabelled = grey;
  relabelled.labels = grey.labels.clone();
  relabelled.labels[0] = 5;
  CHECK(dataset_digest(grey) != dataset_digest(relabelled));
}

TEST_CASE("a part of a data set holds no image twice") {
  LabelledImages data = draw_shapes(50, 1);
  data.labels = torch::arange(50);
  const LabelledImages part = take_images(data, 20, 3);
  CHECK(part.size() == 20);
  CHECK(std::get<0>(at::_unique(part.labels)).numel() == 20);
  CHECK(torch::equal(part.images[0], data.images[part.labels[0].item<std::int64_t>()]));
  CHECK_FALSE(torch::equal(part.labels, take_images(data, 20, 4).labels));
}

TEST_CASE("a part as large as the set is the set in its own order") {
  const LabelledImages data = draw_shapes(20, 1);
  for (const int count : {0, 20, 50}) CHECK(torch::equal(take_images(data, count, 3).labels, data.labels));
}

TEST_CASE("the network's input runs from -1 to 1") {
  const torch::Tensor x = network_images(torch::tensor({0, 255}, torch::kUInt8));
  CHECK(x[0].item<float>() == -1.0f);
  CHECK(x[1].item<float>() == 1.0f);
}
