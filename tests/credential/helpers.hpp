#pragma once

// What the tests of this part share: bytes from hex, keys that are always the same, and how a refusal is checked.

#include <algorithm>
#include <string>
#include <string_view>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key.hpp>

#include "tests/support/catch.hpp"

namespace stegpass::test {

inline Bytes from_hex(std::string_view hex) {
  auto bytes = parse_hex(hex);
  REQUIRE(bytes.ok());
  return std::move(bytes).value();
}

inline Digest32 digest_from(ByteView bytes) {
  REQUIRE(bytes.size() == 32);
  Digest32 digest;
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

/// The error is of this code and says this, in one line of the house's form.
inline void check_error(const Error& error, Errc code, std::string_view part = {}) {
  INFO(error.detail);
  CHECK(static_cast<int>(error.code) == static_cast<int>(code));
  CHECK(error.detail.find(part) != std::string::npos);
  CHECK(error.detail.find('\n') == std::string::npos);
  CHECK((!error.detail.empty() && error.detail.back() != '.'));
}

template <class T>
void check_refused(const Result<T>& result, Errc code, std::string_view part = {}) {
  REQUIRE_FALSE(result.ok());
  check_error(result.error(), code, part);
}

/// The value; a failed requirement that shows the error where there is none.
template <class T>
T require_ok(Result<T> result) {
  if (!result.ok()) FAIL(result.error().detail);
  return std::move(result).value();
}

/// One key for each `name`, the same in every run.
inline credential::PrivateKey fixed_key(std::string_view name, credential::KeyType type = credential::KeyType::ed25519) {
  const auto secret = [&](std::string_view label) {
    return credential::SecretBytes::copy_of(expand("stegpass test key", as_bytes(name), label, 32));
  };
  return require_ok(credential::PrivateKey::create(type, secret("signing"), secret("sealing")));
}

/// Bytes that look random and are the same in every run.
inline Bytes sample_bytes(std::string_view name, std::size_t count) {
  return expand("stegpass test bytes", as_bytes(name), "", count);
}

/// CBOR by the name of what it is, so that a test reads like diagnostic notation.
inline credential::Cbor num(std::int64_t value) { return credential::Cbor::integer(value); }
inline credential::Cbor txt(std::string_view value) { return credential::Cbor::text(value); }
inline credential::Cbor bin(ByteView value) { return credential::Cbor::bytes(value); }

/// Calls `judge` on `bytes` with each single bit turned over; `judge` gets the changed bytes and the bit's number.
template <class Judge>
void for_each_bit_flip(const Bytes& bytes, Judge judge) {
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
    judge(changed, bit);
  }
}

}  // namespace stegpass::test
