#include <stegpass/model/survey.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

#include <stegpass/model/key_network.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/reading.hpp>

#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

/// Z (C, n): the sign that a pattern r reads in channel c is that of r_c . Z_c, whatever the pattern.
struct ReadableLayer {
  MarkedLayer layer;
  torch::Tensor products;
};

Result<std::vector<torch::Tensor>> layer_weights(ByteView bytes, const Architecture& architecture) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  std::vector<torch::Tensor> out;
  for (const ConvPlan& layer : architecture.passport_convs()) {
    STEGPASS_TRY(w,
                 read_tensor(file, layer.conv + ".weight", {layer.out_channels, layer.in_channels, layer.kernel, layer.kernel}));
    out.push_back(w.to(torch::kFloat64).flatten(1));
  }
  return out;
}

Result<std::vector<ReadableLayer>> make_readable(const KeyNetwork& network, const Architecture& architecture,
                                                 const Passport& passport, const std::vector<torch::Tensor>& weights) {
  STEGPASS_TRY(columns, network.layer_columns(passport, Picture::scale));
  std::vector<ReadableLayer> out;
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  for (std::size_t i = 0; i < layers.size(); ++i) {
    STEGPASS_TRY(z, whitened_responses(weights[i], columns[i]));
    out.push_back({marked_layer(architecture, layers[i]), z - z.mean(1, true)});  // as if r were centred
  }
  return out;
}

int count_layer(const ReadableLayer& readable, const MarkSeed& seed) {
  const int columns = static_cast<int>(readable.products.size(1));
  const auto bits = sign_bits(seed, readable.layer);
  const auto patterns = sign_patterns(seed, readable.layer, Picture::scale, columns);
  const double* z = readable.products.data_ptr<double>();
  int count = 0;
  for (std::size_t c = 0; c < bits.size(); ++c) {
    double s = 0;
    for (int j = 0; j < columns; ++j, ++z)
      s += *z * patterns[c * static_cast<std::size_t>(columns) + static_cast<std::size_t>(j)];
    if (s * bits[c] > 0) ++count;
  }
  return count;
}

MarkSeed wrong_seed(std::uint64_t seed, std::uint64_t counter) {
  return {Sha512().update("stegpass.survey.v1").update_u64(seed).update_u64(counter).finish()};
}

/// P[X = k] for k = 0 .. bits.
std::vector<double> binomial_chances(int bits) {
  std::vector<double> out;
  for (int k = 0; k <= bits; ++k) {
    out.push_back(std::exp(std::lgamma(bits + 1.0) - std::lgamma(k + 1.0) - std::lgamma(bits - k + 1.0) - bits * std::log(2.0)));
  }
  return out;
}

/// Adds up (observed - expected)^2 / expected over neighbours joined until each bin expects five; returns the bins' number.
int chi_square_of(const std::vector<double>& observed, const std::vector<double>& expected, double& chi_square) {
  constexpr double kLeast = 5;
  double left = std::accumulate(expected.begin(), expected.end(), 0.0), seen = 0, wanted = 0;
  int bins = 0;
  for (std::size_t k = 0; k < observed.size(); ++k) {
    seen += observed[k];
    wanted += expected[k];
    left -= expected[k];
    const bool last = k + 1 == observed.size();
    if (!last && (wanted < kLeast || left < kLeast)) continue;
    chi_square += (seen - wanted) * (seen - wanted) / wanted;
    ++bins;
    seen = wanted = 0;
  }
  return bins;
}

}  // namespace

double Survey::mean_match() const {
  const double sum = std::accumulate(matches.begin(), matches.end(), 0.0);
  return matches.empty() || bits == 0 ? 0 : sum / static_cast<double>(matches.size()) / bits;
}

Survey judge_survey(int bits, std::vector<int> matches) {
  Survey out{.bits = bits, .matches = std::move(matches)};
  const double count = static_cast<double>(out.matches.size());
  std::vector<double> observed(static_cast<std::size_t>(bits) + 1), expected = binomial_chances(bits);
  for (const int k : out.matches) {
    assert(k >= 0 && k <= bits);
    observed[static_cast<std::size_t>(k)] += 1;
  }
  for (double& chance : expected) chance *= count;
  out.degrees_of_freedom = std::max(0, chi_square_of(observed, expected, out.chi_square) - 1);
  if (out.degrees_of_freedom > 0) {
    out.p_value = at::igammac(torch::tensor(out.degrees_of_freedom / 2.0, torch::kFloat64),
                              torch::tensor(out.chi_square / 2, torch::kFloat64))
                      .item<double>();
  }
  for (const int k : out.matches) {
    const double tail = std::pow(10.0, log10_binomial_tail(bits, std::max(k, bits - k)));
    out.smallest_p = std::min(out.smallest_p, 2 * tail * count);
  }
  return out;
}

Result<Survey> survey_wrong_passports(ByteView bytes, const Architecture& architecture, const std::vector<Passport>& passports,
                                      int seeds_per_passport, std::uint64_t seed,
                                      const std::function<bool(std::size_t)>& progress) {
  if (passports.empty() || seeds_per_passport < 1 || architecture.bits() == 0) {
    return Error{Errc::usage, "a survey needs passports, seeds and passport layers"};
  }
  const torch::NoGradGuard no_grad;
  STEGPASS_TRY(weights, layer_weights(bytes, architecture));
  const KeyNetwork network(architecture);
  std::vector<int> matches;
  for (std::size_t i = 0; i < passports.size(); ++i) {
    STEGPASS_TRY(layers, make_readable(network, architecture, passports[i], weights));
    for (int j = 0; j < seeds_per_passport; ++j) {
      int count = 0;
      for (const ReadableLayer& layer : layers) count += count_layer(layer, wrong_seed(seed, matches.size()));
      matches.push_back(count);
    }
    if (progress && !progress(i + 1)) return Error{Errc::interrupted, "the survey was asked to stop"};
  }
  return judge_survey(architecture.bits(), std::move(matches));
}

}  // namespace stegpass::model
