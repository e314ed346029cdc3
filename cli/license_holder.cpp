#include <array>
#include <filesystem>
#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "license.hpp"
#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::License;
using credential::PrivateKey;
using credential::Statement;
using credential::StatementKind;

constexpr std::uint64_t kMaxIdentityFile = 4 << 20;
constexpr std::uint32_t kIdentitySize = 512;  // of a picture that has to be converted
constexpr std::size_t kMaxNonce = 64;

struct KeyOptions {
  std::string key;
  PassphraseSource passphrase;
};
void add_key_options(CLI::App& command, KeyOptions& options) {
  command.add_option("--key", options.key, "The licensee's encrypted key")->required();
  add_passphrase_options(command, options.passphrase);
}
Result<PrivateKey> read_key(const KeyOptions& options) {
  STEGPASS_CHECK_OK(check_key_file(options.key));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.key));
  return read_private_key(options.key, passphrase);
}

struct RequestOptions {
  KeyOptions key;
  std::string registration, name, identity, out;
  bool draw = false, force = false;
};
struct OpenOptions {
  KeyOptions key;
  std::string delivery, out;
  bool force = false;
};
struct PresentOptions {
  KeyOptions key;
  std::string license, audience, nonce, out;
  bool force = false;
};

bool is_png(ByteView file) {
  static constexpr std::array<std::uint8_t, 8> kMagic{0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return file.size() > kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), file.begin());
}

/// The picture that is to be hidden in the user passport.
Result<Bytes> identity_of(const RequestOptions& options, const credential::PublicKey& licensee) {
  if (options.draw == !options.identity.empty()) return Error{Errc::usage, "give either --identity or --draw"};
  if (options.draw) {
    STEGPASS_TRY(model, load_model_part());
    const Digest32 thumbprint = licensee.thumbprint();
    std::uint64_t seed = 0;
    for (std::size_t i = 0; i < 8; ++i) seed = seed << 8 | thumbprint[i];
    return model->draw("portrait", seed, kIdentitySize / 2, options.name);
  }
  STEGPASS_TRY(picture, read_file(options.identity, kMaxPictureFile, "an identity picture"));
  const bool as_it_is = is_png(picture) && picture.size() <= kMaxIdentityFile;
  auto model = load_model_part();
  if (!model && as_it_is) return picture;  // the owner's program reads it whole before minting
  if (!model)
    return Error{Errc::usage, options.identity + " is no PNG file of at most 4 MiB, and this build converts no pictures"};
  auto converted = (*model)->square_png(picture, kIdentitySize);
  if (!converted) return about(options.identity, converted.error());
  return as_it_is ? Result<Bytes>(picture) : converted;
}

Result<Report> request(const RequestOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(registration, read_statement(options.registration, StatementKind::registration));
  STEGPASS_TRY(key, read_key(options.key));
  STEGPASS_TRY(identity, identity_of(options, key.public_key()));
  const credential::LicenseRequest request{
      key.public_key(), key.sealing_public(), registration.as<credential::Registration>()->id, options.name,
      identity,         current_time()};
  STEGPASS_TRY(signed_request, credential::sign_license_request(key, request));
  STEGPASS_CHECK_OK(write_file(options.out, signed_request, {.force = options.force}));
  Report report;
  report.text = "wrote " + options.out + ": " + options.name + " asks for model " + to_hex(request.registration_id) +
                "\n  licensee  " + key.public_key().thumbprint_uri() + "\n  identity  " +
                (options.draw ? "drawn by stegpass" : options.identity);
  report.figures = {{"request", options.out},
                    {"name", options.name},
                    {"registration", to_hex(request.registration_id)},
                    {"licensee", key.public_key().thumbprint_uri()},
                    {"identity", options.draw ? "drawn by stegpass" : options.identity}};
  return report;
}

/// Whether the passport in the delivery is the one that the license names; nothing where this build cannot read pictures.
Result<std::optional<bool>> passport_fits(const License& license, ByteView picture) {
  auto model = load_model_part();
  if (!model) return std::optional<bool>{};
  STEGPASS_TRY(passport, (*model)->read_passport(picture));
  return std::optional<bool>{passport.digest == license.user_passport};
}

/// Both files or neither.
Status write_opened(const credential::LicenseDelivery& delivery, const fs::path& license, const fs::path& passport, bool force) {
  Status written = write_file(passport, delivery.user_passport, {.force = force, .secret = true});
  const bool first = written.ok();
  if (first) written = write_file(license, delivery.license, {.force = force});
  if (written.ok()) return written;
  std::error_code ignored;
  if (first) fs::remove(passport, ignored);
  if (fs::is_empty(license.parent_path(), ignored)) fs::remove(license.parent_path(), ignored);
  return written;
}

