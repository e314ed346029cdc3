#include <stegpass/model/network.hpp>
#include <stegpass/model/runtime.hpp>

#include <torch/types.h>

#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

/// Two ways through the same float32 arithmetic.
constexpr double kSameTolerance = 1e-4;

torch::Tensor some_images(std::int64_t count) { return network_images(draw_shapes(count, 11).images); }

NetworkKeys keys_of(std::uint64_t passport) { return network_keys(tiny_architecture(), mark_of(passport), torch::kCPU); }

double difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

}  // namespace

TEST_CASE("logits have one row an image and one column a class, in float32") {
  PassportNetwork network(tiny_architecture(), Branches::both, 1);
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const auto outputs = network->both(some_images(4), keys_of(1), precision);
    for (const torch::Tensor& logits : {outputs.deployment, outputs.verification}) {
      CHECK(logits.sizes() == at::IntArrayRef({4, 10}));
      CHECK(logits.scalar_type() == torch::kFloat32);
    }
  }
}

TEST_CASE("the deployment branch is the same alone and beside the other branch") {
  PassportNetwork network(tiny_architecture(), Branches::both, 1);
  network->eval();
  const torch::Tensor images = some_images(4);
  const auto outputs = network->both(images, keys_of(1), Precision::fp32);
  CHECK(difference(network->deployment(images, Precision::fp32), outputs.deployment) < kSameTolerance);
}

TEST_CASE("the verification branch is g (a1 BN1 + c1) + h, worked out step by step") {
  const Architecture architecture = Architecture::create({.width = 125, .passports = {"features.6"}}).value();
  const Passport passport = drawn_passport(1);
  const Mark mark = make_mark(architecture, Pooling::whitened, passport, seed_of(passport)).value();
  const NetworkKeys keys = network_keys(architecture, mark, torch::kCPU);
  PassportNetwork network(architecture, Branches::both, 1);
  network->eval();
  const torch::NoGradGuard no_grad;
  ConvBlock block = network->passport_blocks()[0];
  block.verification->bn->weight.uniform_(0.5, 2);
  block.verification->bn->bias.uniform_(-1, 1);
  block.verification->bn->running_mean.uniform_(-1, 1);
  block.verification->bn->running_var.uniform_(0.5, 2);

  const torch::Tensor w = block.conv->weight.to(torch::kFloat64).flatten(1);
  const auto tlp = [&](const torch::Tensor& u) { return block.verification->tlp->forward((w * u).sum(1).to(torch::kFloat32)); };
  const torch::Tensor g = tlp(mark.layers[0].scale), h = tlp(mark.layers[0].bias);
  const auto affine = block.verification->affine(block.conv->weight, keys[0]);
  const torch::Tensor x = torch::randn({2, 32, 8, 8});
  const torch::Tensor expected = g.view({1, -1, 1, 1}) * block.verification->bn->forward(x) + h.view({1, -1, 1, 1});
  auto& bn = *block.verification->bn;
  const torch::Tensor fused =
      at::batch_norm(x, affine.gain, affine.offset, bn.running_mean, bn.running_var, false, 0.1, 1e-5, false);
  CHECK(difference(expected, fused) < kSameTolerance);
}

TEST_CASE("the verification branch answers otherwise under another passport") {
  PassportNetwork network(tiny_architecture(), Branches::both, 1);
  network->eval();
  const torch::Tensor images = some_images(4);
  const auto a = network->both(images, keys_of(1), Precision::fp32), b = network->both(images, keys_of(2), Precision::fp32);
  CHECK(difference(a.verification, b.verification) > 1e-3);
  CHECK(torch::equal(a.deployment, b.deployment));
}

TEST_CASE("a layer without passport after the first one is shared whole") {
  const Architecture architecture = Architecture::create({.width = 125, .passports = {"features.4", "features.6"}}).value();
  PassportNetwork network(architecture, Branches::both, 1);
  const Passport passport = drawn_passport(1);
  const auto keys =
      network_keys(architecture, make_mark(architecture, Pooling::whitened, passport, seed_of(passport)).value(), torch::kCPU);
  CHECK(network->both(some_images(4), keys, Precision::fp32).verification.sizes() == at::IntArrayRef({4, 10}));
  CHECK(network->passport_blocks().size() == 2);
}

TEST_CASE("the seed alone decides the initial weights") {
  const auto weights = [](std::uint64_t seed) {
    return PassportNetwork(tiny_architecture(), Branches::both, seed)->parameters();
  };
  const auto a = weights(4), b = weights(4), c = weights(5);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(torch::equal(a[i], b[i]));
  CHECK_FALSE(torch::equal(a[0], c[0]));
}

TEST_CASE("a network of the deployment branch alone has no verification parameters") {
  PassportNetwork network(tiny_architecture(), Branches::deployment);
  for (const auto& item : network->named_parameters()) CHECK(item.key().find("verification") == std::string::npos);
  CHECK_THROWS_AS(network->both(some_images(2), keys_of(1), Precision::fp32), c10::Error);
}

TEST_CASE("bf16 gives the same answers within its precision") {
  PassportNetwork network(tiny_architecture(), Branches::both, 1);
  network->eval();
  const torch::Tensor images = some_images(8);
  const torch::Tensor exact = network->deployment(images, Precision::fp32),
                      rounded = network->deployment(images, Precision::bf16);
  CHECK(difference(exact, rounded) < 0.1 * exact.abs().max().item<double>());
}

TEST_CASE("precision names survive their text, and no other is known") {
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    CHECK(parse_precision(precision_name(precision), torch::kCPU).value() == precision);
  CHECK(parse_precision("auto", torch::kCPU).value() == (bf16_is_fast() ? Precision::bf16 : Precision::fp32));
  CHECK(parse_precision("auto", torch::kCUDA).value() == Precision::bf16);
  CHECK(parse_precision("fp64", torch::kCPU).error().code == Errc::unsupported);
}

TEST_CASE("signs are the same from weights in either memory layout") {
  torch::manual_seed(1);
  const torch::Tensor w = torch::randn({8, 4, 3, 3}), u = torch::randn({8, 4, 3, 3});
  const torch::Tensor expected = (w * u).flatten(1).sum(1);
  CHECK(difference(layer_signs(w.contiguous(at::MemoryFormat::ChannelsLast), u.contiguous(at::MemoryFormat::ChannelsLast)),
                   expected) < kSameTolerance);
}
