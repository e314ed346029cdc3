#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/personal.hpp>
#include <stegpass/credential/secret_bytes.hpp>
#include <stegpass/credential/secret_file.hpp>

namespace stegpass::cli {

/// A passport with what opens its commitment: the mark seed follows from the picture, the owner's thumbprint and `seed_salt`.
struct VaultPassport {
  std::string role;       ///< cover, reserve-1, reserve-2, ...
  Bytes picture;          ///< PNG file: scale picture above, bias picture below
  Bytes seed_salt;        ///< 32 bytes
  Bytes seed;             ///< 64 bytes
  Bytes commitment_salt;  ///< 32 bytes, of the registration's commitment "mark-seed"
};

/// What a registration commits to without showing it.
struct VaultRegistration {
  Bytes id;                ///< 16 bytes
  Bytes owner_model_salt;  ///< 32 bytes, of the commitment "owner-model"
  Digest32 owner_model{};  ///< SHA-256 of the files that were registered
  Digest32 release_model{};
  Digest32 isn{};  ///< SHA-256 of the ISN weights that mint under it
};

/// A user passport that was minted and, once `license_id` is set, licensed.
struct VaultLicense {
  Bytes registration_id;                            ///< 16 bytes
  Digest32 licensee{};                              ///< thumbprint of the licensee's key
  Bytes license_id;                                 ///< 16 bytes, or empty until the license is issued
  Bytes identity;                                   ///< PNG file: the identity picture as it was hidden
  Bytes identity_salt;                              ///< 32 bytes, of the commitment "identity"
  Bytes isn_key_salt;                               ///< 32 bytes, of the commitment "isn-key"
  Digest64 user_passport{};                         ///< canonical digest
  std::uint32_t reveal_psnr_mdb = 0;                ///< of the reveal from the file, in thousandths of a decibel
  std::uint32_t reveal_bar_mdb = 0;                 ///< the bar that the mint was held to
  std::vector<credential::PersonalClaim> personal;  ///< of the license's personal part; none once erased

  /// The claim of a name, or null.
  const credential::PersonalClaim* personal_claim(std::string_view name) const;
};

/// Everything the owner must keep secret and must not lose, besides the keys. Move-only, as its secret is.
/// Schema  schemas/vault.cddl
struct Vault {
  credential::SecretBytes secret;  ///< 32 bytes; every license's ISN key follows from it
  std::vector<VaultPassport> passports;
  std::vector<VaultRegistration> registrations;
  std::vector<VaultLicense> licenses;

  // Null when there is none; pointers live until the list is changed.
  const VaultPassport* passport(std::string_view role) const;
  const VaultRegistration* registration(ByteView id) const;
  const VaultLicense* license(ByteView license_id) const;
  /// The record that was minted with this passport for this licensee.
  VaultLicense* minted(const Digest32& licensee, const Digest64& user_passport);
};

/// A vault with a new secret and nothing else.
Vault new_vault();

/// The vault as an encrypted file of kind `vault`.
Bytes seal_vault(const Vault& vault, const credential::SecretBytes& passphrase, credential::PassphraseCost cost = {});
/// Errors  malformed; unsupported (another version); locked (wrong passphrase or changed file).
Result<Vault> open_vault(ByteView file, const credential::SecretBytes& passphrase);

/// The 64-byte ISN key of one license: HMAC-SHA-512(vault secret, registration id || licensee thumbprint).
Bytes isn_key(const Vault& vault, ByteView registration_id, const Digest32& licensee);

}  // namespace stegpass::cli
