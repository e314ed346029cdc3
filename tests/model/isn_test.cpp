#include <stegpass/model/isn.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <random>
#include <string>

#include <torch/types.h>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/model/haar.hpp>
#include <stegpass/model/isn_evaluation.hpp>

#include "tests/model/model_fixtures.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::model {
namespace {

using Catch::Detail::Approx;

Digest64 key_from(std::uint8_t start) {
  Digest64 key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(start + 7 * i);
  return key;
}

// A network whose subnets do something: a new one is the identity.
Isn busy_network(const IsnForm& form = {.blocks = 2, .growth = 4}) {
  torch::manual_seed(5);
  Isn network(form);
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.normal_(0, 0.1);
  return network;
}

Raster smooth_picture(std::int64_t width, std::int64_t height, int phase) {
  Raster picture{width, height, Bytes(static_cast<std::size_t>(width * height * 3))};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) {
    const auto pixel = static_cast<double>(i / 3);
    picture.rgb[i] = static_cast<std::uint8_t>(128 + 90 * std::sin(0.013 * pixel + phase) *
                                                         std::cos(0.7 * static_cast<double>(i % 3) + phase));
  }
  return picture;
}

Bytes shipped_weights() {
  std::ifstream file(STEGPASS_SOURCE_DIR "/weights/isn-small.safetensors", std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

Errc load_error(ByteView file) {
  const auto loaded = IsnModel::load(file);
  REQUIRE_FALSE(loaded.ok());
  CHECK_FALSE(loaded.error().detail.empty());
  return loaded.error().code;
}

// The same file with one tensor's values or the metadata changed.
Bytes altered(const std::function<void(std::vector<TensorView>&, std::map<std::string, std::string>&)>& change) {
  const Bytes file = encode_isn(busy_network(), "");
  auto parsed = parse_safetensors(file).value();
  change(parsed.tensors, parsed.metadata);
  return encode_safetensors(parsed.tensors, parsed.metadata);
}

}  // namespace

TEST_CASE("the Haar transform keeps energy and is undone by its adjoint") {
  torch::manual_seed(1);
  const auto picture = torch::rand({2, 3, 12, 8});
  const auto bands = haar_forward(picture);
  CHECK(bands.sizes() == torch::IntArrayRef({2, 12, 6, 4}));
  CHECK(bands.norm().item<double>() == Approx(picture.norm().item<double>()).epsilon(1e-6));
  CHECK((haar_inverse(bands) - picture).abs().max().item<double>() < 1e-6);
  const auto other = torch::rand_like(bands);
  CHECK((bands * other).sum().item<double>() == Approx((picture * haar_inverse(other)).sum().item<double>()).epsilon(1e-5));
  CHECK(haar_forward(torch::full({1, 3, 4, 4}, 0.5)).narrow(1, 0, 3).sub(1.0).abs().max().item<double>() < 1e-7);
}

TEST_CASE("the Haar transform's gradient is its inverse") {
  auto picture = torch::rand({1, 3, 4, 4}).requires_grad_();
  const auto weight = torch::rand({1, 12, 2, 2});
  (haar_forward(picture) * weight).sum().backward();
  CHECK((picture.grad() - haar_inverse(weight)).abs().max().item<double>() < 1e-6);
}

TEST_CASE("a new network hides nothing and reveals grey") {
  Isn network{IsnForm{}};
  const auto cover = torch::rand({1, 3, 16, 16}), secret = torch::rand({1, 3, 16, 16});
  const auto key = isn_key_signs(key_from(1), 16, 16);
  CHECK((network->forward(cover, secret, key).stego - cover).abs().max().item<double>() < 1e-6);
  CHECK(network->reveal(cover, key).sub(0.5).abs().max().item<double>() < 1e-6);
}

TEST_CASE("reverse undoes forward under the same rest and key, and under no other key") {
  auto network = busy_network();
  const auto cover = torch::rand({2, 3, 16, 24}), secret = torch::rand({2, 3, 16, 24});
  const auto key = isn_key_signs(key_from(1), 16, 24).expand({2, -1, -1, -1}),
             other = isn_key_signs(key_from(2), 16, 24).expand({2, -1, -1, -1});
  const auto hidden = network->forward(cover, secret, key);
  CHECK((hidden.stego - cover).abs().max().item<double>() > 0.05);
  const auto opened = network->reverse(hidden.stego, hidden.rest, key);
  CHECK((opened.secret - secret).abs().max().item<double>() < 1e-3);
  CHECK((opened.cover - cover).abs().max().item<double>() < 1e-3);
  CHECK((network->reverse(hidden.stego, hidden.rest, other).secret - secret).abs().max().item<double>() > 0.05);
}

TEST_CASE("every form and shape is undone within 1e-4 by its reverse") {
  const auto keyed = GENERATE(true, false);
  const auto [blocks, growth] = GENERATE(table<int, int>({{1, 4}, {4, 16}, {8, 8}, {16, 4}, {16, 32}}));
  const auto [height, width] = GENERATE(table<int, int>({{16, 16}, {18, 50}, {64, 20}}));
  torch::manual_seed(blocks + height);
  Isn network(IsnForm{.blocks = blocks, .growth = growth, .keyed = keyed});
  const torch::NoGradGuard no_grad;
  for (auto& parameter : network->parameters()) parameter.normal_(0, 0.02);
  const auto cover = torch::rand({1, 3, height, width}), secret = torch::rand({1, 3, height, width});
  const auto key = isn_key_signs(key_from(1), height, width);
  const auto hidden = network->forward(cover, secret, key);
  CHECK((hidden.stego - cover).abs().max().item<double>() > 1e-3);
  const auto opened = network->reverse(hidden.stego, hidden.rest, key);
  CHECK((opened.secret - secret).abs().max().item<double>() < 1e-4);
  CHECK((opened.cover - cover).abs().max().item<double>() < 1e-4);
}

TEST_CASE("random forms, shapes and seeds are undone within 1e-4 in float32, and within 0.05 in bfloat16") {
  const bool half = GENERATE(false, true);
  std::mt19937_64 random(half ? 11 : 12);
  const auto draw = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  };
  for (int trial = 0; trial < 20; ++trial) {
    const IsnForm form{
        .blocks = draw(1, 8), .growth = draw(4, 24), .clamp = static_cast<double>(draw(50, 200)) / 100, .keyed = draw(0, 3) > 0};
    const auto height = 2 * draw(8, 30), width = 2 * draw(8, 30);
    torch::manual_seed(random());
    Isn network(form);
    const torch::NoGradGuard no_grad;
    for (auto& parameter : network->parameters()) parameter.normal_(0, 0.02);
    network->compute_in(half ? torch::kBFloat16 : torch::kFloat32);
    const auto cover = torch::rand({1, 3, height, width}), secret = torch::rand({1, 3, height, width});
    const auto key = isn_key_signs(key_from(static_cast<std::uint8_t>(trial)), height, width);
    const auto hidden = network->forward(cover, secret, key);
    const auto opened = network->reverse(hidden.stego, hidden.rest, key);
    INFO("trial " << trial << ": " << form.blocks << " blocks of growth " << form.growth << ", " << height << " by " << width);
    const double bound = half ? 0.05 : 1e-4;
    CHECK((opened.secret - secret).abs().max().item<double>() < bound);
    CHECK((opened.cover - cover).abs().max().item<double>() < bound);
  }
}

