#include "data.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct ListOptions {};
struct CheckOptions {
  std::string path;
  std::uint32_t side = 0;
};
struct ImportOptions {
  std::string path, out;
  std::uint32_t side = 32;
  bool force = false;
};

std::vector<fs::path> usual_places() { return {"/usr/share/datasets", "/usr/local/share/datasets"}; }

Result<Report> list(const ListOptions&) {
  STEGPASS_TRY(model, load_model_part());
  Report report;
  report.text = "kinds that are read:";
  report.figures = {{"kinds", Json::array()}, {"found", Json::array()}};
  for (const auto& [kind, layout] : model->data_kinds()) {
    report.text += "\n  " + kind + std::string(18 - std::min<std::size_t>(17, kind.size()), ' ') + layout;
    report.figures["kinds"].push_back({{"kind", kind}, {"layout", layout}});
  }
  const auto found = model->find_data(usual_places());
  report.text += found.empty() ? "\nfound: none in /usr/share/datasets, /usr/local/share/datasets and the cache" : "\nfound:";
  for (const FoundData& data : found) {
    report.text += "\n  " + data.path.string() + "  (" + data.kind + ")";
    report.figures["found"].push_back({{"kind", data.kind}, {"path", data.path.string()}});
  }
  return report;
}

Json part_json(const DataSummary::Part& part) {
  Json json = {{"images", part.images}, {"per_class", part.per_class}, {"digest", to_hex(part.digest)}};
  const auto present = [](std::uint64_t count) { return count > 0; };
  const auto first = std::find_if(part.per_class.begin(), part.per_class.end(), present);
  const auto last = std::find_if(part.per_class.rbegin(), part.per_class.rend(), present);
  if (first != part.per_class.end()) json["labels"] = {first - part.per_class.begin(), part.per_class.rend() - last - 1};
  return json;
}

Json summary_json(const DataSummary& data) {
  Json json = {{"kind", data.kind}, {"name", data.name}, {"side", data.side}, {"classes", data.train.per_class.size()}};
  json["class_names"] = data.class_names;
  json["train"] = part_json(data.train);
  json["test"] = part_json(data.test);
  return json;
}

std::string part_text(const std::string& name, const DataSummary::Part& part) {
  const Json labels = part_json(part).value("labels", Json::array({0, 0}));
  return "\n  " + name + std::to_string(part.images) + " images, labels " + labels[0].dump() + " to " + labels[1].dump() +
         ", digest " + to_hex(part.digest).substr(0, 32) + "...";
}

std::string summary_text(const DataSummary& data) {
  const std::string side = std::to_string(data.side);
  std::string text =
      data.kind + ", " + std::to_string(data.train.per_class.size()) + " classes, images of " + side + " x " + side;
  text += part_text("train  ", data.train) + part_text("test   ", data.test) + "\n  label   train    test";
  for (std::size_t i = 0; i < data.train.per_class.size(); ++i) {
    char line[64];
    std::snprintf(line, sizeof line, "\n  %5zu %7llu %7llu", i, static_cast<unsigned long long>(data.train.per_class[i]),
                  static_cast<unsigned long long>(data.test.per_class[i]));
    text += line + (data.class_names.empty() ? std::string() : "  " + data.class_names[i]);
  }
  return text;
}

/// Shows how far decoding is, and stops it on Ctrl-C.
Progress progress_of(ProgressBar& bar) {
  return [&bar](double done, double total, std::string_view detail) {
    bar.update(done, total, detail);
    return !interrupted();
  };
}

Result<Report> check(const CheckOptions& options, Output& output) {
  STEGPASS_TRY(model, load_model_part());
  const auto note = [&](std::string_view line) { output.note(line); };
  auto data = [&] {
    ProgressBar bar("reading");
    return model->check_data(options.path, options.side, progress_of(bar), note);
  }();
  if (!data) return Error(data.error());
  Report report{options.path + ": " + summary_text(*data), {{"path", options.path}}};
  report.figures.update(summary_json(*data));
  return report;
}

Result<Report> import(const ImportOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(model, load_model_part());
  auto data = [&] {
    ProgressBar bar("importing");
    return model->import_data(options.path, options.side, progress_of(bar));
  }();
  if (!data) return Error(data.error());
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was written"};
  STEGPASS_CHECK_OK(write_file(options.out, data->file, {.force = options.force}));
  const auto& [summary, file] = *data;
  Report report;
  report.text = "imported " + options.path + " into " + options.out + ": " + std::to_string(summary.train.images) + " + " +
                std::to_string(summary.test.images) + " images of " + std::to_string(summary.train.per_class.size()) +
                " classes, " + std::to_string(file.size()) + " bytes";
  report.figures = {{"path", options.path}, {"out", options.out}, {"bytes", file.size()}};
  report.figures.update(summary_json(summary));
  return report;
}

int run_list(const ListOptions& options, Output& output) { return finish(output, list(options)); }
int run_check(const CheckOptions& options, Output& output) {
  return finish(output, check(options, output), "stegpass data list shows which kinds are read");
}
int run_import(const ImportOptions& options, Output& output) {
  return finish(output, import(options), "stegpass data check PATH shows what lies there");
}

/// Multiples of 32 from 32 to 512.
CLI::Validator image_side() {
  return {[](const std::string& text) {
            const bool number = !text.empty() && text.size() < 4 && text.find_first_not_of("0123456789") == std::string::npos;
            const int side = number ? std::stoi(text) : 0;
            return side >= 32 && side <= 512 && side % 32 == 0 ? std::string()
                                                               : "side " + text + ", a multiple of 32 up to 512 expected";
          },
          "SIDE"};
}

void setup_check(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = group.add_subcommand("check", "Load a data set whole, and say its kind, sizes, images a class and digests");
  command->add_option("path", options->path, "Folder, data file, or 'drawn'")->required();
  command
      ->add_option("--side", options->side,
                   "Side in pixels, a multiple of 32 from 32 to 512; default: what lies there, 32 for pictures")
      ->check(image_side());
  command->footer("Example: stegpass data check /usr/share/datasets/fashion-mnist");
  bind_command(commands, *command, options, run_check);
}

void setup_import(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command =
      group.add_subcommand("import", "Decode a data set once, into one file that loads at once and takes its place");
  command->add_option("path", options->path, "Folder, data file, or 'drawn'")->required();
  command->add_option("--out", options->out, "Data file (.safetensors)")->required();
  command->add_option("--side", options->side, "Side in pixels, a multiple of 32 from 32 to 512")
      ->check(image_side())
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass data import caltech-101 --side 32 --out caltech-101.safetensors");
  bind_command(commands, *command, options, run_import);
}

}  // namespace

void setup_data(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("data", "Data sets to train on, and pictures for trials");
  group->require_subcommand(1);
  CLI::App* list = group->add_subcommand("list", "Which kinds of data are read, and which data sets are found here");
  list->footer("Example: stegpass data list");
  bind_command(commands, *list, std::make_shared<ListOptions>(), run_list);
  setup_check(commands, *group);
  setup_import(commands, *group);
  setup_data_draw(commands, *group);
}

}  // namespace stegpass::cli
