#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

namespace stegpass::cli {

/// Adds `stegpass model register`, which needs the ledger.
void setup_model_register(Commands& commands, CLI::App& group);
/// Adds `stegpass model tensor`.
void setup_model_tensor(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
