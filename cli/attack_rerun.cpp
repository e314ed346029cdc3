#include <algorithm>
#include <cmath>

#include "attack_card.hpp"
#include "attack_network.hpp"
#include "files.hpp"

namespace stegpass::cli {
namespace {

constexpr std::int64_t kMostBits = 1'000'000;

struct RerunOptions {
  AttackSubject subject;
  std::string card, data;
  std::uint64_t line = 0;
  std::string device = "cpu";
};

/// Back from `settings` of a record to what was asked for.
Result<AttackRequest> request_from(const Json& settings) {
  AttackRequest out;
  try {
    for_each_setting(out, [&](const char* name, auto& value) { settings.at(name).get_to(value); });
  } catch (const Json::exception&) {
    return Error{Errc::malformed, "the card's line has no complete settings"};
  }
  return out;
}

bool same_fields(const Json& a, const Json& b, const std::vector<const char*>& names) {
  return std::all_of(names.begin(), names.end(),
                     [&](const char* name) { return a.value(name, Json()) == b.value(name, Json()); });
}

/// Largest differences of two curves' accuracies and shares of bits; 1 where their points do not pair up.
double curve_difference(const Json& a, const Json& b) {
  if (a.size() != b.size()) return 1;
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!same_fields(a[i], b[i], {"strength", "step", "aligned", "steps", "images"})) return 1;
    for (const char* name : {"accuracy_deployment", "accuracy_verification"}) {
      if (a[i].contains(name) != b[i].contains(name)) return 1;
      if (a[i].contains(name)) most = std::max(most, std::abs(a[i].value(name, 0.0) - b[i].value(name, 0.0)));
    }
    const Json none = Json::array(), x = a[i].value("marks", none), y = b[i].value("marks", none);
    if (x.size() != y.size()) return 1;
    for (std::size_t m = 0; m < x.size(); ++m) {
      if (!same_fields(x[m], y[m], {"role", "reading", "bits"})) return 1;
      most = std::max(most,
                      std::abs(x[m].value("matches", 0.0) - y[m].value("matches", 0.0)) / std::max(x[m].value("bits", 1.0), 1.0));
    }
  }
  return most;
}

/// Whether every log10 p of a line is that of its bits and matches, and its headlines those of its curve.
bool figures_follow(ModelPart& part, const Json& line) {
  const Json& curve = line.at("curve");
  for (const Json& point : curve) {
    for (const Json& mark : point.value("marks", Json::array())) {
      const auto bits = mark.at("bits").get<std::int64_t>(), matches = mark.at("matches").get<std::int64_t>();
      if (matches < 0 || matches > bits || bits > kMostBits) return false;
      const double chance = part.log10_chance(static_cast<int>(bits), static_cast<int>(matches));
      if (std::abs(chance - mark.at("log10_p").get<double>()) > 1e-6 * std::max(1.0, std::abs(chance))) return false;
    }
  }
  return line.at("cover_log10_p") == kept_log10_p(curve, CardMark::cover) &&
         line.at("reserve_log10_p") == kept_log10_p(curve, CardMark::reserve);
}

struct Rerun {
  Verdict verdict;
  Json figures = Json::object();
};

/// Other numbers of threads, processors and libraries round otherwise, and training carries that on.
constexpr double kRounding = 0.03;

Result<Rerun> rerun(const RerunOptions& options) {
  STEGPASS_TRY(file, read_file(options.card, kMaxPictureFile, "a resilience card (card.json)"));
  const Json card = Json::parse(file.begin(), file.end(), nullptr, false);
  if (!card.is_object() || card.value("format", "") != kCardFormat || !card.contains("lines") || !card["lines"].is_array()) {
    return Error{Errc::malformed, options.card + ": no resilience card"};
  }
  if (options.line < 1 || options.line > card["lines"].size())
    return Error{Errc::usage, "the card has lines 1 to " + std::to_string(card["lines"].size())};
  const Json& line = card["lines"][options.line - 1];
  if (!line.is_object() || !line.contains("settings") || !line["settings"].is_object())
    return Error{Errc::malformed, options.card + ": a line without settings"};
  STEGPASS_TRY(request, request_from(line["settings"]));
  Json models = Json::object();
  STEGPASS_CHECK_OK(open_subject(options.subject, request, models));
  request.data = options.data;
  request.device = options.device;
  Rerun out;
  out.verdict.add("card.models", models == card.value("models", Json()) ? Outcome::valid : Outcome::invalid,
                  "the models' digests are those of the card");
  STEGPASS_TRY(part, load_model_part());
  out.verdict.add("card.figures", figures_follow(*part, line) ? Outcome::valid : Outcome::invalid,
                  "chances follow from bits and matches, headlines from the curve");
  STEGPASS_TRY(record, run_network_attack(request));
  const bool same_data = record.settings == line["settings"];
  out.verdict.add("card.settings", same_data ? Outcome::valid : Outcome::invalid,
                  "settings and data digests are those of line " + std::to_string(options.line));
  const bool same = record.curve == line.value("curve", Json());
  const double difference = curve_difference(record.curve, line.value("curve", Json::array()));
  out.verdict.add("card.line", same || difference <= kRounding ? Outcome::valid : Outcome::invalid,
                  same ? "the same curve, number for number"
                       : "accuracies and shares of bits differ by " + with_decimals(difference, 4) + " at most (bound " +
                             with_decimals(kRounding, 2) + ")");
  out.figures = {{"line", options.line}, {"curve", record.curve}, {"difference", difference}, {"same", same}};
  return out;
}

/// A card comes from anybody, so its fields may be of any type.
Result<Rerun> rerun_card(const RerunOptions& options) {
  try {
    return rerun(options);
  } catch (const Json::exception&) {
    return Error{Errc::malformed, options.card + ": a resilience card with fields of other types"};
  }
}

int run_rerun(const RerunOptions& options, Output& output) {
  const auto done = rerun_card(options);
  return done ? output.judged(done->verdict, 0, done->figures) : output.fail(done.error());
}

}  // namespace

void setup_attack_rerun(Commands& commands, CLI::App& group) {
  auto again = std::make_shared<RerunOptions>();
  CLI::App* command = group.add_subcommand(
      "rerun", "Run one line of a resilience card again, and compare; takes the owner's home, vault and models");
  command->add_option("card", again->card, "card.json")->required();
  command->add_option("line", again->line, "Number of the line")->required();
  add_attack_models(*command, again->subject)->required();
  command->add_option("--data", again->data, "The data set of the card")->required();
  command->add_option("--device", again->device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  command->footer("Example: stegpass attack rerun card/card.json 3 --home studio --models trained --data drawn");
  bind_command(commands, *command, again, run_rerun);
}

}  // namespace stegpass::cli
