#include <algorithm>
#include <cmath>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "attack_card.hpp"
#include "attack_network.hpp"
#include "files.hpp"
#include "plot.hpp"
#include "training_record.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

/// What an attacker must keep of the accuracy for a point to count.
constexpr double kKept = 0.95;

struct CardOptions {
  AttackSubject subject;
  std::string data, out, profile = "quick", device = "cpu", precision = "auto";
  std::uint64_t seed = 1;
  bool resume = false, force = false;
};

AttackRequest line_of(const char* name, const char* variant, std::uint64_t epochs = 0, double rate = 1e-3,
                      std::uint64_t count = 1) {
  AttackRequest request;
  request.name = name;
  request.variant = variant;
  request.epochs = epochs;
  request.rate = rate;
  request.count = count;
  return request;
}

AttackRequest with_strengths(AttackRequest request, std::vector<double> strengths) {
  request.strengths = std::move(strengths);
  return request;
}

AttackRequest with_sign_weight(AttackRequest request, double weight) {
  request.sign_weight = weight;
  return request;
}

/// A few lines in seconds, to see what a card is.
std::vector<AttackRequest> trial_lines() {
  std::vector<AttackRequest> lines = {with_strengths(line_of("prune", "l1"), {0.5}), line_of("fold", ""),
                                      line_of("finetune", "ftal", 1), line_of("sign-flip", ""),
                                      line_of("search", "hash", 0, 1e-3, 20)};
  for (AttackRequest& line : lines) line.train_images = line.test_images = 64;
  return lines;
}

/// `quick` fits in fifteen minutes of two cores on AlexNet; `full` has the papers' lengths, for an accelerator.
std::vector<AttackRequest> card_lines(bool quick) {
  const auto some = [&](std::uint64_t few, std::uint64_t many) { return quick ? few : many; };
  std::vector<AttackRequest> lines = {
      quick ? with_strengths(line_of("prune", "l1"), {0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1}) : line_of("prune", "l1"),
      quick ? with_strengths(line_of("prune", "structured"), {0.1, 0.3, 0.5}) : line_of("prune", "structured"),
      line_of("quantise", "channel"),
      line_of("quantise", "tensor"),
      line_of("noise", ""),
      line_of("permute", "sign"),
      line_of("fold", ""),
      line_of("finetune", "ftal", some(2, 100)),
      line_of("finetune", "rtal", some(2, 100)),
      with_sign_weight(line_of("overwrite", "", some(1, 6), 1e-2, some(3, 20)), 1),
      line_of("frame", "", some(1, 6), 1e-2),
      line_of("informed", "passports", some(2, 20), 1e-2, some(16, 100)),
      with_strengths(line_of("informed", "subspace", some(1, 20), 1e-2, some(8, 100)),
                     quick ? std::vector<double>{0.05, 0.25} : std::vector<double>{0.05, 0.1, 0.25, 0.5}),
      line_of("insider", "seed", some(1, 20)),
      line_of("insider", "picture", some(1, 20)),
      line_of("distill", "", some(2, 100), 1e-2),
      line_of("sign-flip", "", 0, 1e-3, 3),
      line_of("fake1", "", 0, 1e-3, some(3, 20)),
      line_of("fake2", "", some(2, 20), 0.05),
      line_of("fake3", "", some(2, 20), 1e-2),
      line_of("erb", "cerb", some(10, 100), quick ? 1e-2 : 1e-4),
      line_of("erb", "ierb", some(10, 100), quick ? 1e-2 : 1e-4),
      line_of("search", "signs", 0, 1e-3, some(20, 400)),
      line_of("search", "hash", 0, 1e-3, some(2000, 100000)),
  };
  for (AttackRequest& line : lines) {
    line.train_images = some(2048, 0);
    line.test_images = some(500, 0);
    line.verification = line.name == "fake1";
    if (line.name == "erb") line.data_share = 0.1;
  }
  return lines;
}

Json line_json(std::size_t number, const AttackRecord& record) {
  return {{"line", number},
          {"attack", record.attack},
          {"settings", record.settings},
          {"curve", record.curve},
          {"details", record.details},
          {"cost", {{"steps", record.steps}, {"images", record.images}, {"seconds", record.seconds}}},
          {"cover_log10_p", kept_log10_p(record.curve, CardMark::cover)},
          {"reserve_log10_p", kept_log10_p(record.curve, CardMark::reserve)}};
}

std::string plot_name(std::size_t number, const std::string& attack) {
  const std::string digits = std::to_string(number);
  return (digits.size() < 2 ? "0" : "") + digits + "-" + attack + ".png";
}

std::string number_or_dash(const Json& value, int decimals) {
  return value.is_number() ? with_decimals(value.get<double>(), decimals) : "-";
}

