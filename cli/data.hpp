#pragma once

#include "command.hpp"

namespace stegpass::cli {

/// The subcommands of `stegpass data` that have files of their own.
void setup_data_draw(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
