#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

#include "workspace.hpp"

namespace stegpass::cli {

/// Who signs in a home: the owner's statements, and the log's checkpoints.
struct Signers {
  credential::PrivateKey owner, log;
};
Result<Signers> read_signers(const Home& home, const credential::SecretBytes& passphrase);

/// The home's ledger and the state that its statements come to.
struct OpenLedger {
  ledger::Ledger log;
  ledger::RegistrationPolicy state;
};
/// Errors  not_found, busy, malformed; refused when an entry breaks the log's own rules.
Result<OpenLedger> open_ledger(const Home& home, ledger::Ledger::Mode mode);

/// Whether the ledger may hold what an append said to have failed: a disk that refuses may have written before. Then nothing that
/// the statements need later may be thrown away.
bool may_be_registered(const Error& error);

/// The status list that says of each license of a registration what the log says. `added` is a license that the log does not have
/// yet. Valid until `expires`.
credential::StatusList status_list_of(const ledger::RegistrationState& state, std::int64_t expires,
                                      const credential::License* added = nullptr);

/// The same once the log has taken `change` as well, which must be of that registration. Errors refused, by the log's rules.
Result<credential::Statement> changed_status(const OpenLedger& ledger, const Signers& signers,
                                             const ledger::RegistrationState& state, const credential::Statement& change,
                                             std::int64_t now, std::int64_t expires);

/// The index that the next license of a registration takes in its status list.
std::uint64_t next_status_index(const ledger::RegistrationState& state);

/// An entry of the log as a statement with its receipt for the newest tree.
Result<Bytes> transparent_statement(const ledger::Ledger& log, std::uint64_t index);

/// A license by its id in hexadecimal, its URN, or a file with the statement. Errors usage; not_found when the log has no such
/// license.
struct FoundLicense {
  const ledger::RegistrationState* registration;
  const ledger::LicenseState* license;
};
Result<FoundLicense> find_license(const ledger::RegistrationPolicy& state, const std::string& text);

/// What a license comes to at a time, in a word or two: in force, revoked, ...
std::string state_word(const ledger::LicenseState& license, std::int64_t now);

/// The registration by its id in hexadecimal or URN, or the only one when `text` is empty. Errors usage; not_found.
Result<const ledger::RegistrationState*> find_registration(const ledger::RegistrationPolicy& state, const std::string& text);

}  // namespace stegpass::cli
