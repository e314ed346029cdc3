#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/bundle_armor.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/ledger/witness.hpp>

#include "bundle_file.hpp"
#include "command.hpp"
#include "files.hpp"
#include "passphrase.hpp"
#include "vault.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct BundleOptions {
  HomeOptions home;
  std::string license, registration, purpose = "public", out;
  std::vector<std::string> open, disclose;
  bool armor = false, force = false;
};

/// `--open` fits the purpose, and opens one reserve at most: each is spent once it has been shown.
Status check_openings(Purpose purpose, const std::vector<std::string>& open) {
  if (purpose != Purpose::arbiter) {
    if (open.empty()) return Done{};
    return Error{Errc::usage, "--open shows a passport, which only a bundle --for arbiter may do"};
  }
  if (open.empty()) return Error{Errc::usage, "a bundle --for arbiter needs --open with the passport to show, e.g. reserve-1"};
  if (std::set<std::string>(open.begin(), open.end()).size() != open.size())
    return Error{Errc::usage, "--open names one passport twice"};
  const auto reserves = std::count_if(open.begin(), open.end(), [](const std::string& role) { return role != "cover"; });
  if (reserves > 1) return Error{Errc::usage, "--open names " + std::to_string(reserves) + " reserves; one dispute opens one"};
  return Done{};
}

/// The license, or the registration alone, whose `license` is then null.
Result<FoundLicense> find_subject(const ledger::RegistrationPolicy& state, const BundleOptions& options) {
  if (!options.license.empty()) return find_license(state, options.license);
  STEGPASS_TRY(registration, find_registration(state, options.registration));
  return FoundLicense{registration, nullptr};
}

/// The entries that say in which state a license is.
void add_license(const FoundLicense& subject, std::set<std::uint64_t>& indices) {
  const ledger::LicenseState& license = *subject.license;
  indices.insert(license.index);
  if (subject.registration->newest_status) indices.insert(*subject.registration->newest_status);
  const auto& transfer = license.transferred_by ? license.transferred_by : license.succeeds_by;
  for (const auto& change : {license.revoked_by, license.suspended_by, license.reinstated_by, license.renewed_by, transfer}) {
    if (change) indices.insert(*change);
  }
}

/// Every statement that a verdict on this license or registration rests on, each with its receipt, in order of the ledger.
Result<std::vector<Bytes>> gather_statements(const ledger::Ledger& log, const FoundLicense& subject) {
  std::set<std::uint64_t> indices{0, subject.registration->index};
  indices.insert(subject.registration->rotations.begin(), subject.registration->rotations.end());
  if (subject.license) add_license(subject, indices);
  std::vector<Bytes> out;
  for (const std::uint64_t index : indices) {
    STEGPASS_TRY(statement, transparent_statement(log, index));
    out.push_back(std::move(statement));
  }
  return out;
}

SeedOpening open_seed(const VaultPassport& passport) { return {passport.commitment_salt, passport.seed}; }

Status disclose_license(const Vault& vault, const License& license, Disclosures& out) {
  const VaultLicense* secrets = vault.license(license.id);
  if (secrets == nullptr) return Error{Errc::not_found, "the vault knows nothing of license " + to_hex(license.id)};
  out.isn_key = KeyOpening{secrets->isn_key_salt, isn_key(vault, license.registration_id, license.licensee.thumbprint())};
  out.identity = IdentityOpening{secrets->identity_salt, secrets->identity};
  return Done{};
}

Result<Disclosures> gather_disclosures(const Vault& vault, const FoundLicense& subject, const std::vector<std::string>& open) {
  Disclosures out;
  if (subject.license) STEGPASS_CHECK_OK(disclose_license(vault, subject.license->license, out));
  const VaultPassport* cover = vault.passport("cover");
  if (cover == nullptr) return Error{Errc::not_found, "the vault has no cover passport"};
  out.cover = open_seed(*cover);
  for (const std::string& role : open) {
    const VaultPassport* passport = vault.passport(role);
    if (passport == nullptr)
      return Error{Errc::usage, "the vault has no passport '" + role + "'; stegpass vault list names them"};
    out.passports.push_back({role, passport->seed_salt, open_seed(*passport), passport->picture});
  }
  return out;
}

/// Shows the named claims of the license's personal part.
Status disclose_personal(const Vault& vault, const License& license, const std::vector<std::string>& names,
                         std::vector<Bytes>& statements) {
  const VaultLicense* secrets = vault.license(license.id);
  std::vector<PersonalClaim> shown;
  for (const std::string& name : names) {
    const PersonalClaim* claim = secrets ? secrets->personal_claim(name) : nullptr;
    if (!claim)
      return Error{Errc::not_found, "the vault has no personal claim '" + name + "' of this license; it has none, or was erased"};
    shown.push_back(*claim);
  }
  for (Bytes& bytes : statements) {
    STEGPASS_TRY(statement, Statement::decode(bytes));
    if (statement.as<License>() && !shown.empty()) bytes = statement.with_receipts(statement.receipts(), shown);
  }
  return Done{};
}

