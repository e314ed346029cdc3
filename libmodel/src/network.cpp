#include <stegpass/model/network.hpp>

#include <cmath>
#include <string>

#include <ATen/CPUGeneratorImpl.h>

#include <stegpass/model/runtime.hpp>

#include "max_pool.hpp"
#include "parse_name.hpp"

namespace stegpass::model {
namespace {

constexpr std::array<std::string_view, 2> kPrecisions{"fp32", "bf16"};

/// A module that only holds others, so that names read "layer4.0.conv1".
class FolderImpl : public torch::nn::Module {};
TORCH_MODULE(Folder);

/// Registers `module` under a dotted path, making the folders on the way.
void place_module(torch::nn::Module& root, std::string_view path, const std::shared_ptr<torch::nn::Module>& module) {
  const std::size_t dot = path.find('.');
  const std::string name(path.substr(0, dot));
  if (dot == std::string_view::npos) {
    root.register_module(name, module);
    return;
  }
  const auto children = root.named_children();
  auto child = children.contains(name) ? children[name] : root.register_module(name, std::make_shared<FolderImpl>());
  place_module(*child, path.substr(dot + 1), module);
}

at::ScalarType activation_type(Precision precision) { return precision == Precision::bf16 ? at::kBFloat16 : at::kFloat; }

torch::Tensor convolve(const ConvBlock& block, const torch::Tensor& x) {
  return at::conv2d(x, block.conv->weight.to(x.scalar_type()), {}, block.plan.stride, block.plan.kernel / 2);
}

/// Adds a shortcut; where one of the two has both branches and the other has none yet, that one serves both.
torch::Tensor added(const torch::Tensor& y, const torch::Tensor& shortcut) {
  if (y.size(0) == shortcut.size(0)) return y + shortcut;
  return y.size(0) > shortcut.size(0) ? y + torch::cat({shortcut, shortcut}) : torch::cat({y, y}) + shortcut;
}

torch::Tensor network_input(const torch::Tensor& images, Precision precision) {
  return images.to(activation_type(precision), false, false, at::MemoryFormat::ChannelsLast);
}

/// Uniform in [-bound, bound] from one generator, so that a seed fixes all weights.
void fill_uniform(torch::Tensor& weight, double bound, at::Generator& generator) {
  weight.set_data(torch::empty_like(weight).uniform_(-bound, bound, generator));
}

void initialise(torch::Tensor& parameter, at::Generator& generator) {
  if (parameter.dim() == 4) {
    fill_uniform(parameter, std::sqrt(6.0 / static_cast<double>(parameter[0].numel())), generator);
    parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  } else if (parameter.dim() == 2) {
    fill_uniform(parameter, 1 / std::sqrt(static_cast<double>(parameter.size(1))), generator);
  }
}

/// The block that reads each block's output last; the last block's output is read by the classifier.
std::vector<std::size_t> last_uses(const std::vector<ConvPlan>& convs) {
  std::vector<std::size_t> last(convs.size(), convs.size());
  for (std::size_t i = 0; i < convs.size(); ++i) {
    if (i > 0 && convs[i].from == ConvPlan::kPrevious) last[i - 1] = i;
    if (convs[i].from >= 0) last[static_cast<std::size_t>(convs[i].from)] = i;
    if (convs[i].add >= 0) last[static_cast<std::size_t>(convs[i].add)] = i;
  }
  return last;
}

}  // namespace

std::string_view precision_name(Precision precision) { return kPrecisions[static_cast<std::size_t>(precision)]; }
Precision fast_precision(const torch::Device& device) {
  return device.is_cuda() || bf16_is_fast() ? Precision::bf16 : Precision::fp32;
}
Result<Precision> parse_precision(std::string_view name, const torch::Device& device) {
  if (name == "auto") return fast_precision(device);
  return parse_name<Precision>("precision", name, kPrecisions);
}

NetworkKeys network_keys(const Architecture& architecture, const Mark& mark, const torch::Device& device) {
  NetworkKeys keys;
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  TORCH_CHECK(layers.size() == mark.layers.size(), "the mark is one for another architecture");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const ConvPlan& layer = layers[i];
    const torch::Tensor like = torch::empty({layer.out_channels, layer.in_channels, layer.kernel, layer.kernel},
                                            torch::TensorOptions(device), at::MemoryFormat::ChannelsLast);
    keys.push_back(layer_keys(mark.layers[i], like));
  }
  return keys;
}

ConvImpl::ConvImpl(const ConvPlan& plan) {
  weight = register_parameter("weight", torch::empty({plan.out_channels, plan.in_channels, plan.kernel, plan.kernel}));
}

