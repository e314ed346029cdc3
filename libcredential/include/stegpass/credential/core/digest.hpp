#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass {

using Digest32 = std::array<std::uint8_t, 32>;  ///< SHA-256
using Digest64 = std::array<std::uint8_t, 64>;  ///< SHA-512

/// SHA-512 in the standard library alone, since libmodel has to hash on machines that have no more than LibTorch.
/// Thread-safety  one object per thread.
/// Source         FIPS 180-4, sections 5.1.2 and 6.4.
class Sha512 {
 public:
  Sha512();
  Sha512& update(ByteView data);
  Sha512& update(std::string_view text) { return update(as_bytes(text)); }
  /// Appends `value` as eight bytes, most significant first.
  Sha512& update_u64(std::uint64_t value);
  /// Ends the computation; the object must not be updated afterwards.
  Digest64 finish();
  /// Eight digests, at once where the processor has AVX-512, which takes a fifth of the time: of the input so far followed by
  /// each of `first` ... `first` + 7, as eight bytes. The object stays as it is.
  std::array<Digest64, 8> finish_eight(std::uint64_t first) const;

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint64_t, 8> state_;
  std::array<std::uint8_t, 128> buffer_{};
  std::uint64_t length_ = 0;  // bytes so far
};

Digest64 sha512(ByteView data);

/// SHA-256 in the standard library alone; credential's bulk hashing goes through OpenSSL instead.
/// Source  FIPS 180-4, sections 5.1.1 and 6.2.
Digest32 sha256(ByteView data);

/// Bytes expanded from a seed: SHA-512(domain, 0, seed, 0, label, 0, counter) for counter 0, 1, ...; the same everywhere.
/// Domain and label must not hold a zero byte; `count` bytes are returned.
Bytes expand(std::string_view domain, ByteView seed, std::string_view label, std::size_t count);

}  // namespace stegpass
