// Puts a mark into a network that is none of stegpass's: one convolution and one linear layer carry passports. What such a
// network needs is a key network of its own (the same layers, with weights that nobody chose), and a passport block behind each
// marked layer.
#include <cstdio>
#include <vector>

#include <torch/nn.h>
#include <torch/optim/sgd.h>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/dataset.hpp>
#include <stegpass/model/key_network.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/passport_block.hpp>
#include <stegpass/model/reading.hpp>

using namespace stegpass;
using namespace stegpass::model;

namespace {

constexpr int kSide = 32, kTiles = 16;  // a linear layer has one column a tile, and 256 are wanted
constexpr int kFirst = 16, kConvolution = 64, kLinear = 128, kClasses = 10;

/// Whatever names the network; its digest goes into every bit and every weight of the key network.
const std::string kDescriptor = "my network: conv 3-16, conv 16-64 with passport, linear 4096-128 with passport, linear 128-10";

Digest64 descriptor() { return Sha512().update(kDescriptor).finish(); }

/// An ordinary LibTorch network; only the two passport blocks come from stegpass.
struct MyNetworkImpl : torch::nn::Module {
  MyNetworkImpl() {
    register_module("first", first);
    register_module("middle", middle);
    register_module("wide", wide);
    register_module("last", last);
    register_module("middle_norm", middle_norm);
    register_module("wide_norm", wide_norm);
    register_module("middle_verification", middle_verification);
    register_module("wide_verification", wide_verification);
  }

  /// One branch: of deployment without keys, of verification with the keys of the two marked layers.
  torch::Tensor forward(torch::Tensor x, const std::vector<LayerKeys>& keys = {}) {
    x = torch::max_pool2d(torch::relu(first(x)), 2);
    x = torch::max_pool2d(torch::relu(branch(middle->forward(x), middle->weight, middle_norm, middle_verification, keys, 0)), 2);
    x = torch::relu(branch(wide->forward(x.flatten(1)), wide->weight, wide_norm, wide_verification, keys, 1));
    return last(x);
  }

  static torch::Tensor branch(const torch::Tensor& y, const torch::Tensor& weight, NormLayer& norm, VerificationPart& part,
                              const std::vector<LayerKeys>& keys, std::size_t layer) {
    return keys.empty() ? norm(y) : part->apply(y, part->affine(weight, keys[layer]), *norm);
  }

