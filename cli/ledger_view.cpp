#include "ledger_view.hpp"

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::string_view kLicenseUrn = "urn:stegpass:license:";
constexpr std::size_t kIdHexDigits = 32;

Error at_entry(std::uint64_t index, const Error& error) {
  return {Errc::malformed, "ledger entry " + std::to_string(index) + ": " + error.detail};
}

Result<ledger::RegistrationPolicy> replay(const ledger::Ledger& log) {
  ledger::RegistrationPolicy state;
  for (std::uint64_t index = 0; index < log.size(); ++index) {
    STEGPASS_TRY(entry, log.entry(index));
    auto statement = Statement::decode(entry);
    if (!statement) return at_entry(index, statement.error());
    // Its own time: the clock rule was applied when it was appended.
    if (auto taken = state.accept(*statement, index, statement->issued_at()); !taken) return at_entry(index, taken.error());
  }
  return state;
}

Json describe_license(const ledger::LicenseState& state) {
  const License& license = state.license;
  Json out = {{"id", to_hex(license.id)},
              {"index", state.index},
              {"licensee", license.licensee.thumbprint_uri()},
              {"not_before", utc_time(license.not_before)},
              {"expires", utc_time(license.expires)},
              {"revoked_by", state.revoked_by ? Json(*state.revoked_by) : Json()}};
  return out;
}

}  // namespace

Result<LedgerView> open_ledger_view(const std::filesystem::path& folder) {
  STEGPASS_TRY(log, ledger::Ledger::open(folder, ledger::Ledger::Mode::read));
  STEGPASS_TRY(state, replay(log));
  STEGPASS_TRY(signed_checkpoint, log.checkpoint());
  STEGPASS_TRY(note, parse_note(signed_checkpoint));
  STEGPASS_TRY(checkpoint, parse_checkpoint(note.text));
  return LedgerView{std::move(log), std::move(state), std::move(checkpoint)};
}

Json describe_state(const ledger::RegistrationPolicy& state) {
  Json out = Json::array();
  for (const auto& [id, entry] : state.registrations()) {
    Json licenses = Json::array();
    for (const auto& [license_id, license] : entry.licenses) licenses.push_back(describe_license(license));
    out.push_back({{"id", id},
                   {"index", entry.index},
                   {"model", entry.registration.model_name},
                   {"owner", entry.registration.owner.thumbprint_uri()},
                   {"contested", entry.contested},
                   {"newest_status", entry.newest_status ? Json(*entry.newest_status) : Json()},
                   {"licenses", std::move(licenses)}});
  }
  return out;
}

Result<Bytes> parse_license_id(const std::string& text) {
  std::string_view digits = text;
  if (digits.starts_with(kLicenseUrn)) digits.remove_prefix(kLicenseUrn.size());
  if (auto id = parse_hex(digits); id && digits.size() == kIdHexDigits) return std::move(*id);
  std::error_code ignored;
  if (!std::filesystem::exists(text, ignored)) {
    return Error{Errc::usage, "'" + text + "' is neither a license id (32 hexadecimal digits, or urn:stegpass:license:...) nor a file"};
  }
  STEGPASS_TRY(file, read_file(text, kMaxSmallFile, "a license statement"));
  STEGPASS_TRY(statement, Statement::decode(file));
  const auto* license = statement.as<License>();
  if (license == nullptr) return Error{Errc::malformed, text + " is a " + std::string(statement_kind_name(statement.kind())) + "; expected a license"};
  return license->id;
}

}  // namespace stegpass::cli
