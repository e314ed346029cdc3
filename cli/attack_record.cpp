#include "attack_record.hpp"

#include <algorithm>
#include <map>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "plot.hpp"

namespace stegpass::cli {
namespace {

constexpr const char* kAttackFormat = "stegpass.attack.v1";

/// One series of the plot: a passport's mark under one reading.
struct Series {
  std::string match, log10_p;  ///< lines "x y"
};

std::string series_name(const Json& mark) {
  const std::string reading = mark.value("reading", "strict");
  return mark.value("role", "mark") + (reading == "strict" ? "" : " (" + reading + ")");
}

/// Text in gnuplot's single quotes.
std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

std::string block(const std::string& name, const std::string& lines) { return "$" + name + " << EOD\n" + lines + "EOD\n"; }

/// Points by their number: strengths of one curve need not lie on one axis, as words before and after have none.
double place(const Json& point, std::size_t index, bool by_strength) {
  return by_strength ? point["strength"].get<double>() : static_cast<double>(index);
}

bool has_numbers(const Json& curve) {
  std::map<double, int> seen;
  for (const Json& point : curve) {
    if (!point.contains("strength") || !point["strength"].is_number()) return false;
    ++seen[point["strength"].get<double>()];
  }
  return std::all_of(seen.begin(), seen.end(), [](const auto& one) { return one.second <= 2; });
}

std::string percent(double value) { return with_decimals(100 * value, 2) + " %"; }

}  // namespace

void add_attack_files(CLI::App& command, AttackFiles& files, AttackLeaves leaves) {
  command.add_option("--out", files.out, "The attack's record (JSON; schemas/attack.md)")->required();
  command.add_option("--plot", files.plot, "Accuracy kept against mark kept (PNG)");
  auto* force = command.add_flag("--force", files.force, "Replace what is there");
  if (leaves.changes_a_network)
    command.add_option("--save-model", files.save_model, "The network as the attacker leaves it (safetensors)");
  if (!leaves.resumes) return;
  command.add_flag("--resume", files.resume, "Go on from the last epoch of a run that was stopped (OUT.checkpoint)")
      ->excludes(force);
}

Status check_attack_files(const AttackFiles& files) {
  for (const std::string& path : {files.out, files.plot, files.save_model}) {
    if (!path.empty()) STEGPASS_CHECK_OK(check_output(path, files.force));
  }
  std::error_code error;
  const bool left = std::filesystem::exists(files.checkpoint(), error);
  if (left && !files.resume && !files.force)
    return Error{Errc::exists, files.checkpoint().string() + " was left by a run that did not finish (--resume goes on)"};
  if (!left && files.resume)
    return Error{Errc::not_found, files.checkpoint().string() + " is not there, so there is nothing to resume"};
  return Done{};
}

Json attack_json(const AttackRecord& record) {
  Json versions = {{"stegpass", STEGPASS_VERSION}};
  if (const auto part = load_model_part()) versions["model_part"] = (*part)->versions();
  return {{"format", kAttackFormat},
          {"attack", record.attack},
          {"mark", record.mark},
          {"settings", record.settings},
          {"models", record.models},
          {"passports", record.passports},
          {"curve", record.curve},
          {"details", record.details},
          {"cost", {{"steps", record.steps}, {"images", record.images}, {"seconds", record.seconds}}},
          {"versions", versions}};
}

std::string attack_plot(const Json& record) {
  const Json& curve = record["curve"];
  if (curve.size() < 2) return {};
  const bool by_strength = has_numbers(curve);
  std::string deployment, verification;
  std::vector<std::pair<std::string, Series>> marks;
  for (std::size_t i = 0; i < curve.size(); ++i) {
    const std::string x = std::to_string(place(curve[i], i, by_strength)) + " ";
    if (curve[i].contains("accuracy_deployment")) deployment += x + curve[i]["accuracy_deployment"].dump() + "\n";
    if (curve[i].contains("accuracy_verification")) verification += x + curve[i]["accuracy_verification"].dump() + "\n";
    for (const Json& mark : curve[i].value("marks", Json::array())) {
      const std::string name = series_name(mark);
      auto at = std::find_if(marks.begin(), marks.end(), [&](const auto& one) { return one.first == name; });
      if (at == marks.end()) at = marks.insert(marks.end(), {name, {}});
      at->second.match += x + std::to_string(mark.value("matches", 0.0) / std::max(mark.value("bits", 1.0), 1.0)) + "\n";
      at->second.log10_p += x + mark["log10_p"].dump() + "\n";
    }
  }
  std::string script =
      "set terminal pngcairo size 1000,420 font 'sans,10'\nset grid\nset style data linespoints\nset key outside below\n";
  script += "set xlabel '" + std::string(by_strength ? "strength" : "step") + "'\n" + block("deployment", deployment) +
            block("verification", verification);
  std::string match, chance;
  for (std::size_t i = 0; i < marks.size(); ++i) {
    const std::string id = std::to_string(i);
    script += block("match" + id, marks[i].second.match) + block("chance" + id, marks[i].second.log10_p);
    match += ", $match" + id + " title " + in_quotes(marks[i].first);
    chance += (i == 0 ? "$chance" : ", $chance") + id + " title " + in_quotes(marks[i].first);
  }
  script += "set multiplot layout 1,2 title '" + record["attack"].get<std::string>() +
            "'\nset title 'accuracy and share of bits'\nset yrange [0:1.02]\nplot ";
  script += deployment.empty() ? std::string("0.5 title 'chance' with lines") : std::string("$deployment title 'accuracy' lw 2");
  if (!verification.empty()) script += ", $verification title 'verification branch' lw 2";
  script += match + "\n";
  if (!chance.empty()) script += "set title 'log10 p'\nset autoscale y\nplot " + chance + "\n";
  return script + "unset multiplot\n";
}

std::string attack_text(const Json& record) {
  std::string text = "attack " + record["attack"].get<std::string>();
  for (const Json& point : record["curve"]) {
    const bool named = point.contains("step");
    text += "\n  " + (named                        ? point["step"].get<std::string>()
                      : point.contains("strength") ? "strength " + point["strength"].dump()
                                                   : std::string("point"));
    if (point.contains("accuracy_deployment")) text += "  accuracy " + percent(point["accuracy_deployment"]);
    if (point.contains("accuracy_verification")) text += ", verification " + percent(point["accuracy_verification"]);
    for (const Json& mark : point.value("marks", Json::array())) {
      text += "\n    " + series_name(mark) + "  " + mark["matches"].dump() + " of " + mark["bits"].dump() + " bits, log10 p " +
              with_decimals(mark["log10_p"].is_number() ? mark["log10_p"].get<double>() : 0, 1);
    }
  }
  const Json& cost = record["cost"];
  return text + "\n  cost  " + cost["steps"].dump() + " steps, " + cost["images"].dump() + " images, " +
         with_decimals(cost["seconds"], 1) + " s";
}

Status draw_attack_plot(const std::string& script, const AttackFiles& files) {
  if (files.plot.empty()) return Done{};
  const auto picture = draw_plot(script);
  if (!picture) return about("the record is written, and no plot", picture.error());
  return write_file(files.plot, *picture, {.force = files.force});
}

Result<Report> finish_attack(const AttackRecord& record, const AttackFiles& files) {
  Json json = attack_json(record);
  if (!files.save_model.empty()) {
    json["changed_model_sha256"] = to_hex(credential::fast_sha256(record.changed_model));
    STEGPASS_CHECK_OK(write_file(files.save_model, record.changed_model, {.force = files.force}));
  }
  const std::string body = json.dump(2) + "\n";
  STEGPASS_CHECK_OK(write_file(files.out, as_bytes(body), {.force = files.force}));
  std::error_code ignored;
  std::filesystem::remove(files.checkpoint(), ignored);
  STEGPASS_CHECK_OK(draw_attack_plot(attack_plot(json), files));
  return Report{attack_text(json) + "\n  record  " + files.out, json};
}

}  // namespace stegpass::cli
