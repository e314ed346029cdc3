#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <stegpass/model/haar.hpp>
#include <stegpass/model/isn.hpp>

namespace stegpass::model {
namespace {

constexpr std::int64_t kLayers = 5;

torch::nn::Conv2d convolution(std::int64_t in, std::int64_t out) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, 3).padding(1));
}

// Pictures enter around the form's middle: around zero the low band, four times the scale of a pixel's deviation, has no large
// mean.
torch::Tensor bands_of(const torch::Tensor& picture, const IsnForm& form) {
  return haar_forward(picture - form.middle()).contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor picture_of(const torch::Tensor& bands, const IsnForm& form) { return haar_inverse(bands) + form.middle(); }

torch::Tensor leaf(const torch::Tensor& tensor) { return tensor.detach().requires_grad_(); }

}  // namespace

DenseSubnetImpl::DenseSubnetImpl(const IsnForm& form) : leak_(form.leak()) {
  const auto input = (form.keyed ? 2 : 1) * kIsnBands;
  for (std::int64_t i = 0; i < kLayers; ++i) {
    const bool last = i + 1 == kLayers;
    auto layer = convolution(input + i * form.growth, last ? kIsnBands : form.growth);
    torch::NoGradGuard no_gradient;
    torch::nn::init::kaiming_normal_(layer->weight, leak_);
    torch::nn::init::zeros_(layer->bias);
    if (last) torch::nn::init::zeros_(layer->weight);
    layers_.push_back(register_module("conv" + std::to_string(i + 1), layer));
  }
}

// Concatenation copies little beside what the convolutions read: sums of convolutions of the parts took up to twice its time.
torch::Tensor DenseSubnetImpl::forward(const torch::Tensor& bands_and_key) {
  const auto convolve = [type = bands_and_key.scalar_type()](torch::nn::Conv2d& layer, const torch::Tensor& x) {
    return torch::conv2d(x, layer->weight.to(type), layer->bias.to(type), 1, 1);
  };
  std::vector<torch::Tensor> features{bands_and_key};
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i)
    features.push_back(torch::leaky_relu(convolve(layers_[i], torch::cat(features, 1)), leak_));
  return convolve(layers_.back(), torch::cat(features, 1)).to(torch::kFloat32);
}

CouplingBlockImpl::CouplingBlockImpl(const IsnForm& form) : clamp_(form.clamp), keyed_(form.keyed) {
  phi_ = register_module("phi", DenseSubnet(form));
  rho_ = register_module("rho", DenseSubnet(form));
  eta_ = register_module("eta", DenseSubnet(form));
}

// Bands and key as the subnets take them: channels innermost, which the CPU's convolutions want.
torch::Tensor CouplingBlockImpl::join(const torch::Tensor& bands, const torch::Tensor& key) const {
  const auto input = keyed_ ? torch::cat({bands.to(type_), key.expand_as(bands).to(type_)}, 1) : bands.to(type_);
  return input.contiguous(torch::MemoryFormat::ChannelsLast);
}

torch::Tensor CouplingBlockImpl::log_scale(const torch::Tensor& cover_and_key) {
  return clamp_ * (2.0 * torch::sigmoid(rho_->forward(cover_and_key)) - 1.0);
}

IsnStreams CouplingBlockImpl::forward(const IsnStreams& x, const torch::Tensor& key) {
  const auto cover = x.cover + phi_->forward(join(x.secret, key));
  const auto shared = join(cover, key);
  return {cover, x.secret * torch::exp(log_scale(shared)) + eta_->forward(shared)};
}

IsnStreams CouplingBlockImpl::reverse(const IsnStreams& y, const torch::Tensor& key) {
  const auto shared = join(y.cover, key);
  const auto secret = (y.secret - eta_->forward(shared)) * torch::exp(-log_scale(shared));
  return {y.cover - phi_->forward(join(secret, key)), secret};
}

// The inputs' gradients are gathered by hand, so that each subnet is computed once, with the graph of that subnet alone.
CouplingBlockImpl::WithGradients CouplingBlockImpl::undo_forward(const WithGradients& y, const torch::Tensor& key) {
  const torch::AutoGradMode with_graph(true);
  const auto cover = leaf(y.streams.cover), shared = join(cover, key);
  const auto scale = log_scale(shared), shift = eta_->forward(shared);
  const auto grown = torch::exp(scale.detach());
  const auto secret = leaf((y.streams.secret - shift.detach()) / grown);
  torch::autograd::backward({scale, shift}, {y.gradients.secret * secret.detach() * grown, y.gradients.secret});
  const auto cover_gradient = y.gradients.cover + cover.grad();
  const auto added = phi_->forward(join(secret, key));
  torch::autograd::backward({added}, {cover_gradient});
  return {{y.streams.cover - added.detach(), secret.detach()}, {cover_gradient, y.gradients.secret * grown + secret.grad()}};
}

