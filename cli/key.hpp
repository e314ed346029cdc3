#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

namespace stegpass::cli {

/// Adds `stegpass key rotate`, which needs the ledger.
void setup_key_rotate(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
