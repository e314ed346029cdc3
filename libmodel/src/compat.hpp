#pragma once

// Where LibTorch 1.13 and 2.x differ, and the settings that their defaults leave to chance.

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace stegpass::model {

/// Turns CPU autocast off for as long as it lives: what is hashed into a claim does not depend on the caller's mode.
class FullPrecisionGuard {
 public:
#if TORCH_VERSION_MAJOR >= 2 && (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 4)
  FullPrecisionGuard() : was_(at::autocast::is_autocast_enabled(at::kCPU)) { set(false); }
  ~FullPrecisionGuard() { set(was_); }

 private:
  static void set(bool on) { at::autocast::set_autocast_enabled(at::kCPU, on); }
#else
  FullPrecisionGuard() : was_(at::autocast::is_cpu_enabled()) { set(false); }
  ~FullPrecisionGuard() { set(was_); }

 private:
  static void set(bool on) { at::autocast::set_cpu_enabled(on); }
#endif
  FullPrecisionGuard(const FullPrecisionGuard&) = delete;
  FullPrecisionGuard& operator=(const FullPrecisionGuard&) = delete;
  bool was_;
};

}  // namespace stegpass::model
