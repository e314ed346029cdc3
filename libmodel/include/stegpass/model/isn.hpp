#pragma once

#include <cstdint>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/conv.h>
#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model {

/// What fixes the form of an invertible steganographic network; written into the metadata of its weights.
struct IsnForm {
  std::int64_t blocks = 4;   ///< coupling blocks, 1 to 32
  std::int64_t growth = 16;  ///< channels that each layer of a dense subnet adds, 4 to 64
  double clamp = 2.0;        ///< bound of the log scale of one coupling step, over 0 and at most 4
  bool keyed = true;         ///< whether subnets see a key; without, the form is HiNet's own, and the weights reveal to anybody

  bool operator==(const IsnForm&) const = default;
  double leak() const { return keyed ? 0.2 : 0.01; }   ///< slope of the subnets' LeakyReLU
  double middle() const { return keyed ? 0.5 : 0.0; }  ///< what is taken from pictures before the Haar transform
};

/// 8 blocks of growth 32, the published size, where the default is small.
inline constexpr IsnForm kFullIsnForm{.blocks = 8, .growth = 32};
/// The form of HiNet and Steganographic Passport.
inline constexpr IsnForm kHinetForm{.blocks = 8, .growth = 32, .keyed = false};

/// Channels of the Haar bands of a colour picture, and of the key tensor beside them.
inline constexpr std::int64_t kIsnBands = 12;

/// Five 3x3 convolutions, each fed with the input and the outputs of all before it (HiNet's phi, rho, eta).
/// Shapes  (N, 24, h, w), bands and key, or (N, 12, h, w), bands alone -> (N, 12, h, w). The last layer starts at zero, so a new
/// network is the identity.
class DenseSubnetImpl : public torch::nn::Module {
 public:
  explicit DenseSubnetImpl(const IsnForm& form);
  /// Computes in the type of the input (float32, or bfloat16 with weights rounded for the call); returns float32.
  torch::Tensor forward(const torch::Tensor& bands_and_key);

 private:
  double leak_;
  std::vector<torch::nn::Conv2d> layers_;
};
TORCH_MODULE(DenseSubnet);

/// The two streams between blocks, (N, 12, h, w) each: first the bands of the cover, then those of the secret.
struct IsnStreams {
  torch::Tensor cover;
  torch::Tensor secret;
};

/// One affine coupling step under a key: y1 = x1 + phi(x2, k), y2 = x2 exp(clamp (2 sigmoid(rho(y1, k)) - 1)) + eta(y1, k).
/// Inverse  reverse(forward(x, k), k) equals x up to rounding, for any key.
/// Source   HiNet (Jing et al., ICCV 2021), equations 1 to 3; the key k beside every input is ours.
class CouplingBlockImpl : public torch::nn::Module {
 public:
  explicit CouplingBlockImpl(const IsnForm& form);
  IsnStreams forward(const IsnStreams& x, const torch::Tensor& key);
  IsnStreams reverse(const IsnStreams& y, const torch::Tensor& key);

  /// Streams and the loss's gradients with respect to them.
  struct WithGradients {
    IsnStreams streams, gradients;
  };
  /// From the outputs of `forward` (of `reverse`) back to its inputs, which need not have been kept; adds to the parameters'
  /// gradients.
  WithGradients undo_forward(const WithGradients& y, const torch::Tensor& key);
  WithGradients undo_reverse(const WithGradients& x, const torch::Tensor& key);
  /// The type that the subnets compute in; the streams and the weights stay float32.
  void compute_in(torch::Dtype type) { type_ = type; }

 private:
  torch::Tensor join(const torch::Tensor& bands, const torch::Tensor& key) const;
  torch::Tensor log_scale(const torch::Tensor& cover_and_key);

  torch::Dtype type_ = torch::kFloat32;
  double clamp_;
  bool keyed_;
  DenseSubnet phi_{nullptr}, rho_{nullptr}, eta_{nullptr};
};
TORCH_MODULE(CouplingBlock);

/// Hides one picture in another under a key, and finds it again under the same key alone.
/// Shapes  pictures (N, 3, H, W) with values in [0, 1], H and W even; key and rest z (N, 12, H/2, W/2). A form without a key
/// ignores it.
class IsnImpl : public torch::nn::Module {
 public:
  explicit IsnImpl(const IsnForm& form = {});

