#include <stegpass/model/key_network.hpp>

#include <torch/nn/functional/fold.h>
#include <torch/types.h>

#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

/// Float32 sums of a few hundred terms of size one.
constexpr double kSumTolerance = 1e-5;

}  // namespace

TEST_CASE("tiles are cut in raster order") {
  const torch::Tensor tiles = picture_tiles(example_passport().picture(Picture::scale), 64, tiny_architecture()).value();
  REQUIRE(tiles.sizes() == at::IntArrayRef({4, 3, 32, 32}));
  CHECK(tiles[1][0][0][0].item<float>() == 0.75f);
  CHECK(tiles[2][1][0][0].item<float>() == 0.4765625f);
}

TEST_CASE("a picture is reduced by exact box averages") {
  Bytes rgb(128 * 128 * 3, 10);
  rgb[0] = 11;  // one byte of a box of four
  const torch::Tensor tiles = picture_tiles(rgb, 128, tiny_architecture()).value();
  CHECK(tiles[0][0][0][0].item<double>() == 10.25 / 128 - 1);
  CHECK(tiles[0][1][0][0].item<double>() == 10.0 / 128 - 1);
  CHECK(tiles[3][2][31][31].item<double>() == 10.0 / 128 - 1);
}

TEST_CASE("a passport size that is no multiple of the tiles is refused") {
  const auto tiles = picture_tiles(Bytes(96 * 96 * 3), 96, tiny_architecture());
  REQUIRE_FALSE(tiles);
  CHECK(tiles.error().code == Errc::refused);
  CHECK(tiles.error().detail.find("multiple of 64") != std::string::npos);
}

TEST_CASE("every passport layer has its unfolded key in float64") {
  const Architecture architecture = tiny_architecture();
  const auto columns = KeyNetwork(architecture).layer_columns(example_passport(), Picture::scale).value();
  REQUIRE(columns.size() == 3);
  CHECK(columns[0].sizes() == at::IntArrayRef({216, 256}));
  CHECK(columns[1].sizes() == at::IntArrayRef({432, 256}));
  CHECK(columns[2].sizes() == at::IntArrayRef({288, 256}));
  CHECK(columns[0].scalar_type() == torch::kFloat64);
}

TEST_CASE("columns of a convolution are LibTorch's unfolded patches, whatever kernel, stride and padding") {
  namespace F = torch::nn::functional;
  const torch::Tensor reaching = torch::randn({2, 3, 7, 6});
  const auto [kernel, stride, padding] = GENERATE(
      table<int, int, int>({{1, 1, 0}, {1, 2, 0}, {2, 2, 0}, {3, 1, 1}, {3, 2, 1}, {3, 1, 0}, {5, 1, 2}, {5, 3, 2}, {7, 2, 3}}));
  const torch::Tensor unfolded = F::unfold(reaching, F::UnfoldFuncOptions(kernel).padding(padding).stride(stride));
  const torch::Tensor expected = unfolded.permute({1, 0, 2}).reshape({3 * kernel * kernel, -1}).to(torch::kFloat64);
  CHECK(torch::equal(convolution_columns(reaching, kernel, stride, padding), expected));
}

TEST_CASE("columns run over tiles, then positions, and rows over channels, then the kernel") {
  const auto columns = KeyNetwork(tiny_architecture()).layer_columns(example_passport(), Picture::scale).value()[0];
  // Row c * 9 + 4 is channel c itself, row c * 9 + 5 its right neighbour: equal one column on, inside a row of eight.
  const torch::Tensor centre = columns[7 * 9 + 4], right = columns[7 * 9 + 5];
  for (std::int64_t column = 0; column < 256; ++column) {
    const double expected = column % 8 == 7 ? 0.0 : centre[column + 1].item<double>();
    CHECK(right[column].item<double>() == expected);
  }
}

TEST_CASE("the first key is the convolution of the picture with the expanded weights") {
  const Architecture architecture = Architecture::create({.width = 125, .passports = {"features.2"}}).value();
  const Passport passport = example_passport();
  // features.2 has 256 positions: one tile, so the picture is averaged to 32 x 32.
  const auto columns = KeyNetwork(architecture).layer_columns(passport, Picture::scale).value()[0];
  const Bytes stream = expand("stegpass.key-network.v1", architecture.digest(), "features.0", 8 * 75);
  const torch::Tensor tile = picture_tiles(passport.picture(Picture::scale), 64, architecture).value()[0];
  const auto convolution = [&](int channel, int y, int x) {
    double sum = 0;
    for (int c = 0; c < 3; ++c) {
      for (int i = 0; i < 25; ++i) {
        const int v = y + i / 5 - 2, u = x + i % 5 - 2;
        if (v < 0 || u < 0 || v > 31 || u > 31) continue;
        const double byte = stream[static_cast<std::size_t>((channel * 3 + c) * 25 + i)];
        sum += tile[c][v][u].item<double>() * (byte - 127.5) / 127.5 * std::sqrt(6.0 / 75);
      }
    }
    return std::max(sum, 0.0);
  };
  for (const int position : {0, 87, 255}) {
    const int y = position / 16 * 2, x = position % 16 * 2;
    const double key = std::max(std::max(convolution(3, y, x), convolution(3, y, x + 1)),
                                std::max(convolution(3, y + 1, x), convolution(3, y + 1, x + 1)));
    CHECK(columns[3 * 25 + 12][position].item<double>() == Approx(key).margin(kSumTolerance));
  }
}

TEST_CASE("the key network gives the same keys twice") {
  const KeyNetwork network(tiny_architecture());
  const auto plain = network.layer_columns(drawn_passport(1), Picture::scale).value();
  const auto again = network.layer_columns(drawn_passport(1), Picture::scale).value();
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(torch::equal(plain[i], again[i]));
}

TEST_CASE("every layer key varies over its columns") {
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto layers = KeyNetwork(tiny_architecture()).layer_columns(drawn_passport(seed), Picture::bias).value();
    for (const torch::Tensor& columns : layers) CHECK(columns.std(1).max().item<double>() > 0.01);
  }
}
