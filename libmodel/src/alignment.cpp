#include <stegpass/model/alignment.hpp>

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>

#include <ATen/ATen.h>

#include "side_by_side.hpp"
#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

constexpr int kBalanceRounds = 20;
/// Dimensions that must be left of a filter to match it by, once what the passports read is taken out.
constexpr std::int64_t kLeastDimensions = 32;

Result<std::vector<torch::Tensor>> convolutions_of(ByteView bytes, const Architecture& architecture, std::string_view whose) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  std::vector<torch::Tensor> out;
  for (const ConvPlan& conv : architecture.convs()) {
    auto weights = read_tensor(file, conv.conv + ".weight", {conv.out_channels, conv.in_channels, conv.kernel, conv.kernel});
    if (!weights) return Error{weights.error().code, std::string(whose) + ": " + weights.error().detail};
    // By its size in float32, which networks compute in: the squares of what is finite in float64 alone are not.
    if (!weights->to(torch::kFloat32).isfinite().all().item<bool>())
      return Error{Errc::malformed, std::string(whose) + ": a weight of " + conv.name + " is not finite"};
    out.push_back(weights->to(torch::kFloat64));
  }
  return out;
}

/// Orthonormal columns that span the directions of every mark in each passport layer, (D, m) with m <= D; undefined for the other
/// layers. Errors  usage on a mark for another architecture.
Result<std::vector<torch::Tensor>> read_spaces(const Architecture& architecture, const std::vector<Mark>& marks) {
  const std::vector<ConvPlan>& convs = architecture.convs();
  std::vector<std::vector<torch::Tensor>> directions(convs.size());
  for (const Mark& mark : marks) {
    STEGPASS_CHECK_OK(check_mark(architecture, mark, MarkPictures::scale_only));
    std::size_t next = 0;
    for (std::size_t i = 0; i < convs.size(); ++i) {
      if (convs[i].passport) directions[i].push_back(mark.layers[next++].scale);
    }
  }
  std::vector<torch::Tensor> out(convs.size());
  side_by_side(convs.size(), [&](std::size_t i) {
    if (!directions[i].empty()) out[i] = std::get<0>(at::linalg_qr(torch::cat(directions[i], 0).t(), "reduced"));
  });
  return out;
}

/// Filters as rows, without what `space` reads: (C, D) of norm 1.
torch::Tensor comparable(const torch::Tensor& filters, const torch::Tensor& space) {
  torch::Tensor rows = filters.flatten(1);
  if (space.defined()) rows = rows - rows.mm(space).mm(space.t());
  return rows / rows.norm(2, 1, true).clamp_min(1e-12);
}

/// Factors of the input channels that make all columns equally strong while all rows are (Sinkhorn's balance of squared weights).
torch::Tensor input_scales(const torch::Tensor& filters) {
  const torch::Tensor strength = filters.square().sum({2, 3}).clamp_min(1e-30);  // (C, C_in)
  torch::Tensor scales = torch::ones({strength.size(1)}, torch::kFloat64);
  for (int i = 0; i < kBalanceRounds; ++i) {
    const torch::Tensor rows = (strength * scales).sum(1, true);
    scales = 1 / (strength / rows).sum(0);
  }
  return scales.sqrt();
}

class Aligner {
 public:
  Aligner(const Architecture& architecture, std::vector<torch::Tensor> copy, std::vector<torch::Tensor> original,
          std::vector<torch::Tensor> spaces)
      : convs_(architecture.convs()),
        group_(architecture.channel_groups()),
        copy_(std::move(copy)),
        original_(std::move(original)),
        spaces_(std::move(spaces)),
        order_(convs_.size()) {}

  Status match_groups() {
    for (bool progress = true; progress;) {
      progress = false;
      for (std::size_t i = 0; i < convs_.size(); ++i) {
        if (order_of(group_[i]) || !input_known(i) || !comparable_enough(i)) continue;
        const torch::Tensor scores = similarity(i).abs();
        if (!scores.isfinite().all().item<bool>())
          return Error{Errc::unsupported, "the filters of " + convs_[i].name + " compare to what is no number"};
        order_[static_cast<std::size_t>(group_[i])] = assign(scores);
        progress = true;
      }
    }
    for (std::size_t i = 0; i < convs_.size(); ++i)
      if (!order_of(group_[i]))
        return Error{Errc::unsupported, "the passports leave too little of " + convs_[i].name + " to match its channels by"};
    return Done{};
  }

