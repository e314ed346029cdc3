#include <functional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "license.hpp"
#include "license_desk.hpp"

namespace stegpass::cli {

using credential::Statement;
using ledger::Ledger;

Result<Desk> open_desk(const Home& home, const credential::SecretBytes& passphrase) {
  STEGPASS_TRY(lock, HomeLock::take(home));
  STEGPASS_TRY(signers, read_signers(home, passphrase));
  STEGPASS_TRY(ledger, open_ledger(home, Ledger::Mode::write));
  return Desk{std::move(lock), std::move(signers), std::move(ledger)};
}

Result<Desk> open_desk(const HomeOptions& options) {
  const Home home = options.place();
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + home.folder.string()));
  return open_desk(home, passphrase);
}

std::string status_end_help() {
  return with_time_form("Hard end (exp) of the status list, which counts as fresh for 24 hours at most");
}

Result<std::int64_t> status_end(const std::string& text, std::int64_t now) {
  STEGPASS_TRY(time, parse_time(text, now));
  if (time <= now) return Error{Errc::usage, "the status list would have ended already, at " + utc_time(time)};
  return time;
}

namespace {

constexpr std::size_t kIdBytes = 16;

struct ChangeOptions {
  HomeOptions home;
  std::string license, reason, successor, until, status_until = "+30d";
};

/// What a change of a license comes to: the statement's body, and what to tell.
struct Change {
  credential::StatementBody body;
  std::string said;  ///< "revoked"
  std::string hint;
  Json figures = Json::object();
};
using Decide = std::function<Result<Change>(const ChangeOptions&, const Desk&, const FoundLicense&, std::int64_t now)>;

/// Signs a change and the status list that follows from it, and enters both into the ledger in one batch.
Result<Report> change(const ChangeOptions& options, const Decide& decide) {
  const std::int64_t now = current_time();
  STEGPASS_TRY(until, status_end(options.status_until, now));
  STEGPASS_TRY(desk, open_desk(options.home));
  STEGPASS_TRY(found, find_license(desk.ledger.state, options.license));
  const Bytes id = found.license->license.id;
  STEGPASS_TRY(decided, decide(options, desk, found, now));
  STEGPASS_TRY(statement, credential::sign_statement(desk.signers.owner, decided.body, now));
  STEGPASS_TRY(status, changed_status(desk.ledger, desk.signers, *found.registration, statement, now, until));
  if (interrupted()) return Error{Errc::interrupted, "stopped; the license is as it was"};
  STEGPASS_TRY(appended, desk.ledger.log.append({statement, status}, desk.signers.log, now));
  Report report;
  report.text = decided.said + " license " + to_hex(id) + ", entry " + std::to_string(appended[0].index) +
                " of the ledger, with a new status list\n" + decided.hint;
  report.figures = std::move(decided.figures);
  report.figures.update({{"license", to_hex(id)}, {"index", appended[0].index}, {"status_index", appended[1].index}});
  if (!options.reason.empty()) report.figures["reason"] = options.reason;
  return report;
}

constexpr const char* kFreshBundles = "make fresh bundles: those made before still say that it is valid, until they are too old";

Bytes new_id() { return credential::random_bytes(kIdBytes); }

Result<Change> revoke(const ChangeOptions& options, const Desk&, const FoundLicense& found, std::int64_t now) {
  const Bytes& id = found.license->license.id;
  if (const auto& by = found.license->revoked_by)
    return Error{Errc::refused, "license " + to_hex(id) + " is revoked already, by entry " + std::to_string(*by)};
  return Change{
      credential::Revocation{new_id(), id, options.reason, now}, "revoked", kFreshBundles, {{"effective", utc_time(now)}}};
}

Result<Change> suspend(const ChangeOptions& options, const Desk&, const FoundLicense& found, std::int64_t now) {
  return Change{credential::Suspension{new_id(), found.license->license.id, options.reason, now},
                "suspended",
                kFreshBundles,
                {{"effective", utc_time(now)}}};
}

Result<Change> reinstate(const ChangeOptions& options, const Desk&, const FoundLicense& found, std::int64_t now) {
  const Bytes& id = found.license->license.id;
  if (!found.license->suspended()) return Error{Errc::refused, "license " + to_hex(id) + " is not suspended"};
  return Change{credential::Reinstatement{new_id(), id, found.license->suspension_id, options.reason, now},
                "reinstated",
                "make fresh bundles: those made before say that it is suspended",
                {{"effective", utc_time(now)}}};
}

Result<Change> renew(const ChangeOptions& options, const Desk&, const FoundLicense& found, std::int64_t now) {
  STEGPASS_TRY(until, parse_time(options.until, now));
  if (until <= now) return Error{Errc::usage, "the renewal would have ended already, at " + utc_time(until)};
  const std::int64_t so_far = found.license->expires();
  if (until <= so_far)
    return Error{Errc::usage,
                 "the renewal would end at " + utc_time(until) + "; the license lasts until " + utc_time(so_far) + " already"};
  return Change{credential::Renewal{new_id(), found.license->license.id, until},
                "renewed",
                "it now ends at " + utc_time(until) + "; fresh bundles carry the renewal",
                {{"expires", utc_time(until)}}};
}

Result<Change> transfer(const ChangeOptions& options, const Desk& desk, const FoundLicense& found, std::int64_t now) {
  STEGPASS_TRY(to, find_license(desk.ledger.state, options.successor));
  const Bytes& successor = to.license->license.id;
  return Change{credential::Transfer{new_id(), found.license->license.id, successor, options.reason, now},
                "transferred",
                "license " + to_hex(successor) + " is in its place",
                {{"successor", to_hex(successor)}, {"effective", utc_time(now)}}};
}

template <Result<Change> (*decide)(const ChangeOptions&, const Desk&, const FoundLicense&, std::int64_t)>
int run(const ChangeOptions& options, Output& output) {
  return finish(output, change(options, decide));
}

CLI::App& add_change(CLI::App& group, const std::shared_ptr<ChangeOptions>& options, const std::string& name,
                     const std::string& help) {
  CLI::App* command = group.add_subcommand(name, help);
  add_home_options(*command, options->home);
  command->add_option("--license", options->license, "Its id, its URN or the statement's file")->required();
  command->add_option("--status-until", options->status_until, status_end_help())->capture_default_str();
  return *command;
}

void add_reason(CLI::App& command, const std::shared_ptr<ChangeOptions>& options) {
  command.add_option("--reason", options->reason, "Why; everybody can read it")->required();
}

constexpr const char* kExample = " --home studio --license 00112233445566778899aabbccddeeff ";

}  // namespace

