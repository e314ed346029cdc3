#include <algorithm>
#include <cstdio>
#include <memory>

#include <torch/cuda.h>
#include <nlohmann/json.hpp>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/process_group.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"
#include "model_part_marks.hpp"

namespace stegpass::cli {

Result<torch::Device> device_of(const std::string& name) {
  if (name == "cpu") return torch::Device(torch::kCPU);
  if (name != "cuda") return Error{Errc::usage, "unknown device '" + name + "'; expected cpu or cuda"};
  if (!torch::cuda::is_available())
    return Error{Errc::unsupported, "no CUDA device here, or this LibTorch was built without CUDA"};
  return torch::Device(torch::kCUDA);
}

Result<torch::Device> device_of(const std::string& name, const Processes& at) {
  STEGPASS_TRY(device, device_of(name));
  if (device.is_cpu() || at.size == 1) return device;
  const int devices = static_cast<int>(torch::cuda::device_count());
  if (at.address.starts_with("file://") && at.size > devices)
    return Error{Errc::usage, std::to_string(at.size) + " processes on " + std::to_string(devices) +
                                  " CUDA devices; each needs one of its own"};
  return torch::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(at.rank % devices));
}

namespace {

/// Takes the fields of a JSON object, each known and of its type, into settings; names as in the training record.
class SettingsReader {
 public:
  explicit SettingsReader(const nlohmann::json& object) : object_(object) {}

  void take(const char* name, double& to) {
    read(name, [&](const auto& v) { return v.is_number() ? (to = v.template get<double>(), true) : false; });
  }
  void take(const char* name, bool& to) {
    read(name, [&](const auto& v) { return v.is_boolean() ? (to = v.template get<bool>(), true) : false; });
  }
  template <class Whole>
  requires std::is_integral_v<Whole>
  void take(const char* name, Whole& to) {
    read(name, [&](const auto& v) {
      if (!v.is_number_unsigned() || v.template get<std::uint64_t>() > (1u << 30)) return false;
      to = static_cast<Whole>(v.template get<std::uint64_t>());
      return true;
    });
  }
  template <class Value, class Parse>
  void take(const char* name, Value& to, Parse parse) {
    read(name, [&](const auto& v) {
      if (!v.is_string()) return false;
      const Result<Value> parsed = parse(v.template get<std::string>());
      if (parsed) to = *parsed;
      return static_cast<bool>(parsed);
    });
  }
  Status finish() {
    if (!wrong_.empty()) return Error{Errc::usage, "settings field '" + wrong_ + "' is not of its type, or out of range"};
    for (const auto& item : object_.items()) {
      if (std::find(known_.begin(), known_.end(), item.key()) == known_.end()) {
        return Error{Errc::usage, "settings field '" + item.key() + "' is unknown"};
      }
    }
    return Done{};
  }

 private:
  template <class Read>
  void read(const char* name, Read read) {
    known_.push_back(name);
    const auto found = object_.find(name);
    if (found != object_.end() && !read(*found) && wrong_.empty()) wrong_ = name;
  }