TEST_CASE("a descent on the stego's pixels brings the reveal nearer, stays near the cover, and changes nothing else") {
  const IsnModel model = IsnModel::load(shipped_weights()).value();
  const auto cover = smooth_picture(64, 48, 1), secret = smooth_picture(64, 48, 2);
  const Digest64 key = key_from(4);
  const Raster stego = model.hide(cover, secret, key).value();
  const double before = psnr_db(secret, model.reveal(stego, key).value());
  const Raster better = refine_stego(model, {cover, stego, secret, key}, {.steps = 48}).value();
  CHECK(psnr_db(secret, model.reveal(better, key).value()) > before + 1);
  CHECK(psnr_db(cover, better) > psnr_db(cover, stego) - 1);
  CHECK(refine_stego(model, {cover, stego, secret, key}, {.steps = 0}).value().rgb == stego.rgb);
  CHECK(refine_stego(model, {cover, stego, smooth_picture(48, 64, 2), key}).error().code == Errc::usage);
  const auto odd = smooth_picture(31, 24, 1);
  CHECK(refine_stego(model, {odd, odd, odd, key}).error().code == Errc::usage);
}

TEST_CASE("a network that recomputes has the gradients of one that keeps its activations") {
  const auto gradients = [](bool recompute, bool keyed) {
    torch::manual_seed(5);
    Isn network(IsnForm{.blocks = 3, .growth = 4, .keyed = keyed});
    {
      const torch::NoGradGuard no_grad;
      for (auto& parameter : network->parameters()) parameter.normal_(0, 0.03);
    }
    network->recompute(recompute);
    const auto cover = torch::rand({2, 3, 16, 12}), secret = torch::rand({2, 3, 16, 12});
    const auto key = isn_key_signs(key_from(1), 16, 12).expand({2, -1, -1, -1});
    const auto hidden = network->forward(cover, secret, key);
    const auto revealed = network->reveal(hidden.stego, key);
    ((hidden.stego - cover).square().mean() + (revealed - secret).square().mean() + 0.1 * hidden.rest.square().mean()).backward();
    std::vector<torch::Tensor> out;
    for (const auto& parameter : network->parameters()) out.push_back(parameter.grad().flatten());
    return torch::cat(out);
  };
  const bool keyed = GENERATE(true, false);
  const auto kept = gradients(false, keyed), recomputed = gradients(true, keyed);
  CHECK(kept.norm().item<double>() > 0.01);
  CHECK((kept - recomputed).norm().item<double>() < 1e-4 * kept.norm().item<double>());
}

