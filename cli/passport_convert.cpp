#include <set>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct ConvertOptions {
  std::string from, out, map;
  bool list = false, force = false;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : ", ") + std::to_string(size);
  return "[" + text + "]";
}

Json tensors_to_json(const std::vector<Conversion::Tensor>& tensors) {
  Json out = Json::array();
  for (const auto& tensor : tensors) out.push_back({{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}});
  return out;
}

Json pairs_to_json(const Conversion::NamePairs& pairs, const char* first, const char* second) {
  Json out = Json::array();
  for (const auto& [a, b] : pairs) out.push_back({{first, a}, {second, b}});
  return out;
}

/// {"their name": "our name" or null, ...}
Result<Conversion::NamePairs> parse_map(ByteView file) {
  bool repeated = false;
  std::set<std::string> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {  // a repeated key would silently win
    if (event == Json::parse_event_t::key && depth == 1) repeated = !keys.insert(value.get<std::string>()).second || repeated;
    return true;
  };
  const Json map = Json::parse(as_text(file), watch, false);
  if (!map.is_object() || repeated)
    return Error{Errc::malformed, "expected one JSON object of names, each once, with new names or null"};
  Conversion::NamePairs out;
  for (const auto& [from, to] : map.items()) {
    const bool fits = to.is_null() || (to.is_string() && !to.get_ref<const std::string&>().empty());
    if (!fits) return Error{Errc::malformed, "the new name of " + from + " is neither a text nor null"};
    out.emplace_back(from, to.is_null() ? "" : to.get<std::string>());
  }
  return out;
}

Result<Report> list(const ConvertOptions& options, ModelPart& model, ByteView file) {
  auto read = model.list_tensors(file);
  if (!read) return about(options.from, read.error());
  Report report;
  for (const auto& tensor : read->tensors)
    report.text += tensor.name + "  " + shape_text(tensor.shape) + "  " + tensor.dtype + "\n";
  for (const auto& [name, reason] : read->left_out) report.text += name + "  (" + reason + ")\n";
  report.figures = {{"from", options.from},
                    {"tensors", tensors_to_json(read->tensors)},
                    {"left_out", pairs_to_json(read->left_out, "name", "reason")}};
  return report;
}

std::string describe(const ConvertOptions& options, const Conversion& made) {
  std::string text = "wrote " + options.out + ": " + std::to_string(made.renamed.size()) + " tensors renamed, " +
                     std::to_string(made.kept.size()) + " kept, " + std::to_string(made.filled.size()) + " filled in, " +
                     std::to_string(made.left_out.size()) + " left out";
  text += made.network.empty() ? "" : "; the network is " + made.network;
  for (const auto& [from, to] : made.renamed) text += "\n  " + from + " -> " + to;
  for (const std::string& name : made.filled) text += "\n  filled in: " + name;
  for (const auto& [name, reason] : made.left_out) text += "\n  left out: " + name + " (" + reason + ")";
  for (const std::string& note : made.notes) text += "\nnote: " + note;
  return text;
}

Result<Report> convert(const ConvertOptions& options, ModelPart& model, ByteView file) {
  ConvertRequest request{file, {}};
  if (!options.map.empty()) {
    STEGPASS_TRY(bytes, read_file(options.map, kMaxSmallFile, "a map of names (JSON)"));
    auto map = parse_map(bytes);
    if (!map) return about(options.map, map.error());
    request.map = std::move(*map);
  }
  auto made = model.convert(request);
  if (!made) return about(options.from, made.error());
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was written"};
  STEGPASS_CHECK_OK(write_file(options.out, made->model, {.force = options.force}));
  Report report;
  report.text = describe(options, *made);
  report.figures = {{"from", options.from},
                    {"out", options.out},
                    {"network", made->network},
                    {"tensors", made->renamed.size() + made->kept.size() + made->filled.size()},
                    {"renamed", pairs_to_json(made->renamed, "from", "to")},
                    {"kept", made->kept},
                    {"filled", made->filled},
                    {"left_out", pairs_to_json(made->left_out, "name", "reason")},
                    {"notes", made->notes}};
  return report;
}

Result<Report> work(const ConvertOptions& options) {
  if (options.list == !options.out.empty()) return Error{Errc::usage, "give either --out or --list"};
  if (!options.list) STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(file, read_file(options.from, kMaxModelFile, "a state dict (torch.save) or safetensors"));
  STEGPASS_TRY(model, load_model_part());
  return options.list ? list(options, *model, file) : convert(options, *model, file);
}

int run(const ConvertOptions& options, Output& output) { return finish(output, work(options)); }

}  // namespace

void setup_passport_convert(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = group.add_subcommand(
      "convert", "Turn a PyTorch state dict into safetensors, published networks under our names; runs nothing of it");
  command->add_option("--from", options->from, "State dict of torch.save (.pth), or safetensors")->required();
  command->add_option("--out", options->out, "File to write (safetensors)");
  auto* map = command->add_option("--map", options->map,
                                  "JSON object from their names to new ones, null to leave a tensor out; other names are kept");
  command->add_flag("--list", options->list, "Only list names, shapes and types")->excludes(map);
  command->add_flag("--force", options->force, "Replace the file");
  command->footer("Example: stegpass passport convert --from deepipr.pth --out model.safetensors");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
