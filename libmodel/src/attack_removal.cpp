// Attacks that train the model on: fine-tuning, and marks of others embedded over the owner's.

#include <random>

#include "attack_run.hpp"
#include "shuffle.hpp"

namespace stegpass::model {
namespace {

/// The attacker's copy with a classifier of its own, for as many classes as his data have.
Result<PassportNetwork> with_fresh_classifier(AttackRun& run) {
  ArchitectureSettings settings = run.architecture().settings();
  settings.classes = run.train.classes;
  STEGPASS_TRY(architecture, Architecture::create(settings));
  PassportNetwork network(architecture, Branches::deployment, attack_seed(run.settings.seed, 8, 0), run.task.model->scheme());
  network->to(run.task.device);
  copy_tensors(*run.task.model, *network, architecture.classifier() + ".");
  return network;
}

/// CE and the attacker's own sign loss on these keys.
void demand_bits(AttackRun& run, AttackLoop& loop, const PassportNetwork& network, const NetworkKeys& keys) {
  loop.loss = [&run, network, keys, task_loss = loop.loss](const torch::Tensor& images, const torch::Tensor& labels) {
    return task_loss(images, labels) +
           run.settings.sign_weight * sign_hinge(network->passport_blocks(), keys, run.settings.sign_margin);
  };
}

}  // namespace

Status attack_finetune(AttackRun& run) {
  const bool other_classes = run.train.classes != run.architecture().classes();
  if (run.test.classes != run.train.classes) return Error{Errc::usage, "training and test images have different classes"};
  PassportNetwork network = run.copy();
  if (run.settings.variant == "rtal" || other_classes) {
    STEGPASS_TRY(fresh, with_fresh_classifier(run));
    network = fresh;
  }
  AttackLoop loop = plain_training(run, network.ptr());
  loop.end_epoch = [&](int epoch) {
    return run.judge(network, {.strength = static_cast<double>(epoch), .step = "epoch " + std::to_string(epoch)});
  };
  run.result = network;
  return run.loop(loop);
}

/// Other passports in a row, each trained in for `epochs` with the attacker's strength.
Status attack_overwrite(AttackRun& run) {
  PassportNetwork network = run.copy();
  run.result = network;
  for (int i = 0; i < run.settings.count; ++i) {
    STEGPASS_TRY(mark, run.drawn_mark(static_cast<std::size_t>(i)));
    run.more_marks = {{"attacker-" + std::to_string(i + 1), mark}};
    AttackLoop loop = plain_training(run, network.ptr());
    demand_bits(run, loop, network, network_keys(run.architecture(), mark, run.task.device));
    loop.end_epoch = [&, i](int epoch) {
      if (epoch < run.settings.epochs) return Status(Done{});
      return run.judge(network, {.strength = i + 1.0, .step = "passport " + std::to_string(i + 1)});
    };
    STEGPASS_CHECK_OK(run.loop(loop));
  }
  return Done{};
}

/// The mark of somebody else, whose passport was opened, is trained into the owner's model, so that it seems to descend from his.
Status attack_frame(AttackRun& run) {
  PassportNetwork network = run.copy();
  run.result = network;
  STEGPASS_TRY(mark, run.drawn_mark(0));
  run.more_marks = {{"framed", mark}};
  AttackLoop loop = plain_training(run, network.ptr());
  demand_bits(run, loop, network, network_keys(run.architecture(), mark, run.task.device));
  loop.end_epoch = [&](int epoch) {
    return run.judge(network, {.strength = static_cast<double>(epoch), .step = "epoch " + std::to_string(epoch)});
  };
  return run.loop(loop);
}

}  // namespace stegpass::model
