// Attackers who know the design, who hold a license, or who train a network of their own on the owner's answers.

#include <algorithm>
#include <random>

#include <ATen/ATen.h>

#include <stegpass/model/key_network.hpp>

#include "attack_run.hpp"

namespace stegpass::model {
namespace {

constexpr double kTemperature = 4;

std::string epoch_text(int epoch) { return "epoch " + std::to_string(epoch); }

/// Keys of many natural passports; directions in bfloat16, since an attack does not mind and a hundred would take a gigabyte.
Result<std::vector<NetworkKeys>> natural_keys(AttackRun& run) {
  std::vector<NetworkKeys> out;
  for (int i = 0; i < run.settings.count; ++i) {
    STEGPASS_TRY(mark, run.drawn_mark(static_cast<std::size_t>(i)));
    out.push_back(network_keys(run.architecture(), mark, run.task.device));
    for (LayerKeys& keys : out.back()) keys.scale = keys.scale.to(torch::kBFloat16);
    STEGPASS_CHECK_OK(run.progress(i + 1.0, run.settings.count, "natural passports"));
  }
  return out;
}

/// Sign loss on `at_once` of the natural passports in every step, with bits of the attacker's choice.
Status embed_natural(AttackRun& run) {
  STEGPASS_TRY(natural, natural_keys(run));
  PassportNetwork network = run.copy();
  const auto impl = network.ptr();
  run.result = network;
  AttackLoop loop = plain_training(run, impl);
  loop.loss = [&run, &keys = natural, impl, task_loss = loop.loss](const torch::Tensor& images, const torch::Tensor& labels) {
    torch::Tensor total = task_loss(images, labels);
    std::mt19937_64 random(attack_seed(run.settings.seed, 10, static_cast<std::uint64_t>(run.steps())));
    const std::vector<ConvBlock> blocks = impl->passport_blocks();
    for (int i = 0; i < std::min(run.settings.at_once, run.settings.count); ++i) {
      total = total + run.settings.sign_weight * sign_hinge(blocks, keys[random() % keys.size()], run.settings.sign_margin);
    }
    return total;
  };
  loop.end_epoch = [&](int epoch) {
    return run.judge(network, {.strength = static_cast<double>(epoch), .step = epoch_text(epoch)});
  };
  return run.loop(loop);
}

torch::Tensor centred(const torch::Tensor& columns) { return columns - columns.mean(1, true); }

/// The columns that a mark of this passport is read along, up to signs that the seed draws: (D, n), of norm 1 as a whole.
Result<torch::Tensor> read_columns(const torch::Tensor& columns, Pooling pooling) {
  torch::Tensor u = columns.mean(1, true);
  if (pooling == Pooling::whitened) {
    STEGPASS_TRY(whitened, whitened_columns(columns));
    u = whitened;
  }
  return (u / u.norm().clamp_min(1e-30)).to(torch::kFloat32);
}

/// Of each passport layer the axes that hold the most of what natural passports are read along, strongest first: (D, D)
/// orthonormal columns. Source  Ky Fan: the leading eigenvectors of the sum of u u' hold the most of all u.
Result<std::vector<torch::Tensor>> natural_axes(AttackRun& run) {
  const torch::NoGradGuard no_grad;
  const KeyNetwork keys(run.architecture());
  std::vector<torch::Tensor> sums(run.architecture().passport_convs().size());
  for (int i = 0; i < run.settings.count; ++i) {
    if (static_cast<std::size_t>(i) >= run.task.pictures.size())
      return Error{Errc::usage, "the attack needs more drawn passports than there are"};
    STEGPASS_TRY(columns, keys.layer_columns(run.task.pictures[static_cast<std::size_t>(i)], Picture::scale));
    for (std::size_t l = 0; l < sums.size(); ++l) {
      STEGPASS_TRY(u, read_columns(columns[l], run.task.pooling));
      sums[l] = sums[l].defined() ? sums[l] + u.mm(u.t()) : u.mm(u.t());
    }
    STEGPASS_CHECK_OK(run.progress(i + 1.0, run.settings.count, "natural passports"));
  }
  // In double precision: over 2,896 rows LAPACK's float version says its workspace's size in a float, which rounds it too small.
  for (torch::Tensor& sum : sums) {
    sum = std::get<1>(at::linalg_eigh(sum.to(torch::kFloat64))).flip(1).to(torch::kFloat32).contiguous();
  }
  return sums;
}

/// Takes `factor` times the weights' part along orthonormal `axes` (D, k) away: 1 leaves nothing there, 2 turns it round.
void take_along(const ConvBlock& block, const torch::Tensor& axes, double factor) {
  const torch::NoGradGuard no_grad;
  torch::Tensor weight = block.conv->weight.detach();
  const torch::Tensor rows = weight.flatten(1), basis = axes.to(rows.device(), torch::kFloat32);
  weight.sub_((rows.mm(basis).mm(basis.t()) * factor).view(weight.sizes()));
}

/// A share of the subspace that natural keys span is emptied, then training brings accuracy back.
Status empty_subspace(AttackRun& run) {
  STEGPASS_TRY(axes, natural_axes(run));
  const std::vector<double> shares =
      run.settings.strengths.empty() ? std::vector<double>{0.05, 0.1, 0.25, 0.5} : run.settings.strengths;
  for (const double share : shares) {
    if (share > 1) return Error{Errc::usage, "a share of the subspace is over 1"};
    PassportNetwork network = run.copy();
    const std::vector<ConvBlock> blocks = network->passport_blocks();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      take_along(blocks[i], axes[i].narrow(1, 0, static_cast<std::int64_t>(share * static_cast<double>(axes[i].size(1)))), 1);
    }
    STEGPASS_CHECK_OK(run.judge(network, {.strength = share, .step = "emptied"}));
    run.result = network;
    AttackLoop loop = plain_training(run, network.ptr());
    loop.end_epoch = [&](int epoch) {
      return epoch < run.settings.epochs ? Status(Done{}) : run.judge(network, {.strength = share, .step = "emptied, trained"});
    };
    STEGPASS_CHECK_OK(run.loop(loop));
  }
  return Done{};
}

/// Leading axes of the licensee's own columns: without the seed he knows the span in which the cover's directions lie, and no
/// more. At most half of a layer's dimensions, since all of them would be the whole layer.
torch::Tensor span_of(const torch::Tensor& columns, Pooling pooling) {
  if (pooling == Pooling::mean) {
    const torch::Tensor mean = columns.mean(1, true);
    return mean / mean.norm().clamp_min(1e-30);
  }
  const auto [axes, sizes, unused] = at::linalg_svd(centred(columns), false);
  const auto strong = (sizes > kWhiteningFloor * sizes[0]).sum().item<std::int64_t>();
  return axes.narrow(1, 0, std::min(strong, columns.size(0) / 2));
}

/// Every channel's own direction turned: w_c - factor (w_c . u_c) u_c / |u_c|^2.
void turn_channels(const ConvBlock& block, const torch::Tensor& directions, double factor) {
  const torch::NoGradGuard no_grad;
  torch::Tensor weight = block.conv->weight.detach();
  const torch::Tensor rows = weight.flatten(1), u = directions.to(rows.device(), torch::kFloat32);
  const torch::Tensor along = (rows * u).sum(1, true) / u.square().sum(1, true).clamp_min(1e-30);
  weight.sub_((along * u * factor).view(weight.sizes()));
}

Status turn_cover(AttackRun& run, const Passport& picture, const PassportNetwork& network, double factor) {
  const std::vector<ConvBlock> blocks = network->passport_blocks();
  if (run.settings.variant == "seed") {
    STEGPASS_TRY(mark, make_mark(run.architecture(), run.task.pooling, picture, run.task.cover_seed, MarkPictures::scale_only));
    for (std::size_t i = 0; i < blocks.size(); ++i) turn_channels(blocks[i], mark.layers[i].scale, factor);
    return Done{};
  }
  STEGPASS_TRY(columns, KeyNetwork(run.architecture()).layer_columns(picture, Picture::scale));
  for (std::size_t i = 0; i < blocks.size(); ++i) take_along(blocks[i], span_of(columns[i], run.task.pooling), factor);
  return Done{};
}

}  // namespace

