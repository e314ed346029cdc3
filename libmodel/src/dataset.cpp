#include <stegpass/model/dataset.hpp>

#include <array>
#include <cstring>
#include <numeric>

#include "shuffle.hpp"

namespace stegpass::model {
namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kIdxImageHeader = 16, kIdxLabelHeader = 8;
constexpr std::size_t kCifarRecord = 3073;

std::uint32_t big_endian_32(ByteView bytes, std::size_t at) {
  return (std::uint32_t{bytes[at]} << 24) | (std::uint32_t{bytes[at + 1]} << 16) | (std::uint32_t{bytes[at + 2]} << 8) |
         bytes[at + 3];
}

std::string found_expected(const std::string& what, std::uint64_t found, std::uint64_t expected) {
  return what + " " + std::to_string(found) + ", " + std::to_string(expected) + " expected";
}

/// Checks one IDX file's magic number and that its length fits its count; returns the count.
Result<std::size_t> idx_count(ByteView file, const std::string& what, std::uint32_t magic, std::size_t header,
                              std::size_t item) {
  if (file.size() < header) return Error{Errc::malformed, found_expected(what + " file of bytes", file.size(), header)};
  if (big_endian_32(file, 0) != magic) {
    return Error{Errc::malformed, found_expected(what + " file with magic number", big_endian_32(file, 0), magic)};
  }
  const std::size_t count = big_endian_32(file, 4);
  if (count == 0) return Error{Errc::malformed, what + " file holds nothing"};
  if ((file.size() - header) % item != 0 || (file.size() - header) / item != count) {
    return Error{Errc::malformed, found_expected(what + " file of bytes", file.size(), header + count * item)};
  }
  return count;
}

Result<torch::Tensor> read_labels(const std::uint8_t* from, std::size_t count, std::size_t stride) {
  torch::Tensor labels = torch::empty({static_cast<std::int64_t>(count)}, torch::kInt64);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t label = from[i * stride];
    if (label > 9) return Error{Errc::malformed, "label " + std::to_string(label) + " of image " + std::to_string(i) + ", 0 to 9 expected"};
    labels.data_ptr<std::int64_t>()[i] = label;
  }
  return labels;
}

}  // namespace

Digest64 dataset_digest(const LabelledImages& data) {
  constexpr std::string_view kDomain("stegpass.dataset.v1\0", 20);
  Sha512 hash;
  hash.update(kDomain).update_u64(static_cast<std::uint64_t>(data.size())).update_u64(static_cast<std::uint64_t>(data.classes));
  constexpr std::int64_t kChunk = 1000;  // a grey set is never spread out as a whole
  for (std::int64_t at = 0; at < data.size(); at += kChunk) {
    const torch::Tensor chunk = data.images.narrow(0, at, std::min(kChunk, data.size() - at)).contiguous();
    hash.update(ByteView(chunk.data_ptr<std::uint8_t>(), chunk.nbytes()));
  }
  const torch::Tensor labels = data.labels.to(torch::kUInt8).contiguous();
  return hash.update(ByteView(labels.data_ptr<std::uint8_t>(), labels.nbytes())).finish();
}

LabelledImages take_images(const LabelledImages& data, std::int64_t count, std::uint64_t seed) {
  if (count <= 0 || count >= data.size()) return data;
  const torch::Tensor chosen = shuffled_indices(data.size(), seed).narrow(0, 0, count);
  return {data.images.index_select(0, chosen), data.labels.index_select(0, chosen), data.classes, data.name};
}

Result<LabelledImages> parse_idx(ByteView images, ByteView labels, std::string name) {
  STEGPASS_TRY(count, idx_count(images, "image", 0x803, kIdxImageHeader, kSide * kSide));
  STEGPASS_TRY(label_count, idx_count(labels, "label", 0x801, kIdxLabelHeader, 1));
  const std::uint32_t rows = big_endian_32(images, 8), columns = big_endian_32(images, 12);
  if (rows != kSide || columns != kSide) {
    return Error{Errc::malformed, "images of " + std::to_string(rows) + " x " + std::to_string(columns) + ", 28 x 28 expected"};
  }
  if (label_count != count) return Error{Errc::malformed, found_expected("labels", label_count, count)};
  STEGPASS_TRY(label_tensor, read_labels(labels.data() + kIdxLabelHeader, count, 1));
  const auto n = static_cast<std::int64_t>(count);
  torch::Tensor padded = torch::zeros({n, 1, 32, 32}, torch::kUInt8);
  const std::uint8_t* from = images.data() + kIdxImageHeader;
  std::uint8_t* to = padded.data_ptr<std::uint8_t>();
  for (std::size_t row = 0; row < count * kSide; ++row) {
    std::memcpy(to + (row / kSide * 32 + row % kSide + 2) * 32 + 2, from + row * kSide, kSide);
  }
  return LabelledImages{padded.expand({-1, 3, -1, -1}), label_tensor, 10, std::move(name)};
}

Result<LabelledImages> parse_cifar10(ByteView records, std::string name) {
  if (records.empty() || records.size() % kCifarRecord != 0) {
    return Error{Errc::malformed, "CIFAR-10 file of " + std::to_string(records.size()) + " bytes, a multiple of 3073 expected"};
  }
  const std::size_t count = records.size() / kCifarRecord;
  STEGPASS_TRY(labels, read_labels(records.data(), count, kCifarRecord));
  torch::Tensor images = torch::empty({static_cast<std::int64_t>(count), 3, 32, 32}, torch::kUInt8);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(images.data_ptr<std::uint8_t>() + i * 3072, records.data() + i * kCifarRecord + 1, 3072);
  }
  return LabelledImages{images, labels, 10, std::move(name)};
}

torch::Tensor network_images(const torch::Tensor& bytes) { return bytes.to(torch::kFloat32) / 127.5 - 1; }

}  // namespace stegpass::model
