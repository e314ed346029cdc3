#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/model/architecture.hpp>

namespace stegpass::model {

/// The convolutions of a network in the order in which they run, and what classifies their output.
struct NetworkPlan {
  std::vector<ConvPlan> convs;
  std::string classifier;
  bool averaged = false;
  std::string last_layers;  ///< the papers' usual choice: "last3" or "layer4"
  std::vector<std::string> last_passports;
};

/// `width`: per mille of the channel counts; `side`: of the input in pixels. None for a name that is unknown.
std::optional<NetworkPlan> plan_network(std::string_view name, int width, int side);

}  // namespace stegpass::model