  torch::nn::Conv2d first{torch::nn::Conv2dOptions(3, kFirst, 3).padding(1)};
  torch::nn::Conv2d middle{torch::nn::Conv2dOptions(kFirst, kConvolution, 3).padding(1).bias(false)};
  torch::nn::Linear wide{torch::nn::LinearOptions(kConvolution * 64, kLinear).bias(false)};
  torch::nn::Linear last{kLinear, kClasses};
  NormLayer middle_norm{Norm::batch, kConvolution}, wide_norm{Norm::batch, kLinear};
  VerificationPart middle_verification{Scheme::sp, Norm::batch, kConvolution},
      wide_verification{Scheme::sp, Norm::batch, kLinear};
};
TORCH_MODULE(MyNetwork);

/// What reaches the two marked layers in the key network, put as columns.
std::vector<torch::Tensor> columns_of(const Passport& passport, Picture picture) {
  const Digest64 digest = descriptor();
  torch::Tensor x = picture_tiles(passport.picture(picture), passport.size(), kTiles, kSide).value();
  x = torch::max_pool2d(torch::relu(torch::conv2d(x, key_weights(digest, "first", {kFirst, 3, 3, 3}), {}, 1, 1)), 2);
  std::vector<torch::Tensor> columns = {convolution_columns(x, 3, 1, 1)};
  x = torch::max_pool2d(torch::relu(torch::conv2d(x, key_weights(digest, "middle", {kConvolution, kFirst, 3, 3}), {}, 1, 1)), 2);
  columns.push_back(linear_columns(x.flatten(1)));
  return columns;
}

Passport some_passport(std::uint8_t name) {
  constexpr std::size_t kSize = kSide * kTiles;
  const Bytes noise = expand("example.passport", Bytes{name}, "pictures", 2 * kSize * kSize * 3);
  Bytes raster = noise;
  for (std::size_t i = 0; i < raster.size(); ++i)
    raster[i] = static_cast<std::uint8_t>(noise[i] / 4 + 100 * (noise[i / 1536 % 512] % 2));
  return Passport::create(kSize, raster).value();
}

std::vector<LayerMark> mark_of(const Passport& passport) {
  const MarkSeed seed =
      derive_mark_seed(passport.digest(), Digest32{}, Digest32{});  // a real owner's thumbprint and salt go here
  const auto scale = columns_of(passport, Picture::scale), bias = columns_of(passport, Picture::bias);
  return {make_layer_mark({descriptor(), "middle", kConvolution}, Pooling::whitened, seed, {scale[0], bias[0]}).value(),
          make_layer_mark({descriptor(), "wide", kLinear}, Pooling::whitened, seed, {scale[1], bias[1]}).value()};
}

void train(MyNetwork& network, const std::vector<LayerKeys>& keys) {
  const LabelledImages data = draw_shapes(1600, 1);
  const torch::Tensor images = network_images(data.images);
  torch::optim::SGD optimiser(network->parameters(), torch::optim::SGDOptions(0.02).momentum(0.9));
  for (int step = 0; step < 100; ++step) {
    const torch::Tensor chosen = torch::randint(data.size(), {32}, torch::kInt64);
    const torch::Tensor x = images.index_select(0, chosen), y = data.labels.index_select(0, chosen);
    torch::Tensor hinge = torch::zeros({});
    const torch::Tensor weights[] = {network->middle->weight, network->wide->weight};
    for (std::size_t i = 0; i < 2; ++i)
      hinge = hinge + torch::relu(0.5 - keys[i].bits * layer_signs(weights[i], keys[i].scale)).sum();
    const torch::Tensor loss = torch::nn::functional::cross_entropy(network(x), y) +
                               torch::nn::functional::cross_entropy(network(x, keys), y) + 0.1 * hinge;
    optimiser.zero_grad();
    loss.backward();
    optimiser.step();
  }
}

int matches(const MyNetwork& network, const std::vector<LayerMark>& mark) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor weights[] = {network->middle->weight, network->wide->weight};
  int count = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    count += count_matches(mark[i].bits, (weights[i].flatten(1).to(torch::kFloat64) * mark[i].scale).sum(1));
  }
  return count;
}

double accuracy(MyNetwork& network, const std::vector<LayerKeys>& keys) {
  const torch::NoGradGuard no_grad;
  network->eval();
  const LabelledImages test = draw_shapes(400, 2);
  return (network(network_images(test.images), keys).argmax(1) == test.labels).to(torch::kFloat64).mean().item<double>();
}

}  // namespace

int main() {
  torch::manual_seed(1);
  MyNetwork network;
  const std::vector<LayerMark> mark = mark_of(some_passport(1));
  const std::vector<LayerKeys> keys = {layer_keys(mark[0], network->middle->weight), layer_keys(mark[1], network->wide->weight)};
  train(network, keys);

  constexpr int kBits = kConvolution + kLinear;
  const int right = matches(network, mark), wrong = matches(network, mark_of(some_passport(2)));
  const double corrected = corrected_log10_p(log10_binomial_tail(kBits, right), 1);
  std::printf("accuracy  %.3f deployment, %.3f verification\n", accuracy(network, {}), accuracy(network, keys));
  std::printf("mark      %d of %d bits, log10 p after tries %.1f; another passport %d of %d\n", right, kBits, corrected, wrong,
              kBits);
  return corrected <= kDefaultLog10Bound && wrong < kBits * 2 / 3 ? 0 : 1;
}
