#include <algorithm>
#include <cmath>
#include <map>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "command.hpp"
#include "files.hpp"
#include "model_part.hpp"
#include "plot.hpp"
#include "training_record.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct RandomOptions {
  std::string model, record, plot;
  std::uint64_t pictures = 500, seeds = 20, seed = 1;
  bool force = false;
};

/// gnuplot's script: how many passports matched how many bits, and what the binomial expects.
std::string histogram(const SurveyResult& survey) {
  std::map<int, int> counts;
  for (const int matches : survey.matches) ++counts[matches];
  std::string script =
      "set terminal pngcairo size 800,480 font 'sans,10'\nset grid\nset xlabel 'bits that match'\nset ylabel 'wrong "
      "passports'\n$seen << EOD\n";
  for (const auto& [matches, count] : counts) script += std::to_string(matches) + " " + std::to_string(count) + "\n";
  const double n = static_cast<double>(survey.bits), passports = static_cast<double>(survey.matches.size());
  script += "EOD\n$expected << EOD\n";
  for (int k = counts.begin()->first; k <= counts.rbegin()->first; ++k) {
    const double log_chance = std::lgamma(n + 1) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1) - n * std::log(2.0);
    script += std::to_string(k) + " " + std::to_string(passports * std::exp(log_chance)) + "\n";
  }
  return script + "EOD\nplot $seen with impulses lw 2 title 'seen', $expected with lines lw 2 title 'binomial, one half'\n";
}

Report report_of(const RandomOptions& options, ByteView model, const SurveyResult& survey) {
  const auto [least, most] = std::minmax_element(survey.matches.begin(), survey.matches.end());
  Report report;
  report.text = std::to_string(survey.matches.size()) + " wrong passports on " + options.model + "\n  match       " +
                with_decimals(survey.mean_match, 5) + " on average, " + std::to_string(*least) + " to " + std::to_string(*most) +
                " of " + std::to_string(survey.bits) + " bits\n  chi-square  " + with_decimals(survey.chi_square, 1) + " over " +
                std::to_string(survey.degrees_of_freedom) + " degrees of freedom, p " + with_decimals(survey.p_value, 4) +
                "\n  any one     p " + with_decimals(survey.smallest_p, 4) + " (Bonferroni)\n  " +
                (survey.binomial ? "as the exact binomial has it, at the level 0.001"
                                 : "NOT binomial at the level 0.001: the figures of marks on this model are not to be trusted");
  report.figures = {{"model", options.model},
                    {"model_sha256", to_hex(credential::fast_sha256(model))},
                    {"pictures", options.pictures},
                    {"seeds", options.seeds},
                    {"seed", options.seed},
                    {"bits", survey.bits},
                    {"mean_match", survey.mean_match},
                    {"least", *least},
                    {"most", *most},
                    {"chi_square", survey.chi_square},
                    {"degrees_of_freedom", survey.degrees_of_freedom},
                    {"p_value", survey.p_value},
                    {"smallest_p", survey.smallest_p},
                    {"binomial", survey.binomial},
                    {"matches", survey.matches}};
  return report;
}

Result<Report> attack_random(const RandomOptions& options) {
  if (!options.plot.empty()) STEGPASS_CHECK_OK(check_output(options.plot, options.force));
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  SurveyRequest request{.architecture = {}, .pictures = options.pictures, .seeds = options.seeds, .seed = options.seed};
  if (!options.record.empty()) {
    STEGPASS_TRY(record, read_training_record(options.record));
    if (record.mark.pooling != "whitened")
      return Error{Errc::unsupported, "under mean pooling every mark seed reads the same signs; there is nothing to draw"};
    request.architecture = record.mark.architecture;
  }
  STEGPASS_TRY(part, load_model_part());
  auto survey = [&] {
    ProgressBar bar("trying");
    return part->survey(file, request, [&](double done, double total, std::string_view detail) {
      bar.update(done, total, detail);
      return !interrupted();
    });
  }();
  if (!survey) return about(options.model, survey.error());
  Report report = report_of(options, file, *survey);
  if (options.plot.empty()) return report;
  STEGPASS_TRY(picture, draw_plot(histogram(*survey)));
  STEGPASS_CHECK_OK(write_file(options.plot, picture, {.force = options.force}));
  report.text += "\n  plot        " + options.plot;
  report.figures["plot"] = options.plot;
  return report;
}

int run_random(const RandomOptions& options, Output& output) { return finish(output, attack_random(options)); }

}  // namespace

void setup_attack(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("attack", "Attack one's own models, to know what their marks bear");
  group->require_subcommand(1);
  auto options = std::make_shared<RandomOptions>();
  CLI::App* command = group->add_subcommand("random", "Read wrong passports, and hold their matches against the exact binomial");
  command->add_option("--model", options->model, "The model (safetensors)")->required();
  command->add_option("--record", options->record, "training.json that names the architecture, where the model does not");
  command->add_option("--pictures", options->pictures, "Passport pictures, drawn by the seed")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--seeds", options->seeds, "Mark seeds tried with each picture")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of pictures and mark seeds")->capture_default_str();
  command->add_option("--plot", options->plot, "Histogram beside the binomial (PNG)");
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass attack random --model trained/release.safetensors --plot random.png --json");
  bind_command(commands, *command, options, run_random);
  setup_attack_network(commands, *group);
  setup_attack_card(commands, *group);
  setup_attack_rerun(commands, *group);
  setup_attack_isn(commands, *group);
}

}  // namespace stegpass::cli
