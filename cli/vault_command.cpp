#include <algorithm>
#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "command.hpp"
#include "files.hpp"
#include "model_part.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using credential::License;
using credential::Registration;

struct CheckOptions {
  HomeOptions home;
  std::string file;
};
struct BackupOptions {
  HomeOptions home;
  std::string out;
  bool force = false;
};
struct EraseOptions {
  HomeOptions home;
  std::string license;
};
struct ListOptions {
  HomeOptions home;
};

/// Whether the seed follows from the picture, the owner's key and the salt.
void check_passport(Verdict& verdict, const VaultPassport& passport, const Digest32& owner) {
  const std::string code = "vault.passport-" + passport.role;
  auto model = load_model_part();
  if (!model) return verdict.add(code, Outcome::not_checked, "this build cannot read pictures");
  const auto seed = (*model)->mark_seed(passport.picture, owner, passport.seed_salt);
  if (!seed) return verdict.add(code, Outcome::invalid, seed.error().detail);
  const bool follows = equal_constant_time(*seed, passport.seed);
  verdict.add(code, follows ? Outcome::valid : Outcome::invalid,
              follows ? "the seed follows from picture, owner's key and salt"
                      : "the seed does not follow from picture, owner's key and salt");
}

bool has_commitment(const credential::MarkClaim& claim, const Digest32& commitment) {
  return claim.cover == commitment || std::find(claim.reserves.begin(), claim.reserves.end(), commitment) != claim.reserves.end();
}

/// Whether every commitment of a registration in the ledger is one that this vault opens.
void check_registration(Verdict& verdict, const OpenHome& home, const Registration& registration) {
  const std::string code = "vault.registration";
  const VaultRegistration* record = home.vault.registration(registration.id);
  if (record == nullptr)
    return verdict.add(code, Outcome::invalid, "the vault has no record of registration " + to_hex(registration.id));
  const Digest32 owner = home.owner.thumbprint();
  std::size_t opened = 0;
  for (const VaultPassport& passport : home.vault.passports) {
    opened +=
        has_commitment(registration.mark, credential::commitment("mark-seed", owner, passport.commitment_salt, passport.seed))
            ? 1
            : 0;
  }
  const bool model =
      credential::commitment("owner-model", owner, record->owner_model_salt, record->owner_model) == registration.owner_model;
  const std::size_t expected = 1 + registration.mark.reserves.size();
  const bool all = model && opened == expected;
  verdict.add(code, all ? Outcome::valid : Outcome::invalid,
              to_hex(registration.id) + ": opens " + std::to_string(opened) + " of " + std::to_string(expected) +
                  " marks, and the owner model: " + (model ? "yes" : "no"));
}

void check_license(Verdict& verdict, const OpenHome& home, const License& license) {
  const std::string code = "vault.license";
  const VaultLicense* record = home.vault.license(license.id);
  if (record == nullptr) return verdict.add(code, Outcome::invalid, "the vault has no record of license " + to_hex(license.id));
  const Digest32 owner = home.owner.thumbprint();
  const bool identity = credential::commitment("identity", owner, record->identity_salt,
                                               credential::fast_sha256(record->identity)) == license.identity;
  const Bytes key = isn_key(home.vault, record->registration_id, record->licensee);
  const bool isn = credential::commitment("isn-key", owner, record->isn_key_salt, key) == license.isn_key;
  verdict.add(code, identity && isn ? Outcome::valid : Outcome::invalid,
              to_hex(license.id) + ": opens identity: " + (identity ? "yes" : "no") + ", ISN key: " + (isn ? "yes" : "no"));
}

void check_ledger(Verdict& verdict, const OpenHome& home) {
  const auto ledger = open_ledger(home.home, ledger::Ledger::Mode::read);
  if (!ledger) return verdict.add("vault.ledger", Outcome::undecided, "the ledger cannot be read: " + ledger.error().detail);
  verdict.add("vault.ledger", Outcome::valid, std::to_string(ledger->log.size()) + " entries were compared with the vault");
  for (const auto& [id, state] : ledger->state.registrations()) {
    if (!(state.registration.owner == home.owner)) continue;
    check_registration(verdict, home, state.registration);
    for (const auto& [license_id, license] : state.licenses) check_license(verdict, home, license.license);
  }
}

