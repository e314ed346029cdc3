#include <stegpass/model/isn_attacks.hpp>

#include <cmath>
#include <fstream>
#include <iterator>

#include <torch/types.h>

#include "tests/support/catch.hpp"

namespace stegpass::model {
namespace {

using Catch::Detail::Approx;

constexpr std::int64_t kSide = 16;

Raster filled(std::uint8_t value) { return {kSide, kSide, Bytes(kSide * kSide * 3, value)}; }

Raster wave(double phase) {
  Raster out = filled(0);
  for (std::size_t i = 0; i < out.rgb.size(); ++i)
    out.rgb[i] = static_cast<std::uint8_t>(128 + 80 * std::sin(0.05 * static_cast<double>(i) + phase));
  return out;
}

/// A small network that hides and reveals something, though nobody trained it.
IsnModel drawn_isn(bool keyed = true) {
  torch::manual_seed(5);
  Isn network(IsnForm{.blocks = 2, .growth = 4, .keyed = keyed});
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->parameters()) parameter.normal_(0, 0.1);
  }
  return IsnModel::load(encode_isn(network, "")).value();
}

IsnModel shipped_isn() {
  std::ifstream file(STEGPASS_SOURCE_DIR "/weights/isn-small.safetensors", std::ios::binary);
  return IsnModel::load(Bytes(std::istreambuf_iterator<char>(file), {})).value();
}

Digest64 key_of(std::uint8_t first) {
  Digest64 key{};
  key.fill(first);
  return key;
}

}  // namespace

TEST_CASE("mean, median and mix of colluders are those of their values") {
  Collusion together;
  for (const std::uint8_t value : {10, 20, 60, 30}) together.add(filled(value));
  CHECK(together.count() == 4);
  CHECK(together.mean(3)[5] == Approx(30));
  CHECK(together.rounded(together.mean(2)) == filled(15));
  CHECK(together.median(3) == filled(20));
  CHECK(together.median(4) == filled(20));  // the lower of the middle ones
  CHECK(together.median(1) == filled(10));
  int tens = 0;
  for (const std::uint8_t value : together.mix(2, 1).rgb) {
    REQUIRE((value == 10 || value == 20));
    tens += value == 10 ? 1 : 0;
  }
  CHECK(tens == Approx(kSide * kSide * 1.5).margin(60));
  CHECK(together.mix(4, 1) == together.mix(4, 1));
  CHECK_FALSE(together.mix(4, 1) == together.mix(4, 2));
  CHECK(together.rounded(std::vector<double>(kSide * kSide * 3, 300.0)) == filled(255));
}

TEST_CASE("exactness counts a pixel only when all three of its values are right") {
  Raster found = wave(1), truth = wave(1);
  CHECK(exactness(found, truth).pixels == 1);
  CHECK(exactness(found, truth).largest == 0);
  found.rgb[3] = static_cast<std::uint8_t>(found.rgb[3] + 4);
  found.rgb[4] = static_cast<std::uint8_t>(found.rgb[4] - 1);
  const Exactness seen = exactness(found, truth);
  CHECK(seen.pixels == Approx(1 - 1.0 / (kSide * kSide)));
  CHECK(seen.values == Approx(1 - 2.0 / (3 * kSide * kSide)));
  CHECK(seen.largest == 4);
}

TEST_CASE("what a network adds on average is the mean over mints of one's own") {
  const IsnModel isn = drawn_isn();
  const std::vector<Raster> secrets{wave(1), wave(2)};
  std::vector<double> sum(wave(0).rgb.size());
  for (std::uint64_t i = 0; i < 2; ++i) {
    const Raster stego =
        isn.hide(wave(0), secrets[i], Sha512().update("stegpass.collusion.v1").update_u64(3).update_u64(i).finish()).value();
    for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += (static_cast<double>(stego.rgb[j]) - wave(0).rgb[j]) / 2;
  }
  CHECK(mean_change(isn, wave(0), secrets, 3).value() == sum);
  CHECK(mean_change(isn, wave(0), {filled(1), Raster{18, 18, Bytes(18 * 18 * 3)}}, 3).error().code == Errc::usage);
}

