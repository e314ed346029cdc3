#pragma once

#include <optional>

#include <stegpass/credential/core/bytes.hpp>

/// ECDSA over P-256 with SHA-256 as COSE writes it: coordinates and scalars of 32 bytes, signatures r||s.
namespace stegpass::credential::p256 {

/// Whether (x, y) is a point of the curve.
bool is_point(ByteView x, ByteView y);
/// x||y of the scalar's point; nothing when the scalar is not within 1 .. n-1.
std::optional<Bytes> public_point(ByteView scalar);
/// Requires a valid scalar, with its point x||y.
Bytes sign(ByteView scalar, ByteView point, ByteView message);
bool verify(ByteView x, ByteView y, ByteView message, ByteView signature);

}  // namespace stegpass::credential::p256
