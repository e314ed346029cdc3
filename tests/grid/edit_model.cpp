// Copies of the fixture's AlexNet. Permuted, rescaled, turned and folded ones compute what the original does, up to rounding.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <sstream>
#include <stdexcept>

#include <stegpass/credential/core/safetensors.hpp>

#include "grid_tool.hpp"

namespace stegpass::test {
namespace {

constexpr std::array kLayers = {"features.0", "features.2", "features.4", "features.5", "features.6"};
constexpr float kNormEpsilon = 1e-5f;

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
  /// Values of one step of dimension 0.
  std::size_t row() const { return values.size() / static_cast<std::size_t>(shape[0]); }
};

/// Float tensors by name, with what edits need of the network: which follow one another, and what belongs to a channel.
struct Network {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
  std::mt19937_64 random{20270115};

  Tensor& conv(std::size_t i) { return tensors.at(std::string(kLayers[i]) + ".conv.weight"); }
  Tensor& norm(std::size_t i, const char* part) { return tensors.at(std::string(kLayers[i]) + ".bn." + part); }
  /// What reads layer i's channels, as (outputs, channels, values a channel).
  Tensor& reader(std::size_t i) { return i + 1 < kLayers.size() ? conv(i + 1) : tensors.at("classifier.weight"); }
  std::size_t channels(std::size_t i) { return static_cast<std::size_t>(conv(i).shape[0]); }

  /// Calls `edit(channel, values)` for what reads each channel of layer i.
  void each_read(std::size_t i, const std::function<void(std::size_t, float*, std::size_t)>& edit) {
    Tensor& to = reader(i);
    const std::size_t width = to.row() / channels(i);
    for (std::size_t out = 0; out < static_cast<std::size_t>(to.shape[0]); ++out)
      for (std::size_t c = 0; c < channels(i); ++c) edit(c, to.values.data() + out * to.row() + c * width, width);
  }
};

Network load_network(const std::string& path) {
  const Bytes file = read_bytes(path);
  const auto parsed = parse_safetensors(file);
  if (!parsed) throw std::runtime_error(path + ": " + parsed.error().detail);
  Network out;
  out.metadata = parsed->metadata;
  for (const TensorView& view : parsed->tensors) {
    Tensor tensor{view.shape, std::vector<float>(view.data.size() / 4)};
    std::memcpy(tensor.values.data(), view.data.data(), view.data.size());
    out.tensors.emplace(view.name, std::move(tensor));
  }
  return out;
}

Bytes encode(const Network& network) {
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : network.tensors)
    views.push_back({name, "F32", tensor.shape,
                     ByteView(reinterpret_cast<const std::uint8_t*>(tensor.values.data()), tensor.values.size() * 4)});
  return encode_safetensors(std::move(views), network.metadata);
}

/// Rows of `width` values in another order: row r becomes what row order[r] was.
void reorder(float* values, std::size_t width, const std::vector<std::size_t>& order) {
  std::vector<float> moved;
  for (const std::size_t from : order) moved.insert(moved.end(), values + from * width, values + (from + 1) * width);
  std::copy(moved.begin(), moved.end(), values);
}

void permute(Network& network) {
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    std::vector<std::size_t> order(network.channels(i));
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::shuffle(order.begin(), order.end(), network.random);
    reorder(network.conv(i).values.data(), network.conv(i).row(), order);
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      reorder(network.norm(i, part).values.data(), 1, order);
    Tensor& to = network.reader(i);
    for (std::size_t out = 0; out < static_cast<std::size_t>(to.shape[0]); ++out)
      reorder(to.values.data() + out * to.row(), to.row() / order.size(), order);
  }
}

/// Filters times b, which the norm takes out again, and channels times a, which their readers take out.
void rescale(Network& network) {
  std::uniform_real_distribution<float> factor(0.25f, 4.0f);
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    std::vector<float> a(network.channels(i));
    for (std::size_t c = 0; c < a.size(); ++c) {
      a[c] = factor(network.random);
      const float b = factor(network.random);
      float* filter = network.conv(i).values.data() + c * network.conv(i).row();
      std::for_each(filter, filter + network.conv(i).row(), [b](float& w) { w *= b; });
      network.norm(i, "running_mean").values[c] *= b;
      network.norm(i, "running_var").values[c] *= b * b;
      network.norm(i, "weight").values[c] *= a[c];
      network.norm(i, "bias").values[c] *= a[c];
    }
    network.each_read(i, [&](std::size_t c, float* values, std::size_t count) {
      std::for_each(values, values + count, [&](float& w) { w /= a[c]; });
    });
  }
}

