#include <stegpass/model/isn_attacks.hpp>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <random>
#include <string>

#include <torch/optim/adam.h>
#include <torch/types.h>

namespace stegpass::model {
namespace {

/// The weights are shared with the model, so their type goes back to what figures are taken in.
class ComputeIn {
 public:
  ComputeIn(Isn network, bool bf16) : network_(std::move(network)) {
    network_->compute_in(bf16 ? torch::kBFloat16 : torch::kFloat32);
  }
  ~ComputeIn() { network_->compute_in(torch::kFloat32); }
  ComputeIn(const ComputeIn&) = delete;
  ComputeIn& operator=(const ComputeIn&) = delete;

 private:
  Isn network_;
};

Status check_forgery(const IsnModel& model, const Raster& stego, const Raster& wanted, const ForgeOptions& options) {
  if (!model.form().keyed)
    return {Errc::unsupported, "isn forgery: these weights take no key, so anybody reveals and there is nothing to forge"};
  if (stego.width != wanted.width || stego.height != wanted.height || stego.width % 2 != 0 || stego.height % 2 != 0)
    return {Errc::usage, "isn forgery: expected two pictures of one size with even sides"};
  if (options.steps < 1 || options.steps > 1'000'000 || !(options.rate > 0) || options.report_every < 1)
    return {Errc::usage, "isn forgery: expected 1 to 1000000 steps and a rate over zero"};
  return Done{};
}

torch::Tensor signs_of(const torch::Tensor& key) { return torch::where(key >= 0, torch::ones_like(key), -torch::ones_like(key)); }

// As a value that went through signs or 8 bits, with the gradient of one that did not.
torch::Tensor straight_through(const torch::Tensor& value, const torch::Tensor& seen) { return value + (seen - value).detach(); }

torch::Tensor as_file(const torch::Tensor& picture) { return picture.mul(255.0).round().clamp(0, 255).div(255.0); }

bool is_point(std::int64_t step, const ForgeOptions& options) {
  return step % options.report_every == 0 || step == options.steps;
}

/// Adam on one leaf. `loss_of` gives a step's loss, `judge` a point of the curve.
template <class Loss, class Judge>
Status search(const torch::Tensor& leaf, const ForgeOptions& options, const ForgeProgress& progress,
              std::vector<ForgePoint>& curve, Loss loss_of, Judge judge) {
  torch::optim::Adam adam({leaf}, torch::optim::AdamOptions(options.rate));
  double last = 0;
  for (std::int64_t step = 0;; ++step) {
    if (is_point(step, options)) {
      ForgePoint point = judge();
      point.step = step, point.loss = last;
      curve.push_back(point);
      if (progress && !progress(point)) return {Errc::interrupted, "isn forgery: stopped after step " + std::to_string(step)};
    }
    if (step == options.steps) return Done{};
    adam.zero_grad();
    const torch::Tensor loss = loss_of();
    loss.backward();
    adam.step();
    last = loss.template item<double>();
  }
}

}  // namespace

Result<ForgedKey> forge_isn_key(const IsnModel& model, const Raster& stego, const Raster& wanted, const ForgeOptions& options,
                                const ForgeProgress& progress) {
  STEGPASS_CHECK_OK(check_forgery(model, stego, wanted, options));
  Isn network = model.network();
  torch::manual_seed(options.seed);
  const torch::Tensor picture = tensor_of(stego), goal = tensor_of(wanted);
  ForgedKey out;
  out.key = (0.1 * torch::randn({1, kIsnBands, stego.height / 2, stego.width / 2})).requires_grad_();
  const auto used = [&] { return options.through_signs ? straight_through(out.key, signs_of(out.key)) : out.key; };
  const auto reveal_with = [&](const torch::Tensor& key) {
    const torch::NoGradGuard no_gradient;
    network->compute_in(torch::kFloat32);
    const Raster revealed = raster_of(network->reveal(picture, key));
    network->compute_in(options.bf16 ? torch::kBFloat16 : torch::kFloat32);
    return revealed;
  };
  {
    const ComputeIn fast(network, options.bf16);
    STEGPASS_CHECK_OK(search(
        out.key, options, progress, out.curve, [&] { return (network->reveal(picture, used()) - goal).square().mean(); },
        [&] {
          return ForgePoint{.reveal_psnr_db = psnr_db(wanted, reveal_with(options.through_signs ? signs_of(out.key) : out.key))};
        }));
  }
  out.key = out.key.detach();
  const torch::NoGradGuard no_gradient;
  out.revealed = raster_of(network->reveal(picture, out.key));
  out.revealed_by_signs = raster_of(network->reveal(picture, signs_of(out.key)));
  return out;
}

Result<ForgedPicture> forge_isn_picture(const IsnModel& model, const Raster& start, const Raster& wanted, const Digest64& key,
                                        const ForgeOptions& options, const ForgeProgress& progress) {
  STEGPASS_CHECK_OK(check_forgery(model, start, wanted, options));
  Isn network = model.network();
  const torch::Tensor from = tensor_of(start), goal = tensor_of(wanted), signs = isn_key_signs(key, start.height, start.width);
  const torch::Tensor picture = from.clone().requires_grad_();
  ForgedPicture out;
  const auto judge = [&] {
    network->compute_in(torch::kFloat32);
    out.picture = raster_of(picture);
    out.revealed = model.reveal(out.picture, key).value();  // sizes were checked
    network->compute_in(options.bf16 ? torch::kBFloat16 : torch::kFloat32);
    return ForgePoint{.reveal_psnr_db = psnr_db(wanted, out.revealed), .start_psnr_db = psnr_db(start, out.picture)};
  };
  const auto loss_of = [&] {
    const torch::Tensor loss = (network->reveal(straight_through(picture, as_file(picture)), signs) - goal).square().mean();
    return options.near_weight > 0 ? loss + options.near_weight * (picture - from).square().mean() : loss;
  };
  const ComputeIn fast(network, options.bf16);
  STEGPASS_CHECK_OK(search(picture, options, progress, out.curve, loss_of, judge));
  return out;
}

double agreement_with_key(const torch::Tensor& forged, const Digest64& key) {
  return signs_of(forged)
      .eq(isn_key_signs(key, 2 * forged.size(2), 2 * forged.size(3)))
      .to(torch::kFloat64)
      .mean()
      .item<double>();
}

void Collusion::add(const Raster& stego) {
  assert(pictures_.empty() || (pictures_.front().width == stego.width && pictures_.front().height == stego.height));
  pictures_.push_back(stego);
}

std::vector<double> Collusion::mean(std::size_t count) const {
  std::vector<double> sum(pictures_.front().rgb.size());
  for (std::size_t who = 0; who < count; ++who)
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += pictures_[who].rgb[i];
  for (double& value : sum) value /= static_cast<double>(count);
  return sum;
}

Raster Collusion::median(std::size_t count) const {
  Raster out = pictures_.front();
  Bytes values(count);
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((count - 1) / 2);
  for (std::size_t i = 0; i < out.rgb.size(); ++i) {
    for (std::size_t who = 0; who < count; ++who) values[who] = pictures_[who].rgb[i];
    std::nth_element(values.begin(), middle, values.end());
    out.rgb[i] = *middle;
  }
  return out;
}

Raster Collusion::mix(std::size_t count, std::uint64_t seed) const {
  std::mt19937_64 random(seed);
  Raster out = pictures_.front();
  for (std::size_t i = 0; i < out.rgb.size(); ++i) out.rgb[i] = pictures_[random() % count].rgb[i];
  return out;
}

Raster Collusion::rounded(const std::vector<double>& values) const {
  Raster out = pictures_.front();
  assert(values.size() == out.rgb.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    out.rgb[i] = static_cast<std::uint8_t>(std::clamp(std::lround(values[i]), 0L, 255L));
  return out;
}

Result<std::vector<double>> mean_change(const IsnModel& model, const Raster& guess, const std::vector<Raster>& secrets,
                                        std::uint64_t seed) {
  std::vector<double> out(guess.rgb.size());
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    STEGPASS_TRY(stego,
                 model.hide(guess, secrets[i], Sha512().update("stegpass.collusion.v1").update_u64(seed).update_u64(i).finish()));
    for (std::size_t j = 0; j < out.size(); ++j)
      out[j] += (static_cast<double>(stego.rgb[j]) - guess.rgb[j]) / static_cast<double>(secrets.size());
  }
  return out;
}

Exactness exactness(const Raster& found, const Raster& truth) {
  Exactness out{.psnr_db = psnr_db(found, truth)};
  const std::size_t pixels = truth.rgb.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    int right = 0;
    for (std::size_t c = 3 * i; c < 3 * i + 3; ++c) {
      const int error = std::abs(found.rgb[c] - truth.rgb[c]);
      right += error == 0 ? 1 : 0;
      out.largest = std::max(out.largest, error);
    }
    out.values += right;
    out.pixels += right == 3 ? 1 : 0;
  }
  out.values /= static_cast<double>(truth.rgb.size());
  out.pixels /= static_cast<double>(pixels);
  return out;
}

}  // namespace stegpass::model
