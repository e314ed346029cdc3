#include "workspace_ledger.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"

namespace stegpass::cli {

using credential::Statement;
using credential::StatusList;
using ledger::Ledger;

namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::int64_t kStatusTtl = 24 * 3600;

/// The id in "HEX" or in a URN with `prefix`.
Result<Bytes> parse_id(std::string_view text, std::string_view prefix) {
  if (text.substr(0, prefix.size()) == prefix) text.remove_prefix(prefix.size());
  auto id = parse_hex(text);
  if (!id || id->size() != kIdBytes)
    return Error{Errc::usage, "'" + std::string(text) + "' is no id; expected 32 hexadecimal digits"};
  return id;
}

Result<Bytes> license_id_of(const std::string& text) {
  std::error_code error;
  if (auto id = parse_id(text, "urn:stegpass:license:"); id || !std::filesystem::exists(text, error)) return id;
  STEGPASS_TRY(statement, read_statement(text, credential::StatementKind::license));
  return statement.as<credential::License>()->id;
}

}  // namespace

Result<Signers> read_signers(const Home& home, const credential::SecretBytes& passphrase) {
  STEGPASS_TRY(owner, read_private_key(home.owner_key(), passphrase));
  STEGPASS_TRY(log, read_private_key(home.log_key(), passphrase));
  return Signers{std::move(owner), std::move(log)};
}

Result<OpenLedger> open_ledger(const Home& home, Ledger::Mode mode) {
  STEGPASS_TRY(log, Ledger::open(home.ledger(), mode));
  ledger::RegistrationPolicy state;
  const std::int64_t now = current_time();
  for (std::uint64_t index = 0; index < log.size(); ++index) {
    STEGPASS_TRY(entry, log.entry(index));
    STEGPASS_TRY(statement, Statement::decode(entry));
    if (auto taken = state.accept(statement, index, now); !taken) {
      return about("entry " + std::to_string(index) + " of " + home.ledger().string(), taken.error());
    }
  }
  return OpenLedger{std::move(log), std::move(state)};
}

bool may_be_registered(const Error& error) { return error.code == Errc::io || error.code == Errc::internal; }

std::uint64_t next_status_index(const ledger::RegistrationState& state) {
  std::uint64_t next = 0;
  for (const auto& [id, license] : state.licenses) next = std::max(next, license.license.status_index + 1);
  return next;
}

StatusList status_list_of(const ledger::RegistrationState& state, std::int64_t expires, const credential::License* added) {
  StatusList list;
  list.registration_id = state.registration.id;
  list.expires = expires;
  list.ttl_s = kStatusTtl;
  list.states.assign(added ? std::max(next_status_index(state), added->status_index + 1) : next_status_index(state),
                     StatusList::valid);
  for (const auto& [id, license] : state.licenses) list.states[license.license.status_index] = license.state();
  return list;
}

Result<Statement> changed_status(const OpenLedger& ledger, const Signers& signers, const ledger::RegistrationState& state,
                                 const Statement& change, std::int64_t now, std::int64_t expires) {
  ledger::RegistrationPolicy after = ledger.state;
  STEGPASS_CHECK_OK(after.accept(change, ledger.log.size(), now));
  return credential::sign_statement(signers.owner, status_list_of(*after.registration(state.registration.id), expires), now);
}

Result<Bytes> transparent_statement(const Ledger& log, std::uint64_t index) {
  STEGPASS_TRY(entry, log.entry(index));
  STEGPASS_TRY(receipt, log.receipt(index));
  STEGPASS_TRY(statement, Statement::decode(entry));
  return statement.with_receipts({receipt});
}

std::string state_word(const ledger::LicenseState& license, std::int64_t now) {
  if (license.revoked_by) return "revoked";
  if (license.transferred_by) return "transferred";
  if (license.suspended()) return "suspended";
  if (now >= license.expires()) return "expired";
  return now < license.license.not_before ? "not yet" : "in force";
}

Result<FoundLicense> find_license(const ledger::RegistrationPolicy& state, const std::string& text) {
  STEGPASS_TRY(id, license_id_of(text));
  if (const auto* registration = state.registration_of_license(id)) {
    const auto found = registration->licenses.find(to_hex(id));
    if (found != registration->licenses.end()) return FoundLicense{registration, &found->second};
  }
  return Error{Errc::not_found, "the ledger has no license " + to_hex(id)};
}

Result<const ledger::RegistrationState*> find_registration(const ledger::RegistrationPolicy& state, const std::string& text) {
  if (!text.empty()) {
    STEGPASS_TRY(id, parse_id(text, "urn:stegpass:model:"));
    if (const auto* found = state.registration(id)) return found;
    return Error{Errc::not_found, "the ledger has no registration " + to_hex(id)};
  }
  if (state.registrations().empty()) return Error{Errc::not_found, "the ledger has no registration"};
  if (state.registrations().size() > 1)
    return Error{Errc::usage, "the ledger has more than one registration: name one by its id"};
  return &state.registrations().begin()->second;
}

}  // namespace stegpass::cli
