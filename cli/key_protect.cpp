#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <vector>

#include <stegpass/credential/secret_file.hpp>

#include "files.hpp"
#include "key.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::PassphraseCost;
using credential::SecretBytes;
using credential::SecretFileInfo;

struct ProtectOptions {
  std::vector<std::string> files;
  std::uint32_t passes = 0, memory_mib = 0;
  bool change = false;
  PassphraseSource passphrase, new_passphrase;
};

/// A file, what it was, and what will take its place.
struct Protected {
  std::string path;
  PassphraseCost before, after;
  Bytes file;
};

/// Never less than the file has: what was decided once is not undone by the way.
Result<PassphraseCost> cost_of(const ProtectOptions& options, const std::string& path, PassphraseCost has) {
  const PassphraseCost asked{options.passes == 0 ? has.passes : options.passes,
                             options.memory_mib == 0 ? has.memory_kib : options.memory_mib * 1024};
  if (asked.passes < has.passes || asked.memory_kib < has.memory_kib) {
    return Error{Errc::refused, path + " costs " + std::to_string(has.passes) + " passes over " + std::to_string(has.memory_kib) +
                                    " KiB already, expected at least that"};
  }
  return asked;
}

Result<Protected> protect_one(const ProtectOptions& options, const std::string& path, const SecretBytes& passphrase,
                              const SecretBytes& next) {
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "an encrypted key or vault"));
  auto info = credential::read_secret_file_info(file);
  if (!info) return about(path, info.error());
  STEGPASS_TRY(cost, cost_of(options, path, info->cost));
  auto content = credential::decrypt_secret_file(info->kind, file, passphrase);
  if (!content) return about(path, content.error());
  return Protected{path, info->cost, cost, credential::encrypt_secret_file(info->kind, content->expose(), next, cost)};
}

/// Keeps other commands out of the folders of the files meanwhile: a home's vault may be written by any of them.
Result<std::vector<HomeLock>> lock_folders(const std::vector<std::string>& files) {
  std::set<fs::path> folders;
  for (const std::string& file : files)
    folders.insert(fs::path(file).has_parent_path() ? fs::path(file).parent_path() : fs::path("."));
  std::vector<HomeLock> locks;
  for (const fs::path& folder : folders) {
    STEGPASS_TRY(lock, HomeLock::take({folder}));
    locks.push_back(std::move(lock));
  }
  return locks;
}

Report report_of(const std::vector<Protected>& files, bool changed) {
  Report report;
  Json list = Json::array();
  for (const Protected& file : files) {
    report.text += (report.text.empty() ? "" : "\n") + file.path + ": " + std::to_string(file.after.passes) + " passes over " +
                   std::to_string(file.after.memory_kib) + " KiB" + (changed ? ", under the new passphrase" : "");
    list.push_back({{"file", file.path}, {"passes", file.after.passes}, {"memory_kib", file.after.memory_kib}});
  }
  report.figures = {{"files", list}, {"passphrase_changed", changed}};
  return report;
}

/// All files are encrypted anew before the first of them is replaced.
Result<Report> protect(const ProtectOptions& options) {
  if (options.passes == 0 && options.memory_mib == 0 && !options.change)
    return Error{Errc::usage, "nothing to do: give --passes, --memory-mib or --change-passphrase"};
  auto locks = lock_folders(options.files);
  if (!locks) return locks.error();
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.files.front()));
  std::optional<SecretBytes> next;
  if (options.change) {
    STEGPASS_TRY(given, read_passphrase(options.new_passphrase, "New passphrase", true));
    next = std::move(given);
  }
  std::vector<Protected> files;
  for (const std::string& path : options.files) {
    STEGPASS_TRY(one, protect_one(options, path, passphrase, next ? *next : passphrase));
    files.push_back(std::move(one));
  }
  if (interrupted()) return Error{Errc::interrupted, "stopped; the files are as they were"};
  for (const Protected& file : files) STEGPASS_CHECK_OK(write_file(file.path, file.file, {.force = true, .secret = true}));
  return report_of(files, options.change);
}

int run(const ProtectOptions& options, Output& output) { return finish(output, protect(options)); }

}  // namespace

void setup_key_protect(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ProtectOptions>();
  CLI::App* command = group.add_subcommand(
      "protect", "Encrypt keys and vaults anew: at a higher cost for whoever guesses, or under another passphrase");
  command
      ->add_option("files", options->files,
                   "Encrypted keys or vaults under one passphrase; a home's are owner.key, log.key and vault")
      ->required();
  command->add_option("--passes", options->passes, "Argon2id passes, at least the file's own")->check(CLI::Range(1, 16));
  command->add_option("--memory-mib", options->memory_mib, "Argon2id memory in MiB, at least the file's own")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--change-passphrase", options->change, "Take another passphrase");
  add_passphrase_options(*command, options->passphrase);
  add_passphrase_options(*command, options->new_passphrase, "new-");
  command->footer("Example: stegpass key protect studio/owner.key studio/log.key studio/vault --memory-mib 256 --passes 4");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
