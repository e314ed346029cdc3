#include <torch/types.h>

#include <stegpass/model/key_network.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

constexpr std::initializer_list<Scheme> kSchemes = {Scheme::sp, Scheme::pan, Scheme::deepipr_v1, Scheme::deepipr_v2,
                                                    Scheme::deepipr_v3};
constexpr std::initializer_list<Norm> kNorms = {Norm::batch, Norm::group, Norm::instance, Norm::none};

Architecture resnet(int width = 63, const char* network = "resnet18-cifar") {
  return Architecture::create(
             {.network = network, .width = width, .passports = choose_passport_layers(network, "layer4").value()})
      .value();
}

Mark mark_for(const Architecture& architecture, std::uint64_t passport, int size = 128, Pooling pooling = Pooling::whitened) {
  const Passport made = drawn_passport(passport, size);
  return make_mark(architecture, pooling, made, seed_of(made)).value();
}

torch::Tensor scheme_images(std::int64_t count) { return network_images(draw_shapes(count, 11).images); }

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

/// A short run on drawn shapes: one passport, enough steps to see the loss fall and the bits turn.
TrainingTask task_of(const Architecture& architecture, int size) {
  TrainingTask task{.architecture = architecture, .train = draw_shapes(480, 1), .test = draw_shapes(100, 2)};
  if (architecture.bits() > 0) task.cover = mark_for(architecture, 1, size);
  return task;
}

TrainingSettings settings_of(Scheme scheme) {
  TrainingSettings settings = tiny_settings();
  settings.scheme = scheme;
  settings.epochs = 3;
  settings.trigger_images = scheme == Scheme::deepipr_v3 ? 20 : 0;
  return settings;
}

}  // namespace

TEST_CASE("every scheme embeds its passport, and its release gives the deployment branch's answers") {
  for (const Scheme scheme : kSchemes) {
    INFO(scheme_name(scheme));
    const TrainingTask task = task_of(tiny_architecture(), 64);
    TrainedModel trained = train(task, settings_of(scheme)).value();
    CHECK(trained.matches == std::vector<double>{1});
    PassportNetwork owner = decode_owner_model(encode_owner_model(trained.network)).value();
    PassportNetwork release = decode_release_model(encode_release_model(trained.network)).value();
    CHECK(owner->scheme() == scheme);
    const torch::NoGradGuard no_grad;
    const torch::Tensor images = scheme_images(8);
    const auto both = owner->both(images, network_keys(tiny_architecture(), task.cover, torch::kCPU), Precision::fp32);
    CHECK(largest_difference(release->deployment(images, Precision::fp32), both.deployment) < 1e-3);
    CHECK(both.verification.is_same(both.deployment) == (scheme == Scheme::deepipr_v1));
    CHECK((trained.trigger_accuracy > 0) == (scheme == Scheme::deepipr_v3));
  }
}

TEST_CASE("a passport layer's gain and offset are those of its scheme's paper") {
  const torch::NoGradGuard no_grad;
  const LayerMark mark = mark_for(tiny_architecture(), 1, 64).layers[1];
  const torch::Tensor weight = torch::randn({32, 48, 3, 3});
  const LayerKeys keys = layer_keys(mark, weight);
  const torch::Tensor s = layer_signs(weight, keys.scale), s_bias = layer_signs(weight, keys.bias);
  for (const Scheme scheme : kSchemes) {
    INFO(scheme_name(scheme));
    VerificationPart part(scheme, Norm::batch, 32);
    if (scheme == Scheme::sp) {
      part->bn->weight.uniform_(0.5, 2);
      part->bn->bias.uniform_(-1, 1);
    }
    const VerificationAffine affine = part->affine(weight, keys);
    CHECK(torch::equal(affine.signs, s));
    torch::Tensor gain = s, offset = s_bias;
    if (scheme == Scheme::sp || scheme == Scheme::pan) {
      gain = part->tlp->forward(s);
      offset = part->tlp->forward(s_bias);
    }
    if (scheme == Scheme::sp) {
      offset = gain * part->bn->bias + offset;
      gain = gain * part->bn->weight;
    }
    CHECK(largest_difference(affine.gain, gain) < 1e-5);
    CHECK(largest_difference(affine.offset, offset) < 1e-5);
  }
}

TEST_CASE("under batch norm SP and PAN keep statistics of their own, DeepIPR shares them") {
  const torch::Tensor y = 3 + torch::randn({16, 32, 4, 4});
  const Mark mark = mark_for(tiny_architecture(), 1, 64);
  const torch::Tensor weight = torch::randn({32, 48, 3, 3});
  for (const Scheme scheme : kSchemes) {
    NormLayer deployment(Norm::batch, 32);
    VerificationPart part(scheme, Norm::batch, 32);
    part->apply(y, part->affine(weight, layer_keys(mark.layers[1], weight)), *deployment);
    const bool shared = deployment->running_mean.abs().max().item<double>() > 0;
    CHECK(shared == (scheme != Scheme::sp && scheme != Scheme::pan));
  }
}

