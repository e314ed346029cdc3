#include "vault.hpp"

#include <algorithm>
#include <set>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/crypto.hpp>

namespace stegpass::cli {
namespace {

using credential::Cbor;
using credential::CborArray;
using credential::CborMap;

constexpr std::uint64_t kVersion = 1, kPersonalVersion = 2;  // 2: a license has personal claims
constexpr std::size_t kIdBytes = 16, kSaltBytes = 32, kSeedBytes = 64, kSecretBytes = 32;

CborMap::value_type field(std::string_view name, Cbor value) { return {Cbor::text(name), std::move(value)}; }
CborMap::value_type field(std::string_view name, ByteView value) { return field(name, Cbor::bytes(value)); }

Cbor to_cbor(const VaultPassport& passport) {
  return Cbor::map({field("role", Cbor::text(passport.role)), field("picture", passport.picture),
                    field("seed-salt", passport.seed_salt), field("seed", passport.seed),
                    field("commitment-salt", passport.commitment_salt)});
}

Cbor to_cbor(const VaultRegistration& registration) {
  return Cbor::map({field("id", registration.id), field("owner-model-salt", registration.owner_model_salt),
                    field("owner-model", registration.owner_model), field("release-model", registration.release_model),
                    field("isn", registration.isn)});
}

Cbor to_cbor(const VaultLicense& license) {
  CborMap map{field("registration", license.registration_id),
              field("licensee", license.licensee),
              field("identity", license.identity),
              field("identity-salt", license.identity_salt),
              field("isn-key-salt", license.isn_key_salt),
              field("user-passport", license.user_passport),
              field("reveal-psnr-mdb", Cbor::unsigned_integer(license.reveal_psnr_mdb)),
              field("reveal-bar-mdb", Cbor::unsigned_integer(license.reveal_bar_mdb))};
  CborArray personal;
  for (const credential::PersonalClaim& claim : license.personal)
    personal.push_back(Cbor::bytes(credential::encode_personal(claim)));
  if (!personal.empty()) map.push_back(field("personal", Cbor::array(std::move(personal))));
  if (!license.license_id.empty()) map.push_back(field("license", license.license_id));
  return Cbor::map(std::move(map));
}

template <class T>
Cbor list_to_cbor(const std::vector<T>& items) {
  CborArray array;
  for (const T& item : items) array.push_back(to_cbor(item));
  return Cbor::array(std::move(array));
}

/// Takes the fields of one map in turn; the first that is absent or of another form is remembered, and so is a field that nobody
/// took.
class MapReader {
 public:
  MapReader(const Cbor& map, std::string what) : map_(map), what_(std::move(what)) {
    if (map.as_map() == nullptr) fail("is no map");
  }

  Bytes bytes(std::string_view name, std::size_t size = 0) {
    const Cbor* item = take(name);
    const Bytes* value = item ? item->as_bytes() : nullptr;
    if (value == nullptr || value->empty() || (size != 0 && value->size() != size)) return fail_field(name), Bytes{};
    return *value;
  }
  template <std::size_t N>
  void digest(std::string_view name, std::array<std::uint8_t, N>& out) {
    const Bytes value = bytes(name, N);
    if (value.size() == N) std::copy(value.begin(), value.end(), out.begin());
  }
  std::string text(std::string_view name) {
    const Cbor* item = take(name);
    const std::string* value = item ? item->as_text() : nullptr;
    if (value == nullptr || value->empty()) return fail_field(name), std::string{};
    return *value;
  }
  std::uint64_t number(std::string_view name, std::uint64_t most) {
    const Cbor* item = take(name);
    const std::uint64_t* value = item ? item->as_unsigned() : nullptr;
    if (value == nullptr || *value > most) return fail_field(name), 0;
    return *value;
  }
  CborArray list(std::string_view name) {
    const Cbor* item = take(name);
    const CborArray* value = item ? item->as_array() : nullptr;
    if (value == nullptr) return fail_field(name), CborArray{};
    return *value;
  }
  bool has(std::string_view name) const { return map_.find(name) != nullptr; }

