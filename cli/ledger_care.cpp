#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/ledger/care.hpp>

#include "command.hpp"
#include "files.hpp"
#include "ledger_view.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;
using ledger::Ledger;

struct HomeOnly {
  std::string home = ".";
};

struct BackupOptions {
  std::string home = ".", folder;
};

struct RestoreOptions {
  std::string backup, out, seen, log_key;
};

struct WatchOptions {
  std::string home = ".";
  std::optional<std::uint64_t> from;
  double every_s = 2;
  bool once = false;
};

Json figures(const std::string& folder, const ledger::CopyReport& report) {
  return {{"folder", folder}, {"size", report.size}, {"files", report.files}, {"bytes", report.bytes}};
}

Result<Report> backup(const BackupOptions& options) {
  const Home home{options.home};
  STEGPASS_TRY(lock, HomeLock::take(home, HomeWait::minute));
  static_cast<void>(lock);  // held until the end
  STEGPASS_TRY(log, Ledger::open(home.ledger(), Ledger::Mode::write));
  STEGPASS_TRY(made, ledger::backup(log, options.folder));
  return Report{options.folder + ": " + std::to_string(made.size) + " entries, " + std::to_string(made.bytes) + " bytes",
                figures(options.folder, made)};
}

Result<Report> restore(const RestoreOptions& options) {
  STEGPASS_TRY(seen, read_file(options.seen, kMaxSmallFile, "the newest checkpoint kept elsewhere"));
  std::optional<NoteVerifier> key;
  if (!options.log_key.empty()) {
    STEGPASS_TRY(read, read_vkey(options.log_key));
    key = std::move(read);
  }
  STEGPASS_TRY(made, ledger::restore(options.backup, options.out, as_text(seen), key));
  return Report{options.out + ": " + std::to_string(made.size) + " entries", figures(options.out, made)};
}

int run_backup(const BackupOptions& options, Output& output) {
  const auto made = backup(options);
  if (!made && made.error().code == Errc::busy)
    output.suggest("a program that writes all the time makes backups itself (ledger::backup)");
  if (!made && made.error().code == Errc::exists) output.suggest(kNothingReplaced);
  return finish(output, made);
}

int run_restore(const RestoreOptions& options, Output& output) {
  const auto made = restore(options);
  const bool exists = !made && made.error().code == Errc::exists;
  return finish(output, made,
                exists ? kNothingReplaced : "entries that a backup lacks come back from exported files: stegpass ledger import");
}

int run_check(const HomeOnly& options, Output& output) {
  auto log = Ledger::open(Home{options.home}.ledger(), Ledger::Mode::read);
  if (!log && log.error().code == Errc::malformed) {
    Verdict verdict;
    verdict.add("check.opens", Outcome::invalid, log.error().detail);
    return output.judged(verdict, 0);
  }
  if (!log) return output.fail(log.error(), "--home names the folder that stegpass init made");
  ProgressBar bar("check");
  auto verdict = ledger::check(
      *log, [&](std::uint64_t done, std::uint64_t total) { bar.update(static_cast<double>(done), static_cast<double>(total)); });
  if (!verdict) return output.fail(verdict.error());
  auto newest = newest_checkpoint(*log);
  if (!newest) return output.fail(newest.error());
  return output.judged(*verdict, newest->time, {{"origin", newest->origin}, {"size", newest->tree_size}});
}

Result<Report> stats(const HomeOnly& options) {
  STEGPASS_TRY(log, Ledger::open(Home{options.home}.ledger(), Ledger::Mode::read));
  STEGPASS_TRY(found, ledger::stats(log));
  Report report;
  report.text = std::to_string(found.entries) + " entries in " + std::to_string(found.commits) + " commits, " +
                utc_time(found.first_time) + " to " + utc_time(found.last_time) + "\n" + std::to_string(found.entry_bytes) +
                " bytes of entries, the largest " + std::to_string(found.largest_entry) + "; " +
                std::to_string(found.file_bytes) + " bytes in " + std::to_string(found.files) + " files\n";
  for (const auto& [kind, count] : found.kinds) report.text += "  " + kind + " " + std::to_string(count) + "\n";
  report.figures = {{"entries", found.entries},
                    {"commits", found.commits},
                    {"first", utc_time(found.first_time)},
                    {"last", utc_time(found.last_time)},
                    {"kinds", found.kinds},
                    {"entry_bytes", found.entry_bytes},
                    {"largest_entry", found.largest_entry},
                    {"files", found.files},
                    {"file_bytes", found.file_bytes}};
  return report;
}

int run_stats(const HomeOnly& options, Output& output) { return finish(output, stats(options)); }

/// What has been seen of a log that is watched.
struct Watched {
  Checkpoint newest;
  Json entries = Json::array();  // for the one object of --json
};

std::string entry_line(const Json& entry) {
  return std::to_string(entry["index"].get<std::uint64_t>()) + " " + entry["time"].get<std::string>() + " " +
         entry["kind"].get<std::string>() + " " + entry["subject"].get<std::string>() + " by " +
         entry["issuer"].get<std::string>();
}

