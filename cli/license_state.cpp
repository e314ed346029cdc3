#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "license.hpp"
#include "license_desk.hpp"
#include "license_terms.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using credential::Statement;
using ledger::Ledger;

struct StatusOptions {
  HomeOptions home;
  std::string until = "+30d";
};
struct ListOptions {
  std::string home = ".";
};

Result<Report> refresh(const StatusOptions& options) {
  const std::int64_t now = current_time();
  STEGPASS_TRY(until, status_end(options.until, now));
  STEGPASS_TRY(desk, open_desk(options.home));
  std::vector<Statement> statements;
  for (const auto& [id, state] : desk.ledger.state.registrations()) {
    if (state.licenses.empty()) continue;
    STEGPASS_TRY(statement, credential::sign_statement(desk.signers.owner, status_list_of(state, until), now));
    statements.push_back(std::move(statement));
  }
  if (statements.empty()) return Error{Errc::refused, "no license has been issued yet, so there is no status to state"};
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was written"};
  STEGPASS_TRY(appended, desk.ledger.log.append(statements, desk.signers.log, now));
  Report report;
  report.text = "issued " + std::to_string(appended.size()) + (appended.size() == 1 ? " status list" : " status lists") +
                ", fresh for 24 hours, ending at " + utc_time(until) + ", newest entry " + std::to_string(appended.back().index);
  report.figures = {
      {"lists", appended.size()}, {"as_of", utc_time(now)}, {"until", utc_time(until)}, {"index", appended.back().index}};
  return report;
}

Result<Report> list(const ListOptions& options) {
  STEGPASS_TRY(ledger, open_ledger({options.home}, Ledger::Mode::read));
  const std::int64_t now = current_time();
  Report report;
  Json licenses = Json::array();
  for (const auto& [registration, entry] : ledger.state.registrations()) {
    for (const auto& [id, license] : entry.licenses) {
      const std::string state = state_word(license, now);
      report.text += id + "  " + state + std::string(12 - state.size(), ' ') + "until " + utc_time(license.expires()) + "  " +
                     license.license.licensee.thumbprint_uri() + "\n    " + credential::describe_terms(license.license.terms) +
                     "\n";
      licenses.push_back({{"id", id},
                          {"registration", registration},
                          {"state", state},
                          {"index", license.index},
                          {"licensee", license.license.licensee.thumbprint_uri()},
                          {"not_before", utc_time(license.license.not_before)},
                          {"expires", utc_time(license.expires())},
                          {"status_index", license.license.status_index},
                          {"terms", terms_json(license.license.terms)}});
    }
  }
  if (report.text.empty()) report.text = "no licenses";
  report.figures = {{"licenses", licenses}, {"registrations", ledger.state.registrations().size()}, {"as_of", utc_time(now)}};
  return report;
}

int run_status(const StatusOptions& options, Output& output) { return finish(output, refresh(options)); }
int run_list(const ListOptions& options, Output& output) { return finish(output, list(options)); }

}  // namespace

void setup_license_status(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command =
      group.add_subcommand("status", "Issue fresh status lists, daily: a bundle counts for 24 hours after its newest one");
  add_home_options(*command, options->home);
  command->add_option("--until", options->until, status_end_help())->capture_default_str();
  command->footer("Example: stegpass license status --home studio --until +30d");
  bind_command(commands, *command, options, run_status);
}

void setup_license_list(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = group.add_subcommand("list", "List all licenses in the ledger and their state");
  add_home_option(*command, options->home);
  command->footer("Example: stegpass license list --home studio");
  bind_command(commands, *command, options, run_list);
}

}  // namespace stegpass::cli
