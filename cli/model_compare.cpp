#include "model_compare.hpp"

#include <algorithm>
#include <map>

#include "workspace.hpp"

namespace stegpass::cli {
namespace {

constexpr std::size_t kNamesShown = 8;

std::string list(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) out += (out.empty() ? "" : ", ") + names[i];
  return names.size() > kNamesShown ? out + " and " + std::to_string(names.size() - kNamesShown) + " more" : out;
}

}  // namespace

TensorChanges compare_tensors(const credential::TensorTree& model, const credential::TensorTree& original) {
  std::map<std::string_view, const Digest32*> leaves;
  for (std::size_t i = 0; i < original.names.size(); ++i) leaves.emplace(original.names[i], &original.leaves[i]);
  TensorChanges out;
  for (std::size_t i = 0; i < model.names.size(); ++i) {
    const auto found = leaves.find(model.names[i]);
    if (found == leaves.end())
      out.added.push_back(model.names[i]);
    else if (*found->second != model.leaves[i])
      out.changed.push_back(model.names[i]);
    if (found != leaves.end()) leaves.erase(found);
  }
  for (const std::string& name : original.names)
    if (leaves.contains(name)) out.missing.push_back(name);
  return out;
}

std::string to_text(const TensorChanges& changes, std::size_t total) {
  if (changes.count() == 0) return "no tensor changed";
  std::string out = std::to_string(changes.changed.size()) + " of " + std::to_string(total) + " tensors changed";
  if (!changes.changed.empty()) out += ": " + list(changes.changed);
  if (!changes.added.empty()) out += "; added " + list(changes.added);
  if (!changes.missing.empty()) out += "; missing " + list(changes.missing);
  return out;
}

Json to_json(const AlignedModel& aligned) {
  Json out = Json::array();
  for (const AlignedModel::Layer& layer : aligned.layers) {
    out.push_back({{"layer", layer.name},
                   {"channels", layer.channels},
                   {"moved", layer.moved},
                   {"turned", layer.turned},
                   {"similarity", layer.similarity},
                   {"from", layer.from}});
  }
  return out;
}

std::string to_text(const AlignedModel& aligned) {
  std::uint64_t moved = 0, turned = 0, channels = 0;
  double least = 1;
  for (const AlignedModel::Layer& layer : aligned.layers) {
    moved += layer.moved, turned += layer.turned, channels += layer.channels;
    least = std::min(least, layer.similarity);
  }
  return std::to_string(moved) + " of " + std::to_string(channels) + " channels had moved, " + std::to_string(turned) +
         " had turned; least mean similarity of a layer " + with_decimals(least, 3);
}

}  // namespace stegpass::cli
