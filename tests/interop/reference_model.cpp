#include <fstream>
#include <iostream>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/network.hpp>
#include <stegpass/model/weights.hpp>

using namespace stegpass;

namespace {

void write(const std::string& path, const Bytes& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Norms that do something: a fresh network's are the identity, and would hide a swap of two of them.
void shake(model::PassportNetwork& network) {
  const torch::NoGradGuard no_grad;
  for (auto& item : network->named_parameters()) {
    if (item.key().find(".bn.") != std::string::npos) item.value().add_(torch::rand_like(item.value()) - 0.5);
  }
  for (auto& item : network->named_buffers()) {
    if (item.value().is_floating_point()) item.value().add_(torch::rand_like(item.value()) * 0.5);
  }
}

TensorView view(std::string name, const torch::Tensor& tensor) {
  return {std::move(name), "F32", tensor.sizes().vec(), {static_cast<const std::uint8_t*>(tensor.data_ptr()), tensor.nbytes()}};
}

}  // namespace

/// Writes FOLDER/release.safetensors, a release model of random weights, and FOLDER/reference.safetensors: images and their
/// logits.
int main(int count, char** arguments) {
  if (count != 2) return std::cerr << "usage: interop_reference FOLDER\n", 2;
  const std::string folder = arguments[1];
  torch::manual_seed(5);
  model::PassportNetwork network(model::Architecture::create({}).value(), model::Branches::both, 11);
  shake(network);
  network->eval();
  const torch::NoGradGuard no_grad;
  const torch::Tensor images = torch::rand({8, 3, 32, 32}) * 2 - 1;
  const torch::Tensor logits = network->deployment(images, model::Precision::fp32).contiguous();
  write(folder + "/release.safetensors", model::encode_release_model(network));
  write(folder + "/reference.safetensors", encode_safetensors({view("images", images), view("logits", logits)}, {}));
  return 0;
}
