#include "data.hpp"

#include <filesystem>
#include <optional>

#include "files.hpp"
#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct DrawOptions {
  std::string kind = "scene", out, caption;
  std::uint64_t seed = 1;
  std::uint32_t size = 256;
  std::optional<std::uint32_t> count;
  bool force = false;
};

/// One file, or a folder of numbered ones with --count.
std::vector<fs::path> outputs_of(const DrawOptions& options) {
  if (!options.count) return {options.out};
  std::vector<fs::path> paths;
  for (std::uint32_t i = 1; i <= *options.count; ++i) {
    const std::string digits = std::to_string(i);
    paths.push_back(fs::path(options.out) /
                    (options.kind + "-" + std::string(4 - std::min<std::size_t>(4, digits.size()), '0') + digits + ".png"));
  }
  return paths;
}

Result<Report> draw(const DrawOptions& options) {
  const auto paths = outputs_of(options);
  for (const fs::path& path : paths) {
    STEGPASS_CHECK_OK(options.count ? check_output_in(options.out, path.filename().string(), options.force)
                                    : check_output(path, options.force));
  }
  STEGPASS_TRY(model, load_model_part());
  if (options.count) STEGPASS_CHECK_OK(make_folder(options.out));
  ProgressBar bar("drawing");
  for (std::size_t i = 0; i < paths.size(); ++i) {
    if (interrupted()) return Error{Errc::interrupted, "stopped after " + std::to_string(i) + " pictures"};
    STEGPASS_TRY(picture, model->draw(options.kind, options.seed + i, options.size, options.caption));
    STEGPASS_CHECK_OK(write_file(paths[i], picture, {.force = options.force}));
    bar.update(static_cast<double>(i + 1), static_cast<double>(paths.size()));
  }
  Report report;
  report.text = "drew " + (paths.size() == 1 ? paths[0].string() : std::to_string(paths.size()) + " pictures in " + options.out);
  report.figures = {{"kind", options.kind}, {"seed", options.seed}, {"size", options.size}, {"pictures", Json::array()}};
  for (const fs::path& path : paths) report.figures["pictures"].push_back(path.string());
  return report;
}

int run(const DrawOptions& options, Output& output) { return finish(output, draw(options)); }

}  // namespace

void setup_data_draw(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<DrawOptions>();
  CLI::App* command =
      group.add_subcommand("draw", "Draw pictures: scenes for passports, portraits for identities; the same for the same seed");
  command->add_option("--kind", options->kind, "scene or portrait")
      ->check(CLI::IsMember({"scene", "portrait"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "PNG file, or a folder with --count")->required();
  command->add_option("--seed", options->seed, "Seed of the first picture")->capture_default_str();
  command->add_option("--size", options->size, "Side in pixels")->check(CLI::Range(64, 4096))->capture_default_str();
  command->add_option("--caption", options->caption, "Text in the picture");
  command->add_option("--count", options->count, "So many pictures, into the folder --out")->check(CLI::Range(1, 100000));
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass data draw --kind portrait --caption \"Ada Example\" --out ada.png");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