/// Every other filter with the other sign, which its norm's gain takes back.
void turn(Network& network) {
  for (std::size_t i = 0; i < kLayers.size(); ++i)
    for (std::size_t c = 0; c < network.channels(i); c += 2) {
      float* filter = network.conv(i).values.data() + c * network.conv(i).row();
      std::for_each(filter, filter + network.conv(i).row(), [](float& w) { w = -w; });
      network.norm(i, "running_mean").values[c] *= -1;
      network.norm(i, "weight").values[c] *= -1;
    }
}

/// Norms become part of their convolutions, which then have a bias.
void fold(Network& network) {
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    Tensor bias = network.norm(i, "bias");
    for (std::size_t c = 0; c < network.channels(i); ++c) {
      const float gain = network.norm(i, "weight").values[c] / std::sqrt(network.norm(i, "running_var").values[c] + kNormEpsilon);
      float* filter = network.conv(i).values.data() + c * network.conv(i).row();
      std::for_each(filter, filter + network.conv(i).row(), [gain](float& w) { w *= gain; });
      bias.values[c] -= network.norm(i, "running_mean").values[c] * gain;
    }
    for (const char* part : {"weight", "bias", "running_mean", "running_var"})
      network.tensors.erase(std::string(kLayers[i]) + ".bn." + part);
    network.tensors.emplace(std::string(kLayers[i]) + ".conv.bias", std::move(bias));
  }
}

/// The smaller half of each layer's weights becomes zero.
void prune(Network& network) {
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    std::vector<float> sizes = network.conv(i).values;
    for (float& w : sizes) w = std::abs(w);
    const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    for (float& w : network.conv(i).values) w = std::abs(w) < *middle ? 0.0f : w;
  }
}

/// Each layer's weights in 255 steps, symmetric about zero.
void quantise(Network& network) {
  for (std::size_t i = 0; i < kLayers.size(); ++i) {
    float largest = 0;
    for (const float w : network.conv(i).values) largest = std::max(largest, std::abs(w));
    const float step = largest / 127;
    for (float& w : network.conv(i).values) w = std::round(w / step) * step;
  }
}

double spread(const std::vector<float>& values) {
  double sum = 0;
  for (const float w : values) sum += double{w} * w;
  return std::sqrt(sum / static_cast<double>(values.size()));
}

/// Noise of `share` times each layer's spread on top of the weights of the first layers, or in their place.
void disturb(Network& network, float share, bool replace, std::size_t layers = kLayers.size()) {
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i < layers; ++i) {
    const auto size = static_cast<float>(spread(network.conv(i).values));
    for (float& w : network.conv(i).values) w = (replace ? 0 : w) + share * size * normal(network.random);
  }
}

void change(Network& network, const std::string& edit) {
  if (edit == "permute")
    permute(network);
  else if (edit == "rescale")
    rescale(network);
  else if (edit == "turn")
    turn(network);
  else if (edit == "fold")
    fold(network);
  else if (edit == "prune")
    prune(network);
  else if (edit == "quantise")
    quantise(network);
  else if (edit == "noise")
    disturb(network, 0.3f, false);
  else if (edit == "random")
    disturb(network, 1, true);
  else if (edit == "stem")
    disturb(network, 1, true, 2);
  else if (edit == "rename")
    network.metadata["note"] = "copied";
  else if (edit == "cut")
    network.tensors.erase("features.6.conv.weight");
  else
    throw std::runtime_error("no edit of models: " + edit);
}

}  // namespace

void edit_model(const Words& words) {
  Network network = load_network(words[1]);
  std::istringstream edits(words[0]);
  for (std::string edit; std::getline(edits, edit, ',');) change(network, edit);
  write_bytes(words[2], encode(network));
}

}  // namespace stegpass::test
