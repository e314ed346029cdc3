#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// A ledger opened for reading, and what its statements come to.
struct LedgerView {
  ledger::Ledger log;
  ledger::RegistrationPolicy state;
  credential::Checkpoint checkpoint;
};

/// Opens the ledger in `folder` beside any writer and replays its statements. Errors as Ledger::open; malformed names the first bad entry.
Result<LedgerView> open_ledger_view(const std::filesystem::path& folder);

/// The registrations with their licenses as JSON; the same for the same log on any machine.
Json describe_state(const ledger::RegistrationPolicy& state);

/// The 16 bytes of a license's id: 32 hexadecimal digits, a urn:stegpass:license: of them, or a file that holds the license statement.
Result<Bytes> parse_license_id(const std::string& text);

}  // namespace stegpass::cli
