#include <stegpass/model/reading.hpp>

#include <cmath>
#include <limits>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/weights.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

/// Weights whose every layer reads as the mark demands, with the given share of channels turned round.
Bytes marked_file(const Mark& mark, int turned = 0, const std::string& dtype = "F32") {
  std::vector<torch::Tensor> kept;
  std::vector<TensorView> views;
  for (const ConvPlan& layer : tiny_architecture().passport_convs()) {
    const LayerMark& demands = mark.layers[kept.size()];
    torch::Tensor w = demands.scale * demands.bits.unsqueeze(1);
    w.narrow(0, 0, turned).neg_();
    const auto type = dtype == "F32"    ? torch::kFloat32
                      : dtype == "F16"  ? torch::kFloat16
                      : dtype == "BF16" ? torch::kBFloat16
                                        : torch::kFloat64;
    kept.push_back(w.to(type).contiguous());
    views.push_back({layer.name + ".conv.weight",
                     dtype,
                     {layer.out_channels, layer.in_channels, layer.kernel, layer.kernel},
                     ByteView(static_cast<const std::uint8_t*>(kept.back().data_ptr()), kept.back().nbytes())});
  }
  return encode_safetensors(views, {});
}

MarkReading reading_of(int bits, int matches) {
  return {.bits = bits, .matches = matches, .log10_p = log10_binomial_tail(bits, matches)};
}

}  // namespace

TEST_CASE("the binomial tail is exact against fractions of whole numbers") {
  const struct {
    int bits, matches;
    double log10_p;
  } cases[] = {{896, 896, -269.722876114927},     {896, 500, -3.54350417571062},     {896, 448, -0.28960842344161},
               {896, 400, -0.000256536930655829}, {10, 10, -3.01029995663981},       {10, 1, -0.000424322927651794},
               {2560, 2537, -714.698858897546},   {10000, 10000, -3010.29995663981}, {10000, 9990, -2976.86123975726},
               {10000, 5000, -0.297578663913667}, {10000, 5001, -0.304508974957363}, {1, 1, -0.301029995663981},
               {3, 2, -0.301029995663981},        {112, 100, -18.0160171962445}};
  for (const auto& c : cases) CHECK(log10_binomial_tail(c.bits, c.matches) == Approx(c.log10_p).epsilon(1e-11));
}

TEST_CASE("the binomial tail is certain at no matches and impossible above all") {
  CHECK(log10_binomial_tail(896, 0) == 0);
  CHECK(log10_binomial_tail(896, -3) == 0);
  CHECK(log10_binomial_tail(896, 897) == -std::numeric_limits<double>::infinity());
  CHECK(log10_binomial_tail(0, 0) == 0);
}

TEST_CASE("the binomial tail falls with every further match") {
  for (int matches = 1; matches <= 300; ++matches)
    CHECK(log10_binomial_tail(300, matches) < log10_binomial_tail(300, matches - 1));
}

TEST_CASE("tries seen and unseen are charged") {
  CHECK(corrected_log10_p(-100, 1) == Approx(-100 + 80 * std::log10(2.0)));
  CHECK(corrected_log10_p(-100, 1000) == Approx(-97 + 80 * std::log10(2.0)));
  CHECK(corrected_log10_p(-1, 1) == 0);
}

TEST_CASE("a network of too few bits cannot reach the bound at all") {
  CHECK(best_log10_p(180) < kDefaultLog10Bound);
  CHECK(best_log10_p(179) > kDefaultLog10Bound);
}

TEST_CASE("a zero or a value that is not finite is a mismatch") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const torch::Tensor bits = torch::tensor({1.0, 1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0});
  const torch::Tensor s = torch::tensor({0.0, nan, infinity, -infinity, -0.0, -1e-30, 2.0, 3.0}, torch::kFloat64);
  CHECK(count_matches(bits, s) == 2);
}

TEST_CASE("a marked file reads as marked, layer by layer") {
  const Mark mark = mark_of(1);
  const MarkReading reading = read_mark(marked_file(mark, 5), tiny_architecture(), mark).value();
  CHECK(reading.bits == 112);
  CHECK(reading.matches == 97);
  REQUIRE(reading.layers.size() == 3);
  CHECK(reading.layers[0].layer == "features.4");
  CHECK(reading.layers[0].bits == 48);
  CHECK(reading.layers[0].matches == 43);
  CHECK(reading.log10_p == Approx(log10_binomial_tail(112, 97)));
}

TEST_CASE("a copy in half precision reads the same") {
  const Mark mark = mark_of(1);
  for (const char* dtype : {"F16", "BF16", "F64"}) {
    CHECK(read_mark(marked_file(mark, 0, dtype), tiny_architecture(), mark).value().matches == 112);
  }
}

