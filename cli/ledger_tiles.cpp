#include <memory>
#include <optional>
#include <string>

#include <stegpass/ledger/care.hpp>
#include <stegpass/ledger/tiles.hpp>

#include "command.hpp"
#include "ledger_view.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct ExportOptions {
  std::string home = ".", folder;
  bool lines = false;
};

struct ImportOptions {
  std::string tiles, out, log_key;
};

Json figures(const std::string& folder, const ledger::TileReport& report) {
  return {{"folder", folder}, {"from", report.from}, {"size", report.size}, {"files", report.files}, {"bytes", report.bytes}};
}

/// Every entry on a line of its own, on standard output.
int export_lines(const ledger::Ledger& log, Output& output) {
  const auto say = [&](std::uint64_t index, std::int64_t time, ByteView octets) -> Status {
    STEGPASS_TRY(entry, describe_entry(index, time, octets));
    return output.line(entry.dump(-1, ' ', false, Json::error_handler_t::replace));
  };
  if (auto done = ledger::for_each_entry(log, 0, say); !done) return output.fail(done.error());
  return output.done("");
}

int run_export(const ExportOptions& options, Output& output) {
  if (options.folder.empty() != options.lines || (options.lines && output.json()))
    return output.fail({Errc::usage, "one of a folder and --jsonl is needed, and --jsonl comes without --json"});
  auto log = ledger::Ledger::open(Home{options.home}.ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error(), "--home names the folder that stegpass init made");
  if (options.lines) return export_lines(*log, output);
  auto report = ledger::export_tiles(*log, options.folder);
  if (!report) return output.fail(report.error(), "what was exported before is as it was; another folder takes a whole export");
  return output.done(options.folder + ": entries " + std::to_string(report->from) + " to " + std::to_string(report->size) + ", " +
                         std::to_string(report->files) + " files written\n",
                     figures(options.folder, *report));
}

int run_import(const ImportOptions& options, Output& output) {
  std::optional<credential::NoteVerifier> key;
  if (!options.log_key.empty()) {
    auto read = read_vkey(options.log_key);
    if (!read) return output.fail(read.error());
    key = *read;
  }
  auto report = ledger::import_tiles(options.tiles, options.out, key);
  if (!report)
    return output.fail(report.error(), report.error().code == Errc::exists
                                           ? kNothingReplaced
                                           : "stegpass audit --tiles says what is wrong with an export");
  return output.done(options.out + ": " + std::to_string(report->size) + " entries\n", figures(options.out, *report));
}

}  // namespace

void setup_ledger_tiles(Commands& commands, CLI::App& ledger) {
  auto out = std::make_shared<ExportOptions>();
  CLI::App& to_tiles = *ledger.add_subcommand(
      "export", "Write the log as plain files (tlog-tiles) that any file server hands out; adds what is new");
  add_home_option(to_tiles, out->home);
  to_tiles.add_option("folder", out->folder, "Where the files go; a folder of an earlier export is brought up to date");
  to_tiles.add_flag("--jsonl", out->lines, "Instead: every entry as a line of JSON on standard output");
  to_tiles.footer("Example: stegpass ledger export /srv/www/log --home acme");
  bind_command(commands, to_tiles, out, run_export);

  auto in = std::make_shared<ImportOptions>();
  CLI::App& from_tiles = *ledger.add_subcommand("import", "Make a ledger from exported files, after auditing them");
  from_tiles.add_option("tiles", in->tiles, "The folder that ledger export wrote")->required();
  from_tiles.add_option("--out", in->out, "The new ledger's folder")->required();
  from_tiles.add_option("--log-key", in->log_key, "File with the log's verifier key (log.vkey) that you trust");
  from_tiles.footer("Example: stegpass ledger import /srv/www/log --out copy --log-key acme/log.vkey");
  bind_command(commands, from_tiles, in, run_import);
}

}  // namespace stegpass::cli
