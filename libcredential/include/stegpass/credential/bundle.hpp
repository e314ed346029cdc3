#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// What a bundle opens. `public_`: nothing. `verifier`: the cover's seed, this license's ISN key and the identity picture.
/// `arbiter`: also passports, one reserve a dispute.
enum class Purpose { public_ = 0, verifier = 1, arbiter = 2 };
std::string_view purpose_name(Purpose purpose);
Result<Purpose> parse_purpose(std::string_view name);

/// Opens a mark-seed commitment.
struct SeedOpening {
  Bytes salt;  ///< of the commitment, 32 bytes
  Bytes seed;  ///< 64 bytes
};
struct KeyOpening {
  Bytes salt;
  Bytes key;  ///< ISN key, 64 bytes
};
struct IdentityOpening {
  Bytes salt;
  Bytes picture;  ///< PNG file
};
/// A whole passport: the seed follows from its digest, the owner's thumbprint and `seed_salt`.
struct PassportOpening {
  std::string role;  ///< "cover" or "reserve-1", "reserve-2", ...
  Bytes seed_salt;   ///< 32 bytes
  SeedOpening seed;
  Bytes picture;  ///< PNG file
};

struct Disclosures {
  std::optional<SeedOpening> cover;
  std::optional<KeyOpening> isn_key;
  std::optional<IdentityOpening> identity;
  std::vector<PassportOpening> passports;
};

/// All that an air-gapped verifier needs besides his own trust policy, in one deterministic CBOR file that ends in its own
/// SHA-256. Statements are transparent (each with one receipt for the checkpoint's tree), in order of their ledger index.
/// Schema  schemas/bundle.cddl
struct Bundle {
  Purpose purpose = Purpose::public_;
  std::string checkpoint;  ///< signed note
  std::vector<Bytes> statements;
  Disclosures disclosures;
  std::optional<Bytes> time_token;  ///< RFC 3161, over the checkpoint's note; such a bundle is of version 2
};

Bytes encode_bundle(const Bundle& bundle);
/// Errors  malformed (shape, SHA-256 at the end, truncation, over 64 MiB), unsupported (another version).
Result<Bundle> decode_bundle(ByteView bytes);

}  // namespace stegpass::credential
