#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// What brings the outputs of a convolution to one scale before gain and offset.
enum class Norm {
  batch,
  group,     ///< groups of 16 channels, or the next more that divide them evenly
  instance,  ///< each channel of each image alone
  none,      ///< nothing: gain and offset act on the convolution's own outputs
};

std::string_view norm_name(Norm norm);
/// Errors  unsupported on any other name than `batch`, `group`, `instance` and `none`.
Result<Norm> parse_norm(std::string_view name);

/// What reaches a passport layer in the key network (the published code's key types).
enum class KeyType {
  image,    ///< the passport's picture, through the key network: our default
  shuffle,  ///< the same, with the channels of each tile drawn from all tiles in turn and permuted
  random,   ///< uniform noise expanded from the passport's digest
};

std::string_view key_type_name(KeyType type);
/// Errors  unsupported on any other name than `image`, `shuffle` and `random`.
Result<KeyType> parse_key_type(std::string_view name);

/// Max pooling after a convolution's ReLU.
enum class Pool { none, two, three };  // 2 x 2; 3 x 3 with stride 2 and padding 1

/// One convolution of a network with what follows it: no bias, padding kernel / 2, norm, perhaps the addition of an earlier
/// output, ReLU, perhaps pooling.
struct ConvPlan {
  static constexpr int kPrevious = -1;  ///< `from`: the convolution before, or the network's input
  static constexpr int kNothing = -2;   ///< `add`

  std::string name;  ///< the layer: "features.4", "layer4.0.conv1"
  std::string conv;  ///< module that holds its weight: "features.4.conv", "layer4.0.conv1"
  std::string norm;  ///< module that holds gain a0, offset c0 and statistics: "features.4.bn", "layer4.0.bn1"
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 0;  ///< odd
  int stride = 1;
  int side = 0;  ///< of the square that goes in
  Pool pool = Pool::none;
  bool relu = true;
  bool relu_before = false;  ///< a ReLU of its own before the addition
  int from = kPrevious;      ///< index of the convolution whose output goes in
  int add = kNothing;        ///< index of the convolution whose output is added after the norm
  bool passport = false;

  int fan_in() const { return in_channels * kernel * kernel; }
  int out_side() const { return (side - 1) / stride + 1; }
  int positions() const { return out_side() * out_side(); }
  int pooled_side() const { return pool == Pool::none ? out_side() : (out_side() + 1) / 2; }
};

/// What an architecture is chosen by.
struct ArchitectureSettings {
  std::string network = "alexnet-cifar";  ///< or resnet18-cifar, resnet18-reference, resnet18
  int classes = 10;
  int width = 1000;  ///< per mille of the published channel counts; small ones are for tests
  std::vector<std::string> passports = {"features.4", "features.5", "features.6"};  ///< none: an unprotected network
  Norm norm = Norm::batch;
  int input = 32;  ///< side of the images in pixels
  KeyType keys = KeyType::image;
};

/// The networks that `ArchitectureSettings::network` may name.
std::vector<std::string> network_names();

/// The layers that a choice names: `last3` (AlexNet), `layer4` (ResNet), `all`, `none`, or the layers themselves with commas
/// between. Errors  unsupported on an unknown network, usage on a choice that the network has not.
Result<std::vector<std::string>> choose_passport_layers(std::string_view network, std::string_view choice);

/// The architecture descriptor: the network's name and shape and which layers carry passports. Its one-line text goes into
/// the registration, and its digest into every bit, pattern and key-network weight.
class Architecture {
 public:
  static constexpr int kMinColumns = 256;  ///< of every passport layer's U, which decides `tiles`

  /// Errors  unsupported on an unknown network or a number out of range, usage on passport layers that are none of the
  ///         network's convolutions, repeated or out of order.
  static Result<Architecture> create(const ArchitectureSettings& settings);
  /// Reads the one canonical text that `text` writes. Errors  malformed on any other, and those of `create`.
  static Result<Architecture> parse(std::string_view text);

  /// Canonical JSON: sorted keys, no white space; `keys` only where it is not `image`.
  std::string text() const;
  /// SHA-512 over "stegpass.architecture.v1", a zero byte and `text`.
  Digest64 digest() const;

  const ArchitectureSettings& settings() const { return settings_; }
  int channels() const { return 3; }
  int input_side() const { return settings_.input; }
  int classes() const { return settings_.classes; }
  const std::vector<ConvPlan>& convs() const { return convs_; }
  /// The convolutions that carry passports, in network order.
  std::vector<ConvPlan> passport_convs() const;
  /// For each convolution the number of the group of channels that share one order: its own, or that of what is added to it.
  std::vector<int> channel_groups() const;
  /// Name of the last linear layer: "classifier" or "fc".
  const std::string& classifier() const { return classifier_; }
  /// Whether the classifier takes means over positions instead of all values.
  bool averaged() const { return averaged_; }
  int classifier_inputs() const;
  /// Sign bits over all passport layers.
  int bits() const;
  /// T: the pictures are cut into T x T tiles, the smallest power of two giving every passport layer kMinColumns columns.
  int tiles() const;

  friend bool operator==(const Architecture& a, const Architecture& b) { return a.text() == b.text(); }

 private:
  explicit Architecture(ArchitectureSettings settings) : settings_(std::move(settings)) {}
  ArchitectureSettings settings_;
  std::vector<ConvPlan> convs_;
  std::string classifier_;
  bool averaged_ = false;
};

}  // namespace stegpass::model
