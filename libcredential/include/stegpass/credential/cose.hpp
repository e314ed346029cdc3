#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// Labels and algorithm numbers of the COSE registries that we use (RFC 9052, 9053, 9596, 9597, 9864, 9942).
namespace cose {
inline constexpr std::int64_t kAlg = 1, kCrit = 2, kContentType = 3, kKid = 4, kCwtClaims = 15, kTyp = 16;
inline constexpr std::int64_t kSdClaims = 17, kX5chain = 33, kX5t = 34;
inline constexpr std::int64_t kPayloadHashAlg = 258, kPreimageType = 259, kPayloadLocation = 260, kTimeOfContent = 269,
                              kTimeOfSignature = 270;
inline constexpr std::int64_t kReceipts = 394, kVds = 395, kVdp = 396;
inline constexpr std::int64_t kEd25519 = -19, kEdDsa = -8, kEsp256 = -9, kEs256 = -7, kEsp384 = -51, kEs384 = -35;
inline constexpr std::int64_t kMlDsa44 = -48, kMlDsa65 = -49, kMlDsa87 = -50;
inline constexpr std::uint64_t kSign1Tag = 18;
}  // namespace cose

/// The fully specified algorithm of a key (RFC 9864, 9964), which we write: Ed25519 -19, ESP256 -9, ESP384 -51, ML-DSA -48 to
/// -50.
std::int64_t cose_algorithm(KeyType type);
/// Whether a key may be used with an algorithm number: its own, or the older one for the same computation (-8, -7, -35).
bool key_type_allows(KeyType type, std::int64_t algorithm);

/// A COSE_Sign1 message as received: the signed octets are kept verbatim, the headers are decoded beside them.
struct Sign1 {
  Bytes protected_bytes;         ///< content of the protected bstr; empty for the empty map
  Cbor protected_header;         ///< map
  Cbor unprotected;              ///< map
  std::optional<Bytes> payload;  ///< absent: detached
  Bytes signature;
};

/// Signs `payload` with `key`; `alg` is added to the protected header.
/// Requires maps, and no label in both. With `detached` the message leaves the payload out.
Sign1 sign_sign1(const PrivateKey& key, CborMap protected_header, CborMap unprotected, ByteView payload, bool detached = false);

/// The tagged encoding (18), deterministic as far as the received parts are.
Bytes encode_sign1(const Sign1& message);

/// Reads a tagged COSE_Sign1 in deterministic encoding.
/// Errors  malformed (shape, duplicate labels over both headers, empty map not written as an empty string),
///         unsupported (`crit` naming a label that we do not process).
Result<Sign1> decode_sign1(ByteView bytes);

/// As `decode_sign1` for other people's messages: any order of keys, tag optional, `41 a0` for the empty map.
Result<Sign1> decode_foreign_sign1(ByteView bytes);

/// The octets that are signed: Sig_structure (RFC 9052 section 4.4).
Bytes sig_structure(const Sign1& message, ByteView payload, ByteView external_aad = {});

/// Whether the signature is `key`'s and `alg` is one that the key may use (`key_type_allows`).
/// `detached_payload` is used when the message has none.
/// Errors  malformed when there is no payload, both payloads, or no `alg`; refused when alg does not fit the key;
///         malformed ("signature ...") when the signature does not verify.
Status verify_sign1(const Sign1& message, const PublicKey& key, std::optional<ByteView> detached_payload = {},
                    ByteView external_aad = {});

}  // namespace stegpass::credential
