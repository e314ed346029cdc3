#include <array>

#include <torch/types.h>

#include <stegpass/model/haar.hpp>

#include "check.hpp"

namespace stegpass::gpu_check {
namespace {

// Four additions of values in [0, 1] in float32: a few units in the last place, with room for another order of addition.
constexpr double kHaarTolerance = 1e-6;

// The transform as its definition reads, one block of four pixels at a time. (N, C, H, W) -> (N, 4C, H/2, W/2)
torch::Tensor plain_loop(const torch::Tensor& picture) {
  const auto n = picture.size(0), c = picture.size(1), h = picture.size(2) / 2, w = picture.size(3) / 2;
  auto bands = torch::empty({n, 4 * c, h, w});
  const auto in = picture.accessor<float, 4>();
  auto out = bands.accessor<float, 4>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < c; ++k)
      for (std::int64_t y = 0; y < h; ++y)
        for (std::int64_t x = 0; x < w; ++x) {
          const float a = in[i][k][2 * y][2 * x], b = in[i][k][2 * y][2 * x + 1];
          const float d = in[i][k][2 * y + 1][2 * x], e = in[i][k][2 * y + 1][2 * x + 1];
          const std::array<float, 4> band = {a + b + d + e, a - b + d - e, a + b - d - e, a - b - d + e};
          for (std::int64_t j = 0; j < 4; ++j) out[i][j * c + k][y][x] = band[static_cast<std::size_t>(j)] / 2;
        }
  return bands;
}

}  // namespace

void check_haar(const torch::Device& device, Report& report) {
  if (device.is_cuda()) report.claim("the CUDA kernel is compiled in", model::haar_runs_on_gpu());
  torch::manual_seed(1);
  double forward = 0, inverse = 0, both_devices = 0;
  for (const auto& [height, width] : {std::pair{2, 2}, {2, 130}, {74, 102}, {224, 224}, {255 * 2, 6}}) {
    const auto picture = torch::rand({3, 3, height, width});
    const auto bands = model::haar_forward(picture.to(device));
    forward = std::max(forward, largest_difference(bands.cpu(), plain_loop(picture)));
    inverse = std::max(inverse, largest_difference(model::haar_inverse(bands).cpu(), picture));
    if (model::haar_runs_on_gpu()) both_devices = std::max(both_devices, model::haar_cpu_gpu_difference(height, width, 1));
  }
  report.figure("forward_difference", forward);
  report.figure("inverse_difference", inverse);
  report.figure("gradient_and_value_difference", both_devices);
  report.claim("the forward transform equals the plain loop", forward <= kHaarTolerance);
  report.claim("the inverse gives the picture back", inverse <= kHaarTolerance);
  report.claim("values and gradients agree on both devices", both_devices <= kHaarTolerance);

  const auto cpu_batch = torch::rand({8, 3, 512, 512});
  const auto batch = cpu_batch.to(device);
  report.figure("cpu_ms", 1e3 * seconds_of(torch::kCPU, [&] { model::haar_forward(cpu_batch); }));
  report.figure("device_ms", 1e3 * seconds_of(device, [&] { model::haar_forward(batch); }));
}

}  // namespace stegpass::gpu_check