Result<Vault> read_vault(const HomeOptions& options) {
  STEGPASS_TRY(file, read_file(options.place().vault(), kMaxPictureFile, "the owner's vault"));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of the vault"));
  return open_vault(file, passphrase);
}

Result<Bundle> compose(const BundleOptions& options) {
  Bundle bundle;
  STEGPASS_TRY(purpose, parse_purpose(options.purpose));
  bundle.purpose = purpose;
  STEGPASS_CHECK_OK(check_openings(purpose, options.open));
  if (options.license.empty() && !options.disclose.empty())
    return Error{Errc::usage, "--disclose shows claims of a license, and needs --license"};
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(opened, open_ledger(options.home.place(), ledger::Ledger::Mode::read));
  STEGPASS_TRY(subject, find_subject(opened.state, options));
  STEGPASS_TRY(checkpoint, ledger::cosigned_checkpoint(opened.log));
  bundle.checkpoint = checkpoint;
  STEGPASS_TRY(statements, gather_statements(opened.log, subject));
  bundle.statements = std::move(statements);
  if (purpose == Purpose::public_ && options.disclose.empty()) return bundle;
  STEGPASS_TRY(vault, read_vault(options.home));
  if (subject.license) STEGPASS_CHECK_OK(disclose_personal(vault, subject.license->license, options.disclose, bundle.statements));
  if (purpose == Purpose::public_) return bundle;
  STEGPASS_TRY(disclosures, gather_disclosures(vault, subject, options.open));
  bundle.disclosures = std::move(disclosures);
  return bundle;
}

/// The file to be written: the bundle's bytes, or the text that holds them.
Result<Bytes> file_of(ByteView bundle, bool armor) {
  if (!armor) return to_bytes(bundle);
  if (bundle.size() > kMaxArmoredBundle)
    return Error{Errc::usage, "a bundle of " + std::to_string(bundle.size()) + " bytes is too large for text; at most " +
                                  std::to_string(kMaxArmoredBundle)};
  return to_bytes(armor_bundle(bundle));
}

int run(const BundleOptions& options, Output& output) {
  auto bundle = compose(options);
  if (!bundle) return output.fail(bundle.error());
  const Bytes bytes = encode_bundle(*bundle);
  auto content = file_of(bytes, options.armor);
  if (!content) return output.fail(content.error());
  const Bytes& file = *content;
  const bool opens = bundle->purpose != Purpose::public_;  // passports, seeds or keys
  if (auto written = write_file(options.out, file, {.force = options.force, .secret = opens}); !written)
    return output.fail(written.error());
  return output.done(options.out, {{"out", options.out},
                                   {"purpose", purpose_name(bundle->purpose)},
                                   {"statements", bundle->statements.size()},
                                   {"passports", options.open},
                                   {"sha256", to_hex(fast_sha256(bytes))},
                                   {"armored", options.armor},
                                   {"bytes", file.size()}});
}

}  // namespace

void setup_bundle(Commands& commands) {
  auto options = std::make_shared<BundleOptions>();
  CLI::App& command = *commands.app.add_subcommand(
      "bundle", "Put all that an offline verifier needs for one license, or an arbiter for one registration, into one file");
  add_home_options(command, options->home);
  CLI::Option_group& subject = *command.add_option_group("what the bundle is of");
  subject.add_option("--license", options->license, "License id, its URN, or the license statement's file");
  subject.add_option("--registration", options->registration,
                     "Registration id: the model and its owner alone, as for a dispute about one without licenses");
  subject.require_option(1);
  command
      .add_option("--for", options->purpose,
                  "public opens nothing; verifier opens what ties the user passport to the licensee; arbiter also passports")
      ->check(CLI::IsMember({"public", "verifier", "arbiter"}))
      ->capture_default_str();
  command.add_option("--open", options->open, "Passport to show to an arbiter: cover, reserve-1, ...; one reserve a dispute");
  command.add_option("--disclose", options->disclose,
                     "With --license: claim of the license's personal part to show, e.g. licensee; may be repeated");
  command.add_option("--out", options->out, "The bundle file")->required();
  command.add_flag("--armor", options->armor, "Write it as text that mail carries");
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer(
      "Example: stegpass bundle --home acme --license 0f3a... --for verifier --passphrase-file secret --out license.bundle");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
