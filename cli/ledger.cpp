#include <memory>
#include <string>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/witness.hpp>

#include "command.hpp"
#include "files.hpp"
#include "ledger_view.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct LedgerOptions {
  std::string home = ".";
  std::uint64_t index = 0;
  std::uint64_t old_size = 0, new_size = 0;
  std::string out;
  bool force = false;

  Home place() const { return {home}; }
};

std::string license_line(const Json& license) {
  std::string line = "  license " + license["id"].get<std::string>() + " to " + license["licensee"].get<std::string>() +
                     ", expires " + license["expires"].get<std::string>();
  for (const char* change : {"renewed_by", "suspended_by", "transferred_by", "revoked_by"}) {
    if (license[change].is_null()) continue;
    std::string word = change;
    line += ", " + word.substr(0, word.find('_')) + " by entry " + std::to_string(license[change].get<std::uint64_t>());
  }
  return line + "\n";
}

std::string dispute_line(const Json& dispute) {
  return "  dispute " + dispute["id"].get<std::string>() + " on " + dispute["ground"].get<std::string>() + " by " +
         dispute["claimant"].get<std::string>() +
         (dispute["outcome"].is_null() ? ", open" : ", " + dispute["outcome"].get<std::string>()) + "\n";
}

std::string state_text(const Json& registrations) {
  std::string text;
  for (const Json& entry : registrations) {
    text += "model " + entry["id"].get<std::string>() + " \"" + entry["model"].get<std::string>() + "\" by " +
            entry["owner"].get<std::string>() + (entry["contested"].get<bool>() ? ", contested" : "") + "\n";
    if (!entry["rotations"].empty()) text += "  signed for by " + entry["signer"].get<std::string>() + " now\n";
    for (const Json& license : entry["licenses"]) text += license_line(license);
    for (const Json& dispute : entry["disputes"]) text += dispute_line(dispute);
  }
  return text;
}

int run_show(const LedgerOptions& options, Output& output) {
  auto view = open_ledger(options.place(), ledger::Ledger::Mode::read);
  if (!view) return output.fail(view.error(), "--home names the folder that stegpass init made");
  auto newest = newest_checkpoint(view->log);
  if (!newest) return output.fail(newest.error());
  const Checkpoint& checkpoint = *newest;
  const Json registrations = describe_state(view->state);
  const std::string key = view->log.log_key().thumbprint_uri();
  std::string text = "log " + checkpoint.origin + ", " + std::to_string(checkpoint.tree_size) + " entries, as of " +
                     utc_time(checkpoint.time) + "\nroot " + to_hex(checkpoint.root) + "\nlog key " + key + "\n" +
                     state_text(registrations);
  return output.done(text, {{"origin", checkpoint.origin},
                            {"size", checkpoint.tree_size},
                            {"root", to_hex(checkpoint.root)},
                            {"as_of", utc_time(checkpoint.time)},
                            {"log_key", key},
                            {"registrations", registrations}});
}

/// Writes `content` to --out and prints its name; without --out prints `text`.
int hand_out(const LedgerOptions& options, Output& output, ByteView content, const std::string& text, Json figures) {
  if (options.out.empty()) return output.done(text, std::move(figures));
  if (auto written = write_file(options.out, content, {.force = options.force}); !written) return output.fail(written.error());
  figures["out"] = options.out;
  return output.done(options.out, std::move(figures));
}

Result<Bytes> read_entry(const ledger::Ledger& log, std::uint64_t index) {
  if (index < log.size()) return log.entry(index);
  return Error{Errc::usage,
               "the ledger has entries 0 to " + std::to_string(log.size() - 1) + "; there is no entry " + std::to_string(index)};
}

int run_entry(const LedgerOptions& options, Output& output) {
  auto log = ledger::Ledger::open(options.place().ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error());
  auto entry = read_entry(*log, options.index);
  if (!entry) return output.fail(entry.error());
  auto statement = Statement::decode(*entry);
  if (!statement) return output.fail(statement.error(), "stegpass audit tells what else is wrong with this ledger");
  const std::string kind(statement_kind_name(statement->kind()));
  const std::string text = "entry " + std::to_string(options.index) + ": " + kind + ", " + statement->subject() + "\nissued by " +
                           statement->issuer() + " at " + utc_time(statement->issued_at()) + "\n";
  return hand_out(options, output, *entry, text,
                  {{"index", options.index},
                   {"kind", kind},
                   {"subject", statement->subject()},
                   {"issuer", statement->issuer()},
                   {"issued_at", utc_time(statement->issued_at())},
                   {"bytes", entry->size()},
                   {"entry", to_hex(*entry)}});
}

