#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/isn.hpp>

namespace stegpass::model {

/// How a forger searches: Adam on the squared error between what is revealed and what is wanted. He has the weights, which are
/// public.
struct ForgeOptions {
  std::int64_t steps = 1000;
  double rate = 1e-3;              ///< Adam's; of key values, or of pixel values over 255
  std::int64_t report_every = 50;  ///< steps between points of the curve; the last step always makes one
  std::uint64_t seed = 1;          ///< of the key that the search starts from
  bool through_signs = false;      ///< of a key: each step reveals with its signs, and the gradient passes as if it had not
  double near_weight = 0;          ///< of a picture: weight of its squared distance from where it started
  bool bf16 = false;               ///< the search computes in bfloat16; what is judged never does
};

/// A point on the way, from 8-bit pictures.
struct ForgePoint {
  std::int64_t step = 0;
  double loss = 0;  ///< of the step before
  double reveal_psnr_db =
      0;  ///< revealed against wanted; of a key by its real values, or by its signs when the search went through them
  double start_psnr_db = 0;  ///< of a picture: against the one it started from; else 0
};
/// Called at every point; false stops (Errc::interrupted).
using ForgeProgress = std::function<bool(const ForgePoint&)>;

/// A key tensor that nobody derived.
struct ForgedKey {
  torch::Tensor key;         ///< (1, 12, H/2, W/2), float32, of any values
  Raster revealed;           ///< under the real values, which no 64-byte key has
  Raster revealed_by_signs;  ///< under their signs
  std::vector<ForgePoint> curve;
};
/// Searches a key tensor under which `stego` reveals `wanted`. Sides are even. Errors  usage (sizes, steps, rate), interrupted,
/// unsupported when the form takes no key.
Result<ForgedKey> forge_isn_key(const IsnModel& model, const Raster& stego, const Raster& wanted, const ForgeOptions& options,
                                const ForgeProgress& progress = {});

/// A picture that nobody minted.
struct ForgedPicture {
  Raster picture;   ///< 8 bits a value
  Raster revealed;  ///< from it, under the key
  std::vector<ForgePoint> curve;
};
/// Searches a picture near `start` from which `key` reveals `wanted`; rounding to 8 bits is passed straight through. Errors  as
/// above.
Result<ForgedPicture> forge_isn_picture(const IsnModel& model, const Raster& start, const Raster& wanted, const Digest64& key,
                                        const ForgeOptions& options, const ForgeProgress& progress = {});

/// Share of the values of `forged` whose sign is that of the tensor that `key` expands to; 0.5 for tensors that have nothing to
/// do with it.
double agreement_with_key(const torch::Tensor& forged, const Digest64& key);

/// The pictures that licensees of one cover bring together: one byte a value and licensee.
class Collusion {
 public:
  /// Requires every picture to have the size of the first (assertion).
  void add(const Raster& stego);
  std::size_t count() const { return pictures_.size(); }

  /// Value by value over the first `count` pictures: the mean, not rounded; the median, of an even count the lower middle one;
  /// one picture's, drawn by the seed. Requires 1 <= count <= count().
  std::vector<double> mean(std::size_t count) const;
  Raster median(std::size_t count) const;
  Raster mix(std::size_t count, std::uint64_t seed) const;
  /// Values rounded to a picture of this size.
  Raster rounded(const std::vector<double>& values) const;

 private:
  std::vector<Raster> pictures_;
};

/// What hiding adds to each value of `guess` on average over secrets and keys of one's own: colluders who have the weights
/// subtract it from their mean. Keys follow from `seed`. Errors  those of IsnModel::hide.
Result<std::vector<double>> mean_change(const IsnModel& model, const Raster& guess, const std::vector<Raster>& secrets,
                                        std::uint64_t seed);

/// How exactly a picture came back.
struct Exactness {
  double pixels = 0;  ///< share with all three values right
  double values = 0;  ///< share of values right
  int largest = 0;    ///< error of any value, grey levels
  double psnr_db = 0;
};
/// Requires equal sizes (assertion).
Exactness exactness(const Raster& found, const Raster& truth);

}  // namespace stegpass::model
