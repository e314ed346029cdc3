#include <stegpass/model/mark_seed.hpp>

#include <numeric>

#include <stegpass/credential/core/text.hpp>
#include <tests/support/catch.hpp>

#include "model_fixtures.hpp"

using namespace stegpass;
using namespace stegpass::model;
using namespace stegpass::model::testing;

namespace {

std::string spelled(const std::vector<std::int8_t>& signs, std::size_t from, std::size_t count) {
  std::string out;
  for (std::size_t i = from; i < from + count; ++i) out += signs[i] > 0 ? '+' : '-';
  return out;
}

MarkedLayer layer(const Architecture& architecture, std::size_t index) {
  return marked_layer(architecture, architecture.passport_convs()[index]);
}

}  // namespace

TEST_CASE("the mark seed is that of an independent program") {
  CHECK(to_hex(example_seed().value).substr(0, 32) == "24f681a780234ee2ae69b9c69e7e451a");
}

TEST_CASE("the mark seed depends on passport, owner key and salt") {
  const Digest64 passport = example_passport().digest();
  Digest64 other_passport = passport;
  other_passport[63] ^= 1;
  Digest32 other{};
  other[31] = 1;
  const MarkSeed seed = derive_mark_seed(passport, {}, {});
  CHECK_FALSE(derive_mark_seed(other_passport, {}, {}) == seed);
  CHECK_FALSE(derive_mark_seed(passport, other, {}) == seed);
  CHECK_FALSE(derive_mark_seed(passport, {}, other) == seed);
  CHECK_FALSE(derive_mark_seed(passport, other, {}) == derive_mark_seed(passport, {}, other));
}

TEST_CASE("sign bits are those of an independent program") {
  const Architecture tiny = tiny_architecture();
  const auto bits = sign_bits(example_seed(), layer(tiny, 0));
  CHECK(spelled(bits, 0, bits.size()) == "-+-+-+++---++--+---+-+-+++++--+----+++---+-++-+-");
}

TEST_CASE("sign patterns are those of an independent program") {
  const Architecture tiny = tiny_architecture();
  const auto scale = sign_patterns(example_seed(), layer(tiny, 1), Picture::scale, 256);
  const auto bias = sign_patterns(example_seed(), layer(tiny, 1), Picture::bias, 256);
  CHECK(scale.size() == 32 * 256);
  CHECK(spelled(scale, 256, 48) == "-+---++-++--+------+--++++-+++-++-+++++----+++--");
  CHECK(spelled(bias, 256, 48) == "++---++--++-+-+-+-++++++-+++--+--++--++++-+-+++-");
}

TEST_CASE("bits differ between layers of one size") {
  const Architecture tiny = tiny_architecture();
  CHECK(sign_bits(example_seed(), layer(tiny, 1)) != sign_bits(example_seed(), layer(tiny, 2)));
}

TEST_CASE("bits differ between architectures that share the layer") {
  const Architecture ten = tiny_architecture(), twenty = Architecture::create({.classes = 20, .width = 125}).value();
  CHECK(sign_bits(example_seed(), layer(ten, 0)) != sign_bits(example_seed(), layer(twenty, 0)));
}

TEST_CASE("bits are balanced") {
  const Architecture full = Architecture::create({}).value();
  int sum = 0;
  for (const ConvPlan& conv : full.passport_convs()) {
    const auto bits = sign_bits(example_seed(), marked_layer(full, conv));
    sum += std::accumulate(bits.begin(), bits.end(), 0);
  }
  CHECK(std::abs(sum) < 5 * std::sqrt(896.0));
}
