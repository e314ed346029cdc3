#pragma once

#include <cstddef>
#include <optional>

#include <stegpass/credential/core/bytes.hpp>

#include "openssl_handles.hpp"

/// ECDSA as COSE writes it, P-256 with SHA-256 and P-384 with SHA-384: coordinates and scalars of the field's length, signatures
/// r||s.
namespace stegpass::credential::nist {

struct Curve {
  const char* name;    ///< to OpenSSL
  const char* digest;  ///< to OpenSSL
  int nid;
  std::size_t field;  ///< bytes of a coordinate
};
inline constexpr Curve kP256{"P-256", "SHA256", NID_X9_62_prime256v1, 32};
inline constexpr Curve kP384{"P-384", "SHA384", NID_secp384r1, 48};

/// Whether (x, y) is a point of the curve. A tenth of the work of making its key.
bool is_point(const Curve& curve, ByteView x, ByteView y);
/// The key of the point (x, y), ready to verify with; null when it is no point of the curve.
PkeyPtr make_public_key(const Curve& curve, ByteView x, ByteView y);
/// x||y of the scalar's point; nothing when the scalar is not within 1 .. n-1.
std::optional<Bytes> public_point(const Curve& curve, ByteView scalar);
/// Requires a valid scalar, with its point x||y.
Bytes sign(const Curve& curve, ByteView scalar, ByteView point, ByteView message);
bool verify(const Curve& curve, EVP_PKEY* key, ByteView message, ByteView signature);

}  // namespace stegpass::credential::nist
