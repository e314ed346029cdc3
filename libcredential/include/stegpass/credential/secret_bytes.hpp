#pragma once

#include <cstddef>
#include <memory>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::credential {

/// Bytes of a key: move-only, locked in memory where the system lets us, wiped at the end, compared in constant time.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);
  /// Copies `bytes`; wiping the source is the caller's matter.
  static SecretBytes copy_of(ByteView bytes);
  static SecretBytes random(std::size_t size);
  SecretBytes(SecretBytes&&) noexcept;
  SecretBytes& operator=(SecretBytes&&) noexcept;
  ~SecretBytes();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// The raw bytes, for the adaptors of the cryptographic libraries; live as long as this object.
  ByteView expose() const { return {data_, size_}; }
  std::uint8_t* expose_mutable() { return data_; }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b);

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace stegpass::credential