std::string accuracies(const Json& curve) {
  const Json& last = curve.back();
  const Json none;
  const Json& after = last.contains("accuracy_deployment")     ? last["accuracy_deployment"]
                      : last.contains("accuracy_verification") ? last["accuracy_verification"]
                                                               : none;
  return number_or_dash(curve[0].value("accuracy_deployment", none), 3) + "</td><td>" + number_or_dash(after, 3);
}

/// One page: names and numbers of our own alone, so nothing has to be escaped.
std::string card_page(const Json& card) {
  std::string page =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Resilience card</title><style>body{font:15px "
      "sans-serif;max-width:70em;margin:2em auto}"
      "td,th{padding:.2em .7em;text-align:left;border-bottom:1px solid #ccc}img{max-width:100%}</style><h1>Resilience "
      "card</h1><p>Scheme " +
      card["mark"]["scheme"].get<std::string>() + ", pooling " + card["mark"]["pooling"].get<std::string>() + ", signature " +
      card["mark"]["signature"].get<std::string>() + ", " + card["mark"]["bits"].dump() + " bits; release model SHA-256 " +
      card["models"]["model"].get<std::string>() + "; profile " + card["profile"].get<std::string>() +
      ".</p><p>Marks: the largest log10 p of the cover, and of the best reserve, over all points at which the attacker keeps 95 "
      "% of the accuracy; "
      "0 says that the mark is gone, - that no such point was reached. Marks of the attacker's own are in the JSON.</p>"
      "<table><tr><th>line<th>attack<th>accuracy before<th>last accuracy<th>cover log10 p<th>reserve log10 "
      "p<th>steps<th>images<th>seconds</tr>";
  for (const Json& line : card["lines"]) {
    const std::string variant = line["settings"].value("variant", "");
    page += "<tr><td>" + line["line"].dump() + "</td><td>" + line["attack"].get<std::string>() +
            (variant.empty() ? "" : " " + variant) + "</td><td>" + accuracies(line["curve"]) + "</td><td>" +
            number_or_dash(line["cover_log10_p"], 1) + "</td><td>" + number_or_dash(line["reserve_log10_p"], 1) + "</td><td>" +
            line["cost"]["steps"].dump() + "</td><td>" + line["cost"]["images"].dump() + "</td><td>" +
            with_decimals(line["cost"]["seconds"], 1) + "</td></tr>";
  }
  page += "</table>";
  for (const Json& line : card["lines"]) {
    if (line.value("plot", "").empty()) continue;
    page += "<h2>" + line["line"].dump() + " " + line["attack"].get<std::string>() + "</h2><img alt=\"\" src=\"" +
            line["plot"].get<std::string>() + "\">";
  }
  return page + "</html>\n";
}

std::string card_text(const Json& card) {
  std::string text = "resilience card, profile " + card["profile"].get<std::string>() +
                     "\n  line  attack                 cover  reserve   log10 p where 95 % of the accuracy is kept";
  for (const Json& line : card["lines"]) {
    const std::string variant = line["settings"].value("variant", "");
    std::string name = line["attack"].get<std::string>() + (variant.empty() ? "" : " " + variant), number = line["line"].dump();
    name.resize(std::max<std::size_t>(name.size(), 20), ' ');
    number.resize(std::max<std::size_t>(number.size(), 4), ' ');
    text += "\n  " + number + "  " + name + " " + number_or_dash(line["cover_log10_p"], 1) + "  " +
            number_or_dash(line["reserve_log10_p"], 1);
  }
  return text;
}

/// All that a line of another card can differ in, beside the models.
Json asked_for(const AttackRequest& request) {
  Json out = {{"data", request.data}, {"device", request.device}};
  for_each_setting(request, [&](const char* name, const auto& value) { out[name] = value; });
  return out;
}

/// A line that an earlier run of the same card left.
Result<Json> kept_line(const fs::path& path, const Json& models, const Json& asked) {
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "a line of a card"));
  Json line = Json::parse(file.begin(), file.end(), nullptr, false);
  const bool ours =
      line.is_object() && line.contains("line") && line.value("models", Json()) == models && line.value("asked", Json()) == asked;
  if (!ours)
    return Error{Errc::refused,
                 path.string() + " is a line of another card: other models, data or settings (begin in another folder)"};
  return line;
}