/// Whether the ledger says that `key` signs now for what owner.pub registered.
bool took_over(const OpenHome& home, const credential::PublicKey& key) {
  const auto ledger = open_ledger(home.home, ledger::Ledger::Mode::read);
  if (!ledger) return false;
  for (const auto& [id, state] : ledger->state.registrations()) {
    if (state.registration.owner == home.owner && state.signer() == key) return true;
  }
  return false;
}

/// The home, with the vault of another file in place of its own when one is named.
Result<OpenHome> open_checked(const CheckOptions& options) {
  STEGPASS_TRY(home, open_home(options.home));
  if (options.file.empty()) return std::move(home);
  STEGPASS_TRY(file, read_file(options.file, kMaxPictureFile, "an owner's vault"));
  auto vault = open_vault(file, home.passphrase);
  if (!vault) return about(options.file, vault.error());
  home.vault = std::move(*vault);
  return std::move(home);
}

int run_check(const CheckOptions& options, Output& output) {
  const auto home = open_checked(options);
  if (!home) return output.fail(home.error());
  Verdict verdict;
  const auto keys = read_signers(home->home, home->passphrase);
  const bool fits = keys && (keys->owner.public_key() == home->owner || took_over(*home, keys->owner.public_key()));
  verdict.add("vault.keys", fits ? Outcome::valid : Outcome::invalid,
              fits   ? "owner.key and log.key open; owner.pub is owner.key's or that of the key that handed over to it"
              : keys ? "owner.pub is not owner.key's public half"
                     : keys.error().detail);
  for (const VaultPassport& passport : home->vault.passports) check_passport(verdict, passport, home->owner.thumbprint());
  check_ledger(verdict, *home);
  return output.judged(verdict, 0, {{"vault", options.file.empty() ? home->home.vault().string() : options.file}});
}

/// Copies the encrypted file, after opening it, and opens the copy.
Result<Report> backup(const BackupOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(home, open_home(options.home));
  std::error_code error;
  if (std::filesystem::equivalent(options.out, home.home.vault(), error))
    return Error{Errc::usage, options.out + " is the vault itself"};
  STEGPASS_TRY(file, read_file(home.home.vault(), kMaxPictureFile, "an owner's vault"));
  STEGPASS_CHECK_OK(write_file(options.out, file, {.force = options.force, .secret = true}));
  STEGPASS_TRY(copy, read_file(options.out, kMaxPictureFile, "the copy"));
  if (copy != file) return Error{Errc::io, options.out + " does not read back as it was written"};
  Report report;
  report.text = "copied the vault to " + options.out + ": " + std::to_string(home.vault.passports.size()) + " passports, " +
                std::to_string(home.vault.registrations.size()) + " registrations, " +
                std::to_string(home.vault.licenses.size()) +
                " licenses\nit opens with today's passphrase; keep owner.key and log.key with it";
  report.figures = {{"backup", options.out}, {"bytes", file.size()}, {"sha256", to_hex(credential::fast_sha256(file))}};
  return report;
}

