#include "attack_run.hpp"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/alignment.hpp>
#include <stegpass/model/loader.hpp>
#include <stegpass/model/weights.hpp>

#include "sgd.hpp"
#include "shuffle.hpp"

namespace stegpass::model {
namespace {

constexpr const char* kAttackState = "attack-state.v1";

/// All that a state has to have in common with the run that takes it up, beside settings and data.
std::string digest_of_subject(const AttackTask& task) {
  Sha512 hash;
  const auto add = [&](ByteView bytes) { hash.update_u64(bytes.size()).update(bytes); };
  add(encode_release_model(task.model));
  if (task.owner) add(encode_owner_model(task.owner));
  hash.update(pooling_name(task.pooling)).update(signature_mode_name(task.signature)).update(task.cover_seed.value);
  for (const OpenedMark& opened : task.marks) {
    add(as_bytes(opened.role));
    hash.update(mark_digest(opened.mark));
  }
  for (const Passport& picture : task.pictures) hash.update(picture.digest());
  for (const MarkSeed& seed : task.seeds) hash.update(seed.value);
  for (const auto* one : {&task.user, &task.cover}) {
    if (*one) hash.update((*one)->digest());
  }
  return to_hex(hash.finish());
}

}  // namespace

void copy_tensors(const torch::nn::Module& from, const torch::nn::Module& to, std::string_view except) {
  const torch::NoGradGuard no_grad;
  const NamedTensors sources = weights_of(from);
  for (const auto& [name, target] : weights_of(to)) {
    if (!except.empty() && name.rfind(except, 0) == 0) continue;
    const auto found =
        std::find_if(sources.begin(), sources.end(), [&name = name](const auto& source) { return source.first == name; });
    if (found != sources.end() && found->second.sizes() == target.sizes()) target.detach().copy_(found->second);
  }
}

std::string mark_json(std::string_view role, std::string_view reading, int bits, int matches) {
  JsonObject json;
  json.text("role", role).text("reading", reading).integer("bits", bits).integer("matches", matches);
  json.number("log10_p", log10_binomial_tail(bits, matches));
  return json.str();
}

std::uint64_t attack_seed(std::uint64_t seed, std::uint64_t purpose, std::uint64_t index) {
  std::uint64_t x = seed + 0x9e3779b97f4a7c15 * (16 * index + purpose + 1);  // splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

PassportNetwork copy_network(const PassportNetwork& network, const torch::Device& device) {
  PassportNetwork out(network->architecture(), network->has_verification() ? Branches::both : Branches::deployment, 0,
                      network->scheme());
  out->to(device);
  copy_tensors(*network, *out);
  out->eval();
  return out;
}

AttackRun::AttackRun(const AttackTask& of_task, const AttackSettings& of_settings, const AttackHooks& hooks)
    : task(of_task),
      settings(of_settings),
      test(take_images(of_task.test, of_settings.test_images, attack_seed(of_settings.seed, 1, 0))),
      hooks_(hooks),
      subject_(digest_of_subject(of_task)) {
  train = take_images(task.train, settings.train_images, attack_seed(settings.seed, 0, 0));
  if (settings.data_share < 1) {
    const auto share = static_cast<std::int64_t>(std::llround(settings.data_share * static_cast<double>(train.size())));
    train = take_images(train, std::max<std::int64_t>(share, 1), attack_seed(settings.seed, 2, 0));
  }
}

std::string AttackRun::identity() const {
  JsonObject json;
  json.text("attack", settings.name).text("variant", settings.variant).raw("strengths", json_array(settings.strengths));
  json.integer("epochs", settings.epochs)
      .integer("batch", settings.batch)
      .number("rate", settings.rate)
      .number("momentum", settings.momentum);
  json.number("weight_decay", settings.weight_decay)
      .number("sign_weight", settings.sign_weight)
      .number("sign_margin", settings.sign_margin);
  json.number("data_share", settings.data_share).integer("count", settings.count).integer("at_once", settings.at_once);
  json.boolean("augment", settings.augment)
      .text("precision", precision_name(settings.precision))
      .integer("seed", static_cast<std::int64_t>(settings.seed));
  json.boolean("verification", settings.verification);
  json.integer("drawn_train_images", settings.train_images).integer("drawn_test_images", settings.test_images);
  json.integer("train_images", train.size()).integer("test_images", test.size());
  if (train.size() > 0) json.text("train_data", train.name).text("train_digest", to_hex(dataset_digest(train)));
  json.text("test_data", test.name).text("test_digest", to_hex(dataset_digest(test)));
  return json.str();
}

Status AttackRun::progress(double done, double total, std::string_view text) const {
  if (hooks_.progress && !hooks_.progress(done, total, text)) return Error{Errc::interrupted, "the attack was asked to stop"};
  return Done{};
}

Result<Mark> AttackRun::drawn_mark(std::size_t index, MarkPictures pictures) const {
  if (index >= task.pictures.size() || index >= task.seeds.size())
    return Error{Errc::usage, "the attack needs more drawn passports than there are"};
  return make_mark(architecture(), task.pooling, task.pictures[index], task.seeds[index], pictures);
}

double AttackRun::accuracy(const PassportNetwork& network) const {
  return evaluate_deployment(network, test, {task.device, settings.precision, EvaluationSettings{}.batch}).deployment;
}

/// The owner's network with what the attacked model shares with it.
PassportNetwork AttackRun::as_owner(const PassportNetwork& attacked) const {
  PassportNetwork out = copy_network(task.owner, task.device);
  copy_tensors(*attacked, *out);
  return out;
}

Result<Accuracy> AttackRun::accuracies(const PassportNetwork& attacked) {
  const EvaluationSettings how{task.device, settings.precision, EvaluationSettings{}.batch};
  const bool same_classes = attacked->architecture().classes() == architecture().classes();
  Accuracy released = evaluate_deployment(attacked, test, how);
  if (!settings.verification || !task.owner || !same_classes) return released;
  // DeepIPR V1 has one branch, whose gain and offset the owner's network works out anew: only the copy's own say what it does.
  STEGPASS_TRY(owned, evaluate(as_owner(attacked), test, task.marks.front().mark, how));
  released.verification = owned.verification;
  return released;
}

Result<std::string> AttackRun::read_mark_json(const OpenedMark& opened, ByteView release, ByteView owner) const {
  const auto entry = [&](const MarkReading& reading) {
    return mark_json(opened.role, signature_mode_name(reading.mode), reading.bits, reading.matches);
  };
  STEGPASS_TRY(strict, read_mark(release, architecture(), opened.mark, SignatureMode::strict));
  std::string out = entry(strict);
  if (task.signature == SignatureMode::strict || owner.empty()) return out;
  STEGPASS_TRY(reference, read_mark(owner, architecture(), opened.mark, SignatureMode::reference));
  if (reference.decided) out.append(",").append(entry(reference));
  return out;
}

Result<std::string> AttackRun::read_marks(const PassportNetwork& attacked, bool aligned) {
  Bytes release = encode_release_model(attacked), owner;
  if (aligned) {
    std::vector<Mark> under_test;
    for (const OpenedMark& opened : task.marks) under_test.push_back(opened.mark);
    STEGPASS_TRY(alignment, align_model(release, encode_release_model(task.model), architecture(), under_test));
    release = std::move(alignment.model);
  } else if (task.signature == SignatureMode::reference && task.owner) {
    owner = encode_owner_model(as_owner(attacked));
  }
  std::string out;
  for (const std::vector<OpenedMark>* marks : {&task.marks, static_cast<const std::vector<OpenedMark>*>(&more_marks)}) {
    for (const OpenedMark& opened : *marks) {
      STEGPASS_TRY(text, read_mark_json(opened, release, owner));
      out.append(out.empty() ? "[" : ",").append(text);
    }
  }
  return out.append("]");
}

void AttackRun::add_point(JsonObject point) {
  point.integer("steps", steps_).integer("images", images_);
  curve_.append(curve_.empty() ? "" : ",").append(point.str());
}

Status AttackRun::judge_marks(const PassportNetwork& attacked, const PointLabel& label, double deployment, double verification) {
  JsonObject point;
  if (label.strength) point.number("strength", *label.strength);
  if (!label.step.empty()) point.text("step", label.step);
  if (deployment >= 0) point.number("accuracy_deployment", deployment);
  if (verification >= 0) point.number("accuracy_verification", verification);
  STEGPASS_TRY(marks, read_marks(attacked, label.aligned));
  point.boolean("aligned", label.aligned).raw("marks", marks);
  add_point(point);
  return Done{};
}

Status AttackRun::judge(const PassportNetwork& attacked, const PointLabel& label) {
  if (attacked->architecture().classes() != test.classes) return judge_marks(attacked, label, -1, -1);
  STEGPASS_TRY(measured, accuracies(attacked));
  const bool both = settings.verification && task.owner && attacked->architecture().classes() == architecture().classes();
  return judge_marks(attacked, label, measured.deployment, both ? measured.verification : -1);
}

Bytes AttackRun::state(const NamedTensors& tensors, int stage, int epochs) const {
  const NamedTensors copies = for_file(tensors);
  std::vector<TensorView> views;
  append_views(views, copies);
  return encode_safetensors(std::move(views), {{"stegpass.format", kAttackState},
                                               {"stegpass.run", identity()},
                                               {"stegpass.subject", subject_},
                                               {"stegpass.stage", std::to_string(stage)},
                                               {"stegpass.epochs", std::to_string(epochs)},
                                               {"stegpass.steps", std::to_string(steps_)},
                                               {"stegpass.images", std::to_string(images_)},
                                               {"stegpass.milliseconds", std::to_string(std::llround(1000 * seconds()))},
                                               {"stegpass.curves", curve_}});
}

Status AttackRun::resume(ByteView bytes) {
  STEGPASS_TRY(file, parse_safetensors(bytes));
  const auto text = [&](const char* key) { return file.metadata.count(key) ? file.metadata.at(key) : std::string(); };
  const auto number = [&](const char* key) {
    const std::string digits = text(key);
    const bool whole = !digits.empty() && digits.size() < 16 && digits.find_first_not_of("0123456789") == std::string::npos;
    return whole ? static_cast<std::int64_t>(std::stoll(digits)) : std::int64_t{-1};
  };
  if (text("stegpass.format") != kAttackState) return Error{Errc::malformed, "the file is no state of an attack"};
  if (text("stegpass.run") != identity())
    return Error{Errc::refused, "the state is one of another attack: settings and data must be the same"};
  if (text("stegpass.subject") != subject_)
    return Error{Errc::refused, "the state is one of an attack on another model, or with other passports"};
  if (number("stegpass.stage") < 0 || number("stegpass.epochs") < 1 || number("stegpass.steps") < 0 ||
      number("stegpass.images") < 0 || number("stegpass.milliseconds") < 0) {
    return Error{Errc::malformed, "the state's counts are no numbers"};
  }
  resume_stage_ = static_cast<int>(std::min(number("stegpass.stage"), std::int64_t{1000000}));
  resume_epochs_ = static_cast<int>(std::min(number("stegpass.epochs"), std::int64_t{1000000}));
  resume_steps_ = number("stegpass.steps");
  resume_images_ = number("stegpass.images");
  resume_seconds_ = static_cast<double>(number("stegpass.milliseconds")) / 1000;
  resume_curve_ = text("stegpass.curves");
  resume_.assign(bytes.begin(), bytes.end());
  return Done{};
}

Status AttackRun::check_resumed() const {
  return resume_stage_ < 0 ? Status(Done{}) : Error{Errc::malformed, "the state is of a stage that the attack does not come to"};
}

Status AttackRun::loop(const AttackLoop& loop) {
  const int stage = stage_++;
  Sgd optimiser(*loop.module, settings.momentum, settings.weight_decay);
  const auto tensors = [&] {
    NamedTensors all = weights_of(*loop.module);
    for (const auto& named : optimiser.state()) all.push_back(named);
    return all;
  };
  int done = 0;
  if (stage < resume_stage_) return Done{};  // what it left comes with the state of a later loop
  if (stage == resume_stage_) {
    STEGPASS_TRY(file, parse_safetensors(resume_));
    STEGPASS_CHECK_OK(read_into(tensors(), file));
    done = resume_epochs_;
    curve_ = resume_curve_;
    steps_ = resume_steps_;
    images_ = resume_images_;
    earlier_seconds_ = resume_seconds_;
    resume_stage_ = -1;
  }
  const std::int64_t batch = std::min<std::int64_t>(settings.batch, train.size());
  if (loop.epochs > 0 && batch < 2) return Error{Errc::usage, "the attack needs at least two training images"};
  for (; done < loop.epochs; ++done) {
    loop.begin_epoch();
    const auto index = static_cast<std::uint64_t>(stage) * 1000003 + static_cast<std::uint64_t>(done);
    LoaderOptions options{.batch = batch, .threads = task.device.is_cpu() ? 1 : 4};
    if (settings.augment)
      options.augment_seed = [&](std::int64_t step) {
        return attack_seed(settings.seed, 3, index * 1000003 + static_cast<std::uint64_t>(step));
      };
    BatchLoader batches(train, shuffled_indices(train.size(), attack_seed(settings.seed, 4, index)), options);
    const double total = static_cast<double>(batches.steps()) * loop.epochs;
    for (std::int64_t step = 0; auto next = batches.next(); ++step) {
      const torch::Tensor loss = loop.loss(next->images.to(task.device), next->labels.to(task.device));
      const double value = loss.item<double>();
      if (!std::isfinite(value))
        return Error{Errc::diverged, "the loss of step " + std::to_string(steps_ + 1) + " is not finite"};
      optimiser.clear_gradients();
      loss.backward();
      optimiser.step(settings.rate);
      ++steps_;
      images_ += next->labels.size(0);
      STEGPASS_CHECK_OK(progress(static_cast<double>(done * batches.steps() + step + 1), total,
                                 "loss " + json_number(std::round(1000 * value) / 1000)));
    }
    if (loop.end_epoch) STEGPASS_CHECK_OK(loop.end_epoch(done + 1));
    if (hooks_.checkpoint) STEGPASS_CHECK_OK(hooks_.checkpoint(state(tensors(), stage, done + 1)));
  }
  return Done{};
}

AttackOutcome AttackRun::outcome() const {
  AttackOutcome out;
  out.settings = identity();
  out.curve = "[" + curve_ + "]";
  out.details = details.str();
  out.model = result ? copy_network(result, torch::kCPU) : result;
  out.steps = steps_;
  out.images = images_;
  out.seconds = seconds();
  return out;
}

double AttackRun::seconds() const {
  return earlier_seconds_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

AttackLoop plain_training(AttackRun& run, const std::shared_ptr<PassportNetworkImpl>& network) {
  AttackLoop loop;
  loop.module = network.get();
  loop.epochs = run.settings.epochs;
  loop.begin_epoch = [network] { network->train(); };
  loop.loss = [&run, network](const torch::Tensor& images, const torch::Tensor& labels) {
    return at::cross_entropy_loss(network->deployment(images, run.settings.precision), labels);
  };
  return loop;
}

torch::Tensor sign_hinge(const std::vector<ConvBlock>& blocks, const NetworkKeys& keys, double margin) {
  torch::Tensor sum = torch::zeros({}, blocks.front().conv->weight.options());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    sum = sum + at::relu(margin - keys[i].bits * layer_signs(blocks[i].conv->weight, keys[i].scale)).sum();
  }
  return sum;
}

}  // namespace stegpass::model
