#include <torch/types.h>
#include <torch/version.h>

#include <stegpass/model/reading.hpp>
#include <stegpass/model/runtime.hpp>

#include "model_part_impl.hpp"

#define STEGPASS_JOIN_(a, b) a##b
#define STEGPASS_JOIN(a, b) STEGPASS_JOIN_(a, b)

namespace stegpass::cli {

std::string LibtorchModelPart::versions() { return "LibTorch " TORCH_VERSION; }

double LibtorchModelPart::log10_chance(int bits, int matches) { return model::log10_binomial_tail(bits, matches); }

}  // namespace stegpass::cli

/// The one symbol that the program looks up; its name holds the version, so that parts of different builds do not mix.
extern "C" stegpass::cli::ModelPart* STEGPASS_JOIN(stegpass_model_part_, STEGPASS_VERSION_SYMBOL)() {
  static stegpass::cli::LibtorchModelPart part;
  stegpass::model::prepare_runtime();
  return &part;
}
