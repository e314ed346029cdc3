#include <stegpass/model/reading.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <numeric>

#include <ATen/Dispatch.h>

#include "parse_name.hpp"
#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

constexpr std::array<std::string_view, 2> kSignatureModes{"strict", "reference"};

/// log10 of P[X >= matches] for matches > bits / 2: the first term, times a series whose terms fall.
double upper_tail(int bits, int matches) {
  long double log_choose = 0;
  for (int i = 1; i <= bits - matches; ++i) log_choose += std::log(static_cast<long double>(matches + i) / i);
  long double sum = 1, term = 1;
  for (int k = matches; k < bits && term > 0; ++k) {
    term *= static_cast<long double>(bits - k) / (k + 1);
    sum += term;
  }
  const long double log_p = log_choose + std::log(sum) - bits * std::log(2.0L);
  return static_cast<double>(log_p / std::log(10.0L));
}

/// s_c = w_c . u_c in double precision. `weights`: (C, ...) of any floating type, `directions`: (C, D) float64. Returns (C)
/// float64.
torch::Tensor read_signs(const torch::Tensor& weights, const torch::Tensor& directions) {
  const torch::Tensor w = weights.flatten(1).contiguous(), u = directions.contiguous();
  torch::Tensor s = torch::empty({w.size(0)}, torch::kFloat64);
  const std::int64_t length = w.size(1);
  AT_DISPATCH_FLOATING_TYPES_AND2(torch::kHalf, torch::kBFloat16, w.scalar_type(), "read_signs", [&] {
    const auto product = [](scalar_t a, double b) { return static_cast<double>(a) * b; };
    for (std::int64_t c = 0; c < w.size(0); ++c) {
      const scalar_t* row = w.data_ptr<scalar_t>() + c * length;
      s.data_ptr<double>()[c] =
          std::inner_product(row, row + length, u.data_ptr<double>() + c * length, 0.0, std::plus<>(), product);
    }
  });
  return s;
}

std::string reading_sentence(const MarkReading& reading, double log10_corrected, double bound) {
  char text[200];
  std::snprintf(text, sizeof text, "%d of %d bits match (%.4f), log10 p %.1f, %.1f after tries, bound %.1f", reading.matches,
                reading.bits, reading.match(), reading.log10_p, log10_corrected, bound);
  return text;
}

}  // namespace

std::string_view signature_mode_name(SignatureMode mode) { return kSignatureModes[static_cast<std::size_t>(mode)]; }
Result<SignatureMode> parse_signature_mode(std::string_view name) {
  return parse_name<SignatureMode>("signature mode", name, kSignatureModes);
}

double log10_binomial_tail(int bits, int matches) {
  if (matches <= 0) return 0;
  if (matches > bits) return -std::numeric_limits<double>::infinity();
  if (2 * matches > bits) return upper_tail(bits, matches);
  // P[X >= k] = 1 - P[X <= k - 1] = 1 - P[X >= n - k + 1], by symmetry.
  const double below = std::pow(10.0, upper_tail(bits, bits - matches + 1));
  return std::log1p(-below) / std::log(10.0);
}

double corrected_log10_p(double log10_p, int passports_tried) {
  return std::min(0.0, log10_p + std::log10(std::max(passports_tried, 1)) + kLog10UnseenTries);
}

double best_log10_p(int bits) { return corrected_log10_p(log10_binomial_tail(bits, bits), 1); }

int count_matches(const torch::Tensor& bits, const torch::Tensor& s) {
  const torch::Tensor agree = (bits.to(torch::kFloat64) * s.to(torch::kFloat64) > 0).logical_and(s.isfinite());
  return static_cast<int>(agree.sum().item<std::int64_t>());
}

namespace {

/// A model's file and the weights of its passport layers.
struct MarkedWeights {
  Safetensors file;
  std::vector<torch::Tensor> weights;
};

Result<MarkedWeights> marked_weights(ByteView bytes, const std::vector<ConvPlan>& layers) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  MarkedWeights out{std::move(file), {}};
  for (const ConvPlan& layer : layers) {
    STEGPASS_TRY(
        w, read_tensor(out.file, layer.conv + ".weight", {layer.out_channels, layer.in_channels, layer.kernel, layer.kernel}));
    out.weights.push_back(std::move(w));
  }
  return out;
}

Result<MarkReading> read_from(const MarkedWeights& model, const std::vector<ConvPlan>& layers, const Mark& mark,
                              SignatureMode mode) {
  MarkReading reading{.mode = mode};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const ConvPlan& layer = layers[i];
    torch::Tensor s = read_signs(model.weights[i], mark.layers[i].scale);
    if (mode == SignatureMode::reference) {
      const std::string gain = layer.name + ".verification.bn.weight";
      if (find_tensor(model.file, gain) == nullptr) return MarkReading{.mode = mode, .decided = false};
      STEGPASS_TRY(a1, read_tensor(model.file, gain, {layer.out_channels}));
      s = s * a1.to(torch::kFloat64);
    }
    reading.layers.push_back({layer.name, layer.out_channels, count_matches(mark.layers[i].bits, s)});
    reading.bits += reading.layers.back().bits;
    reading.matches += reading.layers.back().matches;
  }
  reading.log10_p = log10_binomial_tail(reading.bits, reading.matches);
  return reading;
}

}  // namespace

Result<MarkReading> read_mark(ByteView weights, const Architecture& architecture, const Mark& mark, SignatureMode mode) {
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  STEGPASS_CHECK_OK(check_mark(architecture, mark, MarkPictures::scale_only));
  STEGPASS_TRY(model, marked_weights(weights, layers));
  return read_from(model, layers, mark, mode);
}

Result<MarkReading> read_mark(ByteView weights, std::string_view architecture_text, Pooling pooling, const Passport& passport,
                              const MarkSeed& seed, SignatureMode mode) {
  STEGPASS_TRY(architecture, Architecture::parse(architecture_text));
  const std::vector<ConvPlan> layers = architecture.passport_convs();
  STEGPASS_TRY(model, marked_weights(weights, layers));  // first: what is computed next is as large as the text says
  STEGPASS_TRY(mark, make_mark(architecture, pooling, passport, seed, MarkPictures::scale_only));
  return read_from(model, layers, mark, mode);
}

Check judge_mark(std::string code, const MarkReading& reading, int passports_tried, double log10_bound) {
  if (!reading.decided) return {std::move(code), Outcome::undecided, "a release model holds nothing that mode reference reads"};
  const double corrected = corrected_log10_p(reading.log10_p, passports_tried);
  const std::string sentence = reading_sentence(reading, corrected, log10_bound);
  if (reading.mode == SignatureMode::reference) {
    return {std::move(code), Outcome::undecided, sentence + "; mode reference proves nothing against an adversary"};
  }
  return {std::move(code), corrected <= log10_bound ? Outcome::valid : Outcome::invalid, sentence};
}

}  // namespace stegpass::model
