#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/personal.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "license.hpp"
#include "license_desk.hpp"
#include "license_terms.hpp"
#include "model_part.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using credential::License;
using credential::LicenseRequest;
using credential::Statement;

constexpr std::size_t kIdBytes = 16;

struct IssueOptions {
  HomeOptions home;
  std::string request, passport, out;
  std::string not_before = "+0s", expires = "+365d", status_until = "+30d";
  std::vector<std::string> personal;
  credential::LicenseTerms terms{.scope = "inference", .territory = "worldwide", .seats = 0};
  std::string contract;
  std::vector<std::string> more_terms, critical;
  bool force = false;
};

struct DeliverOptions {
  HomeOptions home;
  std::string request, passport, out, license;
  bool force = false;
};

/// The request, the passport that was minted for it, and its digest.
struct Minted {
  LicenseRequest request;
  Bytes passport;
  Digest64 digest{};
};

Result<Minted> read_minted(const std::string& request_path, const std::string& passport_path) {
  STEGPASS_TRY(request_file, read_file(request_path, kMaxPictureFile, "a license request"));
  auto request = credential::decode_license_request(request_file);
  if (!request) return about(request_path, request.error());
  STEGPASS_TRY(passport, read_file(passport_path, kMaxPictureFile, "a user passport (PNG)"));
  STEGPASS_TRY(model, load_model_part());
  auto read = model->read_passport(passport);
  if (!read) return about(passport_path, read.error());
  return Minted{std::move(*request), std::move(passport), read->digest};
}

struct Dates {
  std::int64_t now = 0, not_before = 0, expires = 0, status_until = 0;
};

Result<Dates> dates_of(const IssueOptions& options) {
  Dates dates{.now = current_time()};
  STEGPASS_TRY(not_before, parse_time(options.not_before, dates.now));
  STEGPASS_TRY(expires, parse_time(options.expires, dates.now));
  STEGPASS_TRY(status_until, parse_time(options.status_until, dates.now));
  dates.not_before = not_before;
  dates.expires = expires;
  dates.status_until = status_until;
  if (expires <= not_before)
    return Error{Errc::usage, "the license would end at " + utc_time(expires) + ", before it begins at " + utc_time(not_before)};
  if (expires <= dates.now) return Error{Errc::usage, "the license would have ended already, at " + utc_time(expires)};
  if (status_until <= dates.now)
    return Error{Errc::usage, "the status list would have ended already, at " + utc_time(status_until)};
  return dates;
}

/// NAME=TEXT as a term of its own.
Result<std::pair<credential::Cbor, credential::Cbor>> term_of(const std::string& given) {
  static constexpr std::array<std::string_view, 6> kOwnOptions{"scope", "territory", "seats", "sublicensing", "text", "critical"};
  const std::size_t equals = given.find('=');
  if (equals == std::string::npos || equals == 0) return Error{Errc::usage, "--term " + given + " is not NAME=TEXT"};
  const std::string name = given.substr(0, equals);
  if (std::find(kOwnOptions.begin(), kOwnOptions.end(), name) != kOwnOptions.end()) {
    return Error{Errc::usage, "--term " + given + ": " + name + " has an option of its own"};
  }
  return std::pair{credential::Cbor::text(name), credential::Cbor::text(given.substr(equals + 1))};
}

Result<credential::LicenseTerms> terms_of(const IssueOptions& options) {
  credential::LicenseTerms terms = options.terms;
  for (const std::string& given : options.more_terms) {
    STEGPASS_TRY(term, term_of(given));
    const bool twice =
        std::any_of(terms.other.begin(), terms.other.end(), [&](const auto& known) { return known.first == term.first; });
    if (twice) return Error{Errc::usage, "--term " + given + ": that name is given twice"};
    terms.other.push_back(std::move(term));
  }
  const std::set<std::string> names(options.critical.begin(), options.critical.end());
  terms.critical.assign(names.begin(), names.end());
  if (options.contract.empty()) return terms;
  STEGPASS_TRY(contract, read_file(options.contract, kMaxPictureFile, "the contract's text"));
  terms.text = credential::fast_sha256(contract);
  return terms;
}

