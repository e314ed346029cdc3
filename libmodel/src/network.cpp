#include <stegpass/model/network.hpp>

#include <cmath>
#include <string>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/activation.h>

namespace stegpass::model {
namespace {

/// The container between the network and its blocks, so that names read "features.4".
class FeaturesImpl : public torch::nn::Module {
 public:
  void add(const ConvBlock& block) { register_module(block->plan.name.substr(block->plan.name.find('.') + 1), block); }
};
TORCH_MODULE(Features);

at::ScalarType activation_type(Precision precision) { return precision == Precision::bf16 ? at::kBFloat16 : at::kFloat; }

torch::Tensor convolve(ConvBlockImpl& block, const torch::Tensor& x) {
  return at::conv2d(x, block.conv->weight.to(x.scalar_type()), {}, 1, block.plan.kernel / 2);
}

torch::Tensor normalise(torch::nn::BatchNorm2dImpl& bn, const torch::Tensor& x, const torch::Tensor& gain,
                        const torch::Tensor& offset) {
  const double momentum = bn.options.momentum().value();
  return at::batch_norm(x, gain, offset, bn.running_mean, bn.running_var, bn.is_training(), momentum, bn.options.eps(), false);
}

/// ReLU in place, and pooling where the plan has it.
torch::Tensor activate(const ConvPlan& plan, torch::Tensor x) {
  x = at::relu_(x);
  return plan.pooled ? at::max_pool2d(x, 2) : x;
}

torch::Tensor plain_block(ConvBlockImpl& block, const torch::Tensor& x) {
  return activate(block.plan, normalise(*block.bn, convolve(block, x), block.bn->weight, block.bn->bias));
}

torch::Tensor network_input(const torch::Tensor& images, Precision precision) {
  return images.to(activation_type(precision), false, false, at::MemoryFormat::ChannelsLast);
}

/// Uniform in [-bound, bound] from one generator, so that a seed fixes all weights.
void fill_uniform(torch::Tensor& weight, double bound, at::Generator& generator) {
  weight.set_data(torch::empty_like(weight).uniform_(-bound, bound, generator));
}

void initialise(const std::string& name, torch::Tensor& parameter, at::Generator& generator) {
  if (parameter.dim() == 4) {
    fill_uniform(parameter, std::sqrt(6.0 / static_cast<double>(parameter[0].numel())), generator);
    parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  } else if (parameter.dim() == 2) {
    fill_uniform(parameter, 1 / std::sqrt(static_cast<double>(parameter.size(1))), generator);
  } else if (name == "classifier.bias") {
    parameter.set_data(torch::zeros_like(parameter));
  }
}

}  // namespace

std::string_view precision_name(Precision precision) { return precision == Precision::bf16 ? "bf16" : "fp32"; }

Result<Precision> parse_precision(std::string_view name) {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    if (name == precision_name(precision)) return precision;
  }
  return Error{Errc::unsupported, "precision '" + std::string(name) + "' is unknown, fp32 or bf16 expected"};
}

NetworkKeys network_keys(const Architecture& architecture, const Mark& mark, const torch::Device& device) {
  NetworkKeys keys;
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  TORCH_CHECK(layers.size() == mark.layers.size(), "the mark is one for another architecture");
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const ConvPlan& layer = layers[i];
    const auto place = [&](const torch::Tensor& u) {
      if (!u.defined()) return u;
      return u.to(device, torch::kFloat32)
          .reshape({layer.out_channels, layer.in_channels, layer.kernel, layer.kernel})
          .contiguous(at::MemoryFormat::ChannelsLast);
    };
    const LayerMark& from = mark.layers[i];
    keys.push_back({from.bits.to(device, torch::kFloat32), place(from.scale), place(from.bias)});
  }
  return keys;
}

torch::Tensor layer_signs(const torch::Tensor& weight, const torch::Tensor& directions) {
  return (weight * directions).sum({1, 2, 3});
}

VerificationPartImpl::VerificationPartImpl(int channels) : bn(channels) {
  using torch::nn::LinearOptions;
  tlp = torch::nn::Sequential(torch::nn::Linear(LinearOptions(channels, channels / 4).bias(false)), torch::nn::LeakyReLU(),
                              torch::nn::Linear(LinearOptions(channels / 4, channels).bias(false)));
  register_module("bn", bn);
  register_module("tlp", tlp);
}

