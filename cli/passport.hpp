#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

namespace stegpass::cli {

// Each adds one command of `stegpass passport`.
void setup_passport_new(Commands& commands, CLI::App& group);
void setup_passport_train(Commands& commands, CLI::App& group);
void setup_passport_evaluate(Commands& commands, CLI::App& group);
void setup_passport_mint(Commands& commands, CLI::App& group);
void setup_passport_verify(Commands& commands, CLI::App& group);
void setup_passport_convert(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
