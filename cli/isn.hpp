#pragma once

#include "command.hpp"

namespace stegpass::cli {

void setup_isn_hide(Commands& commands, CLI::App& group);
void setup_isn_reveal(Commands& commands, CLI::App& group);
void setup_isn_convert(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
