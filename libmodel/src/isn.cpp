#include <stegpass/model/isn.hpp>

#include <cmath>
#include <map>
#include <set>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>

#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

constexpr std::string_view kFormat = "stegpass-isn-1", kHinetFormat = "stegpass-hinet-1";  // with a key, and without
constexpr std::int64_t kMaxBlocks = 32;
constexpr std::string_view kKeyDomain = "stegpass isn key signs v1";
constexpr std::int64_t kMinSide = 16, kMaxSide = 4096;

std::string found(std::string_view name, std::string_view expected, std::string_view value) {
  return "isn weights: " + std::string(name) + " is " + std::string(value) + ", expected " + std::string(expected);
}

Result<std::int64_t> metadata_number(const Safetensors& file, const std::string& name, std::int64_t low, std::int64_t high) {
  const auto expected = "a number from " + std::to_string(low) + " to " + std::to_string(high);
  const auto entry = file.metadata.find(name);
  if (entry == file.metadata.end()) return {Errc::malformed, found("metadata " + name, expected, "absent")};
  const auto& text = entry->second;
  const bool digits = !text.empty() && text.size() <= 4 && text.find_first_not_of("0123456789") == std::string::npos;
  const std::int64_t value = digits ? std::stoll(text) : -1;
  if (value < low || value > high)
    return {Errc::unsupported, found("metadata " + name, expected, "\"" + text.substr(0, 40) + "\"")};
  return value;
}

Result<IsnForm> form_of(const Safetensors& file) {
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end()) return {Errc::malformed, found("metadata format", kFormat, "absent")};
  if (format->second != kFormat && format->second != kHinetFormat)
    return {Errc::unsupported, found("metadata format", kFormat, format->second.substr(0, 40))};
  STEGPASS_TRY(blocks, metadata_number(file, "blocks", 1, kMaxBlocks));
  STEGPASS_TRY(growth, metadata_number(file, "growth", 4, 64));
  STEGPASS_TRY(clamp_percent, metadata_number(file, "clamp_percent", 1, 400));
  return IsnForm{blocks, growth, static_cast<double>(clamp_percent) / 100.0, format->second == kFormat};
}

Status fill(const Safetensors& file, const std::string& name, torch::Tensor parameter) {
  auto values = read_tensor(file, name, parameter.sizes());
  if (!values) return Error{values.error().code, "isn weights: " + values.error().detail};
  if (values->scalar_type() != torch::kFloat32) return Error{Errc::malformed, "isn weights: " + name + " is not F32"};
  if (!torch::isfinite(*values).all().item<bool>())
    return Error{Errc::malformed, found("a value of " + name, "a finite number", "not finite")};
  torch::NoGradGuard no_gradient;
  parameter.copy_(*values);
  return Done{};
}

Status check_picture(const Raster& raster, std::string_view name) {
  const auto in_range = [](std::int64_t side) { return side >= kMinSide && side <= kMaxSide; };
  if (!in_range(raster.width) || !in_range(raster.height))
    return {Errc::usage, std::string(name) + " picture is " + std::to_string(raster.width) + " by " +
                             std::to_string(raster.height) + ", expected sides from " + std::to_string(kMinSide) + " to " +
                             std::to_string(kMaxSide)};
  if (raster.rgb.size() != static_cast<std::size_t>(raster.width * raster.height * 3))
    return {Errc::usage,
            std::string(name) + " picture holds " + std::to_string(raster.rgb.size()) + " bytes, expected three a pixel"};
  return Done{};
}

// A view of (1, 3, H, W) without the last row or column of an odd side.
torch::Tensor even_part(const torch::Tensor& picture) {
  return picture.narrow(2, 0, picture.size(2) / 2 * 2).narrow(3, 0, picture.size(3) / 2 * 2);
}

}  // namespace

torch::Tensor isn_key_signs(const Digest64& key, std::int64_t height, std::int64_t width) {
  TORCH_CHECK(height % 2 == 0 && width % 2 == 0, "isn: expected even sides, found ", height, " by ", width);
  const auto count = kIsnBands * (height / 2) * (width / 2);
  const auto bytes = expand(kKeyDomain, key, "signs", static_cast<std::size_t>((count + 7) / 8));
  auto signs = torch::empty({1, kIsnBands, height / 2, width / 2}, torch::kFloat32);
  auto* out = signs.data_ptr<float>();
  for (std::int64_t i = 0; i < count; ++i) out[i] = (bytes[static_cast<std::size_t>(i / 8)] >> (7 - i % 8)) & 1 ? 1.0F : -1.0F;
  return signs;
}

