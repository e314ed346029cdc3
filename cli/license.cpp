#include "license.hpp"

namespace stegpass::cli {

void setup_license(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand(
      "license", "Ask for, issue, open, present, print, renew, transfer, suspend and revoke licenses");
  group->require_subcommand(1);
  setup_license_request(commands, *group);
#ifdef STEGPASS_WITH_LEDGER
  setup_license_issue(commands, *group);
  setup_license_deliver(commands, *group);
#endif
  setup_license_open(commands, *group);
  setup_license_present(commands, *group);
  setup_license_card(commands, *group);
#ifdef STEGPASS_WITH_LEDGER
  setup_license_renew(commands, *group);
  setup_license_transfer(commands, *group);
  setup_license_suspend(commands, *group);
  setup_license_reinstate(commands, *group);
  setup_license_revoke(commands, *group);
  setup_license_status(commands, *group);
  setup_license_list(commands, *group);
#endif
}

}  // namespace stegpass::cli
