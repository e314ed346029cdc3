#include <stegpass/model/pooling.hpp>

#include <algorithm>
#include <string>

#include <torch/types.h>

#include "parse_name.hpp"

namespace stegpass::model {
namespace {

constexpr std::array<std::string_view, 2> kPoolings{"mean", "whitened"};

}  // namespace

std::string_view pooling_name(Pooling pooling) { return kPoolings[static_cast<std::size_t>(pooling)]; }
Result<Pooling> parse_pooling(std::string_view name) { return parse_name<Pooling>("pooling", name, kPoolings); }

torch::Tensor pool_mean(const torch::Tensor& columns) { return columns.mean(1); }

namespace {

/// X'X (n, n) in its lower triangle, which is all that a symmetric matrix needs to be taken apart. `x`: (D, n).
torch::Tensor lower_gram(const torch::Tensor& x) {
  const std::int64_t n = x.size(1), block = std::max<std::int64_t>(64, n / 8);
  torch::Tensor gram = torch::zeros({n, n}, x.options());
  for (std::int64_t from = 0; from < n; from += block) {
    const std::int64_t to = std::min(n, from + block);
    gram.slice(0, from, to).slice(1, 0, to).copy_(x.slice(1, from, to).t().mm(x.slice(1, 0, to)));
  }
  return gram;
}

/// Centred U, and the inverse root of the smaller of its two Gram matrices: U (U'U + e)^(-1/2) = (UU' + e)^(-1/2) U.
struct Whitening {
  torch::Tensor centred, root;
  bool few_columns = false;  ///< root is (n, n), else (D, D)
};

Result<Whitening> make_whitening(const torch::Tensor& columns) {
  const torch::Tensor u = columns - columns.mean(1, true);
  const bool few_columns = u.size(1) <= u.size(0);
  const torch::Tensor gram = lower_gram(few_columns ? u : u.t());
  if (!gram.isfinite().all().item<bool>()) return Error{Errc::refused, "the layer key is not finite"};
  const auto [values, vectors] = at::linalg_eigh(gram, "L");
  const torch::Tensor largest = values.max();
  if (largest.item<double>() <= 0) return Error{Errc::refused, "the layer key does not vary over its columns"};
  const torch::Tensor weights = (values.clamp_min(0) + kWhiteningFloor * kWhiteningFloor * largest).rsqrt();
  return Whitening{u, (vectors * weights).mm(vectors.t()), few_columns};
}

}  // namespace

Result<torch::Tensor> whitened_columns(const torch::Tensor& columns) {
  const torch::NoGradGuard no_grad;
  STEGPASS_TRY(whitening, make_whitening(columns));
  return whitening.few_columns ? whitening.centred.mm(whitening.root) : whitening.root.mm(whitening.centred);
}

Result<torch::Tensor> whitened_responses(const torch::Tensor& weights, const torch::Tensor& columns) {
  const torch::NoGradGuard no_grad;
  STEGPASS_TRY(whitening, make_whitening(columns));
  return whitening.few_columns ? weights.mm(whitening.centred).mm(whitening.root)
                               : weights.mm(whitening.root).mm(whitening.centred);
}

Result<torch::Tensor> pool_whitened(const torch::Tensor& columns, const torch::Tensor& patterns) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor r = patterns.to(torch::kFloat64) - patterns.to(torch::kFloat64).mean(1, true);
  STEGPASS_TRY(whitening, make_whitening(columns));
  const torch::Tensor u = whitening.centred.t();
  torch::Tensor mixed = whitening.few_columns ? r.mm(whitening.root).mm(u) : r.mm(u).mm(whitening.root);  // (C, D)
  const torch::Tensor norms = mixed.norm(2, 1, true);
  if (!(norms > 0).all().item<bool>()) return Error{Errc::refused, "a direction of the layer key vanishes"};
  return mixed.mul_(kDirectionNorm / norms);
}

}  // namespace stegpass::model
