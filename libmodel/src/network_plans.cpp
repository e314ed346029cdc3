#include "network_plans.hpp"

#include <algorithm>

namespace stegpass::model {
namespace {

int scaled(int channels, int width) { return std::max(4, channels * width / 1000 / 4 * 4); }

/// AlexNet in its CIFAR form as the passport papers have it (Fan et al. 2019): pooling sits at features.1, .3 and .7.
NetworkPlan alexnet(int width, int side) {
  struct Row {
    const char* name;
    int channels, kernel;
    Pool pool;
  };
  constexpr Row kRows[] = {{"features.0", 64, 5, Pool::two},
                           {"features.2", 192, 5, Pool::two},
                           {"features.4", 384, 3, Pool::none},
                           {"features.5", 256, 3, Pool::none},
                           {"features.6", 256, 3, Pool::two}};
  NetworkPlan plan{{}, "classifier", false, "last3", {"features.4", "features.5", "features.6"}};
  int channels = 3;
  for (const Row& row : kRows) {
    const std::string name = row.name;
    plan.convs.push_back(
        {name, name + ".conv", name + ".bn", channels, scaled(row.channels, width), row.kernel, 1, side, row.pool});
    channels = plan.convs.back().out_channels;
    side = plan.convs.back().pooled_side();
  }
  return plan;
}

/// Which of the three ResNet-18 a plan is of.
struct ResNetForm {
  bool image_net = false;        ///< 7 x 7 with stride 2 and pooling in front, as torchvision has it
  bool relu_everywhere = false;  ///< also before the addition, as the passport papers' published code has it
};

/// Adds one basic block (He et al. 2016) behind the convolution `input`; returns the index of its output.
int add_block(NetworkPlan& plan, const std::string& name, int input, int channels, int stride, const ResNetForm& form) {
  const ConvPlan from = plan.convs[static_cast<std::size_t>(input)];
  const int side = from.pooled_side();
  const auto next = [&] { return static_cast<int>(plan.convs.size()); };
  const auto conv = [&](const std::string& layer, const std::string& norm, int in, int kernel, int step, int size) -> ConvPlan& {
    plan.convs.push_back({name + layer, name + layer, name + norm, in, channels, kernel, step, size});
    return plan.convs.back();
  };
  const int first = next();
  conv(".conv1", ".bn1", from.out_channels, 3, stride, side).from = input;
  int shortcut = input;
  if (stride != 1 || from.out_channels != channels) {
    shortcut = next();
    ConvPlan& down = conv(".downsample.0", ".downsample.1", from.out_channels, 1, stride, side);
    down.from = input;
    down.relu = form.relu_everywhere;
  }
  ConvPlan& second = conv(".conv2", ".bn2", channels, 3, 1, (side - 1) / stride + 1);
  second.from = first;
  second.add = shortcut;
  second.relu_before = form.relu_everywhere;
  return next() - 1;
}

NetworkPlan resnet18(int width, int side, const ResNetForm& form) {
  NetworkPlan plan{{}, "fc", true, "layer4", {}};
  const int kernel = form.image_net ? 7 : 3, stride = form.image_net ? 2 : 1;
  plan.convs.push_back(
      {"conv1", "conv1", "bn1", 3, scaled(64, width), kernel, stride, side, form.image_net ? Pool::three : Pool::none});
  int last = 0;
  for (int stage = 1; stage <= 4; ++stage) {
    for (int block = 0; block < 2; ++block) {
      const std::string name = "layer" + std::to_string(stage) + "." + std::to_string(block);
      last = add_block(plan, name, last, scaled(32 << stage, width), stage > 1 && block == 0 ? 2 : 1, form);
    }
  }
  for (const ConvPlan& conv : plan.convs) {
    if (conv.name.rfind("layer4.", 0) == 0) plan.last_passports.push_back(conv.name);
  }
  return plan;
}

}  // namespace

std::optional<NetworkPlan> plan_network(std::string_view name, int width, int side) {
  if (name == "alexnet-cifar") return alexnet(width, side);
  if (name == "resnet18-cifar") return resnet18(width, side, {});
  if (name == "resnet18-reference") return resnet18(width, side, {.relu_everywhere = true});
  if (name == "resnet18") return resnet18(width, side, {.image_net = true});
  return std::nullopt;
}

std::vector<std::string> network_names() { return {"alexnet-cifar", "resnet18-cifar", "resnet18-reference", "resnet18"}; }

}  // namespace stegpass::model
