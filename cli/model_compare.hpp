#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/statement.hpp>

#include "model_part.hpp"
#include "output.hpp"

namespace stegpass::cli {

/// Names of the tensors in which a model file differs from another, each list in the order of its file.
struct TensorChanges {
  std::vector<std::string> changed;  ///< of other bytes, shape or type
  std::vector<std::string> added;    ///< only in the model
  std::vector<std::string> missing;  ///< only in the original
  std::size_t count() const { return changed.size() + added.size() + missing.size(); }
};
TensorChanges compare_tensors(const credential::TensorTree& model, const credential::TensorTree& original);

/// "3 of 34 tensors changed: a, b, c"; of many only the first eight by name.
std::string to_text(const TensorChanges& changes, std::size_t total);

/// One object a layer, with the permutation found: channel c of the original is channel from[c] of the copy.
Json to_json(const AlignedModel& aligned);
/// How many channels had moved or turned, and the layer that fits worst.
std::string to_text(const AlignedModel& aligned);

}  // namespace stegpass::cli
