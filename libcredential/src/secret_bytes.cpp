#include <stegpass/credential/secret_bytes.hpp>

#include <algorithm>
#include <new>
#include <utility>

#include "sodium_ready.hpp"

namespace stegpass::credential {

SecretBytes::SecretBytes(std::size_t size) : size_(size) {
  require_sodium();
  // Guarded pages of their own, kept out of swap and core dumps where the system lets us; never null for no bytes.
  data_ = static_cast<std::uint8_t*>(sodium_malloc(std::max<std::size_t>(size, 1)));
  if (data_ == nullptr) throw std::bad_alloc();
  std::fill_n(data_, size, std::uint8_t{0});
}

SecretBytes SecretBytes::copy_of(ByteView bytes) {
  SecretBytes copy(bytes.size());
  std::copy(bytes.begin(), bytes.end(), copy.data_);
  return copy;
}

SecretBytes SecretBytes::random(std::size_t size) {
  SecretBytes bytes(size);
  randombytes_buf(bytes.data_, size);
  return bytes;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

SecretBytes::~SecretBytes() { sodium_free(data_); }  // wipes; takes null

bool operator==(const SecretBytes& a, const SecretBytes& b) {
  return a.size_ == b.size_ && (a.size_ == 0 || sodium_memcmp(a.data_, b.data_, a.size_) == 0);
}

}  // namespace stegpass::credential