void setup_license_revoke(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App& command = add_change(group, options, "revoke", "Take a license back, for good");
  add_reason(command, options);
  command.footer(std::string("Example: stegpass license revoke") + kExample + "--reason \"terms broken\"");
  bind_command(commands, command, options, run<revoke>);
}

void setup_license_suspend(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App& command = add_change(group, options, "suspend", "Take a license back until it is reinstated");
  add_reason(command, options);
  command.footer(std::string("Example: stegpass license suspend") + kExample + "--reason \"invoice open\"");
  bind_command(commands, command, options, run<suspend>);
}

void setup_license_reinstate(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App& command = add_change(group, options, "reinstate", "End the suspension of a license");
  add_reason(command, options);
  command.footer(std::string("Example: stegpass license reinstate") + kExample + "--reason \"invoice paid\"");
  bind_command(commands, command, options, run<reinstate>);
}

void setup_license_renew(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App& command = add_change(group, options, "renew", "Put off the end of a license");
  command.add_option("--until", options->until, with_time_form("The new end"))->required();
  command.footer(std::string("Example: stegpass license renew") + kExample + "--until +730d");
  bind_command(commands, command, options, run<renew>);
}

void setup_license_transfer(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App& command = add_change(group, options, "transfer", "End a license in favour of one that was issued to somebody else");
  command.add_option("--to", options->successor, "The license in its place: id, URN or the statement's file")->required();
  add_reason(command, options);
  command.footer(std::string("Example: stegpass license transfer") + kExample +
                 "--to ffeeddccbbaa99887766554433221100 --reason \"business sold\"");
  bind_command(commands, command, options, run<transfer>);
}

}  // namespace stegpass::cli
