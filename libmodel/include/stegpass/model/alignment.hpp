#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>

namespace stegpass::model {

/// How a copy's channels of one layer lie to the original's.
struct LayerAlignment {
  std::string layer;
  std::vector<int> from;  ///< channel c of the original is channel from[c] of the copy
  int moved = 0;          ///< channels that are not where they were
  int turned = 0;         ///< channels of the other sign, as folding a norm with a negative gain leaves them
  double similarity = 0;  ///< mean absolute cosine of the matched channels, 0 to 1, away from what the passports read
};

struct Alignment {
  std::vector<LayerAlignment> layers;  ///< one a convolution, in network order
  Bytes model;  ///< the copy's convolutions in the original's order and scale (safetensors), for `read_mark`
  int moved() const;
};

/// Brings a copy whose channels were permuted, rescaled or folded into their norms back into the original's order.
/// Of each group of channels that belong together (those added to one another do) one layer's filters are matched, all at once,
/// by the absolute cosine of what they have in common: the assignment of the largest sum (Kuhn 1955). Scales of input channels
/// come from the norms of both weights, balanced over rows and columns; they are positive, from squares, and know no sign.
/// Matching does not look at what the passports read: of layers that carry bits only the part orthogonal to the directions u of
/// every passport under test is compared, since it would otherwise select for the mark. Errors  not_found, malformed (a
/// convolution is missing or of another shape); unsupported when the passports leave too little to match by.
Result<Alignment> align_model(ByteView copy, ByteView original, const Architecture& architecture,
                              const std::vector<Mark>& under_test);

/// The assignment of the largest sum: for each row of `scores` (n, n) float64 its column, each once. O(n^3).
std::vector<int> assign(const torch::Tensor& scores);

}  // namespace stegpass::model