torch::Tensor tensor_of(const Raster& raster) {
  auto bytes = torch::empty({raster.height, raster.width, 3}, torch::kUInt8);
  TORCH_CHECK(raster.rgb.size() == static_cast<std::size_t>(bytes.numel()), "raster: bytes do not fit width and height");
  std::copy(raster.rgb.begin(), raster.rgb.end(), bytes.data_ptr<std::uint8_t>());
  return bytes.permute({2, 0, 1}).unsqueeze(0).to(torch::kFloat32).div(255.0).contiguous();
}

Raster raster_of(const torch::Tensor& picture) {
  const auto bytes =
      picture.detach().cpu().squeeze(0).mul(255.0).round().clamp(0, 255).to(torch::kUInt8).permute({1, 2, 0}).contiguous();
  const auto* data = bytes.data_ptr<std::uint8_t>();
  return {bytes.size(1), bytes.size(0), Bytes(data, data + bytes.numel())};
}

Bytes encode_isn(const Isn& network, std::string_view record) {
  std::vector<torch::Tensor> values;  // hold the bytes that the views point at
  std::vector<TensorView> views;
  for (const auto& item : network->named_parameters()) {
    values.push_back(item.value().detach().to(torch::kCPU, torch::kFloat32).contiguous());
    const auto& value = values.back();
    views.push_back({item.key(), "F32", value.sizes().vec(),
                     ByteView(static_cast<const std::uint8_t*>(value.data_ptr()), static_cast<std::size_t>(value.nbytes()))});
  }
  std::map<std::string, std::string> metadata{{"format", std::string(network->form().keyed ? kFormat : kHinetFormat)},
                                              {"blocks", std::to_string(network->form().blocks)},
                                              {"growth", std::to_string(network->form().growth)},
                                              {"clamp_percent", std::to_string(std::lround(100 * network->form().clamp))}};
  if (!record.empty()) metadata["record"] = record;
  return encode_safetensors(std::move(views), metadata);
}

Result<Isn> decode_isn(ByteView safetensors) {
  STEGPASS_TRY(file, parse_safetensors(safetensors));
  STEGPASS_TRY(form, form_of(file));
  Isn network(form);
  std::set<std::string> left;
  for (const auto& tensor : file.tensors) left.insert(tensor.name);
  for (auto& item : network->named_parameters()) {
    STEGPASS_CHECK_OK(fill(file, item.key(), item.value()));
    left.erase(item.key());
  }
  if (!left.empty()) return {Errc::refused, "isn weights: tensor " + left.begin()->substr(0, 80) + " is not part of this form"};
  return network;
}

Result<IsnModel> IsnModel::load(ByteView safetensors) {
  STEGPASS_TRY(network, decode_isn(safetensors));
  for (auto& parameter : network->parameters()) parameter.set_requires_grad(false);
  return IsnModel(network, sha256(safetensors));
}

Result<Raster> IsnModel::hide(const Raster& cover, const Raster& secret, const Digest64& key) const {
  STEGPASS_CHECK_OK(check_picture(cover, "cover"));
  STEGPASS_CHECK_OK(check_picture(secret, "secret"));
  if (cover.width != secret.width || cover.height != secret.height)
    return {Errc::usage, "secret picture is " + std::to_string(secret.width) + " by " + std::to_string(secret.height) +
                             ", expected the cover's size, " + std::to_string(cover.width) + " by " +
                             std::to_string(cover.height)};
  torch::NoGradGuard no_gradient;
  auto network = network_;
  const torch::Tensor out = tensor_of(cover), even = even_part(out);
  const auto key_signs = isn_key_signs(key, even.size(2), even.size(3));
  even_part(out).copy_(network->forward(even, even_part(tensor_of(secret)), key_signs).stego);
  return raster_of(out);
}

Result<Raster> IsnModel::reveal(const Raster& stego, const Digest64& key) const {
  STEGPASS_CHECK_OK(check_picture(stego, "stego"));
  torch::NoGradGuard no_gradient;
  auto network = network_;
  const torch::Tensor even = even_part(tensor_of(stego));
  const torch::Tensor secret = network->reveal(even, isn_key_signs(key, even.size(2), even.size(3)));
  return raster_of(torch::replication_pad2d(secret, {0, stego.width % 2, 0, stego.height % 2}));
}

}  // namespace stegpass::model
