#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSaltBytes = 32;

struct MintOptions {
  HomeOptions home;
  std::string request, out, pictures, isn;
  double reveal_bar_db = 30;
  bool force = false;
};

using NamedPicture = std::pair<std::string_view, Bytes MintResult::*>;
constexpr std::array<NamedPicture, 6> kPictures{{{"cover.png", &MintResult::cover_scale},
                                                 {"stego.png", &MintResult::stego},
                                                 {"difference.png", &MintResult::difference},
                                                 {"identity.png", &MintResult::identity},
                                                 {"revealed.png", &MintResult::revealed},
                                                 {"sheet.png", &MintResult::sheet}}};

Status check_outputs(const MintOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  if (options.pictures.empty()) return Done{};
  for (const auto& [name, picture] : kPictures) STEGPASS_CHECK_OK(check_output_in(options.pictures, name, options.force));
  return Done{};
}

Status write_pictures(const MintOptions& options, const MintResult& minted) {
  for (const auto& [name, picture] : kPictures) {
    STEGPASS_CHECK_OK(write_file(fs::path(options.pictures) / name, minted.*picture, {.force = options.force}));
  }
  return Done{};
}

/// The weights that the registration names; a license minted with others could not be checked.
Result<Bytes> registered_weights(const MintOptions& options, const VaultRegistration& registration) {
  STEGPASS_TRY(weights, load_isn_weights(options.isn));
  if (credential::fast_sha256(weights) == registration.isn) return weights;
  return Error{Errc::refused, "these ISN weights are not the registered ones, whose SHA-256 is " + to_hex(registration.isn)};
}

std::uint32_t millidecibels(double db) { return static_cast<std::uint32_t>(std::clamp(std::floor(db * 1000), 0.0, 1'000'000.0)); }

/// Remembers what opens this license later, in place of an earlier mint of the same file.
void remember(Vault& vault, const credential::LicenseRequest& request, const MintResult& minted, double reveal_bar_db) {
  const Digest32 licensee = request.licensee.thumbprint();
  VaultLicense* record = vault.minted(licensee, minted.user_passport.digest);
  if (record != nullptr && !record->license_id.empty()) return;  // licensed already: its salts are in a statement
  if (record == nullptr) record = &vault.licenses.emplace_back();
  record->registration_id = request.registration_id;
  record->licensee = licensee;
  record->identity = minted.identity;
  record->identity_salt = credential::random_bytes(kSaltBytes);
  record->isn_key_salt = credential::random_bytes(kSaltBytes);
  record->user_passport = minted.user_passport.digest;
  record->reveal_psnr_mdb = millidecibels(minted.reveal_psnr_db);
  record->reveal_bar_mdb = millidecibels(reveal_bar_db);
}

Report report_of(const MintOptions& options, const credential::LicenseRequest& request, const MintResult& minted) {
  Report report;
  report.text = "minted " + options.out + " for " + request.name + "\n  stego   " + with_decimals(minted.stego_psnr_db, 2) +
                " dB against the cover\n  reveal  " + with_decimals(minted.reveal_psnr_db, 2) + " dB, read back from the 8-bit file (bar " +
                with_decimals(options.reveal_bar_db, 1) + ")\n  a key one bit off: correlation " + with_decimals(minted.wrong_key_correlation, 3);
  if (minted.contrast < 1) report.text += "\n  the identity's picture was hidden at " + with_decimals(100 * minted.contrast, 0) + " % of its contrast, to come back over the bar";
  if (!options.pictures.empty()) report.text += "\n  pictures in " + options.pictures;
  report.figures = {{"user_passport", options.out}, {"licensee", request.licensee.thumbprint_uri()}, {"name", request.name},
                    {"digest", to_hex(minted.user_passport.digest)}, {"stego_psnr_db", minted.stego_psnr_db},
                    {"reveal_psnr_db", minted.reveal_psnr_db}, {"reveal_bar_db", options.reveal_bar_db},
                    {"wrong_key_correlation", minted.wrong_key_correlation}, {"contrast", minted.contrast}};
  if (!options.pictures.empty()) report.figures["pictures"] = options.pictures;
  return report;
}

Result<credential::LicenseRequest> read_request(const std::string& path) {
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "a license request"));
  auto request = credential::decode_license_request(file);
  if (!request) return about(path, request.error());
  return request;
}

Result<Report> mint(const MintOptions& options, Output& output) {
  STEGPASS_CHECK_OK(check_outputs(options));
  STEGPASS_TRY(request, read_request(options.request));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(home, open_home(options.home));
  const VaultRegistration* registration = home.vault.registration(request.registration_id);
  if (registration == nullptr) {
    output.suggest("register the model first (stegpass model register), or use the home that registered it");
    return Error{Errc::refused, "the request asks for registration " + to_hex(request.registration_id) + ", which is not this owner's"};
  }
  const VaultPassport* cover = home.vault.passport("cover");
  if (cover == nullptr) return Error{Errc::not_found, "the vault holds no cover passport"};
  STEGPASS_TRY(weights, registered_weights(options, *registration));
  const Digest32 licensee = request.licensee.thumbprint();
  STEGPASS_TRY(minted, model->mint({.cover = cover->picture,
                                    .identity_picture = request.identity_picture,
                                    .thumbprint = licensee,
                                    .isn_key = isn_key(home.vault, request.registration_id, licensee),
                                    .isn_weights = std::move(weights),
                                    .reveal_bar_db = options.reveal_bar_db}));
  remember(home.vault, request, minted, options.reveal_bar_db);
  if (!options.pictures.empty()) STEGPASS_CHECK_OK(make_folder(options.pictures));
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was minted"};
  STEGPASS_CHECK_OK(save_vault(home));  // before the passport leaves: what was handed out can always be opened
  STEGPASS_CHECK_OK(write_file(options.out, minted.user_passport.picture, {.force = options.force}));
  if (!options.pictures.empty()) STEGPASS_CHECK_OK(write_pictures(options, minted));
  return report_of(options, request, minted);
}

int run(const MintOptions& options, Output& output) { return finish(output, mint(options, output)); }

}  // namespace

void setup_passport_mint(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<MintOptions>();
  CLI::App* command = group.add_subcommand("mint", "Hide a licensee's identity in the cover passport: makes the user passport");
  add_home_options(*command, options->home);
  command->add_option("--request", options->request, "The licensee's request")->required();
  command->add_option("--out", options->out, "The user passport (PNG)")->required();
  command->add_option("--pictures", options->pictures, "Folder for cover, stego, difference, identity, revealed and a sheet of them all");
  command->add_option("--isn", options->isn, "ISN weights; default: those that come with stegpass");
  command->add_option("--reveal-bar", options->reveal_bar_db, "Least PSNR in dB of the revealed identity")->check(CLI::Range(10.0, 100.0))->capture_default_str();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass passport mint --home studio --request lena.request --out user-passport.png --pictures minted");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