Result<Report> list(const ListOptions& options) {
  STEGPASS_TRY(home, open_home(options.home));
  const Vault& vault = home.vault;
  Report report;
  Json passports = Json::array(), registrations = Json::array(), licenses = Json::array();
  for (const VaultPassport& passport : vault.passports) {
    report.text += "passport      " + passport.role + ", " + std::to_string(passport.picture.size()) + " bytes\n";
    passports.push_back({{"role", passport.role}, {"bytes", passport.picture.size()}});
  }
  for (const VaultRegistration& registration : vault.registrations) {
    report.text +=
        "registration  " + to_hex(registration.id) + ", release model sha256 " + to_hex(registration.release_model) + "\n";
    registrations.push_back({{"id", to_hex(registration.id)},
                             {"owner_model_sha256", to_hex(registration.owner_model)},
                             {"release_model_sha256", to_hex(registration.release_model)},
                             {"isn_sha256", to_hex(registration.isn)}});
  }
  for (const VaultLicense& license : vault.licenses) {
    const std::string id = license.license_id.empty() ? "minted, not licensed yet" : to_hex(license.license_id);
    report.text += "license       " + id + ", " + credential::thumbprint_uri(license.licensee) + ", reveal " +
                   with_decimals(license.reveal_psnr_mdb / 1000.0, 2) + " dB\n";
    licenses.push_back({{"id", license.license_id.empty() ? Json() : Json(to_hex(license.license_id))},
                        {"registration", to_hex(license.registration_id)},
                        {"licensee", credential::thumbprint_uri(license.licensee)},
                        {"user_passport", to_hex(license.user_passport)},
                        {"reveal_psnr_db", license.reveal_psnr_mdb / 1000.0},
                        {"reveal_bar_db", license.reveal_bar_mdb / 1000.0}});
  }
  if (report.text.empty()) report.text = "the vault holds its secret and nothing else yet";
  report.figures = {{"passports", passports}, {"registrations", registrations}, {"licenses", licenses}};
  return report;
}

int run_backup(const BackupOptions& options, Output& output) { return finish(output, backup(options)); }
int run_list(const ListOptions& options, Output& output) { return finish(output, list(options)); }

void setup_check(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command = group.add_subcommand("check", "Check that keys and vault open every commitment in the ledger");
  add_home_options(*command, options->home);
  command->add_option("--file", options->file, "Check this backup in place of the home's vault");
  command->footer("Example: stegpass vault check --home studio --file vault.backup");
  bind_command(commands, *command, options, run_check);
}

void setup_backup(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<BackupOptions>();
  CLI::App* command = group.add_subcommand("backup", "Copy the encrypted vault, and read the copy back");
  add_home_options(*command, options->home);
  command->add_option("--out", options->out, "The copy, best on another disk")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass vault backup --home studio --out /media/safe/vault.backup");
  bind_command(commands, *command, options, run_backup);
}

void setup_list(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = group.add_subcommand("list", "List what the vault holds, without showing secrets");
  add_home_options(*command, options->home);
  command->footer("Example: stegpass vault list --home studio");
  bind_command(commands, *command, options, run_list);
}

}  // namespace

namespace {

/// Forgets salts and values of a license's personal part. What the ledger holds of it is then noise, to the owner too.
Result<Report> erase(const EraseOptions& options) {
  STEGPASS_TRY(home, open_home(options.home));
  STEGPASS_TRY(ledger, open_ledger(home.home, ledger::Ledger::Mode::read));
  STEGPASS_TRY(found, find_license(ledger.state, options.license));
  const Bytes& id = found.license->license.id;
  const auto record = std::find_if(home.vault.licenses.begin(), home.vault.licenses.end(),
                                   [&](const auto& entry) { return entry.license_id == id; });
  if (record == home.vault.licenses.end() || record->personal.empty())
    return Error{Errc::not_found, "the vault holds nothing of the personal part of license " + to_hex(id)};
  const std::size_t count = record->personal.size();
  record->personal.clear();
  STEGPASS_CHECK_OK(save_vault(home));
  return Report{"erased " + std::to_string(count) + " personal claims of license " + to_hex(id) +
                    "; backups of the vault, and the licensee's own delivery, still hold them",
                {{"license", to_hex(id)}, {"erased", count}}};
}

int run_erase(const EraseOptions& options, Output& output) { return finish(output, erase(options)); }

void setup_erase(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<EraseOptions>();
  CLI::App* command =
      group.add_subcommand("erase", "Forget the personal part of a license for ever; the ledger's entry stays provable");
  add_home_options(*command, options->home);
  command->add_option("--license", options->license, "Its id, its URN or the statement's file")->required();
  command->footer("Example: stegpass vault erase --home studio --license 00112233445566778899aabbccddeeff");
  bind_command(commands, *command, options, run_erase);
}

}  // namespace

void setup_vault(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("vault", "The owner's encrypted secrets: check, copy, list");
  group->require_subcommand(1);
  setup_check(commands, *group);
  setup_backup(commands, *group);
  setup_list(commands, *group);
  setup_erase(commands, *group);
}

}  // namespace stegpass::cli
