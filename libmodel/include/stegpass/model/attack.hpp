#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/model/dataset.hpp>
#include <stegpass/model/network.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/training.hpp>

namespace stegpass::model {

/// A passport's mark, opened to judge what an attack left of it.
struct OpenedMark {
  std::string role;  ///< cover, reserve-1, ...
  Mark mark;
};

/// What is attacked, what its attacker has, and what judges the outcome.
struct AttackTask {
  PassportNetwork model{nullptr};  ///< the attacker's copy: the deployment branch alone
  PassportNetwork owner{nullptr};  ///< both branches, whose verification parts judge (and serve the fakes); or null
  std::vector<OpenedMark>
      marks;  ///< the owner's, cover first and of both pictures. An attack does not look at them unless it says so
  Pooling pooling = Pooling::whitened;
  SignatureMode signature = SignatureMode::strict;
  LabelledImages train;            ///< the attacker's; may have other classes for `finetune`
  LabelledImages test;             ///< accuracies are measured on it
  std::vector<Passport> pictures;  ///< drawn ones, which attackers embed, forge with or learn from
  std::vector<MarkSeed> seeds;     ///< theirs, one each
  std::optional<Passport> user;    ///< what a licensee has; its attacks take the cover itself without one
  std::optional<Passport> cover;   ///< for attacks of whoever has the cover's picture
  MarkSeed cover_seed{};
  torch::Device device = torch::kCPU;
};

/// All that an attack is chosen by; each reads what it needs.
struct AttackSettings {
  std::string name;               ///< finetune, prune, ...: `attack_names`
  std::string variant;            ///< of its name: ftal or rtal, l1 or random or structured, ...; empty: the first
  std::vector<double> strengths;  ///< of attacks in steps: shares pruned, bits kept, noise
  int epochs = 6;
  int batch = 64;
  double rate = 1e-3;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double sign_weight = 0.1;  ///< of the attacker's own sign loss: his strength
  double sign_margin = 0.5;
  double data_share = 1;  ///< of the training images that the attacker has
  int count = 1;          ///< passports in a row, natural passports, tries
  int at_once = 8;        ///< of `informed`: natural passports in one step
  bool augment = true;
  bool verification = false;  ///< whether the verification branch is measured too, at every point
  Precision precision = Precision::fp32;
  std::uint64_t seed = 1;
  std::int64_t train_images = 0;  ///< drawn by the seed; 0 takes all
  std::int64_t test_images = 0;
};

struct AttackHooks {
  /// Called now and then; false stops (Errc::interrupted).
  std::function<bool(double done, double total, std::string_view detail)> progress;
  /// Called after every epoch with the state from which `resume` goes on.
  std::function<Status(ByteView state)> checkpoint;
};

/// What an attack came to.
struct AttackOutcome {
  std::string settings;                ///< JSON: what decided the outcome, data digests among it
  std::string curve;                   ///< JSON array of points: schemas/attack.md
  std::string details;                 ///< JSON object of figures of this attack alone
  PassportNetwork model{nullptr};      ///< as the attacker leaves it, on the CPU; null where no model is changed
  std::int64_t steps = 0, images = 0;  ///< the attacker's cost: steps of training, and images they saw
  double seconds = 0;                  ///< of every run that it took, as far as the states that were taken up say
};

/// Names of all attacks on networks, with their variants.
struct AttackKind {
  std::string_view name;
  std::vector<std::string_view> variants;  ///< the first is the default; empty: none
};
const std::vector<AttackKind>& attack_kinds();

/// Whether an attack can be run with these settings, by an attacker with the owner model or without: for before data are loaded.
/// Errors  unsupported on an unknown attack; usage on settings out of range or that the attack does not read, and where it needs
///         the owner model.
Status check_attack(const AttackSettings& settings, bool with_owner);

/// Runs one attack. It uses what its attacker is said to have: schemas/attack.md says what that is for each. The same task and
/// settings give the same curve on one machine with one number of threads, also when `resume` took it up again.
/// Errors  usage on settings out of range or something missing from the task; malformed or refused on a damaged state or one of
///         another run; diverged; interrupted.
Result<AttackOutcome> run_attack(const AttackTask& task, const AttackSettings& settings, const AttackHooks& hooks = {},
                                 ByteView resume = {});

}  // namespace stegpass::model