  Alignment result() const {
    Alignment out;
    std::vector<torch::Tensor> aligned;
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < convs_.size(); ++i) {
      out.layers.push_back(place(i, aligned));
      views.push_back(view_tensor(convs_[i].conv + ".weight", aligned.back()));
    }
    out.model = encode_safetensors(std::move(views), {});
    return out;
  }

 private:
  using Order = std::optional<std::vector<int>>;

  const Order& order_of(int group) const { return order_[static_cast<std::size_t>(group)]; }
  int input_of(std::size_t i) const { return convs_[i].from == ConvPlan::kPrevious ? static_cast<int>(i) - 1 : convs_[i].from; }
  bool input_known(std::size_t i) const {
    const int input = input_of(i);
    return input < 0 || order_of(group_[static_cast<std::size_t>(input)]).has_value();
  }
  bool comparable_enough(std::size_t i) const {
    return !spaces_[i].defined() || convs_[i].fan_in() - spaces_[i].size(1) >= kLeastDimensions;
  }

  /// The copy's filters with their input channels in the original's order and scale.
  torch::Tensor with_input(std::size_t i) const {
    const int input = input_of(i);
    if (input < 0) return copy_[i];
    const std::vector<int>& order = *order_of(group_[static_cast<std::size_t>(input)]);
    const torch::Tensor index = torch::tensor(std::vector<std::int64_t>(order.begin(), order.end()));
    const torch::Tensor filters = copy_[i].index_select(1, index);
    return filters * (input_scales(filters) / input_scales(original_[i])).view({1, -1, 1, 1});
  }

  /// Cosines of the original's filters (rows) with the copy's (columns).
  torch::Tensor similarity(std::size_t i) const {
    return comparable(original_[i], spaces_[i]).mm(comparable(with_input(i), spaces_[i]).t());
  }

  LayerAlignment place(std::size_t i, std::vector<torch::Tensor>& aligned) const {
    LayerAlignment out{.layer = convs_[i].name, .from = *order_of(group_[i])};
    const torch::Tensor index = torch::tensor(std::vector<std::int64_t>(out.from.begin(), out.from.end()));
    const torch::Tensor filters = with_input(i).index_select(0, index);
    const torch::Tensor cosines = (comparable(original_[i], spaces_[i]) * comparable(filters, spaces_[i])).sum(1);
    const torch::Tensor signs = torch::where(cosines < 0, torch::full_like(cosines, -1), torch::ones_like(cosines));
    for (std::size_t c = 0; c < out.from.size(); ++c) out.moved += out.from[c] == static_cast<int>(c) ? 0 : 1;
    out.turned = static_cast<int>((signs < 0).sum().item<std::int64_t>());
    out.similarity = cosines.abs().mean().item<double>();
    aligned.push_back((filters * signs.view({-1, 1, 1, 1})).to(torch::kFloat32).contiguous());
    return out;
  }

  const std::vector<ConvPlan>& convs_;
  std::vector<int> group_;
  std::vector<torch::Tensor> copy_, original_, spaces_;
  std::vector<Order> order_;  // by group
};

/// Shortest augmenting paths with potentials (Jonker and Volgenant 1987), rows and columns from 1; costs are negated scores.
std::vector<int> assign_by_paths(const double* scores, int n) {
  const auto cost = [&](int row, int column) {
    return -scores[static_cast<std::size_t>(row - 1) * static_cast<std::size_t>(n) + static_cast<std::size_t>(column - 1)];
  };
  const auto size = static_cast<std::size_t>(n) + 1;
  std::vector<double> row_potential(size, 0), column_potential(size, 0);
  std::vector<int> row_of(size, 0), before(size, 0);
  for (int row = 1; row <= n; ++row) {
    std::vector<double> least(size, std::numeric_limits<double>::infinity());
    std::vector<bool> seen(size, false);
    int column = 0;
    row_of[0] = row;
    do {
      seen[static_cast<std::size_t>(column)] = true;
      const int from = row_of[static_cast<std::size_t>(column)];
      double delta = std::numeric_limits<double>::infinity();
      int next = 0;
      for (int j = 1; j <= n; ++j) {
        const auto at = static_cast<std::size_t>(j);
        if (seen[at]) continue;
        const double reduced = cost(from, j) - row_potential[static_cast<std::size_t>(from)] - column_potential[at];
        if (reduced < least[at]) least[at] = reduced, before[at] = column;
        if (least[at] < delta) delta = least[at], next = j;
      }
      for (std::size_t j = 0; j < size; ++j) {
        if (seen[j])
          row_potential[static_cast<std::size_t>(row_of[j])] += delta, column_potential[j] -= delta;
        else
          least[j] -= delta;
      }
      column = next;
    } while (row_of[static_cast<std::size_t>(column)] != 0);
    for (; column != 0; column = before[static_cast<std::size_t>(column)])
      row_of[static_cast<std::size_t>(column)] = row_of[static_cast<std::size_t>(before[static_cast<std::size_t>(column)])];
  }
  std::vector<int> out(static_cast<std::size_t>(n));
  for (int j = 1; j <= n; ++j) out[static_cast<std::size_t>(row_of[static_cast<std::size_t>(j)] - 1)] = j - 1;
  return out;
}

}  // namespace

int Alignment::moved() const {
  return std::accumulate(layers.begin(), layers.end(), 0, [](int sum, const LayerAlignment& layer) { return sum + layer.moved; });
}

std::vector<int> assign(const torch::Tensor& scores) {
  const torch::Tensor best = scores.argmax(1);
  const auto* first = best.data_ptr<std::int64_t>();
  std::vector<int> out(first, first + best.numel());
  std::vector<bool> taken(out.size(), false);
  bool once = true;  // the best of every row, where these are all different, is the best of all
  for (const int column : out) {
    once = once && !taken[static_cast<std::size_t>(column)];
    taken[static_cast<std::size_t>(column)] = true;
  }
  return once ? out : assign_by_paths(scores.contiguous().data_ptr<double>(), static_cast<int>(scores.size(0)));
}

Result<Alignment> align_model(ByteView copy, ByteView original, const Architecture& architecture,
                              const std::vector<Mark>& under_test) {
  const torch::NoGradGuard no_grad;
  STEGPASS_TRY(of_copy, convolutions_of(copy, architecture, "the copy"));
  STEGPASS_TRY(of_original, convolutions_of(original, architecture, "the original"));
  STEGPASS_TRY(spaces, read_spaces(architecture, under_test));
  Aligner aligner(architecture, std::move(of_copy), std::move(of_original), std::move(spaces));
  STEGPASS_CHECK_OK(aligner.match_groups());
  return aligner.result();
}

}  // namespace stegpass::model
