#include <stegpass/model/attack.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include "attack_run.hpp"

namespace stegpass::model {
namespace {

/// What an attack takes: a strength outside the range, or no owner model where one is needed, is refused before anything is
/// loaded.
struct AttackEntry {
  AttackKind kind;
  Status (*run)(AttackRun&);
  int least = 0, most = std::numeric_limits<int>::max();  ///< of a strength
  bool whole = false;                                     ///< strengths are whole numbers
  bool needs_owner = false;
  bool strengths = false;              ///< takes them, and makes points without training
  bool trains = false;                 ///< nothing else comes of it without an epoch
  std::string_view strengths_of = {};  ///< the one variant that takes strengths, where the others do not
};

const std::vector<AttackEntry>& entries() {
  static const std::vector<AttackEntry> table = {
      {.kind = {"finetune", {"ftal", "rtal"}}, .run = attack_finetune, .trains = true},
      {.kind = {"prune", {"l1", "random", "structured"}}, .run = attack_prune, .most = 1, .strengths = true},
      {.kind = {"quantise", {"channel", "tensor"}},
       .run = attack_quantise,
       .least = 2,
       .most = 16,
       .whole = true,
       .strengths = true},
      {.kind = {"noise", {}}, .run = attack_noise, .strengths = true},
      {{"permute", {"order", "scale", "sign"}}, attack_permute},
      {{"fold", {}}, attack_fold},
      {.kind = {"overwrite", {}}, .run = attack_overwrite, .trains = true},
      {.kind = {"frame", {}}, .run = attack_frame, .trains = true},
      {.kind = {"distill", {}}, .run = attack_distill, .trains = true},
      {.kind = {"informed", {"passports", "subspace"}},
       .run = attack_informed,
       .strengths = true,
       .trains = true,
       .strengths_of = "subspace"},
      {.kind = {"insider", {"seed", "picture"}}, .run = attack_insider, .strengths = true},
      {.kind = {"fake1", {}}, .run = attack_fake, .needs_owner = true},
      {.kind = {"fake2", {}}, .run = attack_fake, .needs_owner = true},
      {.kind = {"fake3", {}}, .run = attack_fake, .most = 1, .needs_owner = true, .strengths = true},
      {.kind = {"erb", {"cerb", "ierb"}}, .run = attack_erb, .trains = true},
      {{"sign-flip", {}}, attack_sign_flip},
      {{"search", {"signs", "hash"}}, attack_search},
  };
  return table;
}

bool takes_strengths(const AttackEntry& entry, const AttackSettings& settings) {
  return entry.strengths && (entry.strengths_of.empty() || settings.variant == entry.strengths_of);
}

Status check_strengths(const AttackEntry& entry, const std::vector<double>& strengths) {
  for (const double strength : strengths) {
    if (!std::isfinite(strength) || strength < 0) return Error{Errc::usage, "a strength is negative or not finite"};
    if (strength < entry.least || strength > entry.most || (entry.whole && strength != std::floor(strength))) {
      return Error{Errc::usage, "strengths of attack " + std::string(entry.kind.name) + " are " + (entry.whole ? "whole, " : "") +
                                    std::to_string(entry.least) + " to " + std::to_string(entry.most)};
    }
  }
  return Done{};
}

Status check_settings(const AttackSettings& settings) {
  const auto within = [](double value, double low, double high) { return value >= low && value <= high; };
  if (settings.epochs < 0 || settings.epochs > 100000) return Error{Errc::usage, "epochs are not within 0 to 100000"};
  if (settings.batch < 2 || settings.batch > 65536) return Error{Errc::usage, "the batch is not within 2 to 65536"};
  if (!within(settings.rate, 1e-12, 100)) return Error{Errc::usage, "the rate is not within 0 to 100"};
  if (!within(settings.data_share, 1e-9, 1)) return Error{Errc::usage, "the share of the data is not within 0 to 1"};
  if (!within(settings.sign_weight, 0, 1e6) || !within(settings.sign_margin, 0, 1e6))
    return Error{Errc::usage, "the sign loss is out of range"};
  if (settings.count < 1 || settings.count > 1000000 || settings.at_once < 1)
    return Error{Errc::usage, "the count is not within 1 to 1000000"};
  if (settings.train_images < 0 || settings.test_images < 0) return Error{Errc::usage, "a number of images is negative"};
  return Done{};
}

Status check_task(const AttackTask& task) {
  if (!task.model) return Error{Errc::usage, "an attack needs a model"};
  if (task.marks.empty() || task.model->architecture().bits() == 0)
    return Error{Errc::usage, "the model carries no marks to be judged"};
  if (task.test.size() == 0) return Error{Errc::usage, "an attack needs test images"};
  return Done{};
}

Result<const AttackEntry*> find_attack(const AttackSettings& settings) {
  for (const AttackEntry& entry : entries()) {
    if (entry.kind.name != settings.name) continue;
    const auto& variants = entry.kind.variants;
    if (settings.variant.empty() || std::find(variants.begin(), variants.end(), settings.variant) != variants.end())
      return &entry;
    return Error{Errc::usage, "attack " + settings.name + " has no variant '" + settings.variant + "'"};
  }
  return Error{Errc::unsupported, "attack '" + settings.name + "' is unknown"};
}

}  // namespace

const std::vector<AttackKind>& attack_kinds() {
  static const std::vector<AttackKind> kinds = [] {
    std::vector<AttackKind> out;
    for (const AttackEntry& entry : entries()) out.push_back(entry.kind);
    return out;
  }();
  return kinds;
}

Status check_attack(const AttackSettings& settings, bool with_owner) {
  STEGPASS_TRY(entry, find_attack(settings));
  STEGPASS_CHECK_OK(check_settings(settings));
  STEGPASS_CHECK_OK(check_strengths(*entry, settings.strengths));
  if (entry->needs_owner && !with_owner)
    return Error{Errc::usage, "this attack needs the owner's verification branch as well (--models)"};
  if (settings.verification && !with_owner)
    return Error{Errc::usage, "the verification branch can be measured with the owner model alone (--models)"};
  const bool by_strengths = takes_strengths(*entry, settings);
  if (settings.epochs < 1 && entry->trains && !by_strengths)
    return Error{Errc::usage, "attack " + settings.name + " needs at least one epoch"};
  if (!settings.strengths.empty() && !by_strengths)
    return Error{Errc::usage,
                 "attack " + settings.name + (settings.variant.empty() ? "" : " " + settings.variant) + " takes no strengths"};
  return Done{};
}

Result<AttackOutcome> run_attack(const AttackTask& task, const AttackSettings& chosen, const AttackHooks& hooks,
                                 ByteView resume) {
  STEGPASS_CHECK_OK(check_attack(chosen, static_cast<bool>(task.owner)));
  STEGPASS_CHECK_OK(check_task(task));
  STEGPASS_TRY(entry, find_attack(chosen));
  AttackSettings settings = chosen;
  if (settings.variant.empty() && !entry->kind.variants.empty()) settings.variant = std::string(entry->kind.variants.front());
  AttackRun run(task, settings, hooks);
  if (!resume.empty()) STEGPASS_CHECK_OK(run.resume(resume));
  STEGPASS_CHECK_OK(run.judge(run.copy(), {.strength = settings.name == "quantise" ? 32.0 : 0.0, .step = "before"}));
  STEGPASS_CHECK_OK(entry->run(run));
  STEGPASS_CHECK_OK(run.check_resumed());
  return run.outcome();
}

}  // namespace stegpass::model