Result<VaultLicense*> find_minted(Vault& vault, const Minted& minted) {
  VaultLicense* record = vault.minted(minted.request.licensee.thumbprint(), minted.digest);
  if (record == nullptr || record->registration_id != minted.request.registration_id) {
    return Error{Errc::refused, "the vault knows of no such passport for " + minted.request.licensee.thumbprint_uri()};
  }
  return record;
}

/// The personal part: the licensee's name as he asked for it, and what --personal NAME=VALUE adds.
Result<std::vector<credential::PersonalClaim>> personal_of(const IssueOptions& options, const LicenseRequest& request) {
  std::vector<credential::PersonalClaim> out{
      {"licensee", request.name, credential::random_bytes(credential::kDisclosureSaltBytes)}};
  for (const std::string& argument : options.personal) {
    const std::size_t split = argument.find('=');
    credential::PersonalClaim claim{argument.substr(0, split), split == std::string::npos ? "" : argument.substr(split + 1),
                                    credential::random_bytes(credential::kDisclosureSaltBytes)};
    if (auto readable = credential::decode_personal(credential::encode_personal(claim)); !readable)
      return Error{Errc::usage, "--personal " + argument + " is not NAME=VALUE: " + readable.error().detail};
    const bool twice = std::any_of(out.begin(), out.end(), [&](const auto& other) { return other.name == claim.name; });
    if (twice) return Error{Errc::usage, "--personal names " + claim.name + " twice"};
    out.push_back(std::move(claim));
  }
  if (out.size() > credential::kMaxPersonalClaims) return Error{Errc::usage, "over 32 personal claims"};
  return out;
}

/// Hashes of the claims, filled up with decoys to a multiple of four, so that their number says little.
std::vector<Digest32> hashes_of(const std::vector<credential::PersonalClaim>& claims) {
  std::vector<Digest32> out;
  for (const auto& claim : claims) out.push_back(credential::redacted_hash(credential::encode_personal(claim)));
  while (out.size() % 4 != 0)
    out.push_back(
        credential::redacted_hash(credential::encode_decoy(credential::random_bytes(credential::kDisclosureSaltBytes))));
  std::sort(out.begin(), out.end());
  return out;
}

License license_of(const credential::LicenseTerms& terms, const Dates& dates, const OpenHome& home, const VaultLicense& record,
                   const LicenseRequest& request, const ledger::RegistrationState& state) {
  const Digest32 owner = state.registration.owner.thumbprint();  // commitments stay under it, whatever key signs
  License license{.id = record.license_id, .registration_id = record.registration_id, .licensee = request.licensee};
  license.not_before = dates.not_before;
  license.expires = dates.expires;
  license.status_index = next_status_index(state);
  license.user_passport = record.user_passport;
  license.identity = credential::commitment("identity", owner, record.identity_salt, credential::fast_sha256(record.identity));
  license.isn_key =
      credential::commitment("isn-key", owner, record.isn_key_salt, isn_key(home.vault, record.registration_id, record.licensee));
  license.reveal_bar_mdb = record.reveal_bar_mdb;
  license.terms = terms;
  license.personal = hashes_of(record.personal);
  return license;
}

/// Vault first, then license and status list in one batch of the ledger.
Result<std::uint64_t> commit(OpenHome& home, OpenLedger& ledger, const Signers& signers, VaultLicense& record,
                             const std::vector<Statement>& statements) {
  if (interrupted()) return Error{Errc::interrupted, "stopped; no license was issued"};
  STEGPASS_CHECK_OK(save_vault(home));
  auto appended = ledger.log.append(statements, signers.log, current_time());
  if (appended) return appended->front().index;
  if (may_be_registered(appended.error())) return Error(appended.error());
  record.license_id.clear();
  ignore_result(save_vault(home));  // if this fails too, the record names a license that the ledger lacks, and is issued anew
  return Error(appended.error());
}

