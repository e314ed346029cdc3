#pragma once

#include <cstddef>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

#include "openssl_handles.hpp"

/// ML-DSA (FIPS 204) as COSE uses it, RFC 9964: pure, empty context. OpenSSL has it from 3.5 on; it is asked for by name when a
/// key is made, so one build runs with either.
namespace stegpass::credential::ml_dsa {

struct Parameters {
  const char* name;        ///< to OpenSSL
  std::size_t public_key;  ///< bytes
  std::size_t signature;   ///< bytes
};
inline constexpr Parameters k44{"ML-DSA-44", 1312, 2420}, k65{"ML-DSA-65", 1952, 3309}, k87{"ML-DSA-87", 2592, 4627};

/// Errors  malformed (length); unsupported when the OpenSSL at hand does not know it.
Result<PkeyPtr> make_public_key(const Parameters& parameters, ByteView key);
bool verify(const Parameters& parameters, EVP_PKEY* key, ByteView message, ByteView signature);

}  // namespace stegpass::credential::ml_dsa
