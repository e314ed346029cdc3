#include <stegpass/model/isn_evaluation.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

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
  double stego_db, reveal_db, wrong_correlation;
};

Result<Pair> evaluate_pair(const IsnModel& model, const Raster& cover, const Raster& secret, const Digest64& key) {
  auto near_key = key;
  near_key[0] ^= 1;
  STEGPASS_TRY(stego, model.hide(cover, secret, key));
  STEGPASS_TRY(revealed, model.reveal(stego, key));
  STEGPASS_TRY(wrong, model.reveal(stego, near_key));
  return Pair{psnr_db(cover, stego), psnr_db(secret, revealed), std::abs(correlation(wrong, secret))};
}

}  // namespace

double correlation(const Raster& a, const Raster& b) {
  const auto count = static_cast<double>(a.rgb.size());
  const double mean_a = std::accumulate(a.rgb.begin(), a.rgb.end(), 0.0) / count, mean_b = std::accumulate(b.rgb.begin(), b.rgb.end(), 0.0) / count;
  double both = 0, square_a = 0, square_b = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) {
    const double x = a.rgb[i] - mean_a, y = b.rgb[i] - mean_b;
    both += x * y, square_a += x * x, square_b += y * y;
  }
  return square_a > 0 && square_b > 0 ? both / std::sqrt(square_a * square_b) : 0.0;
}

Result<IsnEvaluation> evaluate_isn(const IsnModel& model, const std::vector<Raster>& pictures, std::uint64_t seed) {
  if (pictures.size() < 2) return {Errc::usage, "isn evaluation: " + std::to_string(pictures.size()) + " pictures, expected at least two"};
  const auto partner = draw_partners(pictures.size(), seed);
  const auto count = static_cast<double>(pictures.size());
  IsnEvaluation sum{.count = static_cast<std::int64_t>(pictures.size()), .stego_psnr_db_min = 1e9, .reveal_psnr_db_min = 1e9};
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    STEGPASS_TRY(pair, evaluate_pair(model, pictures[i], pictures[partner[i]], key_of(seed, i)));
    sum.stego_psnr_db += pair.stego_db / count, sum.reveal_psnr_db += pair.reveal_db / count;
    sum.wrong_key_correlation += pair.wrong_correlation / count;
    sum.stego_psnr_db_min = std::min(sum.stego_psnr_db_min, pair.stego_db);
    sum.reveal_psnr_db_min = std::min(sum.reveal_psnr_db_min, pair.reveal_db);
  }
  return sum;
}

}  // namespace stegpass::model
