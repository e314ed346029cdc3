#include <stegpass/model/pooling.hpp>

#include <torch/types.h>

#include <stegpass/model/key_network.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

/// Eigenvalues spread over ten orders of magnitude.
constexpr double kTolerance = 1e-9;

torch::Tensor random_columns(std::int64_t rows, std::int64_t columns) {
  torch::manual_seed(5);
  return torch::randn({rows, columns}, torch::kFloat64) + 3;
}

torch::Tensor random_signs(std::int64_t rows, std::int64_t columns) {
  torch::manual_seed(6);
  return torch::randint(0, 2, {rows, columns}).to(torch::kFloat64) * 2 - 1;
}

double mean_cosine(const torch::Tensor& a, const torch::Tensor& b) {
  return ((a * b).sum(1) / (a.norm(2, 1) * b.norm(2, 1))).mean().item<double>();
}

}  // namespace

TEST_CASE("pooling names survive their text, and no other is known") {
  for (const Pooling pooling : {Pooling::mean, Pooling::whitened}) CHECK(parse_pooling(pooling_name(pooling)).value() == pooling);
  CHECK(parse_pooling("Mean").error().code == Errc::unsupported);
  CHECK(parse_pooling("").error().code == Errc::unsupported);
}

TEST_CASE("mean pooling is the average column") {
  const torch::Tensor u = pool_mean(torch::tensor({{1.0, 3.0}, {5.0, -1.0}}));
  CHECK(torch::equal(u, torch::tensor({2.0, 2.0})));
}

TEST_CASE("whitened directions have the norm that is defined") {
  const torch::Tensor u = pool_whitened(random_columns(40, 16), random_signs(8, 16)).value();
  CHECK(u.sizes() == at::IntArrayRef({8, 40}));
  CHECK((u.norm(2, 1) - kDirectionNorm).abs().max().item<double>() < kTolerance);
}

TEST_CASE("whitening is the inverse root as defined, by another way of working it out") {
  for (const auto& [rows, columns] : {std::pair{40, 16}, std::pair{16, 40}, std::pair{20, 20}}) {
    const torch::Tensor u = random_columns(rows, columns), r = random_signs(5, columns);
    const torch::Tensor centred = u - u.mean(1, true), patterns = r - r.mean(1, true);
    const auto [left, singular, right] = torch::linalg_svd(centred, false);
    const torch::Tensor floor = kWhiteningFloor * singular.max();
    torch::Tensor expected =
        left.mm(torch::diag(singular / (singular.square() + floor.square()).sqrt())).mm(right).mm(patterns.t());
    expected = (expected / expected.norm(2, 0, true) * kDirectionNorm).t();
    CHECK((pool_whitened(u, r).value() - expected).abs().max().item<double>() < kTolerance);
  }
}

TEST_CASE("whitening does not depend on the order of the columns") {
  const torch::Tensor u = random_columns(30, 24), r = random_signs(4, 24), order = torch::randperm(24);
  const torch::Tensor permuted = pool_whitened(u.index_select(1, order), r.index_select(1, order)).value();
  CHECK((pool_whitened(u, r).value() - permuted).abs().max().item<double>() < kTolerance);
}

TEST_CASE("whitening does not see a constant added to a row, nor the scale of U") {
  const torch::Tensor u = random_columns(30, 24), r = random_signs(4, 24);
  const torch::Tensor shifted = pool_whitened(7 * u + torch::randn({30, 1}, torch::kFloat64), r).value();
  CHECK((pool_whitened(u, r).value() - shifted).abs().max().item<double>() < kTolerance);
}

TEST_CASE("columns that are all alike are refused") {
  const auto pooled = pool_whitened(torch::ones({6, 4}, torch::kFloat64), random_signs(3, 4));
  REQUIRE_FALSE(pooled);
  CHECK(pooled.error().code == Errc::refused);
}

TEST_CASE("columns that are not finite are refused") {
  torch::Tensor u = random_columns(6, 4);
  u[2][1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(pool_whitened(u, random_signs(3, 4)).error().code == Errc::refused);
}

TEST_CASE("unrelated passports point the same way under mean pooling") {
  const Mark a = mark_of(1, Pooling::mean), b = mark_of(2, Pooling::mean);
  for (std::size_t i = 0; i < 3; ++i) CHECK(mean_cosine(a.layers[i].scale, b.layers[i].scale) > 0.8);
}

TEST_CASE("unrelated passports are nearly orthogonal under whitened pooling") {
  const Mark a = mark_of(1), b = mark_of(2);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::abs(mean_cosine(a.layers[i].scale, b.layers[i].scale)) < 0.05);
}

TEST_CASE("directions are those of an independent program") {
  // schemas/mark.md's worked example: LibTorch 2.11 by singular values instead of eigenvalues.
  const double expected[3][3] = {
      {-0.034924, 0.138004, 0.104538}, {-0.045992, -0.013333, 0.182309}, {0.127395, 0.015851, -0.097191}};
  const Mark mark = make_mark(tiny_architecture(), Pooling::whitened, example_passport(), example_seed()).value();
  for (std::size_t i = 0; i < 3; ++i) {
    for (int k = 0; k < 3; ++k) CHECK(mark.layers[i].scale[0][k].item<double>() == Approx(expected[i][k]).margin(2e-5));
  }
}

TEST_CASE("a mark made twice is the same to the last bit") {
  const Mark a = mark_of(1), b = mark_of(1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(torch::equal(a.layers[i].bits, b.layers[i].bits));
    CHECK(torch::equal(a.layers[i].scale, b.layers[i].scale));
    CHECK(torch::equal(a.layers[i].bias, b.layers[i].bias));
  }
}

TEST_CASE("the two pictures of a passport give different directions") {
  const Mark mark = mark_of(1);
  for (const LayerMark& layer : mark.layers) CHECK(std::abs(mean_cosine(layer.scale, layer.bias)) < 0.1);
}

TEST_CASE("a mark of the scale picture alone leaves the bias picture out") {
  const Passport passport = drawn_passport(1);
  const Mark mark =
      make_mark(tiny_architecture(), Pooling::whitened, passport, seed_of(passport), MarkPictures::scale_only).value();
  for (const LayerMark& layer : mark.layers) {
    CHECK(layer.scale.defined());
    CHECK_FALSE(layer.bias.defined());
  }
}
