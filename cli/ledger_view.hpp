#pragma once

#include <stegpass/ledger/policy.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// The registrations with their licenses as JSON; the same for the same log on any machine.
Json describe_state(const ledger::RegistrationPolicy& state);

}  // namespace stegpass::cli
