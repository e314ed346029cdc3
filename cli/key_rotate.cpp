#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/secret_file.hpp>

#include "files.hpp"
#include "key.hpp"
#include "license_desk.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::PrivateKey;
using credential::Statement;

constexpr std::size_t kIdBytes = 16;

struct RotateOptions {
  HomeOptions home;
  std::string reason, compromised, status_until = "+30d";
};

fs::path next_key(const Home& home) { return fs::path(home.owner_key()) += ".next"; }

/// The first free name that the old key can be kept under.
fs::path old_key(const Home& home) {
  std::error_code error;
  for (int number = 1;; ++number) {
    const fs::path path = home.rotated_key(number);
    if (!fs::exists(fs::symlink_status(path, error))) return path;
  }
}

/// Puts the new key in the old one's place, which is kept; at no moment is there no owner's key.
Result<fs::path> swap_keys(const Home& home) {
  const fs::path kept = old_key(home);
  STEGPASS_TRY(old, read_file(home.owner_key(), kMaxSmallFile, "an encrypted key"));
  STEGPASS_CHECK_OK(write_file(kept, old, {.secret = true}));
  std::error_code error;
  fs::rename(next_key(home), home.owner_key(), error);
  if (error)
    return Error{Errc::io,
                 "cannot rename " + next_key(home).string() + " to " + home.owner_key().string() + ": " + error.message()};
  return kept;
}

bool signs_something(const ledger::RegistrationPolicy& state, const credential::PublicKey& key) {
  for (const auto& [id, registration] : state.registrations()) {
    if (registration.signer() == key) return true;
  }
  return false;
}

/// The rotation, then a status list by the new key for each registration that has licenses.
Result<std::vector<Statement>> statements_of(const Desk& desk, const PrivateKey& next, const RotateOptions& options,
                                             std::int64_t now) {
  STEGPASS_TRY(until, status_end(options.status_until, now));
  std::optional<std::int64_t> compromised;
  if (!options.compromised.empty()) {
    STEGPASS_TRY(time, parse_time(options.compromised, now));
    if (time > now) return Error{Errc::usage, "--compromised is " + utc_time(time) + ", which is still to come"};
    compromised = time;
  }
  const auto rotation =
      credential::make_key_rotation(desk.signers.owner, next, credential::random_bytes(kIdBytes), options.reason, compromised);
  STEGPASS_TRY(statement, credential::sign_statement(desk.signers.owner, rotation, now));
  ledger::RegistrationPolicy after = desk.ledger.state;
  STEGPASS_CHECK_OK(after.accept(statement, desk.ledger.log.size(), now));
  std::vector<Statement> out{statement};
  for (const auto& [id, state] : after.registrations()) {
    if (state.licenses.empty() || !(state.signer() == next.public_key())) continue;
    STEGPASS_TRY(list, credential::sign_statement(next, status_list_of(state, until), now));
    out.push_back(std::move(list));
  }
  return out;
}

Report report_of(const fs::path& kept, const credential::PublicKey& next, std::optional<std::uint64_t> index) {
  Report report;
  report.text =
      (index ? "handed over by entry " + std::to_string(*index) + " of the ledger" : "the rotation in the ledger is finished") +
      "\n  new key  " + next.thumbprint_uri() + "\n  old key  kept as " + kept.string() +
      "\nkeep a copy of owner.key; owner.pub stays: registrations and marks are under it";
  report.figures = {{"key", next.thumbprint_uri()}, {"old_key_file", kept.string()}, {"index", index ? Json(*index) : Json()}};
  return report;
}

/// The new key's file is written first, the ledger second, the names last; what a crash leaves between is finished by running
/// again.
Result<Report> rotate(const RotateOptions& options, Output& output) {
  const std::int64_t now = current_time();
  const Home home = options.home.place();
  STEGPASS_TRY(passphrase, read_passphrase(options.home.passphrase, "Passphrase of " + home.folder.string()));
  STEGPASS_TRY(desk, open_desk(home, passphrase));
  std::error_code error;
  if (fs::exists(next_key(home), error)) {
    STEGPASS_TRY(waiting, read_private_key(next_key(home), passphrase));
    if (signs_something(desk.ledger.state, waiting.public_key())) {
      output.suggest("run it again to finish what was begun");
      STEGPASS_TRY(kept, swap_keys(home));
      return report_of(kept, waiting.public_key(), {});
    }
  }
  const PrivateKey next = PrivateKey::generate(desk.signers.owner.public_key().type());
  STEGPASS_TRY(statements, statements_of(desk, next, options, now));
  if (interrupted()) return Error{Errc::interrupted, "stopped; the key is as it was"};
  STEGPASS_TRY(before, read_file(home.owner_key(), kMaxSmallFile, "an encrypted key"));
  STEGPASS_TRY(info, credential::read_secret_file_info(before));
  STEGPASS_CHECK_OK(
      write_file(next_key(home), credential::encode_key_file(next, passphrase, info.cost), {.force = true, .secret = true}));
  output.suggest("run it again to finish what was begun");
  // If this fails the new key stays: the ledger may hold the rotation all the same, and then there is no other key.
  STEGPASS_TRY(appended, desk.ledger.log.append(statements, desk.signers.log, now));
  STEGPASS_TRY(kept, swap_keys(home));
  return report_of(kept, next.public_key(), appended[0].index);
}

int run(const RotateOptions& options, Output& output) { return finish(output, rotate(options, output)); }

}  // namespace

void setup_key_rotate(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RotateOptions>();
  CLI::App* command = group.add_subcommand("rotate", "Make a new owner's key and let the old one hand over to it in the ledger");
  add_home_options(*command, options->home);
  command->add_option("--reason", options->reason, "Why; everybody can read it")->required();
  command->add_option(
      "--compromised", options->compromised,
      "Since when the old key is in other hands, a time that is past: 2027-01-31 or 2027-01-31T12:00:00Z; a claim that "
      "touches nothing already in the ledger");
  command->add_option("--status-until", options->status_until, status_end_help())->capture_default_str();
  command->footer("Example: stegpass key rotate --home studio --reason planned");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
