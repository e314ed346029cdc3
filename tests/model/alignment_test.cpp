#include <stegpass/model/alignment.hpp>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/survey.hpp>
#include <stegpass/model/weights.hpp>

#include "model_fixtures.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

using Filters = std::map<std::string, torch::Tensor>;

Filters filters_of(ByteView file, const Architecture& architecture) {
  const auto parsed = parse_safetensors(file).value();
  Filters out;
  for (const ConvPlan& conv : architecture.convs()) {
    for (const TensorView& tensor : parsed.tensors) {
      if (tensor.name != conv.conv + ".weight") continue;
      torch::Tensor values = torch::empty(tensor.shape, torch::kFloat32);
      std::copy(tensor.data.begin(), tensor.data.end(), static_cast<std::uint8_t*>(values.data_ptr()));
      out[conv.name] = values;
    }
  }
  return out;
}

Bytes encode(const Filters& filters, const Architecture& architecture) {
  std::vector<TensorView> views;
  std::vector<torch::Tensor> held;
  for (const ConvPlan& conv : architecture.convs()) {
    held.push_back(filters.at(conv.name).contiguous());
    views.push_back({conv.conv + ".weight", held.back().scalar_type() == torch::kFloat64 ? "F64" : "F32",
                     held.back().sizes().vec(),
                     ByteView(static_cast<const std::uint8_t*>(held.back().data_ptr()), held.back().nbytes())});
  }
  return encode_safetensors(std::move(views), {});
}

struct Disguise {
  bool permute = true, rescale = true, turn = false;
  double noise = 0;  ///< of each weight, by the standard deviation of its layer
};

/// A copy that computes what the original does (but for noise): orders and positive scales of channels changed, and filters
/// turned as folding a norm with negative gains leaves them. `orders` gets what each layer's channels became.
Bytes disguised(ByteView file, const Architecture& architecture, const Disguise& how, std::uint64_t seed,
                std::vector<std::vector<std::int64_t>>* orders = nullptr) {
  std::mt19937_64 random(seed);
  torch::manual_seed(seed);
  Filters filters = filters_of(file, architecture);
  std::vector<std::vector<std::int64_t>> order;
  std::vector<torch::Tensor> scale;
  for (std::size_t i = 0; i < architecture.convs().size(); ++i) {
    const ConvPlan& conv = architecture.convs()[i];
    if (conv.add != ConvPlan::kNothing) {
      order.push_back(order[static_cast<std::size_t>(conv.add)]);
      scale.push_back(scale[static_cast<std::size_t>(conv.add)]);
    } else {
      order.emplace_back(static_cast<std::size_t>(conv.out_channels));
      std::iota(order.back().begin(), order.back().end(), 0);
      if (how.permute) std::shuffle(order.back().begin(), order.back().end(), random);
      scale.push_back(how.rescale ? torch::rand({conv.out_channels}) * 4 + 0.25 : torch::ones({conv.out_channels}));
    }
    torch::Tensor& w = filters[conv.name];
    const int input = conv.from == ConvPlan::kPrevious ? static_cast<int>(i) - 1 : conv.from;
    if (input >= 0)
      w = (w / scale[static_cast<std::size_t>(input)].view({1, -1, 1, 1}))
              .index_select(1, torch::tensor(order[static_cast<std::size_t>(input)]));
    const torch::Tensor sign =
        how.turn ? torch::randint(0, 2, {conv.out_channels}).to(torch::kFloat32) * 2 - 1 : torch::ones({conv.out_channels});
    const torch::Tensor rows = how.rescale ? torch::rand({conv.out_channels}) * 3 + 0.1 : torch::ones({conv.out_channels});
    w = (w * (sign * rows).view({-1, 1, 1, 1})).index_select(0, torch::tensor(order.back()));
    if (how.noise > 0) w = w + how.noise * w.std() * torch::randn_like(w);
  }
  if (orders != nullptr) *orders = order;
  return encode(filters, architecture);
}

const std::vector<Mark>& marks() {
  static const std::vector<Mark> made = {mark_of(1), mark_of(2), mark_of(3)};
  return made;
}

const Bytes& marked_release() {
  static const Bytes made = encode_release_model(tiny_model().network);
  return made;
}

int matches(ByteView file, const Architecture& architecture) { return read_mark(file, architecture, mark_of(1)).value().matches; }

double worst_cosine(ByteView a, ByteView b, const Architecture& architecture) {
  Filters x = filters_of(a, architecture), y = filters_of(b, architecture);
  double worst = 1;
  for (auto& [name, w] : x)
    worst = std::min(worst, torch::cosine_similarity(w.flatten(1), y[name].flatten(1), 1).min().item<double>());
  return worst;
}

}  // namespace

TEST_CASE("an assignment has the largest sum of all") {
  torch::manual_seed(3);
  for (int trial = 0; trial < 30; ++trial) {
    const torch::Tensor scores = torch::rand({6, 6}, torch::kFloat64);
    const auto sum = [&](const std::vector<int>& columns) {
      double total = 0;
      for (int i = 0; i < 6; ++i) total += scores[i][columns[static_cast<std::size_t>(i)]].item<double>();
      return total;
    };
    std::vector<int> order(6);
    std::iota(order.begin(), order.end(), 0);
    double best = 0;
    do best = std::max(best, sum(order));
    while (std::next_permutation(order.begin(), order.end()));
    CHECK(sum(assign(scores)) == Catch::Detail::Approx(best).epsilon(1e-12));
  }
}

