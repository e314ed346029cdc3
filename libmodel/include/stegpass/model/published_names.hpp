#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

struct NamedShape {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// What becomes of the tensors of a state dict.
struct NameTable {
  struct Rename {
    std::string from, to;
  };
  struct Drop {
    std::string name, reason;
  };
  struct Fill {
    std::string name;
    std::vector<std::int64_t> shape;
    double value = 0;
  };
  std::string network;          ///< alexnet-cifar, resnet18-reference; empty when the names are none that we know
  std::vector<Rename> renamed;  ///< with `kept`, every tensor that goes on
  std::vector<std::string> kept;
  std::vector<Drop> left_out;
  std::vector<Fill> filled;  ///< absent where the published form has them fixed: a1 = 1, c1 = 0
  std::vector<std::string> notes;
};

/// From the names of the published code's AlexNet and ResNet-18 (DeepIPR, Passport-aware Normalization, Steganographic Passport;
/// with or without passport layers) to ours: schemas/pytorch.md. Names of any other network are kept. Errors  not_found, with its
/// name, when a recognised network lacks a tensor; malformed when one has a shape that does not fit.
Result<NameTable> published_names(const std::vector<NamedShape>& tensors);

/// From a table of one's own: (name, new name), an empty new name to leave the tensor out; others are kept.
/// Errors  not_found on a name that is not there; usage on one that is mapped twice or a name that two tensors would have.
Result<NameTable> mapped_names(const std::vector<NamedShape>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& map);

}  // namespace stegpass::model