int run_receipt(const LedgerOptions& options, Output& output) {
  auto log = ledger::Ledger::open(options.place().ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error());
  auto entry = read_entry(*log, options.index);
  if (!entry) return output.fail(entry.error());
  auto receipt = log->receipt(options.index);
  if (!receipt) return output.fail(receipt.error());
  return hand_out(options, output, *receipt, to_hex(*receipt) + "\n",
                  {{"index", options.index}, {"tree_size", log->size()}, {"receipt", to_hex(*receipt)}});
}

int run_consistency(const LedgerOptions& options, Output& output) {
  auto log = ledger::Ledger::open(options.place().ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error());
  const auto new_size = options.new_size == 0 ? log->size() : options.new_size;
  auto receipt = log->consistency_receipt(options.old_size, new_size);
  if (!receipt) return output.fail(receipt.error());
  return hand_out(options, output, *receipt, to_hex(*receipt) + "\n",
                  {{"old_size", options.old_size}, {"new_size", new_size}, {"receipt", to_hex(*receipt)}});
}

int run_checkpoint(const LedgerOptions& options, Output& output) {
  auto log = ledger::Ledger::open(options.place().ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error());
  auto note = ledger::cosigned_checkpoint(*log);
  if (!note) return output.fail(note.error());
  return hand_out(options, output, as_bytes(*note), *note, {{"checkpoint", *note}});
}

CLI::App& add_part(Commands& commands, CLI::App& parent, const std::string& name, const std::string& help,
                   int (*run)(const LedgerOptions&, Output&)) {
  auto options = std::make_shared<LedgerOptions>();
  CLI::App& command = *parent.add_subcommand(name, help);
  add_home_option(command, options->home);
  if (name == "entry" || name == "receipt")
    command.add_option("index", options->index, "Number of the entry, from 0")->required();
  if (name == "consistency") {
    command.add_option("old", options->old_size, "Size of the older tree, from 1")->required();
    command.add_option("new", options->new_size, "Size of the newer one, at which a commit ended; the newest if not given");
  }
  if (name != "show") {
    command.add_option("--out", options->out, "File to write it to");
    command.add_flag("--force", options->force, "Replace the output if it exists");
  }
  bind_command(commands, command, options, run);
  return command;
}

}  // namespace

void setup_ledger(Commands& commands) {
  CLI::App& ledger = *commands.app.add_subcommand(
      "ledger", "Read the log: its state, an entry, proofs, the signed checkpoint; export and import it");
  ledger.require_subcommand(1);
  add_part(commands, ledger, "show", "The log's size and root, its models and licenses", run_show)
      .footer("Example: stegpass ledger show --home acme");
  add_part(commands, ledger, "entry", "One statement as the log keeps it", run_entry)
      .footer("Example: stegpass ledger entry 1 --home acme --out registration.cose");
  add_part(commands, ledger, "receipt", "The proof that an entry is in the log (RFC 9942)", run_receipt)
      .footer("Example: stegpass ledger receipt 1 --home acme --out registration.receipt");
  add_part(commands, ledger, "consistency", "The proof that the log starts with what it was at an older size (RFC 9942)",
           run_consistency)
      .footer("Example: stegpass ledger consistency 3 --home acme --out grown.receipt");
  add_part(commands, ledger, "checkpoint", "The newest signed checkpoint, with its cosignatures", run_checkpoint)
      .footer("Example: stegpass ledger checkpoint --home acme --out checkpoint.txt");
  setup_ledger_tiles(commands, ledger);
  setup_ledger_witness(commands, ledger);
  setup_ledger_care(commands, ledger);
  setup_ledger_list(commands, ledger);
  setup_ledger_site(commands, ledger);
}

}  // namespace stegpass::cli
