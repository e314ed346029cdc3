#pragma once

#include "command.hpp"

namespace stegpass::cli {

void setup_policy_explain(Commands& commands, CLI::App& parent);

}  // namespace stegpass::cli