TEST_CASE("a marked copy that was permuted, rescaled, turned or fine-tuned on top reads whole once it is aligned") {
  const Architecture architecture = tiny_architecture();
  const auto how = GENERATE(Disguise{.rescale = false}, Disguise{.permute = false}, Disguise{}, Disguise{.turn = true},
                            Disguise{.turn = true, .noise = 0.1});
  std::vector<std::vector<std::int64_t>> orders;
  const Bytes copy = disguised(marked_release(), architecture, how, 9, &orders);
  REQUIRE(matches(marked_release(), architecture) == 112);
  if (how.permute) CHECK(matches(copy, architecture) < 80);
  const Alignment aligned = align_model(copy, marked_release(), architecture, marks()).value();
  CHECK(matches(aligned.model, architecture) == 112);
  REQUIRE(aligned.layers.size() == orders.size());
  for (std::size_t i = 0; i < orders.size(); ++i)
    for (std::size_t c = 0; c < orders[i].size(); ++c)
      CHECK(orders[i][static_cast<std::size_t>(aligned.layers[i].from[c])] == static_cast<std::int64_t>(c));
  CHECK((aligned.moved() > 0) == how.permute);
  CHECK((aligned.layers[2].turned > 0) == how.turn);
  if (how.noise == 0) CHECK(worst_cosine(aligned.model, marked_release(), architecture) > 0.9999);
}

TEST_CASE("the original aligned with itself stays as it is") {
  const Alignment aligned = align_model(marked_release(), marked_release(), tiny_architecture(), marks()).value();
  CHECK(aligned.moved() == 0);
  CHECK(worst_cosine(aligned.model, marked_release(), tiny_architecture()) > 0.999999);
}

TEST_CASE("a ResNet's channels are matched through its additions") {
  const std::string network = GENERATE("resnet18-cifar", "resnet18-reference");
  const auto architecture =
      Architecture::create({.network = network, .width = 250, .passports = choose_passport_layers(network, "layer4").value()})
          .value();
  const Bytes original = encode_release_model(PassportNetwork(architecture, Branches::deployment, 4));
  const Bytes copy = disguised(original, architecture, {.turn = false}, 6);
  const Passport passport = drawn_passport(1, 128);
  const auto aligned = align_model(copy, original, architecture,
                                   {make_mark(architecture, Pooling::whitened, passport, seed_of(passport)).value()});
  INFO((aligned.ok() ? "" : aligned.error().detail));
  REQUIRE(aligned.ok());
  CHECK(worst_cosine(aligned->model, original, architecture) > 0.9999);
}

TEST_CASE("independent networks that were aligned stay on the binomial") {
  const Architecture architecture = tiny_architecture();
  std::vector<int> seen;
  for (std::uint64_t seed = 100; seed < 200; ++seed) {
    const Bytes stranger = encode_release_model(PassportNetwork(architecture, Branches::deployment, seed));
    seen.push_back(matches(align_model(stranger, marked_release(), architecture, marks()).value().model, architecture));
  }
  const Survey survey = judge_survey(architecture.bits(), seen);
  INFO("mean match " << survey.mean_match());
  CHECK(std::abs(survey.mean_match() - 0.5) < 0.02);  // four standard deviations of 11,200 fair bits
  CHECK(survey.p_value > 0.001);
  CHECK(survey.smallest_p > 0.001);
}

TEST_CASE("matching that looked at what the passports read would select for the mark") {
  const Architecture architecture = tiny_architecture();
  double sum = 0;
  for (std::uint64_t seed = 100; seed < 110; ++seed) {
    const Bytes stranger = encode_release_model(PassportNetwork(architecture, Branches::deployment, seed));
    sum += matches(align_model(stranger, marked_release(), architecture, {}).value().model, architecture);
  }
  CHECK(sum / 10 / architecture.bits() > 0.55);
}

TEST_CASE("alignment refuses what is no copy of the architecture, and passports that leave nothing to match by") {
  const Architecture architecture = tiny_architecture();
  const auto error = [&](ByteView copy, const std::vector<Mark>& tested) {
    return align_model(copy, marked_release(), architecture, tested).error();
  };
  CHECK(error(Bytes{1, 2, 3}, marks()).code == Errc::malformed);
  Filters wide = filters_of(marked_release(), architecture);
  wide["features.0"] = torch::zeros({3, 3, 5, 5});
  CHECK(error(encode(wide, architecture), marks()).code == Errc::malformed);
  Filters odd = filters_of(marked_release(), architecture);
  odd["features.4"][0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(error(encode(odd, architecture), marks()).code == Errc::malformed);
  Filters huge = filters_of(marked_release(), architecture);
  huge["features.0"] = torch::full(huge["features.0"].sizes(), 1e200, torch::kFloat64);  // finite, and its squares are not
  CHECK(error(encode(huge, architecture), marks()).code == Errc::malformed);
}
