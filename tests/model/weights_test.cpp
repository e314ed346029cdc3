#include <stegpass/model/weights.hpp>

#include <algorithm>
#include <limits>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/dataset.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

PassportNetwork some_network() { return PassportNetwork(tiny_architecture(), Branches::both, 6); }

/// Runs `change` over the parsed tensors and metadata of a release model and encodes the outcome again.
template <class Change>
Error changed_error(Change change) {
  const Bytes file = encode_release_model(some_network());
  Safetensors parsed = parse_safetensors(file).value();
  change(parsed);
  const Bytes changed = encode_safetensors(parsed.tensors, parsed.metadata);
  const auto network = decode_release_model(changed);
  REQUIRE_FALSE(network);
  return network.error();
}

}  // namespace

TEST_CASE("an owner model survives its file") {
  const PassportNetwork network = some_network();
  const PassportNetwork read = decode_owner_model(encode_owner_model(network)).value();
  const auto before = network->named_parameters(), after = read->named_parameters();
  REQUIRE(before.size() == after.size());
  for (const auto& item : before) CHECK(torch::equal(item.value(), after[item.key()]));
  CHECK(encode_owner_model(read) == encode_owner_model(network));
}

TEST_CASE("a release model answers as the deployment branch of its owner model") {
  PassportNetwork owner = some_network();
  owner->eval();
  PassportNetwork release = decode_release_model(encode_release_model(owner)).value();
  const torch::Tensor images = network_images(draw_shapes(4, 1).images);
  CHECK(torch::equal(owner->deployment(images, Precision::fp32), release->deployment(images, Precision::fp32)));
}

TEST_CASE("a release model's names are those of a plain PyTorch module") {
  const Bytes file = encode_release_model(some_network());
  std::vector<std::string> names;
  const Safetensors parsed = parse_safetensors(file).value();
  for (const TensorView& view : parsed.tensors) {
    if (view.name.rfind("features.4.", 0) == 0 || view.name.rfind("classifier.", 0) == 0) names.push_back(view.name);
  }
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"classifier.bias", "classifier.weight", "features.4.bn.bias",
                                          "features.4.bn.running_mean", "features.4.bn.running_var", "features.4.bn.weight",
                                          "features.4.conv.weight"});
}

TEST_CASE("a release model says nothing of the verification branch") {
  const Bytes file = encode_release_model(some_network());
  CHECK(as_text(file).find("verification") == std::string_view::npos);
  CHECK(as_text(file).find("tlp") == std::string_view::npos);
}

TEST_CASE("weights on file are in PyTorch's order whatever the memory layout") {
  const PassportNetwork network = some_network();
  const Bytes file = encode_release_model(network);
  const Safetensors parsed = parse_safetensors(file).value();
  for (const TensorView& view : parsed.tensors) {
    if (view.name != "features.4.conv.weight") continue;
    const float* values = reinterpret_cast<const float*>(view.data.data());
    const torch::Tensor w = network->passport_blocks()[0].conv->weight.detach();
    CHECK(values[0] == w[0][0][0][0].item<float>());
    CHECK(values[1] == w[0][0][0][1].item<float>());
    CHECK(values[9] == w[0][1][0][0].item<float>());
  }
}

TEST_CASE("the same network gives the same bytes") {
  CHECK(encode_release_model(some_network()) == encode_release_model(some_network()));
}

TEST_CASE("owner and release models are not taken for each other") {
  const PassportNetwork network = some_network();
  CHECK(decode_release_model(encode_owner_model(network)).error().code == Errc::malformed);
  CHECK(decode_owner_model(encode_release_model(network)).error().code == Errc::malformed);
}

TEST_CASE("a missing tensor is named") {
  const Error error = changed_error([](Safetensors& file) { file.tensors.erase(file.tensors.begin() + 3); });
  CHECK(error.code == Errc::not_found);
  CHECK(error.detail.find("is absent") != std::string::npos);
}

TEST_CASE("a tensor too many is named") {
  const Error error = changed_error([](Safetensors& file) {
    TensorView extra = file.tensors.front();
    extra.name = "features.9.secret";
    file.tensors.push_back(extra);
  });
  CHECK(error.code == Errc::malformed);
  CHECK(error.detail == "tensor features.9.secret has no place in the architecture");
}

TEST_CASE("a tensor of another shape is refused, found and expected") {
  const Error error = changed_error([](Safetensors& file) {
    for (TensorView& view : file.tensors) {
      if (view.name == "features.4.conv.weight") view.shape = {48, 24, 9};
    }
  });
  CHECK(error.detail == "tensor features.4.conv.weight has shape [48, 24, 9], [48, 24, 3, 3] expected");
}

TEST_CASE("a tensor of another type is refused") {
  const Error error = changed_error([](Safetensors& file) {
    for (TensorView& view : file.tensors) {
      if (view.name == "classifier.bias") view.dtype = "I32";
    }
  });
  CHECK(error.code == Errc::malformed);
}

TEST_CASE("a value that is not finite is refused") {
  for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    PassportNetwork network = some_network();
    const torch::NoGradGuard no_grad;
    network->passport_blocks()[1].norm->bias[3] = value;
    const auto read = decode_release_model(encode_release_model(network));
    REQUIRE_FALSE(read);
    CHECK(read.error().detail == "tensor features.5.bn.bias holds a value that is not finite");
  }
}

TEST_CASE("a file that names no architecture, or a strange one, is refused") {
  CHECK(changed_error([](Safetensors& file) { file.metadata.erase("stegpass.architecture"); }).code == Errc::malformed);
  CHECK(changed_error([](Safetensors& file) { file.metadata["stegpass.architecture"] = "{}"; }).code == Errc::malformed);
  CHECK(changed_error([](Safetensors& file) { file.metadata["stegpass.format"] = "release-model.v9"; }).code == Errc::malformed);
}

TEST_CASE("a small file that names a large architecture is refused before it is built") {
  const Error error = changed_error(
      [](Safetensors& file) { file.metadata["stegpass.architecture"] = Architecture::create({.width = 2000}).value().text(); });
  CHECK(error.detail == "the file is smaller than the weights of its architecture");
}

TEST_CASE("every truncation of a release model is refused") {
  const Bytes file = encode_release_model(some_network());
  for (std::size_t length = 0; length < file.size(); length += 997)
    CHECK_FALSE(decode_release_model(ByteView(file).first(length)));
  CHECK_FALSE(decode_release_model(ByteView(file).first(file.size() - 1)));
}

TEST_CASE("a model file tells its architecture") {
  CHECK(model_architecture(encode_release_model(some_network())).value() == tiny_architecture());
  CHECK_FALSE(model_architecture({}));
}
