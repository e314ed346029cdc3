#pragma once

#include <string>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/pooling.hpp>

namespace stegpass::model {

/// What one passport demands of one layer.
struct LayerMark {
  std::string layer;
  torch::Tensor bits;   ///< (C), float64, -1 or +1
  torch::Tensor scale;  ///< (C, C_in * k * k), float64: directions of the scale picture, from which the bits are read
  torch::Tensor bias;   ///< the same of the bias picture; only the verification branch uses it
};

/// A passport made ready for embedding and reading: one entry per passport layer, in network order, on the CPU.
struct Mark {
  Pooling pooling = Pooling::whitened;
  std::vector<LayerMark> layers;
};

/// U of one layer for both pictures; those of the bias picture may be undefined, where only reading is wanted.
struct LayerColumns {
  torch::Tensor scale;  ///< (C_in * k * k, n) float64
  torch::Tensor bias;
};

/// The mark of one layer of any network. Errors  those of pool_whitened.
Result<LayerMark> make_layer_mark(const MarkedLayer& layer, Pooling pooling, const MarkSeed& seed, const LayerColumns& columns);

/// Which pictures' directions are worked out; those left out stay undefined tensors.
enum class MarkPictures { both, scale_only };

/// Builds the mark of `passport` under `seed`. A user passport is built with the cover's seed.
/// Errors  those of KeyNetwork::layer_columns and pool_whitened.
Result<Mark> make_mark(const Architecture& architecture, Pooling pooling, const Passport& passport, const MarkSeed& seed,
                       MarkPictures pictures = MarkPictures::both);

/// Whether each passport layer of the architecture has bits and the pictures' directions in its own shape. Errors  usage.
Status check_mark(const Architecture& architecture, const Mark& mark, MarkPictures pictures);

/// SHA-512 of pooling, layers and bits: bits follow from seed and architecture, and the seed from the passport, so they stand for
/// the whole mark.
Digest64 mark_digest(const Mark& mark);

}  // namespace stegpass::model
