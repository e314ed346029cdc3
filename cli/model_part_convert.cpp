#include <algorithm>
#include <cstring>
#include <map>
#include <optional>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/published_names.hpp>
#include <stegpass/model/state_dict.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"

namespace stegpass::cli {
namespace {

/// Tensors of a file with what keeps their bytes: the state dict, or the file itself.
struct Source {
  model::StateDict dict;
  std::vector<TensorView> tensors;
};

Result<Source> read_source(ByteView file) {
  Source source;
  if (!model::is_torch_file(file)) {
    auto parsed = parse_safetensors(file);
    if (!parsed)
      return Error{parsed.error().code, "neither a state dict of torch.save nor safetensors (" + parsed.error().detail + ")"};
    source.tensors = std::move(parsed->tensors);
    return source;
  }
  STEGPASS_TRY(dict, model::parse_state_dict(file));
  source.dict = std::move(dict);
  for (const auto& [name, tensor] : source.dict.tensors) {
    const auto* data = static_cast<const std::uint8_t*>(tensor.data_ptr());
    source.tensors.push_back({name, model::tensor_dtype(tensor), tensor.sizes().vec(), ByteView(data, tensor.nbytes())});
  }
  return source;
}

Conversion describe(const Source& source) {
  Conversion out;
  for (const TensorView& tensor : source.tensors) out.tensors.push_back({tensor.name, tensor.dtype, tensor.shape});
  for (const std::string& name : source.dict.left_out) out.left_out.emplace_back(name, "no tensor");
  return out;
}

Result<model::NameTable> table_of(const Source& source, const ConvertRequest& request) {
  std::vector<model::NamedShape> shapes;
  for (const TensorView& tensor : source.tensors) shapes.push_back({tensor.name, tensor.shape});
  return request.map ? model::mapped_names(shapes, *request.map) : model::published_names(shapes);
}

/// A vector of one value, float32.
Bytes filled_bytes(const model::NameTable::Fill& fill) {
  std::size_t count = 1;
  for (const std::int64_t size : fill.shape) count *= static_cast<std::size_t>(size);
  const std::vector<float> values(count, static_cast<float>(fill.value));
  Bytes out(count * sizeof(float));
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

Bytes encode(const Source& source, const model::NameTable& table) {
  std::map<std::string, std::string> names;
  for (const auto& rename : table.renamed) names.emplace(rename.from, rename.to);
  for (const std::string& name : table.kept) names.emplace(name, name);
  std::vector<TensorView> views;
  for (const TensorView& tensor : source.tensors) {
    const auto found = names.find(tensor.name);
    if (found != names.end()) views.push_back({found->second, tensor.dtype, tensor.shape, tensor.data});
  }
  std::vector<Bytes> filled;
  for (const auto& fill : table.filled) filled.push_back(filled_bytes(fill));
  for (std::size_t i = 0; i < filled.size(); ++i)
    views.push_back({table.filled[i].name, "F32", table.filled[i].shape, filled[i]});
  return encode_safetensors(std::move(views), {{"format", "pt"}});
}

/// The file as a model of ours, when a recognised network's tensors are all there: then it runs like any other.
std::optional<Bytes> as_model(ByteView file, const std::string& network) {
  auto parsed = parse_safetensors(file);
  if (!parsed || network.empty()) return std::nullopt;
  model::ArchitectureSettings settings{.network = network, .passports = {}};
  bool owner = false;
  for (const TensorView& tensor : parsed->tensors) {
    const bool head = tensor.name == "classifier.bias" || tensor.name == "fc.bias";
    if (head && tensor.shape.size() == 1) settings.classes = static_cast<int>(std::min<std::int64_t>(tensor.shape[0], 1 << 20));
    owner = owner || tensor.name.find(".verification.") != std::string::npos;
  }
  const auto all = model::choose_passport_layers(network, "all");
  if (!all) return std::nullopt;
  for (const std::string& layer : *all) {
    const auto of_layer = [&](const TensorView& tensor) { return tensor.name == layer + ".verification.bn.weight"; };
    if (std::any_of(parsed->tensors.begin(), parsed->tensors.end(), of_layer)) settings.passports.push_back(layer);
  }
  const auto architecture = model::Architecture::create(settings);
  if (!architecture) return std::nullopt;
  Bytes out = encode_safetensors(parsed->tensors, {{"stegpass.format", owner ? "owner-model.v1" : "release-model.v1"},
                                                   {"stegpass.architecture", architecture->text()},
                                                   {"stegpass.scheme", "sp"}});
  const bool runs =
      owner ? static_cast<bool>(model::decode_owner_model(out)) : static_cast<bool>(model::decode_release_model(out));
  return runs ? std::optional<Bytes>(std::move(out)) : std::nullopt;
}

}  // namespace

Result<Conversion> LibtorchModelPart::list_tensors(ByteView file) {
  STEGPASS_TRY(source, read_source(file));
  return describe(source);
}

Result<Conversion> LibtorchModelPart::convert(const ConvertRequest& request) {
  STEGPASS_TRY(source, read_source(request.file));
  STEGPASS_TRY(table, table_of(source, request));
  Conversion out = describe(source);
  out.network = table.network;
  out.kept = table.kept;
  out.notes = table.notes;
  for (const auto& rename : table.renamed) out.renamed.emplace_back(rename.from, rename.to);
  for (const auto& drop : table.left_out) out.left_out.emplace_back(drop.name, drop.reason);
  for (const auto& fill : table.filled) out.filled.push_back(fill.name);
  if (out.renamed.empty() && out.kept.empty()) return Error{Errc::usage, "no tensor is left to be written"};
  out.model = encode(source, table);
  if (auto model = as_model(out.model, table.network)) {
    out.model = std::move(*model);
    out.notes.push_back("written as a whole model: passport evaluate runs it, and passport train --init begins from it");
  }
  return out;
}

}  // namespace stegpass::cli