Status attack_informed(AttackRun& run) { return run.settings.variant == "subspace" ? empty_subspace(run) : embed_natural(run); }

Status attack_insider(AttackRun& run) {
  if (!run.task.user && !run.task.cover) return Error{Errc::usage, "an insider needs a user passport"};
  const Passport& picture = run.task.user ? *run.task.user : *run.task.cover;
  run.details.boolean("cover_itself", !run.task.user);
  const std::vector<double> factors = run.settings.strengths.empty() ? std::vector<double>{1, 2} : run.settings.strengths;
  for (const double factor : factors) {
    PassportNetwork network = run.copy();
    STEGPASS_CHECK_OK(turn_cover(run, picture, network, factor));
    STEGPASS_CHECK_OK(run.judge(network, {.strength = factor, .step = "turned"}));
    run.result = network;
    AttackLoop loop = plain_training(run, network.ptr());
    loop.end_epoch = [&](int epoch) {
      return epoch < run.settings.epochs ? Status(Done{}) : run.judge(network, {.strength = factor, .step = "turned, trained"});
    };
    STEGPASS_CHECK_OK(run.loop(loop));
  }
  return Done{};
}

/// A fresh network learns the owner's answers (Hinton et al., 2015). No weight of the owner's is in it, and so no mark.
Status attack_distill(AttackRun& run) {
  PassportNetwork student(run.architecture(), Branches::deployment, attack_seed(run.settings.seed, 9, 0),
                          run.task.model->scheme());
  student->to(run.task.device);
  const auto teacher = run.copy().ptr(), impl = student.ptr();
  run.result = student;
  AttackLoop loop = plain_training(run, impl);
  loop.loss = [&run, teacher, impl](const torch::Tensor& images, const torch::Tensor&) {
    torch::Tensor wanted;
    {
      const torch::NoGradGuard no_grad;
      wanted = at::softmax(teacher->deployment(images, run.settings.precision) / kTemperature, 1);
    }
    const torch::Tensor logits = impl->deployment(images, run.settings.precision) / kTemperature;
    return -(wanted * at::log_softmax(logits, 1)).sum(1).mean() * (kTemperature * kTemperature);
  };
  loop.end_epoch = [&](int epoch) {
    return run.judge(student, {.strength = static_cast<double>(epoch), .step = epoch_text(epoch)});
  };
  return run.loop(loop);
}

}  // namespace stegpass::model
