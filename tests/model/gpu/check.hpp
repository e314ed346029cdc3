#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::gpu_check {

/// What one case came to: claims that held or did not, and the figures behind them, in the order they were added.
class Report {
 public:
  /// Records a claim; one that does not hold fails the case.
  void claim(std::string text, bool holds);
  void figure(std::string name, double value);
  void figure(std::string name, std::string_view value);

  bool passed() const;
  const std::vector<std::pair<std::string, bool>>& claims() const { return claims_; }
  /// The case as members of a JSON object, without the braces.
  std::string json_members() const;

 private:
  std::vector<std::pair<std::string, bool>> claims_;
  std::vector<std::pair<std::string, std::string>> figures_;  // name, value as JSON
};

std::string json_text(std::string_view text);
std::string json_number(double value);

/// Infinite where a difference is no number, so that no bound holds.
inline double largest_difference(const torch::Tensor& a, const torch::Tensor& b) {
  const double found = (a - b).abs().max().item<double>();
  return std::isfinite(found) ? found : std::numeric_limits<double>::infinity();
}

/// Seconds that `work` takes on `device`, once warm; the queue of a GPU is emptied before each reading of the clock.
template <class Work>
double seconds_of(const torch::Device& device, Work work);
void wait_for(const torch::Device& device);
double now_seconds();

/// A drawn RGB picture, size * size * 3 bytes: waves of several lengths in three colours; the same for the same seed.
Bytes drawn_picture(std::uint64_t seed, int size);

// The cases: the same work on the CPU and on `device`, compared.
void check_haar(const torch::Device& device, Report& report);
void check_isn(const torch::Device& device, Report& report);
void check_reading(const torch::Device& device, Report& report);
void check_training(const torch::Device& device, Report& report);

template <class Work>
double seconds_of(const torch::Device& device, Work work) {
  work();
  wait_for(device);
  const double start = now_seconds();
  work();
  wait_for(device);
  return now_seconds() - start;
}

}  // namespace stegpass::gpu_check
