#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "license.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using credential::Statement;
using ledger::Ledger;

constexpr std::size_t kIdBytes = 16;

struct RevokeOptions {
  HomeOptions home;
  std::string license, reason, status_until = "+30d";
};
struct StatusOptions {
  HomeOptions home;
  std::string until = "+30d";
};
struct ListOptions {
  std::string home = ".";
};

/// Keys and ledger, opened for writing; the vault stays closed.
struct Desk {
  HomeLock lock;
  Signers signers;
  OpenLedger ledger;
};

Result<Desk> open_desk(const HomeOptions& options) {
  const Home home = options.place();
  STEGPASS_TRY(lock, HomeLock::take(home));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + home.folder.string()));
  STEGPASS_TRY(signers, read_signers(home, passphrase));
  STEGPASS_TRY(ledger, open_ledger(home, Ledger::Mode::write));
  return Desk{std::move(lock), std::move(signers), std::move(ledger)};
}

Result<std::int64_t> future_time(const std::string& text, std::int64_t now) {
  STEGPASS_TRY(time, parse_time(text, now));
  if (time <= now) return Error{Errc::usage, "the status list would have ended already, at " + utc_time(time)};
  return time;
}

Result<Report> revoke(const RevokeOptions& options) {
  const std::int64_t now = current_time();
  STEGPASS_TRY(until, future_time(options.status_until, now));
  STEGPASS_TRY(desk, open_desk(options.home));
  STEGPASS_TRY(found, find_license(desk.ledger.state, options.license));
  const Bytes& id = found.license->license.id;
  if (found.license->revoked_by) {
    return Error{Errc::refused, "license " + to_hex(id) + " is revoked already, by entry " + std::to_string(*found.license->revoked_by)};
  }
  const credential::Revocation revocation{credential::random_bytes(kIdBytes), id, options.reason, now};
  STEGPASS_TRY(statement, credential::sign_statement(desk.signers.owner, revocation, now));
  STEGPASS_TRY(status, credential::sign_statement(desk.signers.owner, status_list_of(*found.registration, until, nullptr, id), now));
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was revoked"};
  STEGPASS_TRY(appended, desk.ledger.log.append({statement, status}, desk.signers.log, now));
  Report report;
  report.text = "revoked license " + to_hex(id) + ", entry " + std::to_string(appended[0].index) +
                " of the ledger, with a new status list\nmake fresh bundles: those made before still say that it is valid, until they are too old";
  report.figures = {{"license", to_hex(id)}, {"reason", options.reason}, {"effective", utc_time(now)}, {"index", appended[0].index},
                    {"status_index", appended[1].index}};
  return report;
}

Result<Report> refresh(const StatusOptions& options) {
  const std::int64_t now = current_time();
  STEGPASS_TRY(until, future_time(options.until, now));
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
  report.text = "issued " + std::to_string(appended.size()) + (appended.size() == 1 ? " status list" : " status lists") + ", good until " +
                utc_time(until) + ", newest entry " + std::to_string(appended.back().index);
  report.figures = {{"lists", appended.size()}, {"as_of", utc_time(now)}, {"until", utc_time(until)}, {"index", appended.back().index}};
  return report;
}

std::string state_of(const ledger::LicenseState& license, std::int64_t now) {
  if (license.revoked_by) return "revoked";
  if (now >= license.license.expires) return "expired";
  return now < license.license.not_before ? "not yet" : "in force";
}

Result<Report> list(const ListOptions& options) {
  STEGPASS_TRY(ledger, open_ledger({options.home}, Ledger::Mode::read));
  const std::int64_t now = current_time();
  Report report;
  Json licenses = Json::array();
  for (const auto& [registration, entry] : ledger.state.registrations()) {
    for (const auto& [id, license] : entry.licenses) {
      const std::string state = state_of(license, now);
      report.text += id + "  " + state + std::string(10 - state.size(), ' ') + "until " + utc_time(license.license.expires) + "  " +
                     license.license.licensee.thumbprint_uri() + "\n";
      licenses.push_back({{"id", id}, {"registration", registration}, {"state", state}, {"index", license.index},
                          {"licensee", license.license.licensee.thumbprint_uri()}, {"not_before", utc_time(license.license.not_before)},
                          {"expires", utc_time(license.license.expires)}, {"status_index", license.license.status_index}});
    }
  }
  if (report.text.empty()) report.text = "no licenses";
  report.figures = {{"licenses", licenses}, {"registrations", ledger.state.registrations().size()}, {"as_of", utc_time(now)}};
  return report;
}

int run_revoke(const RevokeOptions& options, Output& output) { return finish(output, revoke(options)); }
int run_status(const StatusOptions& options, Output& output) { return finish(output, refresh(options)); }
int run_list(const ListOptions& options, Output& output) { return finish(output, list(options)); }

}  // namespace

void setup_license_revoke(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RevokeOptions>();
  CLI::App* command = group.add_subcommand("revoke", "Take a license back, for good");
  add_home_options(*command, options->home);
  command->add_option("--license", options->license, "Its id, its URN or the statement's file")->required();
  command->add_option("--reason", options->reason, "Why; everybody can read it")->required();
  command->add_option("--status-until", options->status_until, "How long the new status list holds")->capture_default_str();
  command->footer("Example: stegpass license revoke --home studio --license 00112233445566778899aabbccddeeff --reason \"terms broken\"");
  bind_command(commands, *command, options, run_revoke);
}

void setup_license_status(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App* command = group.add_subcommand("status", "Issue fresh status lists, so that new bundles are fresh");
  add_home_options(*command, options->home);
  command->add_option("--until", options->until, "How long they hold")->capture_default_str();
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
