#include "haar.hpp"

namespace stegpass::model::cuda {
namespace {

constexpr int kThreads = 256;
constexpr std::int64_t kMaxBlocks = 65535;

// The 2x2 Haar matrix, its own inverse: half the signed sums of four values. A block's pixels come and go in raster order,
// its bands as low, horizontal, vertical, diagonal detail.
__device__ float4 butterfly(float4 v) {
  const float top = v.x + v.y, bottom = v.z + v.w, top_step = v.x - v.y, bottom_step = v.z - v.w;
  return {0.5F * (top + bottom), 0.5F * (top_step + bottom_step), 0.5F * (top - bottom), 0.5F * (top_step - bottom_step)};
}

// Where block `index` lies: its first pixel in the picture, and its value in the low band.
struct Place {
  std::int64_t pixel, band;
};

__device__ Place place_of(std::int64_t index, const HaarShape& shape) {
  const std::int64_t area = shape.height * shape.width, column = index % shape.width, row = index / shape.width % shape.height;
  const std::int64_t plane = index / area, picture = plane / shape.channels, channel = plane % shape.channels;
  return {plane * 4 * area + row * 4 * shape.width + 2 * column,
          (picture * 4 * shape.channels + channel) * area + row * shape.width + column};
}

// One thread a 2x2 block. Pixel pairs are read and written as float2: 8-byte aligned, since rows hold an even number.
__global__ void haar_forward(const float* __restrict__ picture, float* __restrict__ bands, HaarShape shape, std::int64_t blocks) {
  const std::int64_t step = shape.channels * shape.height * shape.width;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < blocks;
       i += static_cast<std::int64_t>(gridDim.x) * blockDim.x) {
    const auto at = place_of(i, shape);
    const float2 top = *reinterpret_cast<const float2*>(picture + at.pixel);
    const float2 bottom = *reinterpret_cast<const float2*>(picture + at.pixel + 2 * shape.width);
    const float4 out = butterfly({top.x, top.y, bottom.x, bottom.y});
    bands[at.band] = out.x, bands[at.band + step] = out.y, bands[at.band + 2 * step] = out.z, bands[at.band + 3 * step] = out.w;
  }
}

__global__ void haar_inverse(const float* __restrict__ bands, float* __restrict__ picture, HaarShape shape, std::int64_t blocks) {
  const std::int64_t step = shape.channels * shape.height * shape.width;
  for (std::int64_t i = blockIdx.x * static_cast<std::int64_t>(blockDim.x) + threadIdx.x; i < blocks;
       i += static_cast<std::int64_t>(gridDim.x) * blockDim.x) {
    const auto at = place_of(i, shape);
    const float4 out = butterfly({bands[at.band], bands[at.band + step], bands[at.band + 2 * step], bands[at.band + 3 * step]});
    *reinterpret_cast<float2*>(picture + at.pixel) = {out.x, out.y};
    *reinterpret_cast<float2*>(picture + at.pixel + 2 * shape.width) = {out.z, out.w};
  }
}

using Kernel = void (*)(const float*, float*, HaarShape, std::int64_t);

const char* launch(Kernel kernel, const float* from, float* to, HaarShape shape, cudaStream_t stream) {
  const std::int64_t blocks = shape.count * shape.channels * shape.height * shape.width;
  if (blocks == 0) return nullptr;
  const std::int64_t wanted = (blocks + kThreads - 1) / kThreads;
  kernel<<<static_cast<unsigned>(wanted < kMaxBlocks ? wanted : kMaxBlocks), kThreads, 0, stream>>>(from, to, shape, blocks);
  const cudaError_t error = cudaGetLastError();
  return error == cudaSuccess ? nullptr : cudaGetErrorString(error);
}

}  // namespace

const char* launch_haar_forward(const float* picture, float* bands, HaarShape shape, cudaStream_t stream) {
  return launch(haar_forward, picture, bands, shape, stream);
}

const char* launch_haar_inverse(const float* bands, float* picture, HaarShape shape, cudaStream_t stream) {
  return launch(haar_inverse, bands, picture, shape, stream);
}

}  // namespace stegpass::model::cuda