PassportNetworkImpl::PassportNetworkImpl(const Architecture& architecture, Branches branches, std::uint64_t seed, Scheme scheme)
    : architecture_(architecture),
      scheme_(scheme),
      branches_(branches),
      last_use_(last_uses(architecture.convs())),
      classifier_(architecture.classifier_inputs(), architecture.classes()) {
  const Norm norm = architecture.settings().norm;
  for (const ConvPlan& plan : architecture.convs()) {
    ConvBlock block{plan, Conv(plan), NormLayer(norm, plan.out_channels)};
    place_module(*this, plan.conv, block.conv.ptr());
    place_module(*this, plan.norm, block.norm.ptr());
    if (plan.passport && branches == Branches::both) {
      block.verification = VerificationPart(scheme, norm, plan.out_channels);
      place_module(*this, plan.name + ".verification", block.verification.ptr());
    }
    blocks_.push_back(block);
  }
  register_module(architecture.classifier(), classifier_);
  at::Generator generator = at::detail::createCPUGenerator(seed);  // cloning the default one leaks it in LibTorch 1.13
  const torch::NoGradGuard no_grad;
  for (auto& item : named_parameters()) initialise(item.value(), generator);
  classifier_->bias.zero_();
}

std::vector<ConvBlock> PassportNetworkImpl::passport_blocks() const {
  std::vector<ConvBlock> out;
  for (const ConvBlock& block : blocks_) {
    if (block.plan.passport) out.push_back(block);
  }
  return out;
}

torch::Tensor PassportNetworkImpl::classify(const torch::Tensor& x) {
  const torch::Tensor values = x.to(torch::kFloat32);
  return classifier_(architecture_.averaged() ? values.mean({2, 3}) : values.flatten(1));
}

/// `normalise(block, y)` gives a block's output before addition and ReLU.
template <class Normalise>
torch::Tensor PassportNetworkImpl::flow(const torch::Tensor& images, Precision precision, Normalise normalise) {
  torch::Tensor x = network_input(images, precision);
  std::vector<torch::Tensor> outputs(blocks_.size());
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const ConvPlan& plan = blocks_[i].plan;
    if (plan.from != ConvPlan::kPrevious) x = outputs[static_cast<std::size_t>(plan.from)];
    x = normalise(blocks_[i], convolve(blocks_[i], x));
    if (plan.relu_before) x = at::relu_(x);
    if (plan.add != ConvPlan::kNothing) x = added(x, outputs[static_cast<std::size_t>(plan.add)]);
    if (plan.relu) x = at::relu_(x);
    x = outputs[i] = pooled(plan, x);
    for (std::size_t j = 0; j <= i; ++j) {
      if (last_use_[j] == i) outputs[j].reset();
    }
  }
  return classify(x);
}

torch::Tensor PassportNetworkImpl::deployment(const torch::Tensor& images, Precision precision) {
  return flow(images, precision, [](ConvBlock& block, const torch::Tensor& y) { return block.norm->forward(y); });
}

PassportNetworkImpl::Outputs PassportNetworkImpl::both(const torch::Tensor& images, const NetworkKeys& keys,
                                                       Precision precision) {
  TORCH_CHECK(has_verification(), "a release model has no verification branch");
  const std::int64_t n = images.size(0);
  std::vector<VerificationAffine> affines;
  const torch::Tensor logits = flow(images, precision, [&](ConvBlock& block, const torch::Tensor& y) {
    if (!block.plan.passport) return block.norm->forward(y);
    affines.push_back(block.verification->affine(block.conv->weight, keys[affines.size()]));
    if (!has_two_branches(scheme_)) return block.verification->apply(y, affines.back(), *block.norm);
    const bool split = y.size(0) > n;  // (2N, ...) behind the first passport layer
    const torch::Tensor for_deployment = split ? y.narrow(0, 0, n) : y, for_verification = split ? y.narrow(0, n, n) : y;
    return torch::cat(
        {block.norm->forward(for_deployment), block.verification->apply(for_verification, affines.back(), *block.norm)});
  });
  if (logits.size(0) == n) return {logits, logits, affines};
  return {logits.narrow(0, 0, n), logits.narrow(0, n, n), affines};
}

void PassportNetworkImpl::fold(const NetworkKeys& keys) {
  if (has_two_branches(scheme_)) return;
  const torch::NoGradGuard no_grad;
  std::size_t at = 0;
  for (ConvBlock& block : blocks_) {
    if (!block.plan.passport) continue;
    const VerificationAffine affine = block.verification->affine(block.conv->weight, keys[at++]);
    block.norm->weight.copy_(affine.gain);
    block.norm->bias.copy_(affine.offset);
  }
}

void PassportNetworkImpl::share_statistics(const ProcessGroup* group) {
  for (const auto& module : modules()) {
    if (auto* norm = module->as<NormLayerImpl>()) norm->share_statistics(group);
  }
}

}  // namespace stegpass::model