ConvBlockImpl::ConvBlockImpl(const ConvPlan& conv_plan, bool with_verification)
    : plan(conv_plan),
      conv(torch::nn::Conv2dOptions(plan.in_channels, plan.out_channels, plan.kernel).padding(plan.kernel / 2).bias(false)),
      bn(plan.out_channels) {
  register_module("conv", conv);
  register_module("bn", bn);
  if (with_verification) verification = register_module("verification", VerificationPart(plan.out_channels));
}

PassportNetworkImpl::PassportNetworkImpl(const Architecture& architecture, Branches branches, std::uint64_t seed)
    : architecture_(architecture), branches_(branches), classifier_(architecture.classifier_inputs(), architecture.classes()) {
  Features features;
  for (const ConvPlan& plan : architecture.convs()) {
    blocks_.emplace_back(plan, plan.passport && branches == Branches::both);
    features->add(blocks_.back());
  }
  register_module("features", features);
  register_module("classifier", classifier_);
  at::Generator generator = at::detail::createCPUGenerator(seed);  // cloning the default one leaks it in LibTorch 1.13
  const torch::NoGradGuard no_grad;
  for (auto& item : named_parameters()) initialise(item.key(), item.value(), generator);
}

std::vector<ConvBlock> PassportNetworkImpl::passport_blocks() const {
  std::vector<ConvBlock> out;
  for (const ConvBlock& block : blocks_) {
    if (block->plan.passport) out.push_back(block);
  }
  return out;
}

torch::Tensor PassportNetworkImpl::classify(const torch::Tensor& x) { return classifier_(x.flatten(1).to(torch::kFloat32)); }

torch::Tensor PassportNetworkImpl::deployment(const torch::Tensor& images, Precision precision) {
  torch::Tensor x = network_input(images, precision);
  for (ConvBlock& block : blocks_) x = plain_block(*block, x);
  return classify(x);
}

VerificationAffine PassportNetworkImpl::verification_affine(ConvBlockImpl& block, const LayerKeys& keys) {
  TORCH_CHECK(keys.bias.defined(), "the keys are of the scale picture alone");
  VerificationPartImpl& part = *block.verification;
  const torch::Tensor s = layer_signs(block.conv->weight, keys.scale);
  const torch::Tensor g = part.tlp->forward(s);
  const torch::Tensor h = part.tlp->forward(layer_signs(block.conv->weight, keys.bias));
  return {s, g * part.bn->weight, g * part.bn->bias + h};
}

PassportNetworkImpl::Outputs PassportNetworkImpl::both(const torch::Tensor& images, const NetworkKeys& keys,
                                                       Precision precision) {
  TORCH_CHECK(has_verification(), "a release model has no verification branch");
  torch::Tensor shared = network_input(images, precision);  // (N, ...) in the trunk, (2N, ...) after it
  std::vector<VerificationAffine> affines;
  for (ConvBlock& block : blocks_) {
    if (!block->plan.passport) {
      shared = plain_block(*block, shared);
      continue;
    }
    const torch::Tensor y = convolve(*block, shared);
    const bool split = !affines.empty();
    const torch::Tensor for_deployment = split ? y.narrow(0, 0, images.size(0)) : y;
    const torch::Tensor for_verification = split ? y.narrow(0, images.size(0), images.size(0)) : y;
    affines.push_back(verification_affine(*block, keys[affines.size()]));
    // g (a1 BN1(y) + c1) + h is one batch norm with gain g a1 and offset g c1 + h.
    shared = torch::cat({normalise(*block->bn, for_deployment, block->bn->weight, block->bn->bias),
                         normalise(*block->verification->bn, for_verification, affines.back().gain, affines.back().offset)});
    shared = activate(block->plan, shared);
  }
  const torch::Tensor logits = classify(shared);
  return {logits.narrow(0, 0, images.size(0)), logits.narrow(0, images.size(0), images.size(0)), affines};
}

}  // namespace stegpass::model
