#include <stegpass/model/published_isn.hpp>

#include <string>

#include <torch/types.h>

#include "tests/support/catch.hpp"

// The published form worked out from its equations in their own terms: HiNet, equations 1 to 3, bands LL, HL, LH, HH with the
// signs of its code, blocks f, r and y.

namespace stegpass::model {
namespace {

constexpr int kBlocks = 2, kGrowth = 6;

StateDict random_weights(const std::string& prefix) {
  torch::manual_seed(11);
  StateDict out;
  for (int block = 1; block <= kBlocks; ++block) {
    for (const std::string subnet : {"r", "y", "f"}) {
      for (int layer = 1; layer <= 5; ++layer) {
        const std::string name = prefix + "inv" + std::to_string(block) + "." + subnet + ".conv" + std::to_string(layer);
        const int outputs = layer == 5 ? 12 : kGrowth;
        out.tensors.emplace_back(name + ".weight", 0.1 * torch::randn({outputs, 12 + (layer - 1) * kGrowth, 3, 3}));
        out.tensors.emplace_back(name + ".bias", 0.1 * torch::randn({outputs}));
      }
    }
  }
  return out;
}

torch::Tensor tensor_named(const StateDict& weights, const std::string& name) {
  for (const auto& [key, tensor] : weights.tensors)
    if (key == name) return tensor;
  FAIL("no tensor " << name);
  return {};
}

torch::Tensor subnet(const StateDict& weights, const std::string& name, const torch::Tensor& x) {
  torch::Tensor features = x;
  for (int layer = 1;; ++layer) {
    const std::string conv = name + ".conv" + std::to_string(layer);
    const auto y = torch::conv2d(features, tensor_named(weights, conv + ".weight"), tensor_named(weights, conv + ".bias"), 1, 1);
    if (layer == 5) return y;
    features = torch::cat({features, torch::leaky_relu(y, 0.01)}, 1);
  }
}

torch::Tensor their_bands(const torch::Tensor& x) {
  using torch::indexing::None;
  using torch::indexing::Slice;
  const auto part = [&](int row, int column) {
    return x.index({Slice(), Slice(), Slice(row, None, 2), Slice(column, None, 2)}) / 2;
  };
  const auto a = part(0, 0), c = part(1, 0), b = part(0, 1), d = part(1, 1);
  return torch::cat({a + c + b + d, b + d - a - c, c + d - a - b, a - c - b + d}, 1);
}

/// The bands of stego and rest in the published form's own transform.
std::pair<torch::Tensor, torch::Tensor> their_forward(const StateDict& weights, const torch::Tensor& cover,
                                                      const torch::Tensor& secret) {
  torch::Tensor x1 = their_bands(cover), x2 = their_bands(secret);
  for (int block = 1; block <= kBlocks; ++block) {
    const std::string name = "inv" + std::to_string(block);
    const auto y1 = x1 + subnet(weights, name + ".f", x2);
    const auto s = subnet(weights, name + ".r", y1), t = subnet(weights, name + ".y", y1);
    x2 = torch::exp(2.0 * 2 * (torch::sigmoid(s) - 0.5)) * x2 + t;
    x1 = y1;
  }
  return {x1, x2};
}

}  // namespace

TEST_CASE("the published invertible network hides as its equations say") {
  const torch::NoGradGuard no_grad;
  const StateDict weights = random_weights("");
  Isn network = published_isn(weights).value();
  CHECK(network->form() == IsnForm{.blocks = kBlocks, .growth = kGrowth, .keyed = false});
  const auto cover = torch::rand({1, 3, 16, 20}), secret = torch::rand({1, 3, 16, 20});
  const auto [stego_bands, rest] = their_forward(weights, cover, secret);
  const auto hidden = network->forward(cover, secret, {});
  CHECK((their_bands(hidden.stego) - stego_bands).abs().max().item<double>() < 1e-4);
  CHECK((hidden.stego - cover).abs().max().item<double>() > 0.01);
  const double energy = rest.to(torch::kFloat64).square().sum().item<double>();
  const double hidden_energy = hidden.rest.to(torch::kFloat64).square().sum().item<double>();
  CHECK(hidden_energy == Approx(energy).epsilon(1e-6));  // up to the signs of its bands
  CHECK((network->reverse(hidden.stego, hidden.rest, {}).secret - secret).abs().max().item<double>() < 1e-3);
}

TEST_CASE("a published invertible network is found under any prefix, and comes back from its file") {
  Isn network = published_isn(random_weights("model.")).value();
  const Bytes file = encode_isn(network, "");
  const auto loaded = IsnModel::load(file).value();
  CHECK_FALSE(loaded.form().keyed);
  CHECK(encode_isn(loaded.network(), "") == file);
}

TEST_CASE("a published invertible network that is incomplete, misshapen or none at all is refused by name") {
  StateDict weights = random_weights("");
  const auto refusal = [](const StateDict& dict) { return published_isn(dict).error(); };
  CHECK(refusal({}).code == Errc::not_found);
  StateDict incomplete = weights;
  incomplete.tensors.pop_back();
  CHECK(refusal(incomplete).code == Errc::not_found);
  CHECK(refusal(incomplete).detail.find("inv2.f.conv5.bias") != std::string::npos);
  StateDict misshapen = weights;
  misshapen.tensors[0].second = torch::zeros({kGrowth, 12, 1, 1});
  CHECK(refusal(misshapen).code == Errc::malformed);
  StateDict flat = weights;
  for (auto& [name, tensor] : flat.tensors)
    if (name == "inv1.f.conv1.weight") tensor = torch::zeros({3});
  CHECK(refusal(flat).code == Errc::unsupported);
}

}  // namespace stegpass::model
