#include <stegpass/model/haar.hpp>

#include <cmath>
#include <limits>

#include <torch/csrc/autograd/custom_function.h>
#include <torch/cuda.h>
#include <torch/types.h>

#ifdef STEGPASS_HAS_CUDA_KERNELS
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "cuda/haar.hpp"
#endif

namespace stegpass::model {
namespace {

using torch::indexing::None;
using torch::indexing::Slice;

torch::Tensor forward_by_operations(const torch::Tensor& x) {
  const auto at = [&x](int row, int column) { return x.index({Slice(), Slice(), Slice(row, None, 2), Slice(column, None, 2)}); };
  const auto top = at(0, 0) + at(0, 1), bottom = at(1, 0) + at(1, 1);
  const auto top_step = at(0, 0) - at(0, 1), bottom_step = at(1, 0) - at(1, 1);
  return torch::cat({top + bottom, top_step + bottom_step, top - bottom, top_step - bottom_step}, 1).mul_(0.5);
}

torch::Tensor inverse_by_operations(const torch::Tensor& bands) {
  const auto band = bands.chunk(4, 1);  // four of (N, C, h, w)
  const auto top = band[0] + band[2], bottom = band[0] - band[2];
  const auto top_step = band[1] + band[3], bottom_step = band[1] - band[3];
  const auto pixels = torch::stack({top + top_step, top - top_step, bottom + bottom_step, bottom - bottom_step}, 2);
  return torch::pixel_shuffle(pixels.flatten(1, 2), 2)
      .mul_(0.5);  // (N, 4C, h, w), the block's pixels innermost -> (N, C, 2h, 2w)
}

#ifdef STEGPASS_HAS_CUDA_KERNELS
torch::Tensor by_kernel(const torch::Tensor& input, bool inverse) {
  const c10::cuda::CUDAGuard guard(input.device());
  const auto x = input.contiguous();
  const auto channels = inverse ? x.size(1) / 4 : x.size(1);
  const auto height = inverse ? x.size(2) : x.size(2) / 2, width = inverse ? x.size(3) : x.size(3) / 2;
  auto y = torch::empty(inverse ? torch::IntArrayRef{x.size(0), channels, 2 * height, 2 * width}
                                : torch::IntArrayRef{x.size(0), 4 * channels, height, width},
                        x.options());
  const auto stream = c10::cuda::getCurrentCUDAStream(input.device().index()).stream();
  const cuda::HaarShape shape{x.size(0), channels, height, width};
  const char* error = inverse ? cuda::launch_haar_inverse(x.data_ptr<float>(), y.data_ptr<float>(), shape, stream)
                              : cuda::launch_haar_forward(x.data_ptr<float>(), y.data_ptr<float>(), shape, stream);
  TORCH_CHECK(error == nullptr, "haar kernel: ", error);
  return y;
}
#endif

// The one place that chooses between CPU and GPU.
torch::Tensor transform(const torch::Tensor& x, bool inverse) {
#ifdef STEGPASS_HAS_CUDA_KERNELS
  if (x.is_cuda() && x.scalar_type() == torch::kFloat) return by_kernel(x, inverse);
#endif
  return inverse ? inverse_by_operations(x) : forward_by_operations(x);
}

// Orthonormal, so that each direction is differentiated by the other.
struct Haar : torch::autograd::Function<Haar> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x, bool inverse) {
    context->saved_data["inverse"] = inverse;
    return transform(x, inverse);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list gradients) {
    const bool inverse = context->saved_data["inverse"].toBool();
    return {Haar::apply(gradients[0], !inverse), torch::Tensor()};
  }
};

double both_directions_difference(const torch::Tensor& on_cpu, torch::Tensor (*direction)(const torch::Tensor&)) {
  const auto run = [direction](const torch::Tensor& source) {
    const auto leaf = source.detach().clone().requires_grad_(true);
    const auto result = direction(leaf);
    (result * result * 0.5).sum().backward();
    return std::pair(result.detach().cpu(), leaf.grad().cpu());
  };
  const auto [value, gradient] = run(on_cpu);
  const auto [gpu_value, gpu_gradient] = run(on_cpu.to(torch::kCUDA));
  const torch::Tensor differences = torch::cat({(value - gpu_value).flatten(), (gradient - gpu_gradient).flatten()}).abs();
  const double found = differences.max().item<double>();
  return std::isfinite(found) ? found : std::numeric_limits<double>::infinity();
}

}  // namespace

torch::Tensor haar_forward(const torch::Tensor& picture) {
  TORCH_CHECK(picture.dim() == 4 && picture.size(2) % 2 == 0 && picture.size(3) % 2 == 0,
              "haar: expected (N, C, H, W) with even H and W, found ", picture.sizes());
  return Haar::apply(picture, false);
}

torch::Tensor haar_inverse(const torch::Tensor& bands) {
  TORCH_CHECK(bands.dim() == 4 && bands.size(1) % 4 == 0, "haar: expected (N, 4C, h, w), found ", bands.sizes());
  return Haar::apply(bands, true);
}

bool haar_runs_on_gpu() {
#ifdef STEGPASS_HAS_CUDA_KERNELS
  return torch::cuda::is_available();
#else
  return false;
#endif
}

double haar_cpu_gpu_difference(std::int64_t height, std::int64_t width, std::uint64_t seed) {
  auto generator = torch::make_generator<at::CPUGeneratorImpl>(seed);
  const auto picture = torch::rand({2, 3, height, width}, generator);
  const auto bands = torch::randn({2, 12, height / 2, width / 2}, generator);
  return std::max(both_directions_difference(picture, haar_forward), both_directions_difference(bands, haar_inverse));
}

}  // namespace stegpass::model