/// `personal` goes with it: the licensee may show of his own what he likes.
Status deliver(const ledger::Ledger& log, std::uint64_t index, const Minted& minted,
               const std::vector<credential::PersonalClaim>& personal, const std::string& out, bool force) {
  STEGPASS_TRY(bare, transparent_statement(log, index));
  STEGPASS_TRY(statement, Statement::decode(bare));
  Bytes license = statement.with_receipts(statement.receipts(), personal);
  const Bytes sealed = credential::seal_license_delivery(minted.request.sealing_key, {std::move(license), minted.passport});
  return write_file(out, sealed, {.force = force});
}

Report report_of(const std::string& out, const License& license, const LicenseRequest& request, std::uint64_t index) {
  Report report;
  report.text = "license " + to_hex(license.id) + " for " + request.name + ", entry " + std::to_string(index) +
                " of the ledger\n  from " + utc_time(license.not_before) + " until " + utc_time(license.expires) + "\n  " +
                credential::describe_terms(license.terms) + "\n  send " + out + " to the licensee; it is sealed to his key";
  report.figures = {{"id", to_hex(license.id)},
                    {"urn", credential::license_urn(license.id)},
                    {"registration", to_hex(license.registration_id)},
                    {"licensee", request.licensee.thumbprint_uri()},
                    {"name", request.name},
                    {"index", index},
                    {"status_index", license.status_index},
                    {"not_before", utc_time(license.not_before)},
                    {"expires", utc_time(license.expires)},
                    {"terms", terms_json(license.terms)},
                    {"delivery", out}};
  return report;
}

std::string deliver_command(const IssueOptions& options, const Bytes& license) {
  return "stegpass license deliver --home " + options.home.home + " --license " + to_hex(license) + " --request " +
         options.request + " --passport " + options.passport + " --out " + options.out;
}

Result<Report> issue(const IssueOptions& options, Output& output) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(dates, dates_of(options));
  STEGPASS_TRY(terms, terms_of(options));
  STEGPASS_TRY(minted, read_minted(options.request, options.passport));
  STEGPASS_TRY(home, open_home(options.home));
  STEGPASS_TRY(signers, read_signers(home.home, home.passphrase));
  STEGPASS_TRY(ledger, open_ledger(home.home, ledger::Ledger::Mode::write));
  auto record = find_minted(home.vault, minted);
  if (!record) return output.suggest("mint it first: stegpass passport mint --request " + options.request), Error(record.error());
  const ledger::RegistrationState* state = ledger.state.registration((*record)->registration_id);
  if (state == nullptr) return Error{Errc::refused, "the ledger has no registration " + to_hex((*record)->registration_id)};
  if (!(*record)->license_id.empty() && state->licenses.count(to_hex((*record)->license_id)) != 0) {
    output.suggest("to seal it again: " + deliver_command(options, (*record)->license_id));
    return Error{Errc::refused, "this passport is licensed already, as " + to_hex((*record)->license_id)};
  }
  STEGPASS_TRY(personal, personal_of(options, minted.request));
  (*record)->personal = personal;
  (*record)->license_id = credential::random_bytes(kIdBytes);
  const License license = license_of(terms, dates, home, **record, minted.request, *state);
  STEGPASS_TRY(statement, credential::sign_statement(signers.owner, license, dates.now));
  STEGPASS_TRY(status,
               credential::sign_statement(signers.owner, status_list_of(*state, dates.status_until, &license), dates.now));
  STEGPASS_TRY(index, commit(home, ledger, signers, **record, {statement, status}));
  if (auto done = deliver(ledger.log, index, minted, personal, options.out, options.force); !done) {
    output.suggest("write it again: " + deliver_command(options, license.id));
    return about("license " + to_hex(license.id) + " is in the ledger, but the delivery was not written", done.error());
  }
  return report_of(options.out, license, minted.request, index);
}