CouplingBlockImpl::WithGradients CouplingBlockImpl::undo_reverse(const WithGradients& x, const torch::Tensor& key) {
  const torch::AutoGradMode with_graph(true);
  const auto secret = leaf(x.streams.secret), added = phi_->forward(join(secret, key));
  torch::autograd::backward({added}, {-x.gradients.cover});
  const auto cover = leaf(x.streams.cover + added.detach()), shared = join(cover, key);
  const auto scale = log_scale(shared), shift = eta_->forward(shared);
  const auto grown = torch::exp(scale.detach());
  const auto secret_gradient = x.gradients.secret + secret.grad(), shrunk = secret_gradient / grown;
  torch::autograd::backward({scale, shift}, {-secret_gradient * secret.detach(), -shrunk});
  return {{cover.detach(), secret.detach() * grown + shift.detach()}, {x.gradients.cover + cover.grad(), shrunk}};
}

namespace {

// All blocks in one step of the graph, which keeps their results alone.
struct Recomputing : torch::autograd::Function<Recomputing> {
  using Context = torch::autograd::AutogradContext;
  using Blocks = std::vector<CouplingBlock>;

  static CouplingBlock& at(Blocks& blocks, std::size_t i, bool from_end) { return blocks[from_end ? blocks.size() - 1 - i : i]; }

  // `anchor` is any parameter: pictures ask for no gradient, and without one there would be no way back.
  static torch::autograd::variable_list forward(Context* context, const torch::Tensor& cover, const torch::Tensor& secret,
                                                const torch::Tensor& key, const torch::Tensor& anchor, Blocks* blocks,
                                                bool reversed) {
    (void)anchor;
    IsnStreams streams{cover, secret};
    for (std::size_t i = 0; i < blocks->size(); ++i) {
      CouplingBlock& block = at(*blocks, i, reversed);
      streams = reversed ? block->reverse(streams, key) : block->forward(streams, key);
    }
    context->save_for_backward({streams.cover, streams.secret, key});
    context->saved_data["blocks"] = reinterpret_cast<std::int64_t>(blocks);
    context->saved_data["reversed"] = reversed;
    return {streams.cover, streams.secret};
  }

  static torch::autograd::variable_list backward(Context* context, const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    auto& blocks = *reinterpret_cast<Blocks*>(context->saved_data["blocks"].toInt());
    const bool reversed = context->saved_data["reversed"].toBool();
    CouplingBlockImpl::WithGradients at_output{{saved[0], saved[1]}, {gradients[0], gradients[1]}};
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      CouplingBlock& block = at(blocks, i, !reversed);
      at_output = reversed ? block->undo_reverse(at_output, saved[2]) : block->undo_forward(at_output, saved[2]);
    }
    return {at_output.gradients.cover, at_output.gradients.secret, {}, {}, {}, {}};
  }
};

}  // namespace

IsnImpl::IsnImpl(const IsnForm& form) : form_(form) {
  for (std::int64_t i = 0; i < form.blocks; ++i)
    blocks_.push_back(register_module("block" + std::to_string(i + 1), CouplingBlock(form)));
}

void IsnImpl::compute_in(torch::Dtype type) {
  for (auto& block : blocks_) block->compute_in(type);
}

IsnStreams IsnImpl::pass(const IsnStreams& from, const torch::Tensor& key, bool reversed) {
  if (recompute_ && torch::GradMode::is_enabled()) {
    const auto out = Recomputing::apply(from.cover, from.secret, key.defined() ? key : torch::empty({0}), parameters().front(),
                                        &blocks_, reversed);
    return {out[0], out[1]};
  }
  IsnStreams streams = from;
  if (reversed) {
    for (auto block = blocks_.rbegin(); block != blocks_.rend(); ++block) streams = (*block)->reverse(streams, key);
  } else {
    for (auto& block : blocks_) streams = block->forward(streams, key);
  }
  return streams;
}

IsnImpl::Hidden IsnImpl::forward(const torch::Tensor& cover, const torch::Tensor& secret, const torch::Tensor& key) {
  const auto streams = pass({bands_of(cover, form_), bands_of(secret, form_)}, key, false);
  return {picture_of(streams.cover, form_), streams.secret};
}

IsnImpl::Opened IsnImpl::reverse(const torch::Tensor& stego, const torch::Tensor& rest, const torch::Tensor& key) {
  const auto streams = pass({bands_of(stego, form_), rest}, key, true);
  return {picture_of(streams.secret, form_), picture_of(streams.cover, form_)};
}

torch::Tensor IsnImpl::reveal(const torch::Tensor& stego, const torch::Tensor& key) {
  const auto rest = torch::zeros({stego.size(0), kIsnBands, stego.size(2) / 2, stego.size(3) / 2}, stego.options());
  return reverse(stego, rest, key).secret;
}

}  // namespace stegpass::model