TEST_CASE("every norm trains, and its models come back") {
  for (const Norm norm : kNorms) {
    INFO(norm_name(norm));
    const Architecture architecture = Architecture::create({.width = 125, .norm = norm}).value();
    TrainingSettings settings = settings_of(Scheme::sp);
    settings.rate = norm == Norm::none ? 0.005 : settings.rate;
    TrainedModel trained = train(task_of(architecture, 64), settings).value();
    CHECK(trained.matches[0] > (norm == Norm::none ? 0.9 : 0.99));
    PassportNetwork owner = decode_owner_model(encode_owner_model(trained.network)).value();
    const torch::NoGradGuard no_grad;
    CHECK(largest_difference(owner->deployment(scheme_images(4), Precision::fp32),
                             trained.network->deployment(scheme_images(4), Precision::fp32)) == 0);
    CHECK(largest_difference(owner->deployment(scheme_images(4), Precision::bf16),
                             trained.network->deployment(scheme_images(4), Precision::fp32)) < 1);
  }
}

TEST_CASE("group norm works over 16 channels, and over a number that divides them where 16 does not") {
  const torch::NoGradGuard no_grad;
  for (const int channels : {16, 20, 48, 52}) {
    NormLayer layer(Norm::group, channels);
    const torch::Tensor out = layer->forward(5 + 2 * torch::randn({4, channels, 6, 6}));
    CHECK(std::abs(out.mean().item<double>()) < 1e-4);
    CHECK(out.std().item<double>() == Approx(1).epsilon(0.01));
  }
}

TEST_CASE("ResNet-18 learns with its mark in the fourth stage, both branches, shortcut included") {
  TrainingTask task = task_of(resnet(), 128);
  task.train = draw_shapes(1200, 1);
  TrainingSettings settings = settings_of(Scheme::sp);
  settings.epochs = 4;
  TrainedModel trained = train(task, settings).value();
  CHECK(trained.matches == std::vector<double>{1});
  CHECK(trained.accuracy.deployment > 0.2);
  CHECK(trained.accuracy.verification > 0.2);
  const Bytes release = encode_release_model(trained.network);
  const Mark mark = mark_for(resnet(), 1);
  const MarkReading reading = read_mark(release, resnet(), mark).value();
  CHECK(reading.layers.size() == 5);
  CHECK(reading.layers[1].layer == "layer4.0.downsample.0");
  CHECK(reading.matches == reading.bits);
}

TEST_CASE("a block whose shortcut alone has no passport serves both branches") {
  for (const char* layers : {"layer4.0.conv1", "layer4.0.downsample.0", "layer3.1.conv2,layer4.1.conv2", "conv1"}) {
    INFO(layers);
    const Architecture architecture =
        Architecture::create(
            {.network = "resnet18-cifar", .width = 63, .passports = choose_passport_layers("resnet18-cifar", layers).value()})
            .value();
    PassportNetwork network(architecture, Branches::both, 1);
    network->eval();
    const torch::NoGradGuard no_grad;
    const auto out =
        network->both(scheme_images(3), network_keys(architecture, mark_for(architecture, 1), torch::kCPU), Precision::fp32);
    CHECK(largest_difference(network->deployment(scheme_images(3), Precision::fp32), out.deployment) < 1e-4);
    CHECK(out.verification.sizes() == at::IntArrayRef({3, 10}));
  }
}

TEST_CASE("the forms of ResNet-18 differ where they should") {
  const torch::NoGradGuard no_grad;
  const auto answers = [](const char* form, std::int64_t side) {
    const Architecture architecture =
        Architecture::create({.network = form, .width = 63, .passports = {}, .input = static_cast<int>(side)}).value();
    PassportNetwork network(architecture, Branches::deployment, 1);
    network->eval();
    torch::manual_seed(3);
    return network->deployment(torch::rand({2, 3, side, side}), Precision::fp32);
  };
  CHECK(answers("resnet18", 64).sizes() == at::IntArrayRef({2, 10}));
  CHECK(largest_difference(answers("resnet18-cifar", 32), answers("resnet18-reference", 32)) > 1e-4);
}

