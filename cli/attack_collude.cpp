#include <algorithm>
#include <chrono>
#include <map>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "attack_isn.hpp"
#include "files.hpp"
#include "training_record.hpp"

namespace stegpass::cli {
namespace {

struct ColludeOptions {
  HomeOptions home;
  AttackFiles files;
  std::string models, isn;
  std::uint64_t licensees = 100, simulate = 64, seed = 1;
  std::uint32_t size = 256;
};

/// 2, 5, 10, 20, 50 ... up to the most, which is there whatever it is.
std::vector<std::uint64_t> counts_to(std::uint64_t most) {
  std::vector<std::uint64_t> out;
  for (std::uint64_t decade = 1; decade <= most; decade *= 10) {
    for (const std::uint64_t digit : {1, 2, 5}) {
      if (digit * decade >= 2 && digit * decade < most) out.push_back(digit * decade);
    }
  }
  out.push_back(most);
  return out;
}

/// The cover that licensees share, and the seed and network to read what they recover.
struct Shared {
  OpenPassport cover;
  std::optional<TrainingRecord> record;
  Bytes model;
};

Result<Shared> read_home(const ColludeOptions& options) {
  STEGPASS_TRY(home, open_home(options.home));
  STEGPASS_TRY(passports, open_passports(home.vault));
  Shared out{.cover = std::move(passports.front()), .record = {}, .model = {}};
  if (options.models.empty()) return out;
  const ModelFolder models{options.models};
  STEGPASS_TRY(record, read_training_record(models.record()));
  STEGPASS_TRY(model, read_file(models.release_model(), kMaxModelFile, "a model (safetensors)"));
  out.record = std::move(record);
  out.model = std::move(model);
  return out;
}

Result<Shared> draw_cover(const ColludeOptions& options, ModelPart& part) {
  if (options.size % 2 != 0) return Error{Errc::usage, "--size is " + std::to_string(options.size) + ", an even number expected"};
  STEGPASS_TRY(scale, part.draw("scene", 10 * options.seed, options.size, ""));
  STEGPASS_TRY(bias, part.draw("scene", 10 * options.seed + 1, options.size, ""));
  STEGPASS_TRY(cover, part.compose_passport(scale, bias, options.size));
  return Shared{.cover = {"cover", cover.picture, {}}, .record = {}, .model = {}};
}

Json collusion_point(const CollusionPoint& at) {
  return {{"strength", at.licensees},
          {"method", at.method},
          {"exact_pixels", at.exact_pixels},
          {"exact_values", at.exact_values},
          {"psnr_db", at.psnr_db},
          {"largest_error", at.largest_error},
          {"cover_digest", at.same_digest},
          {"identities_left", at.identities_left},
          {"identities_tried", at.identities_tried}};
}

std::string collusion_plot(const CollusionResult& result) {
  std::map<std::string, std::string> points;
  for (const CollusionPoint& at : result.curve)
    points[at.method] += std::to_string(at.licensees) + " " + std::to_string(100 * at.exact_pixels) + "\n";
  std::vector<PlotLine> lines;
  for (const auto& [method, text] : points) lines.push_back({method, text});
  return lines_plot("cover pixels that come back exactly", "licensees", "% of pixels", lines, true);
}

/// Each recovered cover read with the cover's seed, as `user.consistent` reads a user passport: it says no more than that it goes
/// with the model.
Result<Json> read_recovered(ModelPart& part, const Shared& shared, const CollusionResult& result) {
  Json out = Json::array();
  if (!shared.record) return out;
  for (const auto& [method, picture] : result.recovered) {
    STEGPASS_TRY(reading, part.read_mark(shared.model, shared.record->mark, {method, picture, shared.cover.seed}));
    out.push_back({{"method", method}, {"bits", reading.bits}, {"matches", reading.matches}});
  }
  return out;
}

std::string collusion_text(const CollusionResult& result, const Json& readings) {
  std::string text = "attack collude";
  for (const CollusionPoint& at : result.curve) {
    text += "\n  " + std::to_string(at.licensees) + " licensees, " + at.method + "  " + with_decimals(100 * at.exact_pixels, 2) +
            " % of pixels exact, " + with_decimals(at.psnr_db, 1) + " dB, largest error " + std::to_string(at.largest_error) +
            (at.same_digest ? ", THE COVER'S DIGEST" : "") + "; identities left " + std::to_string(at.identities_left) + " of " +
            std::to_string(at.identities_tried);
  }
  for (const Json& one : readings) {
    text += "\n  " + one["method"].get<std::string>() + " read with the cover's seed  " + one["matches"].dump() + " of " +
            one["bits"].dump() + " bits (no chance is given)";
  }
  const bool found =
      std::any_of(result.curve.begin(), result.curve.end(), [](const CollusionPoint& at) { return at.same_digest; });
  return text + (found ? "\n  the cover came back whole; its mark seed still takes the 32-byte salt"
                       : "\n  the cover never came back whole, so neither its digest nor its mark seed did");
}

Result<Report> collude(const ColludeOptions& options) {
  STEGPASS_CHECK_OK(check_attack_files(options.files));
  if (!options.models.empty() && options.home.home.empty())
    return Error{Errc::usage, "--models needs --home, whose vault has the cover and its seed"};
  STEGPASS_TRY(part, load_model_part());
  STEGPASS_TRY(weights, load_isn_weights(options.isn));
  STEGPASS_TRY(shared, options.home.home.empty() ? draw_cover(options, *part) : read_home(options));
  const auto started = std::chrono::steady_clock::now();
  const CollusionRequest request{.cover = shared.cover.picture,
                                 .isn_weights = weights,
                                 .counts = counts_to(options.licensees),
                                 .simulated = options.simulate,
                                 .seed = options.seed};
  auto result = [&] {
    ProgressBar bar("minting");
    return part->collude(request, [&](double done, double total, std::string_view detail) {
      bar.update(done, total, detail);
      return !interrupted();
    });
  }();
  if (!result) return Error(result.error());
  AttackRecord record;
  record.attack = "collude";
  record.mark = {{"isn", "user passports"}};
  record.settings = {{"seed", options.seed},
                     {"licensees", options.licensees},
                     {"simulated", options.simulate},
                     {"cover", options.home.home.empty() ? "drawn" : "vault"}};
  if (options.home.home.empty()) record.settings["size"] = options.size;
  record.models["isn"] = to_hex(credential::fast_sha256(weights));
  if (shared.record) {
    record.mark = mark_to_json(shared.record->mark);
    record.models["model"] = to_hex(credential::fast_sha256(shared.model));
    record.passports = {"cover"};
  }
  for (const CollusionPoint& at : result->curve) record.curve.push_back(collusion_point(at));
  STEGPASS_TRY(readings, read_recovered(*part, shared, *result));
  record.details = {{"readings", readings}};
  record.images = options.licensees + options.simulate;
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return finish_isn_attack(record, options.files, collusion_plot(*result), collusion_text(*result, readings));
}

int run(const ColludeOptions& options, Output& output) { return finish(output, collude(options)); }

}  // namespace

void setup_attack_collude(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ColludeOptions>();
  options->home.home.clear();
  CLI::App* command = group.add_subcommand("collude", "Put the user passports of many licensees together, to get the cover back");
  add_home_options(*command, options->home);
  command->add_option("--models", options->models,
                      "Folder that passport train made: reads the recovered covers with the cover's seed");
  command->add_option("--licensees", options->licensees, "Most licensees; smaller collusions are points of the curve")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  command
      ->add_option("--simulate", options->simulate,
                   "Mints of their own by which they learn what the network adds on average; 0: they do not")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  command->add_option("--isn", options->isn, "ISN weights; default: those that come with stegpass");
  command->add_option("--size", options->size, "Side of the drawn cover in pixels, where no home is given")
      ->check(CLI::Range(128, 1024))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of all that is drawn")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40))
      ->capture_default_str();
  add_record_files(*command, options->files, "Cover pixels that come back, by the number of licensees (PNG)");
  command->footer("Example: stegpass attack collude --licensees 100 --out collude.json --plot collude.png");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
