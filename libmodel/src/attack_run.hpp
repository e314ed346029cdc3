#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/model/attack.hpp>

#include "json.hpp"
#include "named_tensors.hpp"

namespace stegpass::model {

/// A deep copy on the device, in evaluation mode.
PassportNetwork copy_network(const PassportNetwork& network, const torch::Device& device);

/// Copies every tensor of the same name and shape, but those whose names begin with `except`.
void copy_tensors(const torch::nn::Module& from, const torch::nn::Module& to, std::string_view except = {});

/// One of a point's `marks`, with its exact chance.
std::string mark_json(std::string_view role, std::string_view reading, int bits, int matches);

/// Seeds for one purpose of an attack.
std::uint64_t attack_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index);

/// Where a point of the curve lies.
struct PointLabel {
  std::optional<double> strength;
  std::string step;      ///< in words, or empty
  bool aligned = false;  ///< whether the copy's channels are brought back in order before reading
};

/// What is trained in a loop: `module` holds all that changes, so that a state has it.
struct AttackLoop {
  torch::nn::Module* module = nullptr;
  int epochs = 1;
  std::function<void()> begin_epoch;  ///< puts modules into their modes
  std::function<torch::Tensor(const torch::Tensor& images, const torch::Tensor& labels)> loss;
  std::function<Status(int epoch)> end_epoch;  ///< from 1; judges
};

/// One attack under way: its curve, its cost, its state.
class AttackRun {
 public:
  AttackRun(const AttackTask& task, const AttackSettings& settings, const AttackHooks& hooks);

  const AttackTask& task;
  const AttackSettings& settings;
  LabelledImages train, test;          ///< as drawn by the settings
  std::vector<OpenedMark> more_marks;  ///< the attacker's own, read at every point from now on
  JsonObject details;
  PassportNetwork result{nullptr};

  const Architecture& architecture() const { return task.model->architecture(); }
  /// The attacker's copy of the model.
  PassportNetwork copy() const { return copy_network(task.model, task.device); }
  /// Measures accuracy and marks, and adds the point.
  Status judge(const PassportNetwork& attacked, const PointLabel& label);
  /// The same of a model whose accuracy is known, or is none (negative: left out).
  Status judge_marks(const PassportNetwork& attacked, const PointLabel& label, double deployment, double verification);
  void add_point(JsonObject point);
  /// `marks` of a model, as the JSON array of a point.
  Result<std::string> read_marks(const PassportNetwork& attacked, bool aligned);
  /// Plain stochastic gradient descent over the attacker's images; goes on from a state where one was given.
  Status loop(const AttackLoop& loop);
  /// A mark of one of the task's drawn passports.
  Result<Mark> drawn_mark(std::size_t index, MarkPictures pictures = MarkPictures::scale_only) const;
  double accuracy(const PassportNetwork& network) const;
  std::int64_t steps() const { return steps_; }

  /// Takes up a state; the loop that left it goes on from there. Errors  malformed; refused on one of another run.
  Status resume(ByteView state);
  /// Whether the loop of the state that was taken up came. Errors  malformed.
  Status check_resumed() const;
  Status progress(double done, double total, std::string_view text) const;
  std::string identity() const;
  AttackOutcome outcome() const;

 private:
  Result<Accuracy> accuracies(const PassportNetwork& attacked);
  Result<std::string> read_mark_json(const OpenedMark& opened, ByteView release, ByteView owner) const;
  PassportNetwork as_owner(const PassportNetwork& attacked) const;
  Bytes state(const NamedTensors& tensors, int stage, int epochs) const;
  double seconds() const;

  const AttackHooks& hooks_;
  Bytes resume_;  // a state whose loop was not reached yet
  int resume_stage_ = -1, resume_epochs_ = 0, stage_ = 0;
  std::int64_t resume_steps_ = 0, resume_images_ = 0;
  double resume_seconds_ = 0, earlier_seconds_ = 0;  // of the runs that the state comes from
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::string subject_;  // digest of what is attacked and what judges
  std::string resume_curve_;
  std::string curve_;
  std::int64_t steps_ = 0, images_ = 0;
};

/// The network trained on, by cross-entropy of its deployment branch alone.
AttackLoop plain_training(AttackRun& run, const std::shared_ptr<PassportNetworkImpl>& network);

/// CE and bits: relu(margin - b s), summed over all bits of the passport layers.
torch::Tensor sign_hinge(const std::vector<ConvBlock>& blocks, const NetworkKeys& keys, double margin);

// The attacks; each adds its points to the run.
Status attack_finetune(AttackRun& run);
Status attack_prune(AttackRun& run);
Status attack_quantise(AttackRun& run);
Status attack_noise(AttackRun& run);
Status attack_permute(AttackRun& run);
Status attack_fold(AttackRun& run);
Status attack_overwrite(AttackRun& run);
Status attack_frame(AttackRun& run);
Status attack_distill(AttackRun& run);
Status attack_informed(AttackRun& run);
Status attack_insider(AttackRun& run);
Status attack_fake(AttackRun& run);
Status attack_erb(AttackRun& run);
Status attack_sign_flip(AttackRun& run);
Status attack_search(AttackRun& run);

}  // namespace stegpass::model