TEST_CASE("key signs are balanced, the same every time, and another set for a key one bit away") {
  const auto key = key_from(3);
  auto near = key;
  near[63] ^= 0x80;
  const auto a = isn_key_signs(key, 64, 64), b = isn_key_signs(key, 64, 64), c = isn_key_signs(near, 64, 64);
  CHECK(a.equal(b));
  CHECK(a.abs().eq(1).all().item<bool>());
  CHECK(std::abs(a.mean().item<double>()) < 0.04);  // 4.4 standard deviations of 12,288 fair signs
  CHECK(std::abs((a * c).mean().item<double>()) < 0.04);
}

TEST_CASE("a raster comes back from its tensor") {
  const auto picture = smooth_picture(20, 16, 1);
  CHECK(raster_of(tensor_of(picture)) == picture);
  CHECK(raster_of(torch::full({1, 3, 16, 16}, 1.7)).rgb.front() == 255);
  CHECK(raster_of(torch::full({1, 3, 16, 16}, -0.2)).rgb.front() == 0);
}

TEST_CASE("ISN weights read back as they were written") {
  auto network = busy_network({.blocks = 3, .growth = 8, .clamp = 1.5});
  const Bytes file = encode_isn(network, R"({"steps":1})");
  const auto loaded = IsnModel::load(file).value();
  CHECK(loaded.form() == network->form());
  CHECK(loaded.digest() == sha256(file));
  CHECK(encode_isn(loaded.network(), R"({"steps":1})") == file);
}

TEST_CASE("ISN weights that were cut anywhere are malformed") {
  const Bytes file = encode_isn(busy_network(), "");
  for (std::size_t size = 0; size < file.size(); size += 997) CHECK(load_error(ByteView(file).first(size)) == Errc::malformed);
  CHECK(load_error(ByteView(file).first(file.size() - 1)) == Errc::malformed);
}

TEST_CASE("ISN weights of another form, or with a value that is no number, are refused by name") {
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata.erase("format"); })) == Errc::malformed);
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata["format"] = "stegpass-isn-9"; })) == Errc::unsupported);
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata["blocks"] = "33"; })) == Errc::unsupported);
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata["blocks"] = "-2"; })) == Errc::unsupported);
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata["blocks"] = "1"; })) == Errc::refused);
  CHECK(load_error(altered([](auto&, auto& metadata) { metadata["growth"] = "5"; })) == Errc::malformed);
  CHECK(load_error(altered([](auto& tensors, auto&) { tensors.pop_back(); })) == Errc::not_found);
  Bytes values;
  CHECK(load_error(altered([&values](auto& tensors, auto&) {
          values.assign(tensors.front().data.begin(), tensors.front().data.end());
          const float odd = std::numeric_limits<float>::quiet_NaN();
          std::memcpy(values.data(), &odd, sizeof(odd));
          tensors.front().data = values;
        })) == Errc::malformed);
}

TEST_CASE("hiding refuses sizes that it cannot take, and says which") {
  const auto isn = IsnModel::load(encode_isn(busy_network(), "")).value();
  const auto key = key_from(1);
  const auto code = [&](const Raster& cover, const Raster& secret) { return isn.hide(cover, secret, key).error().code; };
  CHECK(code(smooth_picture(4097, 32, 1), smooth_picture(4097, 32, 2)) == Errc::usage);
  CHECK(code(smooth_picture(14, 32, 1), smooth_picture(14, 32, 2)) == Errc::usage);
  CHECK(code(smooth_picture(32, 32, 1), smooth_picture(32, 34, 2)) == Errc::usage);
  Raster torn = smooth_picture(32, 32, 1);
  torn.rgb.pop_back();
  CHECK(code(smooth_picture(32, 32, 1), torn) == Errc::usage);
  CHECK(isn.reveal(torn, key).error().code == Errc::usage);
}

