#include <stegpass/model/published_isn.hpp>

#include <array>
#include <map>
#include <string>
#include <utility>

#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

using Named = std::map<std::string, torch::Tensor>;

constexpr std::string_view kFirstTensor = "inv1.f.conv1.weight";
constexpr std::array<std::pair<const char*, const char*>, 3> kSubnets{{{"f", "phi"}, {"y", "eta"}, {"r", "rho"}}};

// What stands before "inv1" in every name.
Result<std::string> prefix_of(const StateDict& weights) {
  for (const auto& [name, tensor] : weights.tensors) {
    if (name.size() >= kFirstTensor.size() && name.ends_with(kFirstTensor))
      return name.substr(0, name.size() - kFirstTensor.size());
  }
  return Error{Errc::not_found,
               "no tensor " + std::string(kFirstTensor) + ": these are not the weights of a published invertible network"};
}

Result<IsnForm> form_of_published(const Named& tensors) {
  IsnForm form = kHinetForm;
  form.blocks = 0;
  while (tensors.contains("inv" + std::to_string(form.blocks + 1) + ".f.conv1.weight")) ++form.blocks;
  const torch::Tensor& first = tensors.at(std::string(kFirstTensor));
  form.growth = first.dim() == 4 ? first.size(0) : 0;
  if (form.blocks > 32 || form.growth < 4 || form.growth > 64)
    return Error{Errc::unsupported, std::to_string(form.blocks) + " blocks of growth " + std::to_string(form.growth) +
                                        ", expected 1 to 32 blocks of growth 4 to 64"};
  return form;
}

/// -1 for the bands whose sign is the other way, (12).
torch::Tensor band_signs() {
  torch::Tensor signs = torch::ones({kIsnBands});
  signs.narrow(0, 3, 6).fill_(-1);
  return signs;
}

torch::Tensor with_our_signs(const torch::Tensor& tensor, const std::string& subnet, std::int64_t layer) {
  torch::Tensor out = tensor.to(torch::kFloat32).clone();
  const torch::Tensor signs = band_signs();
  if (out.dim() == 4) out.narrow(1, 0, kIsnBands).mul_(signs.view({1, -1, 1, 1}));
  if (layer == 5 && subnet != "rho") out.mul_(out.dim() == 4 ? signs.view({-1, 1, 1, 1}) : signs);
  return out;
}

Status fill_from(const Named& tensors, Isn& network) {
  torch::NoGradGuard no_gradient;
  auto parameters = network->named_parameters();
  for (std::int64_t block = 1; block <= network->form().blocks; ++block) {
    for (const auto& [theirs, ours] : kSubnets) {
      for (std::int64_t layer = 1; layer <= 5; ++layer) {
        for (const std::string what : {"weight", "bias"}) {
          const std::string tail = ".conv" + std::to_string(layer) + "." + what;
          const std::string name = "inv" + std::to_string(block) + "." + theirs + tail;
          const auto found = tensors.find(name);
          if (found == tensors.end()) return Error{Errc::not_found, "tensor " + name + " is absent"};
          torch::Tensor& parameter = parameters["block" + std::to_string(block) + "." + ours + tail];
          if (found->second.sizes() != parameter.sizes())
            return Error{Errc::malformed, "tensor " + name + " has shape " + shape_text(found->second.sizes()) + ", " +
                                              shape_text(parameter.sizes()) + " expected"};
          parameter.copy_(with_our_signs(found->second, ours, layer));
        }
      }
    }
  }
  return Done{};
}

}  // namespace

Result<Isn> published_isn(const StateDict& weights) {
  STEGPASS_TRY(prefix, prefix_of(weights));
  Named tensors;
  for (const auto& [name, tensor] : weights.tensors)
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = tensor;
  STEGPASS_TRY(form, form_of_published(tensors));
  Isn network(form);
  STEGPASS_CHECK_OK(fill_from(tensors, network));
  return network;
}

}  // namespace stegpass::model