  const nlohmann::json& object_;
  std::vector<std::string> known_;
  std::string wrong_;
};

Result<model::Schedule> parse_schedule(std::string_view name) {
  if (name == "steps") return model::Schedule::steps;
  if (name == "one_cycle") return model::Schedule::one_cycle;
  return Error{Errc::usage, "unknown schedule"};
}

Result<std::string> any_name(std::string_view name) { return std::string(name); }

Status apply_json(const std::string& text, const torch::Device& device, model::TrainingSettings& settings) {
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return Error{Errc::malformed, "the settings are no JSON object"};
  settings.preset = "custom";
  SettingsReader reader(object);
  reader.take("preset", settings.preset, any_name);
  reader.take("signature", settings.signature, model::parse_signature_mode);
  reader.take("epochs", settings.epochs);
  reader.take("batch", settings.batch);
  reader.take("rate", settings.rate);
  reader.take("schedule", settings.schedule, parse_schedule);
  reader.take("momentum", settings.momentum);
  reader.take("weight_decay", settings.weight_decay);
  reader.take("sign_weight", settings.sign_weight);
  reader.take("sign_margin", settings.sign_margin);
  reader.take("sign_decay", settings.sign_decay);
  reader.take("balance", settings.balance);
  reader.take("last_gain", settings.last_gain);
  reader.take("augment", settings.augment);
  reader.take("evaluate_each_epoch", settings.evaluate_each_epoch);
  reader.take("precision", settings.precision, [&](std::string_view name) { return model::parse_precision(name, device); });
  reader.take("train_images", settings.train_images);
  reader.take("test_images", settings.test_images);
  reader.take("validation_images", settings.validation_images);
  reader.take("trigger_images", settings.trigger_images);
  return reader.finish();
}

Result<model::TrainingSettings> settings_of(const TrainRequest& request) {
  constexpr std::int64_t kPaperTriggers = 100;
  STEGPASS_TRY(device, device_of(request.device, request.processes));
  STEGPASS_TRY(settings, model::training_preset(request.preset, device));
  if (!request.settings.empty()) STEGPASS_CHECK_OK(apply_json(request.settings, device, settings));
  STEGPASS_TRY(scheme, model::parse_scheme(request.scheme));
  settings.scheme = scheme;
  if (scheme == model::Scheme::deepipr_v3 && settings.trigger_images == 0) settings.trigger_images = kPaperTriggers;
  if (!request.signature.empty()) {
    STEGPASS_TRY(signature, model::parse_signature_mode(request.signature));
    settings.signature = signature;
  }
  if (!request.precision.empty()) {
    STEGPASS_TRY(precision, model::parse_precision(request.precision, device));
    settings.precision = precision;
  }
  const auto whole = [](std::uint64_t value, std::uint64_t most) { return std::min(value, most); };
  if (request.epochs) settings.epochs = static_cast<int>(whole(*request.epochs, 1000000));
  if (request.batch) settings.batch = static_cast<int>(whole(*request.batch, 1000000));
  if (request.images) settings.train_images = static_cast<std::int64_t>(whole(*request.images, 1u << 30));
  if (request.test_images) settings.test_images = static_cast<std::int64_t>(whole(*request.test_images, 1u << 30));
  if (request.validation) settings.validation_images = static_cast<std::int64_t>(whole(*request.validation, 1u << 30));
  if (request.rate) settings.rate = *request.rate;
  if (request.balance) settings.balance = *request.balance;
  settings.seed = request.seed;
  return settings;
}

Result<model::Architecture> architecture_of(const TrainRequest& request, int classes) {
  STEGPASS_TRY(norm, model::parse_norm(request.norm));
  STEGPASS_TRY(keys, model::parse_key_type(request.keys));
  const std::string usual = request.network == "alexnet-cifar" ? "last3" : "layer4";
  STEGPASS_TRY(layers, model::choose_passport_layers(request.network, request.layers.empty() ? usual : request.layers));
  return model::Architecture::create({.network = request.network,
                                      .classes = classes,
                                      .width = static_cast<int>(std::min<std::uint64_t>(request.width, 100000)),
                                      .passports = layers,
                                      .norm = norm,
                                      .input = static_cast<int>(std::min<std::uint64_t>(request.input, 100000)),
                                      .keys = keys});
}

Result<model::TrainingTask> task_of(const TrainRequest& request, const Progress& progress) {
  STEGPASS_TRY(device, device_of(request.device, request.processes));
  STEGPASS_TRY(unused, architecture_of(request, 10));  // what is wrong with the choice is said before data are read
  (void)unused;
  model::io::LoadOptions loading;
  if (progress) {
    loading.progress = [&](std::size_t done, std::size_t total) {
      return progress(static_cast<double>(done), static_cast<double>(total), "decoding pictures");
    };
  }
  STEGPASS_TRY(data, model::io::load_dataset(request.data, static_cast<int>(request.input), loading));
  STEGPASS_TRY(architecture, architecture_of(request, data.train.classes));
  STEGPASS_TRY(pooling, request.pooling.empty() ? model::preset_pooling(request.preset) : model::parse_pooling(request.pooling));
  model::TrainingTask task{
      .architecture = architecture, .train = data.train, .test = data.test, .device = device, .initial = request.initial};
  task.cover.pooling = pooling;
  if (architecture.bits() == 0) return task;
  if (request.passports.empty()) return Error{Errc::usage, "training needs a cover passport"};
  STEGPASS_TRY(cover, mark_of(architecture, pooling, request.passports.front(), model::MarkPictures::both));
  task.cover = cover;
  for (std::size_t i = 1; i < request.passports.size(); ++i) {
    STEGPASS_TRY(reserve, mark_of(architecture, pooling, request.passports[i], model::MarkPictures::scale_only));
    task.reserves.push_back(reserve);
  }
  return task;
}

std::string describe(const model::TrainingProgress& at) {
  char text[120];
  std::snprintf(text, sizeof(text), "epoch %d/%d  loss %.3f deploy %.3f verify  sign %.1f", at.epoch, at.epochs,
                at.deployment_loss, at.verification_loss, at.sign_loss);
  return text;
}

MarkDescription description_of(const model::TrainingTask& task, const model::TrainingSettings& settings) {
  const model::Architecture& architecture = task.architecture;
  return {std::string(model::scheme_name(settings.scheme)),
          std::string(model::signature_mode_name(settings.signature)),
          std::string(model::pooling_name(task.cover.pooling)),
          architecture.text(),
          architecture.settings().passports,
          static_cast<std::uint64_t>(architecture.bits())};
}

}  // namespace

Result<TrainResult> LibtorchModelPart::train(const TrainRequest& request, const Progress& progress) {
  STEGPASS_TRY(settings, settings_of(request));
  STEGPASS_TRY(task, task_of(request, progress));
  std::unique_ptr<model::ProcessGroup> group;
  if (request.processes.size > 1) {
    const Processes& at = request.processes;
    STEGPASS_TRY(joined, model::ProcessGroup::join({at.rank, at.size, at.address, at.port}, task.device));
    group = std::move(joined);
    task.group = group.get();
  }
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
  out.mark = description_of(task, settings);
  out.accuracy_deployment = trained.accuracy.deployment;
  out.accuracy_verification = trained.accuracy.verification;
  out.run_record = trained.record;
  if (out.mark.bits == 0) return out;
  const Bytes& readable = settings.signature == model::SignatureMode::reference ? out.owner_model : out.release_model;
  for (const OpenPassport& passport : request.passports) {
    STEGPASS_TRY(reading, read_mark(readable, out.mark, passport));
    out.readings.push_back(reading);
  }
  return out;
}

}  // namespace stegpass::cli
