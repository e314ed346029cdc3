// Searches for a picture that reads as the owner's passport does.

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include <stegpass/model/key_network.hpp>
#include <stegpass/model/survey.hpp>
#include <stegpass/model/weights.hpp>

#include "attack_run.hpp"
#include "max_pool.hpp"

namespace stegpass::model {
namespace {

constexpr double kPictureRate = 0.02;
constexpr double kPictureMargin = 0.3;  ///< in standard deviations of a layer's s
constexpr int kReadings = 5;            ///< of the 8-bit picture along the way

/// One passport layer as the search sees it.
struct SoughtLayer {
  ConvPlan plan;
  torch::Tensor weights;   ///< (C, D) float32
  torch::Tensor bits;      ///< (C)
  torch::Tensor patterns;  ///< (C, n) centred; undefined under `mean`
};

/// (U'U + (0.02 s_max)^2 I)^(-1/2), (n, n); taken as constant in each step, since its own gradient is badly conditioned.
torch::Tensor whitener(const torch::Tensor& columns) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor u = columns.detach().to(torch::kFloat64);
  const auto [values, vectors] = at::linalg_eigh(u.t().mm(u));
  const double floor = kWhiteningFloor * kWhiteningFloor * std::max(values.max().item<double>(), 1e-300);
  const torch::Tensor roots = (values.clamp_min(0) + floor).rsqrt();
  return (vectors * roots).mm(vectors.t()).to(torch::kFloat32);
}

class PictureSearch {
 public:
  PictureSearch(AttackRun& run, const Passport& start)
      : run_(run), architecture_(run.architecture()), size_(start.size()), start_(start) {}

  Status prepare() {
    STEGPASS_TRY(tiles, picture_tiles(start_.picture(Picture::scale), size_, architecture_));
    x_ = tiles.set_requires_grad(true);
    first_ = torch::zeros_like(tiles);
    second_ = torch::zeros_like(tiles);
    const auto blocks = run_.task.model->passport_blocks();
    for (const ConvBlock& block : blocks) {
      SoughtLayer layer{block.plan, block.conv->weight.detach().flatten(1).to(torch::kCPU).contiguous()};
      const MarkedLayer marked = marked_layer(architecture_, block.plan);
      layer.bits = values_of(sign_bits(run_.task.cover_seed, marked), {block.plan.out_channels});
      if (run_.task.pooling == Pooling::whitened) {
        const int columns = static_cast<int>(tiles.size(0)) * block.plan.positions();
        const torch::Tensor r =
            values_of(sign_patterns(run_.task.cover_seed, marked, Picture::scale, columns), {block.plan.out_channels, columns});
        layer.patterns = r - r.mean(1, true);
      }
      layers_.push_back(layer);
    }
    for (const ConvPlan& plan : architecture_.convs()) {
      keys_.push_back(
          key_weights(architecture_.digest(), plan.name, {plan.out_channels, plan.in_channels, plan.kernel, plan.kernel}));
    }
    return Done{};
  }

  /// One step of Adam on the hinge over all bits.
  void step(int number) {
    const torch::Tensor loss = hinge();
    x_.mutable_grad() = torch::Tensor();
    loss.backward();
    const torch::NoGradGuard no_grad;
    const torch::Tensor gradient = x_.grad();
    first_.mul_(0.9).add_(gradient, 0.1);
    second_.mul_(0.999).addcmul_(gradient, gradient, 0.001);
    const double bias = std::sqrt(1 - std::pow(0.999, number)) / (1 - std::pow(0.9, number));
    x_.sub_(kPictureRate * bias * first_ / (second_.sqrt() + 1e-8)).clamp_(-1, 127.0 / 128);
  }

  /// The picture in 8 bits, as a file would hold it, over the start's bias picture.
  Result<Passport> passport() const {
    const std::int64_t side = architecture_.input_side(), tiles = architecture_.tiles(), size = tiles * side;
    const torch::Tensor bytes = ((x_.detach() + 1) * 128).round().clamp(0, 255).to(torch::kUInt8);
    const torch::Tensor picture = bytes.view({tiles, tiles, 3, side, side}).permute({0, 3, 1, 4, 2}).contiguous();
    const auto* first = picture.data_ptr<std::uint8_t>();
    Bytes raster(first, first + picture.numel());
    const ByteView below = start_.picture(Picture::bias);
    raster.insert(raster.end(), below.begin(), below.end());
    return Passport::create(static_cast<int>(size), std::move(raster));
  }

 private:
  static torch::Tensor values_of(const std::vector<std::int8_t>& values, at::IntArrayRef shape) {
    return torch::tensor(std::vector<float>(values.begin(), values.end())).view(shape);
  }

  torch::Tensor layer_hinge(const SoughtLayer& layer, const torch::Tensor& reaching) const {
    const int kernel = layer.plan.kernel;
    torch::Tensor u =
        at::im2col(reaching, {kernel, kernel}, {1, 1}, {kernel / 2, kernel / 2}, {layer.plan.stride, layer.plan.stride});
    u = u.permute({1, 0, 2}).flatten(1);  // (D, tiles * positions), as the reading has it
    torch::Tensor s;
    if (run_.task.pooling == Pooling::mean) {
      s = layer.weights.mv(u.mean(1));
    } else {
      u = u - u.mean(1, true);
      s = (layer.weights.mm(u).mm(whitener(u)) * layer.patterns).sum(1);
    }
    const torch::Tensor scale = s.detach().square().mean().sqrt().clamp_min(1e-12);
    return at::relu(kPictureMargin - layer.bits * s / scale).sum();
  }