Result<Json> make_line(const CardOptions& options, AttackRequest& base, const AttackRequest& line, std::size_t number,
                       const Json& models) {
  AttackRequest request = line;
  request.model = base.model;
  request.owner_model = base.owner_model;
  request.mark = base.mark;
  request.passports = base.passports;
  request.data = options.data;
  request.device = options.device;
  request.precision = options.precision;
  request.seed = options.seed;
  const fs::path kept = fs::path(options.out) / ("line-" + std::to_string(number) + ".json");
  std::error_code ignored;
  if (options.resume && fs::exists(kept, ignored)) return kept_line(kept, models, asked_for(request));
  auto record = run_network_attack(request);
  if (!record && record.error().code == Errc::unsupported) {  // such as folding where there is no batch norm
    AttackRecord none;
    none.attack = request.name;
    none.settings = {{"variant", request.variant}};
    none.curve = Json::array({Json::object()});
    none.details = {{"unsupported", record.error().detail}};
    record = none;
  }
  if (!record) return Error(record.error());
  Json json = line_json(number, *record);
  if (const auto picture = draw_plot(attack_plot(attack_json(*record)))) {  // no gnuplot, no plot
    const std::string name = plot_name(number, record->attack);
    STEGPASS_CHECK_OK(write_file(fs::path(options.out) / name, *picture, {.force = true}));
    json["plot"] = name;
  }
  json["models"] = models;
  json["asked"] = asked_for(request);
  STEGPASS_CHECK_OK(write_file(kept, as_bytes(json.dump() + "\n"), {.force = true}));
  return json;
}

Result<Report> make_card(const CardOptions& options) {
  const fs::path out = options.out;
  STEGPASS_CHECK_OK(check_output_in(out, "card.json", options.force));
  STEGPASS_CHECK_OK(check_output_in(out, "card.html", options.force));
  AttackRequest base;
  Json models = Json::object(), lines = Json::array();
  STEGPASS_CHECK_OK(open_subject(options.subject, base, models));
  if (base.owner_model.empty()) return Error{Errc::usage, "a card needs both branches: name the folder with --models"};
  STEGPASS_CHECK_OK(make_folder(out));
  const auto wanted = options.profile == "trial" ? trial_lines() : card_lines(options.profile == "quick");
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    STEGPASS_TRY(line, make_line(options, base, wanted[i], i + 1, models));
    line.erase("models");
    line.erase("asked");
    lines.push_back(line);
  }
  const Json card = {{"format", kCardFormat},
                     {"profile", options.profile},
                     {"mark", mark_to_json(base.mark)},
                     {"models", models},
                     {"lines", lines}};
  const std::string body = card.dump(1) + "\n", page = card_page(card);
  STEGPASS_CHECK_OK(write_file(out / "card.html", as_bytes(page), {.force = options.force}));
  STEGPASS_CHECK_OK(write_file(out / "card.json", as_bytes(body), {.force = options.force}));
  std::error_code ignored;
  for (std::size_t i = 1; i <= wanted.size(); ++i) fs::remove(out / ("line-" + std::to_string(i) + ".json"), ignored);
  const std::string digest = to_hex(credential::fast_sha256(as_bytes(body)));
  Json figures = card;
  figures["card_sha256"] = digest;
  return Report{card_text(card) + "\n  " + (out / "card.html").string() + "\n  SHA-256 " + digest + " (model register --card " +
                    (out / "card.json").string() + ")",
                figures};
}

int run_card(const CardOptions& options, Output& output) { return finish(output, make_card(options)); }

}  // namespace

Json kept_log10_p(const Json& curve, CardMark wanted) {
  const double bar = curve.empty() ? 0 : kKept * curve[0].value("accuracy_deployment", 0.0);
  Json worst;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    const bool undone = i + 1 < curve.size() && curve[i + 1].value("aligned", false);
    if (undone || curve[i].value("accuracy_deployment", 0.0) < bar) continue;
    Json best;  // of several reserves one is enough
    for (const Json& mark : curve[i].value("marks", Json::array())) {
      const std::string role = mark.value("role", "");
      const bool counts = mark.value("reading", "") == "strict" &&
                          (wanted == CardMark::reserve ? role.rfind("reserve", 0) == 0 : role == "cover");
      if (counts && mark["log10_p"].is_number() && (best.is_null() || mark["log10_p"] < best)) best = mark["log10_p"];
    }
    if (!best.is_null() && (worst.is_null() || best > worst)) worst = best;
  }
  return worst;
}

void setup_attack_card(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<CardOptions>();
  CLI::App* card = group.add_subcommand("card", "Run a stated set of attacks and write one page: the resilience card");
  add_attack_models(*card, options->subject)->required();
  card->add_option("--data", options->data, "The attackers' data set, or 'drawn'")->required();
  card->add_option("--out", options->out, "Folder for card.json, card.html and plots")->required();
  card->add_option("--profile", options->profile,
                   "trial (a few lines in seconds), quick (minutes on two cores) or full (the papers' lengths)")
      ->check(CLI::IsMember({"trial", "quick", "full"}))
      ->capture_default_str();
  card->add_option("--seed", options->seed, "Seed of every line")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40))
      ->capture_default_str();
  add_device(*card, options->device, options->precision);
  auto* resume = card->add_flag("--resume", options->resume, "Keep the lines that an earlier run of the same card finished");
  card->add_flag("--force", options->force, "Replace what is there")->excludes(resume);
  card->footer("Example: stegpass attack card --home studio --models trained --data drawn --out card");
  bind_command(commands, *card, options, run_card);
}

}  // namespace stegpass::cli
