#include <stegpass/model/pooling.hpp>

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

/// Centred U, and the inverse root of the smaller of its two Gram matrices: U (U'U + e)^(-1/2) = (UU' + e)^(-1/2) U.
struct Whitening {
  torch::Tensor centred, root;
  bool few_columns = false;  ///< root is (n, n), else (D, D)
};

Result<Whitening> make_whitening(const torch::Tensor& columns) {
  const torch::Tensor u = columns - columns.mean(1, true);
  const bool few_columns = u.size(1) <= u.size(0);
  const torch::Tensor gram = few_columns ? u.t().mm(u) : u.mm(u.t());
  if (!gram.isfinite().all().item<bool>()) return Error{Errc::refused, "the layer key is not finite"};
  const auto [values, vectors] = at::linalg_eigh(gram, "L");
  const torch::Tensor largest = values.max();
  if (largest.item<double>() <= 0) return Error{Errc::refused, "the layer key does not vary over its columns"};
  const torch::Tensor weights = (values.clamp_min(0) + kWhiteningFloor * kWhiteningFloor * largest).rsqrt();
  return Whitening{u, (vectors * weights).mm(vectors.t()), few_columns};
}

}  // namespace

Result<torch::Tensor> whiten_columns(const torch::Tensor& columns) {
  const torch::NoGradGuard no_grad;
  STEGPASS_TRY(whitening, make_whitening(columns));
  return whitening.few_columns ? whitening.centred.mm(whitening.root) : whitening.root.mm(whitening.centred);
}

Result<torch::Tensor> pool_whitened(const torch::Tensor& columns, const torch::Tensor& patterns) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor r = patterns.to(torch::kFloat64) - patterns.to(torch::kFloat64).mean(1, true);
  STEGPASS_TRY(whitening, make_whitening(columns));
  const torch::Tensor mixed = whitening.few_columns ? whitening.centred.mm(whitening.root.mm(r.t()))
                                                    : whitening.root.mm(whitening.centred.mm(r.t()));  // (D, C)
  const torch::Tensor norms = mixed.norm(2, 0, true);
  if (!(norms > 0).all().item<bool>()) return Error{Errc::refused, "a direction of the layer key vanishes"};
  return (mixed * (kDirectionNorm / norms)).t().contiguous();
}

}  // namespace stegpass::model
