#include <algorithm>
#include <cstdio>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/evaluation.hpp>
#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

Result<model::LabelledImages> load_test(std::string_view data) {
  STEGPASS_TRY(both, model::io::load_dataset(data, 32, {.test_alone = true}));
  return both.test;
}

Status check_classes(const model::LabelledImages& test, const model::PassportNetwork& network) {
  const int expected = network->architecture().classes();
  if (test.classes == expected) return Done{};
  return Error{Errc::usage, "the data have " + std::to_string(test.classes) + " classes, " + std::to_string(expected) + " expected"};
}

Result<model::MarkSeed> seed_of(ByteView bytes) {
  model::MarkSeed seed;
  if (bytes.size() != seed.value.size()) return Error{Errc::malformed, "a mark seed has 64 bytes, not " + std::to_string(bytes.size())};
  std::copy(bytes.begin(), bytes.end(), seed.value.begin());
  return seed;
}

Result<model::Mark> mark_of(const model::Architecture& architecture, const OpenPassport& open, model::MarkPictures pictures) {
  STEGPASS_TRY(passport, decode_passport(open.picture));
  STEGPASS_TRY(seed, seed_of(open.seed));
  return model::make_mark(architecture, model::Pooling::whitened, passport, seed, pictures);
}

Result<torch::Device> device_of(const std::string& name) {
  if (name == "cpu") return torch::Device(torch::kCPU);
  if (name != "cuda") return Error{Errc::usage, "unknown device '" + name + "'; expected cpu or cuda"};
  if (!torch::cuda::is_available()) return Error{Errc::unsupported, "no CUDA device here, or this LibTorch was built without CUDA"};
  return torch::Device(torch::kCUDA);
}

Result<model::TrainingSettings> settings_of(const TrainRequest& request) {
  STEGPASS_TRY(settings, model::training_preset(request.preset));
  if (request.epochs) settings.epochs = static_cast<int>(std::min<std::uint64_t>(*request.epochs, 100000));
  if (request.images) settings.train_images = static_cast<std::int64_t>(std::min<std::uint64_t>(*request.images, 1u << 30));
  settings.seed = request.seed;
  if (!request.precision.empty()) {
    STEGPASS_TRY(precision, model::parse_precision(request.precision));
    settings.precision = precision;
  }
  return settings;
}

Result<model::TrainingTask> task_of(const TrainRequest& request, const Progress& progress) {
  if (request.passports.empty()) return Error{Errc::usage, "training needs a cover passport"};
  model::io::LoadOptions loading;
  if (progress) loading.progress = [&](std::size_t done, std::size_t total) { return progress(double(done), double(total), "decoding pictures"); };
  STEGPASS_TRY(data, model::io::load_dataset(request.data, 32, loading));
  STEGPASS_TRY(architecture, model::Architecture::create({.classes = data.train.classes}));
  STEGPASS_TRY(device, device_of(request.device));
  STEGPASS_TRY(cover, mark_of(architecture, request.passports.front(), model::MarkPictures::both));
  model::TrainingTask task{.architecture = architecture, .train = data.train, .test = data.test, .cover = cover, .reserves = {}, .device = device};
  for (std::size_t i = 1; i < request.passports.size(); ++i) {
    STEGPASS_TRY(reserve, mark_of(architecture, request.passports[i], model::MarkPictures::scale_only));
    task.reserves.push_back(reserve);
  }
  return task;
}

std::string describe(const model::TrainingProgress& at) {
  char text[120];
  std::snprintf(text, sizeof(text), "epoch %d/%d  loss %.3f deploy %.3f verify  sign %.1f", at.epoch, at.epochs, at.deployment_loss,
                at.verification_loss, at.sign_loss);
  return text;
}

MarkDescription description_of(const model::Architecture& architecture) {
  MarkDescription out{"sp", "strict", "whitened", architecture.text(), architecture.settings().passports, 0};
  out.bits = static_cast<std::uint64_t>(architecture.bits());
  return out;
}

MarkReading to_reading(const model::MarkReading& reading) {
  MarkReading out;
  out.bits = static_cast<std::uint64_t>(reading.bits);
  out.matches = static_cast<std::uint64_t>(reading.matches);
  out.log10_p = reading.log10_p;
  out.log10_p_corrected = model::corrected_log10_p(reading.log10_p, 1);
  for (const auto& layer : reading.layers) {
    out.layers.push_back({layer.layer, static_cast<std::uint64_t>(layer.bits), static_cast<std::uint64_t>(layer.matches)});
  }
  return out;
}

}  // namespace

