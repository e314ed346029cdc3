#pragma once

#include <string>

#include "attack_record.hpp"
#include "model_part_attack.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

/// What is attacked, and the home whose passports judge.
struct AttackSubject {
  HomeOptions home;
  std::string models, model, record;
};
/// --home and --models.
CLI::Option* add_attack_models(CLI::App& command, AttackSubject& subject);
/// The same, or --model and --record in place of --models.
void add_attack_subject(CLI::App& command, AttackSubject& subject);
/// Reads models and passports into the request; the models' SHA-256 go into `digests`. The home is free again afterwards.
Status open_subject(const AttackSubject& subject, AttackRequest& request, Json& digests);
/// Runs one attack with a bar, and times it. Errors  those of ModelPart::attack.
Result<AttackRecord> run_network_attack(const AttackRequest& request);

}  // namespace stegpass::cli
