#include "minter.hpp"

#include <algorithm>
#include <cmath>
#include <future>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"

namespace stegpass::cli {
namespace {

constexpr std::size_t kSaltBytes = 32;

std::uint32_t millidecibels(double db) { return static_cast<std::uint32_t>(std::clamp(std::floor(db * 1000), 0.0, 1'000'000.0)); }

}  // namespace

/// LibTorch takes half a second of one core to load, the vault's passphrase another core's time.
Result<Minter> Minter::open(const HomeOptions& options, const std::filesystem::path& isn, double reveal_bar_db) {
  auto loading = std::async(std::launch::async, load_model_part);
  auto home = open_home(options);
  auto model = loading.get();
  if (!model) return Error(model.error());
  if (!home) return Error(home.error());
  if (home->vault.passport("cover") == nullptr)
    return Error{Errc::not_found, "the vault holds no cover passport; make passports first (stegpass passport new)"};
  STEGPASS_TRY(weights, load_isn_weights(isn));
  return Minter(**model, std::move(*home), std::move(weights), reveal_bar_db);
}

const VaultRegistration* Minter::registration(const credential::LicenseRequest& request) const {
  return home_.vault.registration(request.registration_id);
}

Result<MintRequest> Minter::checked(const credential::LicenseRequest& request) const {
  const VaultRegistration* registered = registration(request);
  if (registered == nullptr)
    return Error{Errc::refused,
                 "the request asks for registration " + to_hex(request.registration_id) + ", which is not this owner's"};
  if (weights_digest_ != registered->isn)  // a license minted with others could not be checked
    return Error{Errc::refused, "these ISN weights are not the registered ones, whose SHA-256 is " + to_hex(registered->isn)};
  const Digest32 licensee = request.licensee.thumbprint();
  return MintRequest{.cover = home_.vault.passport("cover")->picture,
                     .identity_picture = request.identity_picture,
                     .thumbprint = licensee,
                     .isn_key = isn_key(home_.vault, request.registration_id, licensee),
                     .isn_weights = weights_,
                     .reveal_bar_db = reveal_bar_db_};
}

Result<MintResult> Minter::mint(const credential::LicenseRequest& request, bool pictures) {
  STEGPASS_TRY(wanted, checked(request));
  wanted.pictures = pictures;
  STEGPASS_TRY(minted, model_->mint(wanted));
  remember(request, minted);
  return minted;
}

std::vector<Result<MintResult>> Minter::mint(const std::vector<credential::LicenseRequest>& requests) {
  std::vector<MintRequest> wanted;
  std::vector<Result<MintResult>> out;
  std::vector<std::size_t> places;  // of those that are minted
  for (const credential::LicenseRequest& request : requests) {
    auto one = checked(request);
    out.emplace_back(one ? Error{Errc::internal, "not minted"} : one.error());
    if (!one) continue;
    wanted.push_back(std::move(*one));
    places.push_back(out.size() - 1);
  }
  auto minted = model_->mint_all(wanted);
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (minted[i]) remember(requests[places[i]], *minted[i]);
    out[places[i]] = std::move(minted[i]);
  }
  return out;
}

/// In place of an earlier mint of the same file.
void Minter::remember(const credential::LicenseRequest& request, const MintResult& minted) {
  const Digest32 licensee = request.licensee.thumbprint();
  VaultLicense* record = home_.vault.minted(licensee, minted.user_passport.digest);
  if (record != nullptr && !record->license_id.empty()) return;  // licensed already: its salts are in a statement
  if (record == nullptr) record = &home_.vault.licenses.emplace_back();
  record->registration_id = request.registration_id;
  record->licensee = licensee;
  record->identity = minted.identity;
  record->identity_salt = credential::random_bytes(kSaltBytes);
  record->isn_key_salt = credential::random_bytes(kSaltBytes);
  record->user_passport = minted.user_passport.digest;
  record->reveal_psnr_mdb = millidecibels(minted.reveal_psnr_db);
  record->reveal_bar_mdb = millidecibels(reveal_bar_db_);
}

Result<credential::LicenseRequest> read_license_request(const std::filesystem::path& path) {
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "a license request"));
  auto request = credential::decode_license_request(file);
  if (!request) return about(path.string(), request.error());
  return request;
}

}  // namespace stegpass::cli