TEST_CASE("a file without a passport layer's weights is no model to read from") {
  const Mark mark = mark_of(1);
  const Bytes file = marked_file(mark);
  Safetensors parsed = parse_safetensors(file).value();
  parsed.tensors.pop_back();
  const auto reading = read_mark(encode_safetensors(parsed.tensors, {}), tiny_architecture(), mark);
  REQUIRE_FALSE(reading);
  CHECK(reading.error().code == Errc::not_found);
}

TEST_CASE("weights of another shape or type are refused") {
  const Mark mark = mark_of(1);
  const Bytes file = marked_file(mark);
  const Architecture wider = Architecture::create({.width = 250}).value();
  const Passport passport = drawn_passport(1);
  const Mark wide = make_mark(wider, Pooling::whitened, passport, seed_of(passport), MarkPictures::scale_only).value();
  CHECK(read_mark(file, wider, wide).error().code == Errc::malformed);
  Safetensors parsed = parse_safetensors(file).value();
  for (TensorView& view : parsed.tensors) view.dtype = "I32";
  CHECK(read_mark(encode_safetensors(parsed.tensors, {}), tiny_architecture(), mark).error().code == Errc::malformed);
}

TEST_CASE("every truncation of a model file is refused") {
  const Mark mark = mark_of(1);
  const Bytes file = marked_file(mark);
  for (const std::size_t length : {std::size_t{0}, std::size_t{7}, std::size_t{100}, file.size() / 2, file.size() - 1}) {
    CHECK(read_mark(ByteView(file).first(length), tiny_architecture(), mark).error().code == Errc::malformed);
  }
}

TEST_CASE("a mark of another architecture is the caller's mistake, and said") {
  Mark mark = mark_of(1);
  const Bytes file = marked_file(mark);
  Mark wider = mark;
  wider.layers[0].scale = torch::cat({wider.layers[0].scale, wider.layers[0].scale}, 1);
  CHECK(read_mark(file, tiny_architecture(), wider).error().code == Errc::usage);
  mark.layers.pop_back();
  CHECK(read_mark(file, tiny_architecture(), mark).error().code == Errc::usage);
}

TEST_CASE("mode reference is undecided on a release model") {
  const Mark mark = mark_of(1);
  const MarkReading reading = read_mark(marked_file(mark), tiny_architecture(), mark, SignatureMode::reference).value();
  CHECK_FALSE(reading.decided);
  CHECK(reading.bits == 0);
  CHECK(judge_mark("owner.mark", reading, 1).outcome == Outcome::undecided);
}

TEST_CASE("mode reference follows the sign of a1, and so proves nothing") {
  PassportNetwork network(tiny_architecture(), Branches::both, 3);
  const Mark mark = mark_of(1);
  torch::NoGradGuard no_grad;
  const NetworkKeys keys = network_keys(tiny_architecture(), mark, torch::kCPU);
  std::size_t i = 0;
  for (ConvBlock& block : network->passport_blocks()) {
    const torch::Tensor s = layer_signs(block.conv->weight, keys[i].scale);
    block.verification->bn->weight.copy_(s.sign() * keys[i++].bits);  // any passport can be made to match
  }
  const Bytes owner = encode_owner_model(network);
  const MarkReading reading = read_mark(owner, tiny_architecture(), mark, SignatureMode::reference).value();
  CHECK(reading.match() == 1.0);
  CHECK(judge_mark("owner.mark", reading, 1, 0).outcome == Outcome::undecided);
  CHECK(read_mark(owner, tiny_architecture(), mark, SignatureMode::strict).value().match() < 0.7);
}

TEST_CASE("a reading is judged against the bound after the correction") {
  CHECK(judge_mark("owner.mark", reading_of(896, 896), 1).outcome == Outcome::valid);
  CHECK(judge_mark("owner.mark", reading_of(896, 448), 1).outcome == Outcome::invalid);
  CHECK(judge_mark("owner.mark", reading_of(180, 180), 1).outcome == Outcome::valid);
  CHECK(judge_mark("owner.mark", reading_of(180, 180), 2).outcome == Outcome::invalid);
  const Check check = judge_mark("owner.mark", reading_of(896, 896), 1);
  CHECK(check.code == "owner.mark");
  CHECK(check.detail == "896 of 896 bits match (1.0000), log10 p -269.7, -245.6 after tries, bound -30.0");
}

TEST_CASE("signature mode names survive their text, and no other is known") {
  for (const SignatureMode mode : {SignatureMode::strict, SignatureMode::reference}) {
    CHECK(parse_signature_mode(signature_mode_name(mode)).value() == mode);
  }
  CHECK(parse_signature_mode("lenient").error().code == Errc::unsupported);
}
