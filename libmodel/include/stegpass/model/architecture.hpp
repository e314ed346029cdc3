#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// One convolution of a network, with all that follows it up to the next: no bias, stride 1, "same" padding, then norm,
/// ReLU and perhaps 2 x 2 max pooling.
struct ConvPlan {
  std::string name;     ///< as in PyTorch: "features.4"
  int in_channels = 0;
  int out_channels = 0;
  int kernel = 0;       ///< odd; padding is kernel / 2
  int side = 0;         ///< of the square that goes in, and so of what comes out before pooling
  bool pooled = false;
  bool passport = false;

  int fan_in() const { return in_channels * kernel * kernel; }
  int positions() const { return side * side; }
};

/// What an architecture is chosen by.
struct ArchitectureSettings {
  std::string network = "alexnet-cifar";
  int classes = 10;
  int width = 1000;  ///< per mille of the published channel counts; small ones are for tests
  std::vector<std::string> passports = {"features.4", "features.5", "features.6"};
};

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

  /// Canonical JSON: sorted keys, no white space.
  std::string text() const;
  /// SHA-512 over "stegpass.architecture.v1", a zero byte and `text`.
  Digest64 digest() const;

  const ArchitectureSettings& settings() const { return settings_; }
  int channels() const { return 3; }
  int input_side() const { return 32; }
  int classes() const { return settings_.classes; }
  const std::vector<ConvPlan>& convs() const { return convs_; }
  /// The convolutions that carry passports, in network order.
  std::vector<ConvPlan> passport_convs() const;
  /// Inputs of the classifier: channels times positions after the last pooling.
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
};

}  // namespace stegpass::model
