#pragma once

#include <CLI/CLI.hpp>

#include "command.hpp"

namespace stegpass::cli {

// Each adds one command of `stegpass license`. The licensee's side needs no ledger.
void setup_license_request(Commands& commands, CLI::App& group);
void setup_license_open(Commands& commands, CLI::App& group);
void setup_license_present(Commands& commands, CLI::App& group);
void setup_license_card(Commands& commands, CLI::App& group);
void setup_license_issue(Commands& commands, CLI::App& group);
void setup_license_deliver(Commands& commands, CLI::App& group);
void setup_license_revoke(Commands& commands, CLI::App& group);
void setup_license_suspend(Commands& commands, CLI::App& group);
void setup_license_reinstate(Commands& commands, CLI::App& group);
void setup_license_renew(Commands& commands, CLI::App& group);
void setup_license_transfer(Commands& commands, CLI::App& group);
void setup_license_status(Commands& commands, CLI::App& group);
void setup_license_list(Commands& commands, CLI::App& group);

}  // namespace stegpass::cli