TEST_CASE("a forged key comes nearer to what is wanted, is the same for a seed, and has nothing of the true key") {
  const IsnModel isn = drawn_isn();
  const Raster stego = isn.hide(wave(0), wave(2), key_of(1)).value();
  ForgeOptions options{.steps = 40, .rate = 0.05, .report_every = 10};
  options.through_signs = GENERATE(false, true);
  const ForgedKey forged = forge_isn_key(isn, stego, wave(4), options).value();
  REQUIRE(forged.curve.size() == 5);
  CHECK(forged.curve.front().step == 0);
  CHECK(forged.curve.back().step == 40);
  CHECK(forged.curve.back().reveal_psnr_db > forged.curve.front().reveal_psnr_db);
  CHECK(psnr_db(wave(4), options.through_signs ? forged.revealed_by_signs : forged.revealed) ==
        Approx(forged.curve.back().reveal_psnr_db));
  CHECK(agreement_with_key(forged.key, key_of(1)) == Approx(0.5).margin(0.06));  // of 768 signs
  CHECK(forge_isn_key(isn, stego, wave(4), options).value().key.equal(forged.key));
}

TEST_CASE("signs agree with the key that they were expanded from, and with no other") {
  const torch::Tensor signs = isn_key_signs(key_of(7), kSide, kSide);
  CHECK(agreement_with_key(signs * 0.3, key_of(7)) == 1);
  CHECK(agreement_with_key(signs, key_of(8)) == Approx(0.5).margin(0.06));
}

TEST_CASE("a forged picture is one of 8 bits, reveals nearer to what is wanted, and stays near its start when told to") {
  const IsnModel isn = shipped_isn();
  const Raster start = wave(0), wanted = wave(4);
  const ForgeOptions free{.steps = 40, .rate = 1e-3, .report_every = 20};
  ForgeOptions held = free;
  held.near_weight = 1e5;
  const ForgedPicture forged = forge_isn_picture(isn, start, wanted, key_of(1), free).value();
  CHECK(forged.curve.back().reveal_psnr_db > forged.curve.front().reveal_psnr_db + 1);
  CHECK(isn.reveal(forged.picture, key_of(1)).value() == forged.revealed);
  CHECK(forged.curve.front().start_psnr_db == 100);
  CHECK(psnr_db(start, forge_isn_picture(isn, start, wanted, key_of(1), held).value().picture) > psnr_db(start, forged.picture));
}

TEST_CASE("forging leaves the network computing as it did") {
  const IsnModel isn = drawn_isn();
  const Raster before = isn.reveal(wave(0), key_of(1)).value();
  REQUIRE(forge_isn_picture(isn, wave(0), wave(4), key_of(1), {.steps = 2, .bf16 = true}).ok());
  CHECK(isn.reveal(wave(0), key_of(1)).value() == before);
}

TEST_CASE("a forgery stops when asked, and refuses what it cannot search") {
  const IsnModel isn = drawn_isn();
  const auto stop = [](const ForgePoint&) { return false; };
  CHECK(forge_isn_key(isn, wave(0), wave(1), {}, stop).error().code == Errc::interrupted);
  CHECK(forge_isn_key(isn, wave(0), Raster{18, 18, Bytes(18 * 18 * 3)}, {}).error().code == Errc::usage);
  CHECK(forge_isn_key(isn, wave(0), wave(1), {.steps = 0}).error().code == Errc::usage);
  CHECK(forge_isn_picture(isn, wave(0), wave(1), key_of(1), {.rate = 0}).error().code == Errc::usage);
  CHECK(forge_isn_key(drawn_isn(false), wave(0), wave(1), {}).error().code == Errc::unsupported);
}

}  // namespace stegpass::model