/// Whether the log as it is now continues what was seen of it. Errors malformed: it does not.
Status check_growth(const Ledger& log, const Checkpoint& before, const Checkpoint& now) {
  if (now.origin != before.origin) return Error{Errc::malformed, "another log now: " + now.origin + ", before " + before.origin};
  if (now.tree_size < before.tree_size)
    return Error{Errc::malformed,
                 "rolled back: size " + std::to_string(now.tree_size) + ", seen before with " + std::to_string(before.tree_size)};
  STEGPASS_TRY(proof, log.consistency_proof(before.tree_size, now.tree_size));
  if (auto grown = verify_consistency(before.root, now.root, proof); !grown)
    return Error{Errc::malformed,
                 "forked: not the log seen before, of size " + std::to_string(before.tree_size) + ": " + grown.error().detail};
  return Done{};
}

/// One look: checks the growth, and says what is new from `from` on. Gives the size that was reached.
Result<std::uint64_t> look(const Home& home, Watched& watched, std::optional<std::uint64_t> from, Output& output) {
  STEGPASS_TRY(log, Ledger::open(home.ledger(), Ledger::Mode::read));
  STEGPASS_TRY(now, newest_checkpoint(log));
  if (watched.newest.tree_size > 0) STEGPASS_CHECK_OK(check_growth(log, watched.newest, now));
  watched.newest = now;
  const auto say = [&](std::uint64_t index, std::int64_t time, ByteView octets) -> Status {
    STEGPASS_TRY(entry, describe_entry(index, time, octets));
    if (!output.json()) return output.line(entry_line(entry));
    watched.entries.push_back(std::move(entry));
    return Done{};
  };
  STEGPASS_CHECK_OK(ledger::for_each_entry(log, from.value_or(now.tree_size), say));
  return now.tree_size;
}

void wait(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!interrupted() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(50));
}

int run_watch(const WatchOptions& options, Output& output) {
  if (!(options.every_s >= 0.1 && options.every_s <= 86'400))
    return output.fail({Errc::usage, "--every must be 0.1 to 86400 seconds"});
  Watched watched;
  std::optional<std::uint64_t> from = options.from;
  do {
    auto reached = look({options.home}, watched, from, output);
    if (!reached && reached.error().code == Errc::malformed) {
      Verdict verdict;
      verdict.add("watch.growth", Outcome::invalid, reached.error().detail);
      return output.judged(verdict, watched.newest.time);
    }
    if (!reached) return output.fail(reached.error());
    from = *reached;
    if (!options.once) wait(options.every_s);
  } while (!options.once && !interrupted());
  const std::string size = std::to_string(watched.newest.tree_size);
  return output.done(options.once ? "size " + size : "", {{"origin", watched.newest.origin},
                                                          {"size", watched.newest.tree_size},
                                                          {"root", to_hex(watched.newest.root)},
                                                          {"entries", watched.entries}});
}

void setup_copies(Commands& commands, CLI::App& ledger) {
  auto out = std::make_shared<BackupOptions>();
  CLI::App& copy = *ledger.add_subcommand("backup", "Copy the ledger, whole and at one moment, into a new folder");
  add_home_option(copy, out->home);
  copy.add_option("folder", out->folder, "The copy; on another disk if it is to outlive this one")->required();
  copy.footer("Example: stegpass ledger backup /mnt/backup/ledger-2026-11-21 --home acme");
  bind_command(commands, copy, out, run_backup);

  auto in = std::make_shared<RestoreOptions>();
  CLI::App& back = *ledger.add_subcommand(
      "restore", "Make a ledger of a backup, after auditing it and seeing the newest checkpoint that anybody has");
  back.add_option("backup", in->backup, "The folder that ledger backup wrote")->required();
  back.add_option("--out", in->out, "The new ledger's folder, e.g. acme/ledger")->required();
  back.add_option("--seen", in->seen,
                  "The newest checkpoint kept elsewhere: of an export, a witness, a bundle's reader; a backup that ends before "
                  "it is refused")
      ->required();
  back.add_option("--log-key", in->log_key, "File with the log's verifier key (log.vkey) that you trust");
  back.footer(
      "Example: stegpass ledger restore /mnt/backup/ledger-2026-11-21 --out acme/ledger --seen /srv/www/log/checkpoint --log-key "
      "acme/log.vkey");
  bind_command(commands, back, in, run_restore);
}

void add_look(Commands& commands, CLI::App& ledger, const std::string& name, const std::string& help,
              int (*run)(const HomeOnly&, Output&)) {
  auto options = std::make_shared<HomeOnly>();
  CLI::App& command = *ledger.add_subcommand(name, help);
  add_home_option(command, options->home);
  command.footer("Example: stegpass ledger " + name + " --home acme --json");
  bind_command(commands, command, options, run);
}

}  // namespace

void setup_ledger_care(Commands& commands, CLI::App& ledger) {
  setup_copies(commands, ledger);
  add_look(commands, ledger, "check", "Look the ledger's files, tree and checkpoints through, without judging its statements",
           run_check);
  add_look(commands, ledger, "stats", "What the ledger holds, and what it takes on the disk", run_stats);
  auto options = std::make_shared<WatchOptions>();
  CLI::App& command =
      *ledger.add_subcommand("watch", "Follow the ledger as it grows, checking that it only does; Ctrl-C ends it");
  add_home_option(command, options->home);
  command.add_option("--from", options->from, "First entry to say; those to come if not given");
  command.add_option("--every", options->every_s, "Seconds between looks")->capture_default_str();
  command.add_flag("--once", options->once, "Look once and end");
  command.footer("Example: stegpass ledger watch --home acme --from 0");
  bind_command(commands, command, options, run_watch);
}

}  // namespace stegpass::cli
