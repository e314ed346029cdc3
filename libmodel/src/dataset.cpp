#include <stegpass/model/dataset.hpp>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "shuffle.hpp"

namespace stegpass::model {
namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kIdxImageHeader = 16, kIdxLabelHeader = 8;
constexpr std::size_t kCifarPixels = 3072;
constexpr std::int64_t kChunk = 1000;  // images that are spread out or scaled at a time
constexpr std::int64_t kMaxScaledBytes = std::int64_t{16} << 30;

/// Where a label lies in a record or a file of labels, and what it may be.
struct LabelPlace {
  std::size_t stride, offset;
  int greatest;
  const char* name;
};

std::uint32_t big_endian_32(ByteView bytes, std::size_t at) {
  return (std::uint32_t{bytes[at]} << 24) | (std::uint32_t{bytes[at + 1]} << 16) | (std::uint32_t{bytes[at + 2]} << 8) |
         bytes[at + 3];
}

std::string found_expected(const std::string& what, std::uint64_t found, std::uint64_t expected) {
  return what + " " + std::to_string(found) + ", " + std::to_string(expected) + " expected";
}

/// Checks one IDX file's magic number and that its length fits its count; returns the count.
Result<std::size_t> idx_count(ByteView file, const std::string& what, std::uint32_t magic, std::size_t header, std::size_t item) {
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

Result<torch::Tensor> read_labels(ByteView from, const LabelPlace& place) {
  const std::size_t count = from.size() / place.stride;
  torch::Tensor labels = torch::empty({static_cast<std::int64_t>(count)}, torch::kInt64);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t label = from[i * place.stride + place.offset];
    if (label > place.greatest) {
      return Error{Errc::malformed, std::string(place.name) + " " + std::to_string(label) + " of image " + std::to_string(i) +
                                        ", 0 to " + std::to_string(place.greatest) + " expected"};
    }
    labels.data_ptr<std::int64_t>()[i] = label;
  }
  return labels;
}

/// The pixels of CIFAR records: the last 3,072 bytes of each.
torch::Tensor read_planar(ByteView records, std::size_t record) {
  const std::size_t count = records.size() / record;
  torch::Tensor images = torch::empty({static_cast<std::int64_t>(count), 3, 32, 32}, torch::kUInt8);
  for (std::size_t i = 0; i < count; ++i) {
    std::memcpy(images.data_ptr<std::uint8_t>() + i * kCifarPixels, records.data() + (i + 1) * record - kCifarPixels,
                kCifarPixels);
  }
  return images;
}

Status check_records(ByteView records, const char* what, std::size_t record) {
  if (!records.empty() && records.size() % record == 0) return Done{};
  return Error{Errc::malformed, std::string(what) + " file of " + std::to_string(records.size()) + " bytes, a multiple of " +
                                    std::to_string(record) + " expected"};
}

}  // namespace

Digest64 dataset_digest(const LabelledImages& data) {
  constexpr std::string_view kDomain("stegpass.dataset.v1\0", 20);
  Sha512 hash;
  hash.update(kDomain).update_u64(static_cast<std::uint64_t>(data.size())).update_u64(static_cast<std::uint64_t>(data.classes));
  for (std::int64_t at = 0; at < data.size(); at += kChunk) {
    const torch::Tensor chunk = data.images.narrow(0, at, std::min(kChunk, data.size() - at)).contiguous();
    hash.update(ByteView(chunk.data_ptr<std::uint8_t>(), chunk.nbytes()));
  }
  Bytes labels;
  const torch::Tensor wide = data.labels.contiguous();
  for (std::int64_t i = 0; i < data.size(); ++i) {
    append_big_endian(labels, static_cast<std::uint64_t>(wide.data_ptr<std::int64_t>()[i]), data.classes > 256 ? 2 : 1);
  }
  return hash.update(labels).finish();
}

LabelledImages take_images(const LabelledImages& data, std::int64_t count, std::uint64_t seed) {
  if (count <= 0 || count >= data.size()) return data;
  const torch::Tensor chosen = shuffled_indices(data.size(), seed).narrow(0, 0, count);
  return {data.images.index_select(0, chosen), data.labels.index_select(0, chosen), data.classes, data.name, data.class_names};
}

Result<LabelledImages> parse_idx(ByteView images, ByteView labels, std::string name) {
  STEGPASS_TRY(count, idx_count(images, "image", 0x803, kIdxImageHeader, kSide * kSide));
  STEGPASS_TRY(label_count, idx_count(labels, "label", 0x801, kIdxLabelHeader, 1));
  const std::uint32_t rows = big_endian_32(images, 8), columns = big_endian_32(images, 12);
  if (rows != kSide || columns != kSide) {
    return Error{Errc::malformed, "images of " + std::to_string(rows) + " x " + std::to_string(columns) + ", 28 x 28 expected"};
  }
  if (label_count != count) return Error{Errc::malformed, found_expected("labels", label_count, count)};
  STEGPASS_TRY(label_tensor, read_labels(labels.subspan(kIdxLabelHeader), {1, 0, 9, "label"}));
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
  constexpr std::size_t kRecord = 1 + kCifarPixels;
  STEGPASS_CHECK_OK(check_records(records, "CIFAR-10", kRecord));
  STEGPASS_TRY(labels, read_labels(records, {kRecord, 0, 9, "label"}));
  return LabelledImages{read_planar(records, kRecord), labels, 10, std::move(name)};
}

Result<LabelledImages> parse_cifar100(ByteView records, std::string name) {
  constexpr std::size_t kRecord = 2 + kCifarPixels;
  STEGPASS_CHECK_OK(check_records(records, "CIFAR-100", kRecord));
  STEGPASS_TRY(coarse, read_labels(records, {kRecord, 0, 19, "coarse label"}));
  STEGPASS_TRY(fine, read_labels(records, {kRecord, 1, 99, "fine label"}));
  static_cast<void>(coarse);  // read for its check alone
  return LabelledImages{read_planar(records, kRecord), fine, 100, std::move(name)};
}

Result<LabelledImages> scale_images(const LabelledImages& data, int side) {
  assert(is_image_side(side));
  if (data.size() == 0 || data.side() == side) return data;
  if (data.size() > kMaxScaledBytes / (std::int64_t{3} * side * side)) {
    return Error{Errc::unsupported,
                 std::to_string(data.size()) + " images at side " + std::to_string(side) + " take more than 16 GiB"};
  }
  LabelledImages out = data;
  out.images = torch::empty({data.size(), 3, side, side}, torch::kUInt8);
  const torch::NoGradGuard no_grad;
  for (std::int64_t at = 0; at < data.size(); at += kChunk) {
    const std::int64_t count = std::min(kChunk, data.size() - at);
    const torch::Tensor chunk = data.images.narrow(0, at, count).to(torch::kFloat32);
    out.images.narrow(0, at, count).copy_(at::upsample_bilinear2d(chunk, {side, side}, false).round_());
  }
  return out;
}

torch::Tensor network_images(const torch::Tensor& bytes) { return bytes.to(torch::kFloat32) / 127.5 - 1; }

}  // namespace stegpass::model