Result<TrainResult> LibtorchModelPart::train(const TrainRequest& request, const Progress& progress) {
  STEGPASS_TRY(task, task_of(request, progress));
  STEGPASS_TRY(settings, settings_of(request));
  model::TrainingHooks hooks{.progress = {}, .checkpoint = request.on_checkpoint};
  if (progress) {
    hooks.progress = [&](const model::TrainingProgress& at) {
      return progress(static_cast<double>(at.step), static_cast<double>(at.steps), describe(at));
    };
  }
  STEGPASS_TRY(trained, model::train(task, settings, hooks, request.resume));
  trained.network->to(torch::kCPU);
  TrainResult out;
  out.owner_model = model::encode_owner_model(trained.network);
  out.release_model = model::encode_release_model(trained.network);
  out.mark = description_of(task.architecture);
  out.accuracy_deployment = trained.accuracy.deployment;
  out.accuracy_verification = trained.accuracy.verification;
  out.run_record = trained.record;
  for (const OpenPassport& passport : request.passports) {
    STEGPASS_TRY(reading, read_mark(out.release_model, out.mark, passport));
    out.readings.push_back(reading);
  }
  return out;
}

Result<ModelPart::Accuracy> LibtorchModelPart::evaluate(ByteView file, std::string_view data, const std::optional<OpenPassport>& passport) {
  STEGPASS_TRY(test, load_test(data));
  if (!passport) {
    auto network = model::decode_release_model(file);
    if (!network) network = model::decode_owner_model(file);
    if (!network) return Error(network.error());
    STEGPASS_CHECK_OK(check_classes(test, *network));
    const auto accuracy = model::evaluate_deployment(*network, test, {});
    return Accuracy{accuracy.deployment, {}, static_cast<std::uint64_t>(accuracy.images)};
  }
  STEGPASS_TRY(network, model::decode_owner_model(file));
  STEGPASS_CHECK_OK(check_classes(test, network));
  STEGPASS_TRY(mark, mark_of(network->architecture(), *passport, model::MarkPictures::both));
  STEGPASS_TRY(accuracy, model::evaluate(network, test, mark, {}));
  return Accuracy{accuracy.deployment, accuracy.verification, static_cast<std::uint64_t>(accuracy.images)};
}

Result<MarkReading> LibtorchModelPart::read_mark(ByteView file, const MarkDescription& mark, const OpenPassport& open) {
  if (mark.scheme != "sp") return Error{Errc::unsupported, "scheme '" + mark.scheme + "' is not read here; expected sp"};
  STEGPASS_TRY(mode, model::parse_signature_mode(mark.signature));
  STEGPASS_TRY(pooling, model::parse_pooling(mark.pooling));
  STEGPASS_TRY(passport, decode_passport(open.picture));
  STEGPASS_TRY(seed, seed_of(open.seed));
  STEGPASS_TRY(reading, model::read_mark(file, mark.architecture, pooling, passport, seed, mode));
  if (!reading.decided) return Error{Errc::unsupported, "signature mode '" + mark.signature + "' cannot be read from this model"};
  if (mark.bits != 0 && static_cast<std::uint64_t>(reading.bits) != mark.bits) {
    return Error{Errc::malformed, "the architecture has " + std::to_string(reading.bits) + " bits where " + std::to_string(mark.bits) + " are registered"};
  }
  return to_reading(reading);
}

Result<Bytes> LibtorchModelPart::mark_seed(ByteView passport_png, const Digest32& owner, ByteView salt) {
  STEGPASS_TRY(passport, decode_passport(passport_png));
  Digest32 fixed{};
  if (salt.size() != fixed.size()) return Error{Errc::malformed, "the salt of a mark seed has 32 bytes, not " + std::to_string(salt.size())};
  std::copy(salt.begin(), salt.end(), fixed.begin());
  const model::MarkSeed seed = model::derive_mark_seed(passport.digest(), owner, fixed);
  return Bytes(seed.value.begin(), seed.value.end());
}

}  // namespace stegpass::cli
