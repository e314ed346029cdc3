#include <torch/types.h>

#include <stegpass/model/haar.hpp>
#include <stegpass/model/isn.hpp>

namespace stegpass::model {
namespace {

constexpr double kLeak = 0.2;
constexpr std::int64_t kLayers = 5;
// Pictures enter around zero, so that the low band, four times the scale of a pixel's deviation, has no large mean.
constexpr double kMiddle = 0.5;

torch::nn::Conv2d convolution(std::int64_t in, std::int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

// Bands and key as the subnets take them: channels innermost, which the CPU's convolutions want.
torch::Tensor join(const torch::Tensor& bands, const torch::Tensor& key, torch::Dtype type) {
  return torch::cat({bands.to(type), key.expand_as(bands).to(type)}, 1).contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor bands_of(const torch::Tensor& picture) {
  return haar_forward(picture - kMiddle).contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor picture_of(const torch::Tensor& bands) { return haar_inverse(bands) + kMiddle; }

}  // namespace

DenseSubnetImpl::DenseSubnetImpl(const IsnForm& form) {
  const auto input = 2 * kIsnBands;
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const bool last = i + 1 == kLayers;
    auto layer = convolution(input + i * form.growth, last ? kIsnBands : form.growth);
    torch::NoGradGuard no_gradient;
    torch::nn::init::kaiming_normal_(layer->weight, kLeak);
    torch::nn::init::zeros_(layer->bias);
    if (last) torch::nn::init::zeros_(layer->weight);
    layers_.push_back(register_module("conv" + std::to_string(i + 1), layer));
  }
}

torch::Tensor DenseSubnetImpl::forward(const torch::Tensor& bands_and_key) {
  const auto convolve = [type = bands_and_key.scalar_type()](torch::nn::Conv2d& layer, const torch::Tensor& x) {
    return torch::conv2d(x, layer->weight.to(type), layer->bias.to(type), 1, 1);
  };
  auto features = bands_and_key;
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i)
    features = torch::cat({features, torch::leaky_relu(convolve(layers_[i], features), kLeak)}, 1);
  return convolve(layers_.back(), features).to(torch::kFloat32);
}

CouplingBlockImpl::CouplingBlockImpl(const IsnForm& form) : clamp_(form.clamp) {
  phi_ = register_module("phi", DenseSubnet(form));
  rho_ = register_module("rho", DenseSubnet(form));
  eta_ = register_module("eta", DenseSubnet(form));
}

torch::Tensor CouplingBlockImpl::log_scale(const torch::Tensor& cover_and_key) {
  return clamp_ * (2.0 * torch::sigmoid(rho_->forward(cover_and_key)) - 1.0);
}

IsnStreams CouplingBlockImpl::forward(const IsnStreams& x, const torch::Tensor& key) {
  const auto cover = x.cover + phi_->forward(join(x.secret, key, type_));
  const auto shared = join(cover, key, type_);
  return {cover, x.secret * torch::exp(log_scale(shared)) + eta_->forward(shared)};
}

IsnStreams CouplingBlockImpl::reverse(const IsnStreams& y, const torch::Tensor& key) {
  const auto shared = join(y.cover, key, type_);
  const auto secret = (y.secret - eta_->forward(shared)) * torch::exp(-log_scale(shared));
  return {y.cover - phi_->forward(join(secret, key, type_)), secret};
}

IsnImpl::IsnImpl(const IsnForm& form) : form_(form) {
  for (std::int64_t i = 0; i < form.blocks; ++i)
    blocks_.push_back(register_module("block" + std::to_string(i + 1), CouplingBlock(form)));
}

void IsnImpl::compute_in(torch::Dtype type) {
  for (auto& block : blocks_) block->compute_in(type);
}

IsnImpl::Hidden IsnImpl::forward(const torch::Tensor& cover, const torch::Tensor& secret, const torch::Tensor& key) {
  IsnStreams streams{bands_of(cover), bands_of(secret)};
  for (auto& block : blocks_) streams = block->forward(streams, key);
  return {picture_of(streams.cover), streams.secret};
}

IsnImpl::Opened IsnImpl::reverse(const torch::Tensor& stego, const torch::Tensor& rest, const torch::Tensor& key) {
  IsnStreams streams{bands_of(stego), rest};
  for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) streams = (*block)->reverse(streams, key);
  return {picture_of(streams.secret), picture_of(streams.cover)};
}

torch::Tensor IsnImpl::reveal(const torch::Tensor& stego, const torch::Tensor& key) {
  const auto rest = torch::zeros({stego.size(0), kIsnBands, stego.size(2) / 2, stego.size(3) / 2}, stego.options());
  return reverse(stego, rest, key).secret;
}

}  // namespace stegpass::model