  torch::Tensor hinge() const {
    torch::Tensor x = x_, sum = torch::zeros({});
    std::vector<torch::Tensor> outputs;
    std::size_t next = 0;
    for (std::size_t i = 0; i < keys_.size() && next < layers_.size(); ++i) {
      const ConvPlan& plan = architecture_.convs()[i];
      if (plan.from != ConvPlan::kPrevious) x = outputs[static_cast<std::size_t>(plan.from)];
      if (plan.passport) sum = sum + layer_hinge(layers_[next++], x);
      x = at::conv2d(x, keys_[i], {}, plan.stride, plan.kernel / 2);
      if (plan.relu_before) x = at::relu(x);
      if (plan.add != ConvPlan::kNothing) x = x + outputs[static_cast<std::size_t>(plan.add)];
      if (plan.relu) x = at::relu(x);
      outputs.push_back(x = pooled(plan, x));
    }
    return sum;
  }

  AttackRun& run_;
  const Architecture& architecture_;
  int size_;
  Passport start_;
  std::vector<SoughtLayer> layers_;
  std::vector<torch::Tensor> keys_;
  torch::Tensor x_, first_, second_;
};

/// The picture under the cover's seed, as a consistency check reads it, and under the seed that follows from the picture itself.
Status note_picture(AttackRun& run, const Passport& passport, int step) {
  const Bytes release = encode_release_model(run.task.model);
  STEGPASS_TRY(fitted, make_mark(run.architecture(), run.task.pooling, passport, run.task.cover_seed, MarkPictures::scale_only));
  STEGPASS_TRY(own, make_mark(run.architecture(), run.task.pooling, passport, derive_mark_seed(passport.digest(), {}, {}),
                              MarkPictures::scale_only));
  STEGPASS_TRY(as_user, read_mark(release, run.architecture(), fitted));
  STEGPASS_TRY(as_owner, read_mark(release, run.architecture(), own));
  JsonObject point;
  point.number("strength", step).text("step", "picture after " + std::to_string(step) + " steps").boolean("aligned", false);
  point.raw("marks", "[" + mark_json("under the cover's seed", "strict", as_user.bits, as_user.matches) + "," +
                         mark_json("under its own seed", "strict", as_owner.bits, as_owner.matches) + "]");
  run.add_point(point);
  return Done{};
}

/// Whoever knows an opened seed fits a picture to its bits; its own hash still says another seed.
Status search_signs(AttackRun& run) {
  if (run.task.pictures.empty()) return Error{Errc::usage, "the search needs a picture to begin from"};
  if (run.architecture().settings().keys != KeyType::image)
    return Error{Errc::unsupported,
                 "the search follows a picture through the key network, which keys that are shuffled or random do not"};
  PictureSearch search(run, run.task.pictures.front());
  STEGPASS_CHECK_OK(search.prepare());
  const int steps = std::max(run.settings.count, 1), stride = std::max(1, steps / kReadings);
  for (int i = 1; i <= steps; ++i) {
    search.step(i);
    STEGPASS_CHECK_OK(run.progress(i, steps, "picture"));
    if (i % stride != 0 && i != steps) continue;
    STEGPASS_TRY(passport, search.passport());
    STEGPASS_CHECK_OK(note_picture(run, passport, i));
  }
  run.details.integer("tries", steps);
  return Done{};
}

/// Salt after salt under one's own pictures: the best of all tries, and what it is worth once they are counted.
Status search_hash(AttackRun& run) {
  if (run.task.pooling != Pooling::whitened)
    return Error{Errc::unsupported, "under mean pooling every salt reads the same signs; there is nothing to search"};
  const int tries = std::max(run.settings.count, 1),
            pictures = static_cast<int>(std::min<std::size_t>(run.task.pictures.size(), 20));
  const std::vector<Passport> own(run.task.pictures.begin(), run.task.pictures.begin() + pictures);
  const int each = (tries + pictures - 1) / std::max(pictures, 1);
  STEGPASS_TRY(survey, survey_wrong_passports(
                           encode_release_model(run.task.model), run.architecture(), own, each, run.settings.seed,
                           [&](std::size_t done) { return run.progress(static_cast<double>(done), pictures, "tries").ok(); }));
  const int best = *std::max_element(survey.matches.begin(), survey.matches.end());
  const auto made = static_cast<std::int64_t>(survey.matches.size());
  JsonObject point;
  point.number("strength", static_cast<double>(made))
      .text("step", "best of " + std::to_string(made) + " tries")
      .boolean("aligned", false);
  point.raw("marks", "[" + mark_json("best", "strict", survey.bits, best) + "]");
  run.add_point(point);
  run.details.integer("tries", made)
      .number("log10_p_corrected", corrected_log10_p(log10_binomial_tail(survey.bits, best), static_cast<int>(made)));
  return Done{};
}

}  // namespace

Status attack_search(AttackRun& run) { return run.settings.variant == "hash" ? search_hash(run) : search_signs(run); }

}  // namespace stegpass::model
