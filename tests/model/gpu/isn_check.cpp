#include <fstream>
#include <iterator>

#include <torch/types.h>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/isn.hpp>

#include "check.hpp"

namespace stegpass::gpu_check {
namespace {

// Convolutions add in another order on another device; over four blocks that reaches a few 1e-5 on values in [0, 1].
constexpr double kHidingTolerance = 1e-3;
// After rounding to 8 bits few values fall on the other side of a half.
constexpr double kPsnrTolerance_db = 0.05;
constexpr int kSide = 224;

model::Raster raster(std::uint64_t seed) { return {kSide, kSide, drawn_picture(seed, kSide)}; }

Bytes shipped_weights() {
  std::ifstream file(STEGPASS_SOURCE_DIR "/weights/isn-small.safetensors", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Run {
  torch::Tensor stego, rest, back, secret;  // (1, 3, H, W) on the CPU, rest (1, 12, H/2, W/2)
  double stego_psnr_db = 0, reveal_psnr_db = 0, seconds = 0;
};

Run run_on(const torch::Device& device, ByteView weights) {
  const torch::NoGradGuard no_grad;
  auto network = model::decode_isn(weights).value();
  network->to(device);
  network->eval();
  const auto cover = raster(1), secret = raster(2);
  const auto x = model::tensor_of(cover).to(device), y = model::tensor_of(secret).to(device);
  const auto key = model::isn_key_signs(sha512(as_bytes("gpu check")), kSide, kSide).to(device);
  const auto hidden = network->forward(x, y, key);
  const auto exact = network->reverse(hidden.stego, hidden.rest, key);
  const auto stego = model::raster_of(hidden.stego.cpu());
  const auto revealed = network->reveal(model::tensor_of(stego).to(device), key).cpu();
  Run run{hidden.stego.cpu(), hidden.rest.cpu(), exact.cover.cpu(), exact.secret.cpu()};
  run.stego_psnr_db = model::psnr_db(stego, cover);
  run.reveal_psnr_db = model::psnr_db(model::raster_of(revealed), secret);
  run.seconds = seconds_of(device, [&] { network->forward(x, y, key); });
  return run;
}

}  // namespace

void check_isn(const torch::Device& device, Report& report) {
  const Bytes weights = shipped_weights();
  if (weights.empty()) return report.claim("weights/isn-small.safetensors is there", false);
  const Run cpu = run_on(torch::kCPU, weights), other = run_on(device, weights);
  const double stego = largest_difference(cpu.stego, other.stego), rest = largest_difference(cpu.rest, other.rest);
  const double cover_back = largest_difference(other.back, model::tensor_of(raster(1)));
  const double secret_back = largest_difference(other.secret, model::tensor_of(raster(2)));
  report.figure("stego_difference", stego);
  report.figure("rest_difference", rest);
  report.figure("inverse_difference", std::max(cover_back, secret_back));
  report.figure("cpu_stego_psnr_db", cpu.stego_psnr_db);
  report.figure("device_stego_psnr_db", other.stego_psnr_db);
  report.figure("cpu_reveal_psnr_db", cpu.reveal_psnr_db);
  report.figure("device_reveal_psnr_db", other.reveal_psnr_db);
  report.figure("cpu_hide_ms", 1e3 * cpu.seconds);
  report.figure("device_hide_ms", 1e3 * other.seconds);
  report.claim("hiding gives the same stego picture and rest", std::max(stego, rest) <= kHidingTolerance);
  report.claim("the reverse gives cover and secret back", std::max(cover_back, secret_back) <= kHidingTolerance);
  report.claim("quality after 8-bit rounding is the same",
               std::abs(cpu.stego_psnr_db - other.stego_psnr_db) <= kPsnrTolerance_db &&
                   std::abs(cpu.reveal_psnr_db - other.reveal_psnr_db) <= kPsnrTolerance_db);
}

}  // namespace stegpass::gpu_check