Result<Report> open(const OpenOptions& options) {
  const fs::path folder = options.out;
  const fs::path license_path = folder / "license.cose", passport_path = folder / "user-passport.png";
  STEGPASS_CHECK_OK(check_output_in(folder, "license.cose", options.force));
  STEGPASS_CHECK_OK(check_output_in(folder, "user-passport.png", options.force));
  STEGPASS_TRY(file, read_file(options.delivery, kMaxPictureFile, "a license delivery"));
  STEGPASS_TRY(key, read_key(options.key));
  auto delivery = credential::open_license_delivery(key, file);
  if (!delivery) return about(options.delivery, delivery.error());
  auto statement = Statement::decode(delivery->license);
  const License* license = statement ? statement->as<License>() : nullptr;
  if (license == nullptr) return Error{Errc::malformed, options.delivery + " holds no license statement"};
  if (!(license->licensee == key.public_key()))
    return Error{Errc::refused, "the license is for another key: " + license->licensee.thumbprint_uri()};
  STEGPASS_TRY(fits, passport_fits(*license, delivery->user_passport));
  if (fits && !*fits)
    return Error{Errc::malformed, "the user passport in " + options.delivery + " is not the one that the license names"};
  STEGPASS_CHECK_OK(make_folder(folder));
  STEGPASS_CHECK_OK(write_opened(*delivery, license_path, passport_path, options.force));
  Report report;
  report.text = "opened license " + to_hex(license->id) + " for model " + to_hex(license->registration_id) + "\n  from " +
                utc_time(license->not_before) + " until " + utc_time(license->expires) + "\n  " + license_path.string() + "\n  " +
                passport_path.string() +
                (fits ? ", as the license names it" : "; this build reads no pictures, so it was not compared with the license");
  report.figures = {{"id", to_hex(license->id)},
                    {"registration", to_hex(license->registration_id)},
                    {"license", license_path.string()},
                    {"user_passport", passport_path.string()},
                    {"not_before", utc_time(license->not_before)},
                    {"expires", utc_time(license->expires)},
                    {"passport_checked", fits.has_value()}};
  return report;
}

Result<Bytes> nonce_of(const std::string& hex) {
  auto nonce = parse_hex(hex);
  if (nonce && !nonce->empty() && nonce->size() <= kMaxNonce) return nonce;
  return Error{Errc::usage, "the nonce must be 1 to 64 bytes in hexadecimal, as the verifier gave it"};
}

Result<Report> present(const PresentOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(nonce, nonce_of(options.nonce));
  STEGPASS_TRY(statement, read_statement(options.license, StatementKind::license));
  STEGPASS_TRY(key, read_key(options.key));
  const License& license = *statement.as<License>();
  if (!(license.licensee == key.public_key()))
    return Error{Errc::refused, "the license is for another key: " + license.licensee.thumbprint_uri()};
  STEGPASS_TRY(presentation, credential::sign_presentation(key, {options.audience, nonce, license.id, current_time()}));
  STEGPASS_CHECK_OK(write_file(options.out, presentation, {.force = options.force}));
  Report report;
  report.text = "wrote " + options.out + ": proves to " + options.audience + " that this key holds license " + to_hex(license.id);
  report.figures = {
      {"presentation", options.out}, {"license", to_hex(license.id)}, {"audience", options.audience}, {"nonce", to_hex(nonce)}};
  return report;
}

int run_request(const RequestOptions& options, Output& output) { return finish(output, request(options)); }
int run_open(const OpenOptions& options, Output& output) { return finish(output, open(options)); }
int run_present(const PresentOptions& options, Output& output) { return finish(output, present(options)); }

}  // namespace

void setup_license_request(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RequestOptions>();
  CLI::App* command = group.add_subcommand("request", "Ask an owner for a license: your key, your name, your identity picture");
  add_key_options(*command, options->key);
  command->add_option("--registration", options->registration, "The model's registration statement, from the owner")->required();
  command->add_option("--name", options->name, "How you want to be called")->required();
  auto* identity = command->add_option("--identity", options->identity, "Picture that will be hidden in your passport");
  command->add_flag("--draw", options->draw, "Let stegpass draw the picture")->excludes(identity);
  command->add_option("--out", options->out, "The request")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass license request --key ada.key --registration registration.cose --name \"Ada Example\" --identity "
      "ada.png --out ada.request");
  bind_command(commands, *command, options, run_request);
}

void setup_license_open(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<OpenOptions>();
  CLI::App* command = group.add_subcommand("open", "Open what the owner sent: the license and your user passport");
  add_key_options(*command, options->key);
  command->add_option("--delivery", options->delivery, "The delivery, sealed to your key")->required();
  command->add_option("--out", options->out, "Folder for license.cose and user-passport.png")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass license open --key ada.key --delivery license.delivery --out ada");
  bind_command(commands, *command, options, run_open);
}

void setup_license_present(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<PresentOptions>();
  CLI::App* command = group.add_subcommand("present", "Prove to a verifier that you hold the license's key");
  add_key_options(*command, options->key);
  command->add_option("--license", options->license, "The license statement")->required();
  command->add_option("--audience", options->audience, "Whom the proof is for, as the verifier names himself")->required();
  command->add_option("--nonce", options->nonce, "The verifier's fresh number, in hexadecimal")->required();
  command->add_option("--out", options->out, "The presentation")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass license present --key ada.key --license ada/license.cose --audience inspector --nonce 6f2a91c4 --out "
      "ada.presentation");
  bind_command(commands, *command, options, run_present);
}

}  // namespace stegpass::cli
