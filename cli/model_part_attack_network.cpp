#include <algorithm>

#include <stegpass/model/attack.hpp>
#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"
#include "model_part_marks.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

/// The deployment branch of an owner or release model: what a copy of it gives its holder.
Result<model::PassportNetwork> released(ByteView file) {
  auto network = model::decode_release_model(file);
  if (network) return network;
  auto owner = model::decode_owner_model(file);
  if (!owner) return Error(network.error());
  return model::decode_release_model(model::encode_release_model(*owner));
}

model::AttackSettings attack_settings_of(const AttackRequest& request, model::Precision precision) {
  const auto whole = [](std::uint64_t value) { return static_cast<int>(std::min<std::uint64_t>(value, 1u << 30)); };
  model::AttackSettings out;
  out.name = request.name;
  out.variant = request.variant;
  out.strengths = request.strengths;
  out.epochs = whole(request.epochs);
  out.batch = whole(request.batch);
  out.rate = request.rate;
  out.momentum = request.momentum;
  out.weight_decay = request.weight_decay;
  out.sign_weight = request.sign_weight;
  out.sign_margin = request.sign_margin;
  out.data_share = request.data_share;
  out.count = whole(request.count);
  out.at_once = whole(request.at_once);
  out.augment = request.augment;
  out.verification = request.verification;
  out.precision = precision;
  out.seed = request.seed;
  out.train_images = whole(request.train_images);
  out.test_images = whole(request.test_images);
  return out;
}

/// Passports that the attacker draws, of the smallest size that the network takes, with seeds of his own.
Status draw_for_attacker(const AttackRequest& request, model::AttackTask& task) {
  const model::Architecture& architecture = task.model->architecture();
  const std::int64_t size = static_cast<std::int64_t>(architecture.tiles()) * architecture.input_side();
  const std::uint64_t most = request.name == "search" ? 20 : 100000;  // its count is of steps or tries
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(std::max<std::uint64_t>(request.count, 1), most); ++i) {
    const std::uint64_t number = (request.seed << 20) + 2 * i + 0xa77ac000;
    STEGPASS_TRY(passport,
                 join_passport(model::io::draw_scene(size, size, number), model::io::draw_scene(size, size, number + 1)));
    task.seeds.push_back({Sha512().update("stegpass.attacker.v1").update_u64(request.seed).update_u64(i).finish()});
    task.pictures.push_back(std::move(passport));
  }
  return Done{};
}

Status load_data(const AttackRequest& request, const Progress& progress, model::AttackTask& task) {
  model::io::LoadOptions loading;
  if (progress) {
    loading.progress = [&](std::size_t done, std::size_t total) {
      return progress(static_cast<double>(done), static_cast<double>(total), "decoding pictures");
    };
  }
  const int side = task.model->architecture().input_side();
  STEGPASS_TRY(data, model::io::load_dataset(request.data, side, loading));
  task.train = data.train;
  task.test = data.test;
  if (request.test_data.empty()) return Done{};
  loading.test_alone = true;
  STEGPASS_TRY(other, model::io::load_dataset(request.test_data, side, loading));
  task.test = other.test;
  return Done{};
}

Status open_marks(const AttackRequest& request, model::AttackTask& task) {
  for (const OpenPassport& passport : request.passports) {
    const auto pictures = task.marks.empty() ? model::MarkPictures::both : model::MarkPictures::scale_only;
    STEGPASS_TRY(mark, mark_of(task.model->architecture(), task.pooling, passport, pictures));
    task.marks.push_back({passport.role, std::move(mark)});
  }
  if (request.passports.empty()) return Done{};
  const OpenPassport& cover = request.passports.front();
  STEGPASS_TRY(picture, decode_passport(cover.picture));
  task.cover = picture;
  if (cover.seed.size() != task.cover_seed.value.size()) return Error{Errc::malformed, "a mark seed has 64 bytes"};
  std::copy(cover.seed.begin(), cover.seed.end(), task.cover_seed.value.begin());
  if (request.user_passport.empty()) return Done{};
  STEGPASS_TRY(user, decode_passport(request.user_passport));
  task.user = user;
  return Done{};
}

Result<model::AttackTask> attack_task_of(const AttackRequest& request, const Progress& progress) {
  model::AttackTask task;
  STEGPASS_TRY(device, device_of(request.device));
  STEGPASS_TRY(pooling, model::parse_pooling(request.mark.pooling));
  STEGPASS_TRY(signature, model::parse_signature_mode(request.mark.signature));
  STEGPASS_TRY(network, released(request.model));
  task.device = device;
  task.pooling = pooling;
  task.signature = signature;
  task.model = network;
  if (network->architecture().text() != request.mark.architecture)
    return Error{Errc::usage, "the model has another architecture than its record"};
  if (!request.owner_model.empty()) {
    STEGPASS_TRY(owner, model::decode_owner_model(request.owner_model));
    if (!(owner->architecture() == network->architecture()))
      return Error{Errc::usage, "owner and release model have different architectures"};
    task.owner = owner;
  }
  STEGPASS_CHECK_OK(open_marks(request, task));
  STEGPASS_CHECK_OK(draw_for_attacker(request, task));
  STEGPASS_CHECK_OK(load_data(request, progress, task));
  return task;
}

}  // namespace

Result<AttackResult> LibtorchModelPart::attack(const AttackRequest& request, const Progress& progress) {
  STEGPASS_TRY(precision, model::parse_precision(request.precision, torch::Device(request.device)));
  const model::AttackSettings settings = attack_settings_of(request, precision);
  STEGPASS_CHECK_OK(model::check_attack(settings, !request.owner_model.empty()));
  STEGPASS_TRY(task, attack_task_of(request, progress));
  model::AttackHooks hooks;
  if (progress) hooks.progress = progress;
  hooks.checkpoint = request.on_checkpoint;
  STEGPASS_TRY(outcome, model::run_attack(task, settings, hooks, request.resume));
  AttackResult out;
  out.settings = outcome.settings;
  out.curve = outcome.curve;
  out.details = outcome.details;
  if (outcome.model) out.model = model::encode_release_model(outcome.model);
  out.steps = static_cast<std::uint64_t>(outcome.steps);
  out.images = static_cast<std::uint64_t>(outcome.images);
  out.seconds = outcome.seconds;
  return out;
}

}  // namespace stegpass::cli