Result<Report> deliver_again(const DeliverOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(minted, read_minted(options.request, options.passport));
  STEGPASS_TRY(home, open_home(options.home));
  STEGPASS_TRY(ledger, open_ledger(home.home, ledger::Ledger::Mode::read));
  STEGPASS_TRY(found, find_license(ledger.state, options.license));
  const License& license = found.license->license;
  if (!(license.licensee == minted.request.licensee))
    return Error{Errc::refused, "the license is for another key than the request's"};
  if (license.user_passport != minted.digest)
    return Error{Errc::refused, options.passport + " is not the passport that the license names"};
  const VaultLicense* record = home.vault.license(license.id);
  const auto personal = record ? record->personal : std::vector<credential::PersonalClaim>{};
  STEGPASS_CHECK_OK(deliver(ledger.log, found.license->index, minted, personal, options.out, options.force));
  Report report = report_of(options.out, license, minted.request, found.license->index);
  if (personal.empty() && !license.personal.empty())
    report.text += "\n  without its personal part, which the vault holds no longer";
  return report;
}

int run_issue(const IssueOptions& options, Output& output) { return finish(output, issue(options, output)); }
int run_deliver(const DeliverOptions& options, Output& output) { return finish(output, deliver_again(options)); }

}  // namespace

void setup_license_issue(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<IssueOptions>();
  CLI::App* command =
      group.add_subcommand("issue", "License a minted passport: sign, enter into the ledger, seal for the licensee");
  add_home_options(*command, options->home);
  command->add_option("--request", options->request, "The licensee's request")->required();
  command->add_option("--passport", options->passport, "The user passport that was minted for it")->required();
  command->add_option("--out", options->out, "The delivery, sealed to the licensee's key")->required();
  command->add_option("--not-before", options->not_before, with_time_form("When it begins"))->capture_default_str();
  command->add_option("--expires", options->expires, with_time_form("When it ends"))->capture_default_str();
  command->add_option("--status-until", options->status_until, status_end_help())->capture_default_str();
  command->add_option("--personal", options->personal,
                      "NAME=VALUE: redacted in the ledger, shown with salt from the vault; the licensee's name is always there");
  command->add_option("--scope", options->terms.scope, "What it allows")->capture_default_str();
  command->add_option("--territory", options->terms.territory, "Where")->capture_default_str();
  command->add_option("--seats", options->terms.seats, "How many may use it at once; 0: not limited")->capture_default_str();
  command->add_flag("--sublicensing", options->terms.sublicensing, "The licensee may license others");
  command->add_option("--contract", options->contract, "File with the contract's text, which the license names by its SHA-256");
  command->add_option("--term", options->more_terms, "A further term, NAME=TEXT; may be given again")->allow_extra_args(false);
  command
      ->add_option("--critical", options->critical,
                   "Name of a term that a verifier must know, or else cannot decide; may be given again")
      ->allow_extra_args(false);
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass license issue --home studio --request ada.request --passport user-passport.png --expires +365d --out "
      "license.delivery");
  bind_command(commands, *command, options, run_issue);
}

void setup_license_deliver(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<DeliverOptions>();
  CLI::App* command = group.add_subcommand(
      "deliver", "Seal an issued license for its licensee once more, with what the vault holds of its personal part");
  add_home_options(*command, options->home);
  command->add_option("--license", options->license, "Its id, its URN or the statement's file")->required();
  command->add_option("--request", options->request, "The licensee's request")->required();
  command->add_option("--passport", options->passport, "The user passport that the license names")->required();
  command->add_option("--out", options->out, "The delivery")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass license deliver --home studio --license 00112233445566778899aabbccddeeff --request ada.request "
      "--passport user-passport.png --out license.delivery");
  bind_command(commands, *command, options, run_deliver);
}

}  // namespace stegpass::cli
