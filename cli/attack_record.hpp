#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

#include "command.hpp"
#include "output.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

/// Where an attack leaves its record, as every attack's command takes it.
struct AttackFiles {
  std::string out, plot, save_model;
  bool resume = false, force = false;
  std::filesystem::path checkpoint() const { return out + ".checkpoint"; }
};
/// What an attack can leave beside its record.
struct AttackLeaves {
  bool changes_a_network = false;  ///< --save-model
  bool resumes = false;            ///< --resume
};
/// --out, --plot, --force, and what the attack leaves.
void add_attack_files(CLI::App& command, AttackFiles& files, AttackLeaves leaves);
/// Everything about the outputs that can fail is found before the work begins. Errors  exists; not_found.
Status check_attack_files(const AttackFiles& files);

/// What an attack came to, before it is written: schemas/attack.md.
struct AttackRecord {
  std::string attack;                  ///< the command's name
  Json mark = Json::object();          ///< scheme, pooling, signature, architecture; or what is attacked instead
  Json settings = Json::object();      ///< all that decides the outcome, seed and data digests among it
  Json models = Json::object();        ///< SHA-256 of the files that were attacked, by name
  std::vector<std::string> passports;  ///< roles of those that judged
  Json curve = Json::array();          ///< points
  Json details = Json::object();
  std::uint64_t steps = 0, images = 0;
  double seconds = 0;
  Bytes changed_model;  ///< for --save-model
};

Json attack_json(const AttackRecord& record);
/// Accuracy kept against mark kept, along the curve; gnuplot's script, empty where there is nothing to draw.
std::string attack_plot(const Json& record);
/// A line a point: strength, accuracies, and every mark's match and log10 p.
std::string attack_text(const Json& record);
/// Draws --plot where it was asked for, after the record was written. Errors  those of draw_plot and write_file.
Status draw_attack_plot(const std::string& script, const AttackFiles& files);
/// Writes record, plot and model, removes the checkpoint, and reports. `gnuplot` missing is an error only where a plot was asked
/// for.
Result<Report> finish_attack(const AttackRecord& record, const AttackFiles& files);

}  // namespace stegpass::cli
