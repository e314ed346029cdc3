#include <stegpass/model/isn_evaluation.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include <torch/types.h>

namespace stegpass::model {
namespace {

// A cycle through all pictures in random order: nobody is its own partner.
std::vector<std::size_t> draw_partners(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> order(count), partner(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count - 1; i > 0; --i) std::swap(order[i], order[random() % (i + 1)]);
  for (std::size_t i = 0; i < count; ++i) partner[order[i]] = order[(i + 1) % count];
  return partner;
}

Digest64 key_of(std::uint64_t seed, std::size_t index) {
  Bytes bytes;
  append_big_endian(bytes, seed, 8);
  append_big_endian(bytes, index, 8);
  return sha512(bytes);
}

struct Pair {
  double stego_db, reveal_db, stego_ssim, reveal_ssim, wrong_secret, wrong_cover;
};

/// The 11 x 11 Gaussian window of each colour, (3, 1, 11, 11).
torch::Tensor ssim_window() {
  const auto side = torch::arange(11, torch::kFloat64).sub(5).square().div(-2 * 1.5 * 1.5).exp();
  const auto window = side.unsqueeze(1) * side.unsqueeze(0);
  return (window / window.sum()).expand({3, 1, 11, 11}).contiguous();
}

Result<Pair> evaluate_pair(const IsnModel& model, const Raster& cover, const Raster& secret, const Digest64& key) {
  auto near_key = key;
  near_key[0] ^= 1;
  STEGPASS_TRY(stego, model.hide(cover, secret, key));
  STEGPASS_TRY(revealed, model.reveal(stego, key));
  STEGPASS_TRY(wrong, model.reveal(stego, near_key));
  return Pair{psnr_db(cover, stego),
              psnr_db(secret, revealed),
              ssim(cover, stego),
              ssim(secret, revealed),
              std::abs(correlation(wrong, secret)),
              std::abs(correlation(wrong, cover))};
}

}  // namespace

double ssim(const Raster& a, const Raster& b) {
  torch::NoGradGuard no_gradient;
  const auto x = tensor_of(a).to(torch::kFloat64), y = tensor_of(b).to(torch::kFloat64), window = ssim_window();
  const auto blur = [&](const torch::Tensor& picture) { return torch::conv2d(picture, window, {}, 1, at::IntArrayRef{0}, 1, 3); };
  const auto mean_x = blur(x), mean_y = blur(y);
  const auto square_x = blur(x * x) - mean_x * mean_x, square_y = blur(y * y) - mean_y * mean_y,
             both = blur(x * y) - mean_x * mean_y;
  constexpr double kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;
  const auto similar =
      (2 * mean_x * mean_y + kC1) * (2 * both + kC2) / ((mean_x.square() + mean_y.square() + kC1) * (square_x + square_y + kC2));
  return similar.mean().item<double>();
}

double correlation(const Raster& a, const Raster& b) {
  const auto count = static_cast<double>(a.rgb.size());
  const double mean_a = std::accumulate(a.rgb.begin(), a.rgb.end(), 0.0) / count,
               mean_b = std::accumulate(b.rgb.begin(), b.rgb.end(), 0.0) / count;
  double both = 0, square_a = 0, square_b = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const double x = a.rgb[i] - mean_a, y = b.rgb[i] - mean_b;
    both += x * y, square_a += x * x, square_b += y * y;
  }
  return square_a > 0 && square_b > 0 ? both / std::sqrt(square_a * square_b) : 0.0;
}

Result<IsnEvaluation> evaluate_isn(const IsnModel& model, const std::vector<Raster>& pictures, std::uint64_t seed,
                                   const FitSecret& fit) {
  if (pictures.size() < 2)
    return {Errc::usage, "isn evaluation: " + std::to_string(pictures.size()) + " pictures, expected at least two"};
  const auto partner = draw_partners(pictures.size(), seed);
  const auto count = static_cast<double>(pictures.size());
  IsnEvaluation sum{.count = static_cast<std::int64_t>(pictures.size()), .stego_psnr_db_min = 1e9, .reveal_psnr_db_min = 1e9};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Raster& secret = pictures[partner[i]];
    STEGPASS_TRY(pair, evaluate_pair(model, pictures[i], fit ? fit(secret, pictures[i]) : secret, key_of(seed, i)));
    sum.stego_psnr_db += pair.stego_db / count, sum.reveal_psnr_db += pair.reveal_db / count;
    sum.stego_ssim += pair.stego_ssim / count, sum.reveal_ssim += pair.reveal_ssim / count;
    sum.wrong_key_correlation += pair.wrong_secret / count, sum.wrong_key_cover_correlation += pair.wrong_cover / count;
    sum.stego_psnr_db_min = std::min(sum.stego_psnr_db_min, pair.stego_db);
    sum.reveal_psnr_db_min = std::min(sum.reveal_psnr_db_min, pair.reveal_db);
  }
  return sum;
}

}  // namespace stegpass::model