TEST_CASE("pictures of odd sides hide and reveal too, and keep their last row and column") {
  const auto isn = IsnModel::load(encode_isn(busy_network(), "")).value();
  const auto [width, height] = GENERATE(table<int, int>({{33, 20}, {32, 21}, {17, 19}}));
  const Raster cover = smooth_picture(width, height, 1), secret = smooth_picture(width, height, 2);
  const Raster stego = isn.hide(cover, secret, key_from(1)).value();
  REQUIRE(stego.width == width);
  REQUIRE(stego.height == height);
  CHECK_FALSE(stego == cover);
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    const std::size_t last = (y * static_cast<std::size_t>(width) + static_cast<std::size_t>(width) - 1) * 3;
    if (width % 2 == 1) CHECK(stego.rgb[last] == cover.rgb[last]);
  }
  const Raster revealed = isn.reveal(stego, key_from(1)).value();
  CHECK(revealed.width == width);
  CHECK(revealed.height == height);
}

TEST_CASE("hiding gives the same bytes every time") {
  const auto isn = IsnModel::load(shipped_weights()).value();
  const auto cover = smooth_picture(64, 48, 1), secret = smooth_picture(64, 48, 2);
  CHECK(isn.hide(cover, secret, key_from(1)).value() == isn.hide(cover, secret, key_from(1)).value());
  CHECK_FALSE(isn.hide(cover, secret, key_from(1)).value() == isn.hide(cover, secret, key_from(2)).value());
}

TEST_CASE("the weights that come with stegpass fit in 4 MB and carry the record of their training") {
  const Bytes file = shipped_weights();
  CHECK(file.size() < 4'000'000);
  const auto parsed = parse_safetensors(file).value();
  REQUIRE(parsed.metadata.contains("record"));
  CHECK(parsed.metadata.at("record").find("\"pictures_digest\"") != std::string::npos);
}

TEST_CASE("evaluation is the same for the same seed and refuses what cannot be paired") {
  const auto isn = IsnModel::load(shipped_weights()).value();
  const std::vector<Raster> pictures{smooth_picture(64, 64, 1), smooth_picture(64, 64, 2), smooth_picture(64, 64, 3)};
  const auto a = evaluate_isn(isn, pictures, 1).value(), b = evaluate_isn(isn, pictures, 1).value();
  CHECK(a.count == 3);
  CHECK(a.stego_psnr_db == b.stego_psnr_db);
  CHECK(a.reveal_psnr_db_min <= a.reveal_psnr_db);
  CHECK(evaluate_isn(isn, {pictures[0]}, 1).error().code == Errc::usage);
  CHECK(evaluate_isn(isn, {pictures[0], smooth_picture(32, 32, 1)}, 1).error().code == Errc::usage);
}

TEST_CASE("structural similarity is 1 for equal pictures and falls with noise and with contrast") {
  const auto picture = smooth_picture(32, 24, 1);
  Raster noisy = picture, pale = picture;
  for (std::size_t i = 0; i < noisy.rgb.size(); ++i)
    noisy.rgb[i] = static_cast<std::uint8_t>(noisy.rgb[i] ^ (i % 7 == 0 ? 16 : 0));
  for (auto& value : pale.rgb) value = static_cast<std::uint8_t>(128 + (value - 128) / 2);
  CHECK(ssim(picture, picture) == Approx(1.0));
  CHECK(ssim(picture, noisy) < 0.99);
  CHECK(ssim(picture, pale) < 0.9);
  CHECK(ssim(picture, pale) == Approx(ssim(pale, picture)));
}

TEST_CASE("correlation is Pearson's") {
  const auto picture = smooth_picture(16, 16, 1);
  Raster inverted = picture, flat = picture;
  for (auto& value : inverted.rgb) value = static_cast<std::uint8_t>(255 - value);
  std::fill(flat.rgb.begin(), flat.rgb.end(), 9);
  CHECK(correlation(picture, picture) == Approx(1.0));
  CHECK(correlation(picture, inverted) == Approx(-1.0));
  CHECK(correlation(picture, flat) == 0.0);
}

}  // namespace stegpass::model
