#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

namespace stegpass::cli {

/// Adds `stegpass dispute claim` and `stegpass dispute evidence`.
void setup_dispute_statements(Commands& commands, CLI::App& group);
/// Adds `stegpass dispute enter`, which needs the ledger.
void setup_dispute_enter(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
