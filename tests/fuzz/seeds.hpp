#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::credential::fuzz {

/// Bytes that a decoder takes, made with the encoders of the tests.
struct Seed {
  std::string decoder;
  Bytes bytes;
};

std::vector<Seed> seeds();

}  // namespace stegpass::credential::fuzz