TEST_CASE("unrelated passports and the published key types read as different marks") {
  const auto direction = [](KeyType keys, std::uint64_t passport) {
    const Architecture architecture = Architecture::create({.width = 125, .keys = keys}).value();
    return mark_for(architecture, passport, 64).layers[2].scale[0];
  };
  const auto cosine = [](const torch::Tensor& a, const torch::Tensor& b) {
    return std::abs((a.dot(b) / (a.norm() * b.norm())).item<double>());
  };
  for (const KeyType keys : {KeyType::image, KeyType::shuffle, KeyType::random}) {
    INFO(key_type_name(keys));
    CHECK(cosine(direction(keys, 1), direction(keys, 1)) > 0.999);
    CHECK(cosine(direction(keys, 1), direction(keys, 2)) < 0.3);
  }
}

TEST_CASE("an unprotected network trains without marks") {
  const Architecture plain = Architecture::create({.width = 125, .passports = {}}).value();
  TrainingTask task = task_of(plain, 64);
  task.train = draw_shapes(960, 1);
  TrainedModel trained = train(task, settings_of(Scheme::sp)).value();
  CHECK(trained.matches.empty());
  CHECK(trained.accuracy.deployment > 0.2);
  CHECK(decode_release_model(encode_release_model(trained.network)));
  TrainingTask with_mark = task_of(plain, 64);
  with_mark.cover = mark_for(tiny_architecture(), 1, 64);
  CHECK(train(with_mark, settings_of(Scheme::sp)).error().code == Errc::usage);
}

TEST_CASE("a mark goes into a network that was trained elsewhere") {
  const Architecture plain = Architecture::create({.width = 125, .passports = {}}).value();
  TrainedModel before = train(task_of(plain, 64), settings_of(Scheme::sp)).value();
  TrainingTask task = task_of(tiny_architecture(), 64);
  task.initial = encode_release_model(before.network);
  TrainingSettings settings = settings_of(Scheme::sp);
  settings.rate = 1e-6;
  settings.epochs = 1;
  TrainedModel after = train(task, settings).value();
  const torch::NoGradGuard no_grad;
  CHECK(largest_difference(after.network->blocks()[0].conv->weight, before.network->blocks()[0].conv->weight) < 1e-3);
  CHECK(after.record.find("begun_afresh\":[\"features.4.verification.bn.weight\"") != std::string::npos);
}

TEST_CASE("initial weights that are another network's are refused by the name of the first that does not fit") {
  TrainingTask task = task_of(tiny_architecture(), 64);
  task.initial = encode_release_model(PassportNetwork(resnet(), Branches::deployment, 1));
  const auto trained = train(task, settings_of(Scheme::sp));
  REQUIRE_FALSE(trained);
  CHECK(trained.error().code == Errc::malformed);
  CHECK(trained.error().detail.find("features.0.conv.weight") != std::string::npos);
}

TEST_CASE("validation images are held out of training, and the curves are measured on them") {
  TrainingTask task = task_of(tiny_architecture(), 64);
  TrainingSettings settings = settings_of(Scheme::sp);
  settings.validation_images = 80;
  settings.evaluate_each_epoch = true;
  const TrainedModel trained = train(task, settings).value();
  CHECK(trained.record.find("\"curves_on\":\"validation\"") != std::string::npos);
  CHECK(trained.accuracy.images == 100);
  settings.validation_images = 460;
  CHECK(train(task, settings).error().code == Errc::usage);
}

TEST_CASE("scheme V3 without triggers, and mode reference without a1, are refused") {
  TrainingSettings settings = settings_of(Scheme::deepipr_v3);
  settings.trigger_images = 0;
  CHECK(train(task_of(tiny_architecture(), 64), settings).error().code == Errc::usage);
  settings = settings_of(Scheme::pan);
  settings.signature = SignatureMode::reference;
  CHECK(train(task_of(tiny_architecture(), 64), settings).error().code == Errc::usage);
}

TEST_CASE("mode reference trains s a1 and is read so") {
  TrainingSettings settings = settings_of(Scheme::sp);
  settings.signature = SignatureMode::reference;
  const TrainedModel trained = train(task_of(tiny_architecture(), 64), settings).value();
  const Mark mark = mark_for(tiny_architecture(), 1, 64);
  CHECK(read_mark(encode_owner_model(trained.network), tiny_architecture(), mark, SignatureMode::reference).value().match() >
        0.99);
}

TEST_CASE("names of schemes, norms and key types survive their text, and no other is known") {
  for (const Scheme scheme : kSchemes) CHECK(parse_scheme(scheme_name(scheme)).value() == scheme);
  for (const Norm norm : kNorms) CHECK(parse_norm(norm_name(norm)).value() == norm);
  for (const KeyType keys : {KeyType::image, KeyType::shuffle, KeyType::random})
    CHECK(parse_key_type(key_type_name(keys)).value() == keys);
  CHECK(parse_scheme("SP").error().code == Errc::unsupported);
  CHECK(parse_norm("").error().code == Errc::unsupported);
  CHECK(parse_key_type("picture").error().code == Errc::unsupported);
}
