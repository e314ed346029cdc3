#include <torch/types.h>

#include "passports.hpp"

namespace stegpass::gpu_check {
namespace {

struct Readings {
  model::MarkReading file, device;
};

Readings read_both(const model::PassportNetwork& network, const model::Mark& mark, const torch::Device& device) {
  return {read_from_file(network, mark), read_on_device(network, mark, device)};
}

Outcome verdict_of(const model::MarkReading& reading) { return model::judge_mark("owner.mark", reading, 1).outcome; }

// Moves each filter along its direction until every bit reads right by a margin of 0.5.
void embed(const model::PassportNetwork& network, const model::Mark& mark) {
  const torch::NoGradGuard no_grad;
  const auto blocks = network->passport_blocks();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    auto& weight = blocks[i].conv->weight;
    const auto u = mark.layers[i].scale.to(torch::kFloat32);
    const auto w = weight.reshape({weight.size(0), -1});
    const auto s = (w * u).sum(1), wanted = 0.5 * mark.layers[i].bits.to(torch::kFloat32);
    weight.copy_((w + ((wanted - s) / (u * u).sum(1)).unsqueeze(1) * u).reshape(weight.sizes()));
  }
}

void compare(const std::string& name, const Readings& readings, Outcome expected, Report& report) {
  report.figure(name + "_matches_file", readings.file.matches);
  report.figure(name + "_matches_device", readings.device.matches);
  report.figure(name + "_log10_p", readings.file.log10_p);
  report.claim(name + ": the verdict is " + std::string(outcome_name(expected)) + " on both",
               verdict_of(readings.file) == expected && verdict_of(readings.device) == expected);
}

}  // namespace

void check_reading(const torch::Device& device, Report& report) {
  const auto architecture = small_architecture();
  const auto owner = drawn_mark(architecture, 1), stranger = drawn_mark(architecture, 2);
  model::PassportNetwork network(architecture, model::Branches::both, 7);
  embed(network, owner);
  network->to(device);
  const auto right = read_both(network, owner, device), wrong = read_both(network, stranger, device);
  report.figure("bits", architecture.bits());
  compare("owner", right, Outcome::valid, report);
  compare("stranger", wrong, Outcome::invalid, report);
  report.claim("every bit of the owner's mark is read alike", right.file.matches == right.device.matches);
}

}  // namespace stegpass::gpu_check
