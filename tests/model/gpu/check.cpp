#include "check.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>

#include <torch/cuda.h>

namespace stegpass::gpu_check {

void Report::claim(std::string text, bool holds) { claims_.emplace_back(std::move(text), holds); }

void Report::figure(std::string name, double value) { figures_.emplace_back(std::move(name), json_number(value)); }

void Report::figure(std::string name, std::string_view value) { figures_.emplace_back(std::move(name), json_text(value)); }

bool Report::passed() const {
  return !claims_.empty() && std::all_of(claims_.begin(), claims_.end(), [](const auto& claim) { return claim.second; });
}

std::string Report::json_members() const {
  std::string text = "\"passed\": " + std::string(passed() ? "true" : "false") + ", \"claims\": {";
  for (std::size_t i = 0; i < claims_.size(); ++i)
    text += (i ? ", " : "") + json_text(claims_[i].first) + ": " + (claims_[i].second ? "true" : "false");
  text += "}, \"figures\": {";
  for (std::size_t i = 0; i < figures_.size(); ++i)
    text += (i ? ", " : "") + json_text(figures_[i].first) + ": " + figures_[i].second;
  return text + "}";
}

std::string json_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return quoted + "\"";
}

std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

void wait_for(const torch::Device& device) {
  if (device.is_cuda()) torch::cuda::synchronize();
}

double now_seconds() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

Bytes drawn_picture(std::uint64_t seed, int size) {
  Bytes rgb(static_cast<std::size_t>(size) * size * 3);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15u + 1;
  const auto random = [&state] {  // xorshift64, in [0, 1)
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<double>(state >> 11) / 9007199254740992.0;
  };
  for (int channel = 0; channel < 3; ++channel) {
    double wave[4][4];
    for (auto& [x_rate, y_rate, phase, height] : wave) {
      const double rate = 30.0 * random() * random() / size;
      const double angle = 6.283185307 * random();
      x_rate = rate * std::cos(angle), y_rate = rate * std::sin(angle), phase = 6.283185307 * random(),
      height = 20 + 20 * random();
    }
    for (int y = 0; y < size; ++y)
      for (int x = 0; x < size; ++x) {
        double value = 128 + 12 * (random() - 0.5);
        for (const auto& [x_rate, y_rate, phase, height] : wave) value += height * std::sin(x_rate * x + y_rate * y + phase);
        rgb[(static_cast<std::size_t>(y) * size + x) * 3 + channel] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 255.0));
      }
  }
  return rgb;
}

}  // namespace stegpass::gpu_check
