#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// Labelled 8-bit images, as files hold them.
struct LabelledImages {
  torch::Tensor images;  ///< (N, 3, S, S) uint8; the three channels of a grey image may share their memory
  torch::Tensor labels;  ///< (N) int64, within 0 .. classes - 1
  int classes = 10;
  std::string name;
  std::vector<std::string> class_names;  ///< one a class, or none

  std::int64_t size() const { return images.defined() ? images.size(0) : 0; }
  std::int64_t side() const { return images.defined() ? images.size(3) : 0; }  ///< S, in pixels
};

/// What a network is trained on, and what its accuracy is measured on.
struct DataSplit {
  LabelledImages train, test;
};

/// The sides that images may have: multiples of 32 up to 512 pixels.
inline constexpr int kSideStep = 32, kMaxImageSide = 512;
inline bool is_image_side(std::int64_t side) { return side > 0 && side <= kMaxImageSide && side % kSideStep == 0; }

/// SHA-512 over "stegpass.dataset.v1", a zero byte, N and the class count (8 bytes each, big-endian), the pixels in order
/// N, C, H, W, and the labels, one byte each, or two (big-endian) where there are more than 256 classes.
Digest64 dataset_digest(const LabelledImages& data);

/// `count` images drawn without repetition by `seed`, or all in their own order when `count` is 0 or no fewer.
LabelledImages take_images(const LabelledImages& data, std::int64_t count, std::uint64_t seed);

/// IDX files as MNIST and Fashion-MNIST have them, unpacked: 28 x 28 grey images, padded to 32 and repeated to RGB.
/// Errors  malformed on a wrong magic number, another image size, lengths that do not fit the counts, differing or zero
///         counts, a label over 9.
Result<LabelledImages> parse_idx(ByteView images, ByteView labels, std::string name);

/// CIFAR-10's binary form: records of one label byte and 3,072 bytes of planar RGB. Several files may simply follow
/// each other. Errors  malformed on a length that is no multiple of 3,073, no record, a label over 9.
Result<LabelledImages> parse_cifar10(ByteView records, std::string name);

/// CIFAR-100's binary form: records of a coarse label (0 to 19), a fine label (0 to 99) and 3,072 bytes of planar RGB; the
/// fine labels are taken. Errors  malformed on a length that is no multiple of 3,074, no record, a label out of range.
Result<LabelledImages> parse_cifar100(ByteView records, std::string name);

/// The same images at another side: bilinear, one chunk at a time. Requires is_image_side(side) (assertion).
/// Errors  unsupported when they would take more than 16 GiB.
Result<LabelledImages> scale_images(const LabelledImages& data, int side);

/// Ten classes of drawn shapes and textures with noise, for machines without data. The same images for the same seed.
LabelledImages draw_shapes(std::int64_t count, std::uint64_t seed);

/// The network's input: float32 of the same shape, byte / 127.5 - 1.
torch::Tensor network_images(const torch::Tensor& bytes);

}  // namespace stegpass::model