  Status finish() {
    if (error_.empty() && map_.as_map()->size() != taken_) fail("holds a field that this version does not know");
    if (!error_.empty()) return {Errc::malformed, error_};
    return Done{};
  }

 private:
  const Cbor* take(std::string_view name) {
    const Cbor* item = map_.find(name);
    if (item != nullptr) ++taken_;
    return item;
  }
  void fail(const std::string& why) {
    if (error_.empty()) error_ = what_ + " " + why;
  }
  void fail_field(std::string_view name) { fail("has no well-formed field '" + std::string(name) + "'"); }

  const Cbor& map_;
  std::string what_, error_;
  std::size_t taken_ = 0;
};

constexpr std::uint64_t kMostMillidecibels = 1'000'000;

Status from_cbor(const Cbor& item, VaultPassport& passport) {
  MapReader reader(item, "vault passport");
  passport.role = reader.text("role");
  passport.picture = reader.bytes("picture");
  passport.seed_salt = reader.bytes("seed-salt", kSaltBytes);
  passport.seed = reader.bytes("seed", kSeedBytes);
  passport.commitment_salt = reader.bytes("commitment-salt", kSaltBytes);
  return reader.finish();
}

Status from_cbor(const Cbor& item, VaultRegistration& registration) {
  MapReader reader(item, "vault registration");
  registration.id = reader.bytes("id", kIdBytes);
  registration.owner_model_salt = reader.bytes("owner-model-salt", kSaltBytes);
  reader.digest("owner-model", registration.owner_model);
  reader.digest("release-model", registration.release_model);
  reader.digest("isn", registration.isn);
  return reader.finish();
}

Status from_cbor(const Cbor& item, VaultLicense& license) {
  MapReader reader(item, "vault license");
  license.registration_id = reader.bytes("registration", kIdBytes);
  reader.digest("licensee", license.licensee);
  if (reader.has("personal")) {
    for (const Cbor& item : reader.list("personal")) {
      if (!item.as_bytes()) return {Errc::malformed, "vault license: a personal claim is not a byte string"};
      STEGPASS_TRY(claim, credential::decode_personal(*item.as_bytes()));
      license.personal.push_back(std::move(claim));
    }
  }
  if (reader.has("license")) license.license_id = reader.bytes("license", kIdBytes);
  license.identity = reader.bytes("identity");
  license.identity_salt = reader.bytes("identity-salt", kSaltBytes);
  license.isn_key_salt = reader.bytes("isn-key-salt", kSaltBytes);
  reader.digest("user-passport", license.user_passport);
  license.reveal_psnr_mdb = static_cast<std::uint32_t>(reader.number("reveal-psnr-mdb", kMostMillidecibels));
  license.reveal_bar_mdb = static_cast<std::uint32_t>(reader.number("reveal-bar-mdb", kMostMillidecibels));
  return reader.finish();
}

template <class T>
Status list_from_cbor(const CborArray& items, std::vector<T>& out) {
  for (const Cbor& item : items) STEGPASS_CHECK_OK(from_cbor(item, out.emplace_back()));
  return Done{};
}

std::uint64_t version_of(const Vault& vault) {
  const bool personal =
      std::any_of(vault.licenses.begin(), vault.licenses.end(), [](const auto& license) { return !license.personal.empty(); });
  return personal ? kPersonalVersion : kVersion;
}

Bytes encode_vault(const Vault& vault) {
  return encode_cbor(
      Cbor::map({field("version", Cbor::unsigned_integer(version_of(vault))), field("secret", vault.secret.expose()),
                 field("passports", list_to_cbor(vault.passports)), field("registrations", list_to_cbor(vault.registrations)),
                 field("licenses", list_to_cbor(vault.licenses))}));
}

Status check_roles(const Vault& vault) {
  std::set<std::string_view> roles;
  for (const VaultPassport& passport : vault.passports) {
    if (!roles.insert(passport.role).second) return {Errc::malformed, "vault holds the passport '" + passport.role + "' twice"};
  }
  return Done{};
}

Result<Vault> decode_vault(ByteView content) {
  STEGPASS_TRY(item, credential::decode_cbor(content));
  const Cbor* version = item.find("version");
  const std::uint64_t* number = version ? version->as_unsigned() : nullptr;
  if (number == nullptr) return {Errc::malformed, "vault states no version"};
  if (*number != kVersion && *number != kPersonalVersion)
    return {Errc::unsupported, "vault of version " + std::to_string(*number) + ", this program reads versions 1 and 2"};
  MapReader reader(item, "vault");
  const std::uint64_t stated = reader.number("version", kPersonalVersion);
  const Bytes secret = reader.bytes("secret", kSecretBytes);
  const CborArray passports = reader.list("passports"), registrations = reader.list("registrations"),
                  licenses = reader.list("licenses");
  STEGPASS_CHECK_OK(reader.finish());
  Vault vault;
  vault.secret = credential::SecretBytes::copy_of(secret);
  STEGPASS_CHECK_OK(list_from_cbor(passports, vault.passports));
  STEGPASS_CHECK_OK(list_from_cbor(registrations, vault.registrations));
  STEGPASS_CHECK_OK(list_from_cbor(licenses, vault.licenses));
  STEGPASS_CHECK_OK(check_roles(vault));
  if (stated != version_of(vault))
    return {Errc::malformed, "vault of version " + std::to_string(stated) + " with what is of another"};
  return vault;
}

}  // namespace

const VaultPassport* Vault::passport(std::string_view role) const {
  const auto found = std::find_if(passports.begin(), passports.end(), [&](const auto& entry) { return entry.role == role; });
  return found == passports.end() ? nullptr : &*found;
}

const VaultRegistration* Vault::registration(ByteView id) const {
  const auto found = std::find_if(registrations.begin(), registrations.end(), [&](const auto& entry) {
    return std::equal(entry.id.begin(), entry.id.end(), id.begin(), id.end());
  });
  return found == registrations.end() ? nullptr : &*found;
}

const credential::PersonalClaim* VaultLicense::personal_claim(std::string_view name) const {
  const auto found = std::find_if(personal.begin(), personal.end(), [&](const auto& claim) { return claim.name == name; });
  return found == personal.end() ? nullptr : &*found;
}

const VaultLicense* Vault::license(ByteView license_id) const {
  if (license_id.empty()) return nullptr;
  const auto found = std::find_if(licenses.begin(), licenses.end(), [&](const auto& entry) {
    return std::equal(entry.license_id.begin(), entry.license_id.end(), license_id.begin(), license_id.end());
  });
  return found == licenses.end() ? nullptr : &*found;
}

VaultLicense* Vault::minted(const Digest32& licensee, const Digest64& user_passport) {
  const auto found = std::find_if(licenses.begin(), licenses.end(), [&](const auto& entry) {
    return entry.licensee == licensee && entry.user_passport == user_passport;
  });
  return found == licenses.end() ? nullptr : &*found;
}

Vault new_vault() {
  Vault vault;
  vault.secret = credential::SecretBytes::random(kSecretBytes);
  return vault;
}

Bytes seal_vault(const Vault& vault, const credential::SecretBytes& passphrase, credential::PassphraseCost cost) {
  return credential::encrypt_secret_file(credential::SecretKind::vault, encode_vault(vault), passphrase, cost);
}

Result<Vault> open_vault(ByteView file, const credential::SecretBytes& passphrase) {
  STEGPASS_TRY(content, credential::decrypt_secret_file(credential::SecretKind::vault, file, passphrase));
  return decode_vault(content.expose());
}

Bytes isn_key(const Vault& vault, ByteView registration_id, const Digest32& licensee) {
  Bytes message = to_bytes(registration_id);
  append(message, licensee);
  return to_bytes(ByteView(credential::hmac_sha512(vault.secret.expose(), message)));
}

}  // namespace stegpass::cli
