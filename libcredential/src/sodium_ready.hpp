#pragma once

#include <sodium.h>

#include <stdexcept>

namespace stegpass::credential {

/// Readies libsodium; called before the first use of anything that needs random bytes or locked memory. Thread-safe.
inline void require_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) throw std::runtime_error("libsodium cannot be initialised");
}

}  // namespace stegpass::credential
