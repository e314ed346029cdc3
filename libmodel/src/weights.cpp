#include <stegpass/model/weights.hpp>

#include <string>

#include "named_tensors.hpp"

namespace stegpass::model {
namespace {

constexpr const char* kFormatKey = "stegpass.format";
constexpr const char* kArchitectureKey = "stegpass.architecture";
constexpr const char* kSchemeKey = "stegpass.scheme";
constexpr const char* kOwnerFormat = "owner-model.v1";
constexpr const char* kReleaseFormat = "release-model.v1";

bool of_verification(const std::string& name) { return name.find(".verification.") != std::string::npos; }

Bytes encode(const PassportNetwork& network, const char* format, bool with_verification) {
  NamedTensors chosen;
  for (const auto& named : weights_of(*network)) {
    if (with_verification || !of_verification(named.first)) chosen.push_back(named);
  }
  const NamedTensors copies = for_file(chosen);
  std::vector<TensorView> views;
  append_views(views, copies);
  return encode_safetensors(std::move(views), {{kFormatKey, format},
                                               {kArchitectureKey, network->architecture().text()},
                                               {kSchemeKey, std::string(scheme_name(network->scheme()))}});
}

/// Looked at before anything of the architecture's size is allocated.
std::size_t convolution_weights(const Architecture& architecture) {
  std::size_t sum = 0;
  for (const ConvPlan& conv : architecture.convs())
    sum += static_cast<std::size_t>(conv.out_channels) * static_cast<std::size_t>(conv.fan_in());
  return sum;
}

Result<Architecture> architecture_of(const Safetensors& file) {
  const auto text = file.metadata.find(kArchitectureKey);
  if (text == file.metadata.end()) return Error{Errc::malformed, "the file names no architecture, a stegpass model expected"};
  return Architecture::parse(text->second);
}

Result<PassportNetwork> decode(ByteView bytes, const std::string& format, Branches branches) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  const auto found = file.metadata.find(kFormatKey);
  if (found == file.metadata.end() || found->second != format) {
    return Error{Errc::malformed,
                 "the file's format is '" + (found == file.metadata.end() ? "" : found->second) + "', '" + format + "' expected"};
  }
  STEGPASS_TRY(architecture, architecture_of(file));
  if (bytes.size() / sizeof(float) < convolution_weights(architecture)) {
    return Error{Errc::malformed, "the file is smaller than the weights of its architecture"};
  }
  const auto scheme_text = file.metadata.find(kSchemeKey);
  STEGPASS_TRY(scheme, scheme_text == file.metadata.end() ? Result<Scheme>(Scheme::sp) : parse_scheme(scheme_text->second));
  PassportNetwork network(architecture, branches, 0, scheme);
  STEGPASS_CHECK_OK(read_into(weights_of(*network), file));
  network->eval();
  return network;
}

}  // namespace

Bytes encode_owner_model(const PassportNetwork& network) {
  TORCH_CHECK(network->has_verification(), "an owner model has both branches");
  return encode(network, kOwnerFormat, true);
}

Bytes encode_release_model(const PassportNetwork& network) { return encode(network, kReleaseFormat, false); }

Result<PassportNetwork> decode_owner_model(ByteView file) { return decode(file, kOwnerFormat, Branches::both); }

Result<PassportNetwork> decode_release_model(ByteView file) { return decode(file, kReleaseFormat, Branches::deployment); }

Result<Architecture> model_architecture(ByteView bytes) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  return architecture_of(file);
}

}  // namespace stegpass::model
