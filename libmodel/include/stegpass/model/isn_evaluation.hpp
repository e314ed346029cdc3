#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/isn.hpp>

namespace stegpass::model {

/// How well a network hides and reveals, and how badly it reveals under a wrong key. All from 8-bit pictures.
struct IsnEvaluation {
  std::int64_t count = 0;    ///< pairs: every picture is once the cover and once the secret of another
  double stego_psnr_db = 0;  ///< mean over the pairs of stego against cover
  double stego_psnr_db_min = 0;
  double reveal_psnr_db = 0;  ///< mean over the pairs of reveal against secret
  double reveal_psnr_db_min = 0;
  double stego_ssim = 0;  ///< means over the pairs of `ssim`, in the same two comparisons
  double reveal_ssim = 0;
  double wrong_key_correlation = 0;        ///< mean absolute correlation of the wrong reveal with the secret, keys one bit apart
  double wrong_key_cover_correlation = 0;  ///< the same with the cover
};

/// Brings a secret to the width and height of its cover.
using FitSecret = std::function<Raster(const Raster& secret, const Raster& cover)>;

/// Hides each picture's partner, brought to its size by `fit`, in it under a key of its own. Partners and keys follow from
/// `seed`. Errors  usage (fewer than two pictures, a size that hide does not take; without `fit`, pictures not all of one size).
Result<IsnEvaluation> evaluate_isn(const IsnModel& model, const std::vector<Raster>& pictures, std::uint64_t seed,
                                   const FitSecret& fit = {});

/// Structural similarity, the mean over pixels and colours; 1 for equal pictures. Requires equal sizes of at least 11 pixels a
/// side. Source  Wang et al., "Image quality assessment", IEEE TIP 2004, equation 13: window 11 x 11, sigma 1.5, K1 0.01, K2
/// 0.03.
double ssim(const Raster& a, const Raster& b);

/// Pearson's correlation over all values of two pictures of one size; 0 where one of them is flat.
double correlation(const Raster& a, const Raster& b);

}  // namespace stegpass::model
