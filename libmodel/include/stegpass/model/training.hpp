#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/model/dataset.hpp>
#include <stegpass/model/evaluation.hpp>
#include <stegpass/model/network.hpp>
#include <stegpass/model/process_group.hpp>
#include <stegpass/model/reading.hpp>

namespace stegpass::model {

/// How the learning rate runs over the steps.
enum class Schedule {
  steps,      ///< the papers': a tenth at half and again at three quarters of the epochs
  one_cycle,  ///< up from a tenth over the first fifth of the steps, then down a cosine to nothing: for short runs
};

/// All that a training run is chosen by. Defaults are the papers' protocol, with our reading margin.
struct TrainingSettings {
  std::string preset = "paper";  ///< a name for the record
  Scheme scheme = Scheme::sp;
  SignatureMode signature = SignatureMode::strict;  ///< whose sign the sign loss pulls: s, or s * a1 as the published code has it
  int epochs = 200;
  int batch = 64;
  double rate = 0.01;
  Schedule schedule = Schedule::steps;
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double sign_weight = 0.1;  ///< of the hinge on b . s, summed over bits and passports
  double sign_margin = 0.5;  ///< the papers use 0.1
  double sign_decay = 1e-5;  ///< of |s|^2
  double balance = 0;        ///< lambda: pulls both branches' affine maps together
  double last_gain = 1;      ///< initial a0 of the last convolution's norm; less makes large rates stable at the classifier
  bool augment = true;       ///< shift by up to four pixels, mirror
  bool evaluate_each_epoch = true;  ///< otherwise after the last one only
  Precision precision = Precision::fp32;
  std::uint64_t seed = 1;              ///< of initial weights, order and augmentation
  std::int64_t train_images = 0;       ///< drawn from the training set by the seed; 0 takes all
  std::int64_t test_images = 0;        ///< the same of the test set
  std::int64_t validation_images = 0;  ///< held out of the training images; the curves are measured on them where there are any
  std::int64_t trigger_images = 0;     ///< drawn pictures with random labels, two in every batch; DeepIPR's V3 needs some
};

/// `quick`: one short run on a CPU, for demonstrations. `paper`: the protocol of the papers, for a GPU, with our reading
/// margin. `published`: the same with margin 0.1 and mode `reference`, as the published code of Steganographic Passport.
/// Errors  unsupported on any other name.
Result<TrainingSettings> training_preset(std::string_view name, const torch::Device& device = torch::kCPU);

/// How the marks of a preset are read, which are made before its training: the published code's along the average column.
Pooling preset_pooling(std::string_view name);

/// Where a run stands, after every step.
struct TrainingProgress {
  int epoch = 0;  ///< from 1
  int epochs = 0;
  std::int64_t step = 0;  ///< from 1, over all epochs
  std::int64_t steps = 0;
  double rate = 0;
  double deployment_loss = 0;    ///< cross entropy of this step
  double verification_loss = 0;  ///< the same
  double sign_loss = 0;          ///< hinge, summed over bits and passports, before its weight
  double balance_loss = 0;       ///< L1 between both branches' gains and offsets, before its weight; also where that is 0
};

/// What the caller does meanwhile. Both may be empty.
struct TrainingHooks {
  /// Called after every step; false asks to stop.
  std::function<bool(const TrainingProgress&)> progress;
  /// Called after every epoch with the run's whole state, from which `resume` goes on; an error ends the run with it.
  std::function<Status(ByteView state)> checkpoint;
};

/// What is trained on what. The cover drives the verification branch; reserves are embedded by sign loss alone. An
/// architecture without passport layers is trained without marks.
struct TrainingTask {
  Architecture architecture;
  LabelledImages train;
  LabelledImages test;
  Mark cover = {};                  ///< of both pictures
  std::vector<Mark> reserves = {};  ///< scale pictures suffice
  torch::Device device = torch::kCPU;
  /// Weights to begin from (safetensors, PyTorch's or our names), or empty: what the file lacks or has in another shape, as
  /// a classifier of other classes, begins afresh.
  Bytes initial = {};
  /// Processes that share every batch, or null; each has the same task and gets the same result.
  const ProcessGroup* group = nullptr;
};

/// A finished run.
struct TrainedModel {
  PassportNetwork network{nullptr};  ///< owner network, on the task's device, in evaluation mode
  Accuracy accuracy;                 ///< on the test images
  std::vector<double> matches;       ///< share of bits read rightly: the cover's, then each reserve's
  double trigger_accuracy = 0;       ///< of the deployment branch on the trigger images, where there are any
  std::string record;                ///< JSON: settings, data digests, library version, curves; schemas/model.md
};

/// Trains an owner network. The same task and settings give the same weights on the CPU of one machine with one number of threads
/// (on a GPU the same within rounding: CUDA adds some gradients in any order), also when the run was cut in pieces by `resume`
/// (the last state that `checkpoint` was given; empty to begin). Errors  usage on settings out of range or a mark of another
/// architecture; malformed or refused on a state that is
///         damaged or of another run, or initial weights that do not fit; diverged when a loss, or a weight or statistic after an
///         epoch, is not finite, interrupted when `progress` asked to stop: in both the last checkpoint is the last good state.
Result<TrainedModel> train(const TrainingTask& task, const TrainingSettings& settings, const TrainingHooks& hooks = {},
                           ByteView resume = {});

}  // namespace stegpass::model
