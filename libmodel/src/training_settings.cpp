#include "training_settings.hpp"

#include <cmath>

#include <stegpass/credential/core/text.hpp>

#include "json.hpp"
#include "triggers.hpp"

namespace stegpass::model {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kWarmUp = 0.2;

std::string digest_hex(const LabelledImages& data) { return to_hex(dataset_digest(data)); }

}  // namespace

Result<TrainingSettings> training_preset(std::string_view name, const torch::Device& device) {
  TrainingSettings settings;
  if (name == "paper") return settings;
  if (name == "published") {
    settings.preset = "published";
    settings.sign_margin = 0.1;
    settings.signature = SignatureMode::reference;
    return settings;
  }
  if (name != "quick")
    return Error{Errc::unsupported, "preset '" + std::string(name) + "' is unknown, quick, paper or published expected"};
  settings.preset = "quick";
  settings.epochs = 1;
  settings.batch = 32;
  settings.rate = 0.02;
  settings.last_gain = 0.2;
  settings.schedule = Schedule::one_cycle;
  settings.augment = false;
  settings.evaluate_each_epoch = false;
  settings.precision = fast_precision(device);
  settings.train_images = 11000;
  settings.test_images = 2000;
  return settings;
}

Pooling preset_pooling(std::string_view name) { return name == "published" ? Pooling::mean : Pooling::whitened; }

Status check_task(const TrainingTask& task, const TrainingSettings& settings) {
  const auto within = [](double value, double low, double high) { return value >= low && value <= high; };
  if (settings.epochs < 1 || settings.epochs > 100000) return Error{Errc::usage, "epochs are not within 1 to 100000"};
  if (settings.batch < 2 || settings.batch > 65536) return Error{Errc::usage, "the batch is not within 2 to 65536"};
  if (!within(settings.rate, 0, 100) || settings.rate == 0) return Error{Errc::usage, "the rate is not within 0 to 100"};
  if (!within(settings.momentum, 0, 0.9999)) return Error{Errc::usage, "the momentum is not within 0 to 0.9999"};
  for (const double weight : {settings.weight_decay, settings.sign_weight, settings.sign_margin, settings.sign_decay,
                              settings.balance, settings.last_gain}) {
    if (!within(weight, 0, 1000)) return Error{Errc::usage, "a weight of the loss is not within 0 to 1000"};
  }
  if (settings.validation_images < 0 || settings.trigger_images < 0 || settings.trigger_images > 100000) {
    return Error{Errc::usage, "numbers of validation and trigger images are not within 0 to 100000"};
  }
  if (settings.scheme == Scheme::deepipr_v3 && settings.trigger_images < kTriggersPerBatch) {
    return Error{Errc::usage, "scheme deepipr-v3 needs trigger images, 100 in its paper"};
  }
  if (settings.signature == SignatureMode::reference && settings.scheme != Scheme::sp) {
    return Error{Errc::usage, "signature mode reference reads a1, which only scheme sp has"};
  }
  const std::int64_t drawn = settings.train_images > 0 ? std::min(settings.train_images, task.train.size()) : task.train.size();
  const std::int64_t images = drawn - settings.validation_images;
  if (images < settings.batch) {
    return Error{Errc::usage,
                 std::to_string(images) + " training images do not fill one batch of " + std::to_string(settings.batch)};
  }
  const int processes = task.group == nullptr ? 1 : task.group->size();
  const std::int64_t shared = settings.batch + (settings.trigger_images > 0 ? kTriggersPerBatch : 0);
  if (shared % processes != 0) {
    return Error{Errc::usage, "a batch of " + std::to_string(shared) + " images cannot be shared by " +
                                  std::to_string(processes) + " processes"};
  }
  if (task.train.images.size(2) != task.architecture.input_side()) {
    return Error{Errc::usage, "images of " + std::to_string(task.train.images.size(2)) + " pixels, " +
                                  std::to_string(task.architecture.input_side()) + " expected"};
  }
  if (task.train.classes != task.architecture.classes() || (task.test.size() > 0 && task.test.classes != task.train.classes)) {
    return Error{Errc::usage, "the data have " + std::to_string(task.train.classes) + " classes, " +
                                  std::to_string(task.architecture.classes()) + " expected"};
  }
  if (task.architecture.passport_convs().empty() && !task.reserves.empty()) {
    return Error{Errc::usage, "an architecture without passport layers holds no mark"};
  }
  STEGPASS_CHECK_OK(check_mark(task.architecture, task.cover, MarkPictures::both));
  for (const Mark& reserve : task.reserves) STEGPASS_CHECK_OK(check_mark(task.architecture, reserve, MarkPictures::scale_only));
  return Done{};
}

std::string settings_json(const TrainingSettings& settings) {
  JsonObject json;
  json.text("preset", settings.preset).text("scheme", scheme_name(settings.scheme));
  json.text("signature", signature_mode_name(settings.signature))
      .integer("epochs", settings.epochs)
      .integer("batch", settings.batch);
  json.number("rate", settings.rate).text("schedule", settings.schedule == Schedule::steps ? "steps" : "one_cycle");
  json.number("momentum", settings.momentum).number("weight_decay", settings.weight_decay);
  json.number("sign_weight", settings.sign_weight).number("sign_margin", settings.sign_margin);
  json.number("sign_decay", settings.sign_decay).number("balance", settings.balance);
  json.number("last_gain", settings.last_gain).boolean("augment", settings.augment);
  json.boolean("evaluate_each_epoch", settings.evaluate_each_epoch).text("precision", precision_name(settings.precision));
  json.text("seed", std::to_string(settings.seed));  // may exceed what JSON numbers keep
  json.integer("train_images", settings.train_images).integer("test_images", settings.test_images);
  json.integer("validation_images", settings.validation_images).integer("trigger_images", settings.trigger_images);
  return json.str();
}

std::string run_identity(const TrainingTask& task, const TrainingSettings& settings, const LabelledImages& train,
                         const LabelledImages& test) {
  std::string marks = json_text(to_hex(mark_digest(task.cover)));
  for (const Mark& reserve : task.reserves) marks.append(",").append(json_text(to_hex(mark_digest(reserve))));
  JsonObject json;
  json.raw("settings", settings_json(settings)).raw("architecture", task.architecture.text());
  json.text("pooling", pooling_name(task.cover.pooling)).raw("marks", std::string("[").append(marks).append("]"));
  json.text("train_data", train.name).integer("train_size", train.size()).text("train_digest", digest_hex(train));
  json.text("test_data", test.name).integer("test_size", test.size());
  if (test.size() > 0) json.text("test_digest", digest_hex(test));
  if (!task.initial.empty()) json.text("initial", to_hex(Sha512().update(task.initial).finish()));
  return json.str();
}

double rate_at(const TrainingSettings& settings, std::int64_t step, std::int64_t steps) {
  const double share = static_cast<double>(step) / static_cast<double>(steps);
  if (settings.schedule == Schedule::steps) return settings.rate * (share >= 0.75 ? 0.01 : share >= 0.5 ? 0.1 : 1.0);
  if (share < kWarmUp) return settings.rate * (0.1 + 0.9 * share / kWarmUp);
  return settings.rate * 0.5 * (1 + std::cos(kPi * (share - kWarmUp) / (1 - kWarmUp)));
}

}  // namespace stegpass::model
