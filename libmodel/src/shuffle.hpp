#pragma once

#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include <torch/types.h>

namespace stegpass::model {

/// A whole number in [0, bound), from a generator whose output the language standard fixes.
inline std::int64_t draw(std::mt19937_64& random, std::int64_t bound) {
  return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(bound));
}

/// 0 .. count - 1 in an order that follows from the seed alone, on every machine. (count) int64.
inline torch::Tensor shuffled_indices(std::int64_t count, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(seed);
  for (std::int64_t i = count - 1; i > 0; --i) {
    std::swap(order[static_cast<std::size_t>(i)], order[static_cast<std::size_t>(draw(random, i + 1))]);
  }
  return torch::tensor(order, torch::kInt64);
}

}  // namespace stegpass::model