  /// A stego picture (values may leave [0, 1] before they are rounded to 8 bits) and the rest z that hiding throws away.
  struct Hidden {
    torch::Tensor stego, rest;
  };
  Hidden forward(const torch::Tensor& cover, const torch::Tensor& secret, const torch::Tensor& key);

  struct Opened {
    torch::Tensor secret, cover;
  };
  /// Inverse of forward: exact up to rounding with the same rest and key; with rest zero, the estimate of the secret.
  Opened reverse(const torch::Tensor& stego, const torch::Tensor& rest, const torch::Tensor& key);
  /// What reverse gives with rest zero.
  torch::Tensor reveal(const torch::Tensor& stego, const torch::Tensor& key);

  const IsnForm& form() const { return form_; }
  /// float32 (the default), or bfloat16 for the subnets alone: about 1.7 times as fast to train on CPUs that have it.
  void compute_in(torch::Dtype type);
  /// Whether training works the blocks' inputs out again on the way back, instead of keeping them: memory that hardly grows
  /// with the blocks, for about 1.6 times the time. The network must then outlive the backward pass.
  void recompute(bool on) { recompute_ = on; }

 private:
  IsnStreams pass(const IsnStreams& streams, const torch::Tensor& key, bool reversed);

  IsnForm form_;
  bool recompute_ = false;
  std::vector<CouplingBlock> blocks_;
};
TORCH_MODULE(Isn);

/// Signs +-1 expanded from a 64-byte key: (1, 12, height/2, width/2), one bit each, most significant first, in that order.
/// A key that differs in one bit gives signs that have nothing to do with these. Requires height and width even.
torch::Tensor isn_key_signs(const Digest64& key, std::int64_t height, std::int64_t width);

/// (1, 3, H, W) of float32 in [0, 1], and back with rounding to 8 bits. Requires rgb to hold width * height * 3 bytes.
torch::Tensor tensor_of(const Raster& raster);
Raster raster_of(const torch::Tensor& picture);

/// Checked weights, ready to hide and reveal. Copies share the network; calls change nothing, but need one thread each.
class IsnModel {
 public:
  /// Reads a safetensors file as `encode_isn` writes it.
  /// Errors  malformed (not safetensors, not finite, wrong shape or type), not_found (a tensor is missing),
  ///         refused (a tensor too many), unsupported (metadata names another form or version).
  static Result<IsnModel> load(ByteView safetensors);

  /// Hides `secret` in `cover`; of an odd side the last row or column stays as it was. Errors  usage when sizes differ, are under
  /// 16 or over 4096.
  Result<Raster> hide(const Raster& cover, const Raster& secret, const Digest64& key) const;
  /// The picture that `key` finds in `stego`: the secret for the right key, noise for any other; of an odd side the last row or
  /// column is its neighbour's. Errors  as hide.
  Result<Raster> reveal(const Raster& stego, const Digest64& key) const;

  /// SHA-256 of the file that was loaded: the ISN digest of a registration.
  const Digest32& digest() const { return digest_; }
  const IsnForm& form() const { return network_->form(); }
  const Isn& network() const { return network_; }

 private:
  IsnModel(Isn network, Digest32 digest) : network_(std::move(network)), digest_(digest) {}

  Isn network_;
  Digest32 digest_;
};

/// What was hidden in what under which key, and the stego picture that came out.
struct HiddenParts {
  const Raster &cover, &stego, &secret;
  const Digest64& key;
};
struct RefineOptions {
  int steps = 16;
  double rate = 5e-4;       ///< Adam's, of pixel values over 255
  double stego_weight = 2;  ///< of the squared distance from the cover, beside that of the reveal from the secret
};
/// Improves a stego picture for its own key: Adam on the pixels, through the rounding to 8 bits, for a reveal nearer to the
/// secret and a stego near to the cover. A step costs about three reveals. Errors  usage (sizes differ or are odd).
Result<Raster> refine_stego(const IsnModel& model, const HiddenParts& parts, const RefineOptions& options = {});

/// The weights as a safetensors file: float32, metadata format (which says whether there is a key), blocks, growth, clamp and the
/// given run record (may be empty).
Bytes encode_isn(const Isn& network, std::string_view record);

/// Puts checked weights into a network of the file's form; what IsnModel::load uses.
Result<Isn> decode_isn(ByteView safetensors);

}  // namespace stegpass::model
