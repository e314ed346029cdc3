#pragma once

#include <cstdint>

#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// The registrations with their licenses as JSON; the same for the same log on any machine.
Json describe_state(const ledger::RegistrationPolicy& state);

/// One entry of the log, without its octets' meaning: a line of `ledger export --jsonl`. Schema  schemas/ledger-lines.md
/// Errors  malformed: no statement.
Result<Json> describe_entry(std::uint64_t index, std::int64_t time, ByteView octets);

/// What the log's newest checkpoint says.
Result<credential::Checkpoint> newest_checkpoint(const ledger::Ledger& log);

}  // namespace stegpass::cli
