#pragma once

#include <string_view>

#include <torch/types.h>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// How the columns of U become the directions u that a layer's weights are read along.
enum class Pooling {
  mean,      ///< the average column, the same for all channels, as in the papers
  whitened,  ///< a pseudo-random mixture of whitened columns for each channel: our default
};

std::string_view pooling_name(Pooling pooling);
/// Errors  unsupported on any other name than `mean` and `whitened`.
Result<Pooling> parse_pooling(std::string_view name);

/// Norm of each whitened direction.
inline constexpr double kDirectionNorm = 1.8;
/// Share of the largest singular value that regularises the inverse root.
inline constexpr double kWhiteningFloor = 0.02;

/// The average column. `columns`: U (D, n) float64. Returns (D).
torch::Tensor pool_mean(const torch::Tensor& columns);

/// U (U'U + (0.02 s_max)^2 I)^(-1/2) over centred U: the columns of which every pattern makes its direction. Shapes  `columns`
/// U (D, n) float64 -> (D, n). Errors  those of `pool_whitened`.
Result<torch::Tensor> whitened_columns(const torch::Tensor& columns);

/// W U (U'U + (0.02 s_max)^2 I)^(-1/2) over centred U: what the sign of every pattern can be told from, since s_c is this row
/// times r_c, but for a positive factor. Shapes  `weights` W (C, D), `columns` U (D, n) float64 -> (C, n). Errors  those of
/// `pool_whitened`.
Result<torch::Tensor> whitened_responses(const torch::Tensor& weights, const torch::Tensor& columns);

/// u_c = U (U'U + (0.02 s_max)^2 I)^(-1/2) r_c over centred U and centred r_c, each scaled to norm 1.8.
/// Shapes  `columns` U (D, n) float64, `patterns` r (C, n) of -1 and +1 -> (C, D) float64.
/// Errors  refused when U has no variance over its columns, or is not finite.
/// Source  design.md, section 3. A function of U'U alone times U, so signs and order of the decomposition do not matter.
Result<torch::Tensor> pool_whitened(const torch::Tensor& columns, const torch::Tensor& patterns);

}  // namespace stegpass::model
