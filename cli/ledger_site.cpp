#include "ledger_site.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

#include <stegpass/ledger/care.hpp>
#include <stegpass/ledger/witness.hpp>

#include "command.hpp"
#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using namespace credential;

constexpr const char* kMarker = ".stegpass-site";  // says that a folder is ours to replace, and of which log

struct SiteOptions {
  std::string home = ".", folder;
};

Error failed(const std::string& what, const fs::path& path) {
  return {Errc::io, what + " " + path.string() + ": " + std::strerror(errno)};
}

/// The folder's place, links resolved; it is free, empty, or a site of this log.
Result<fs::path> check_folder(const std::string& name, const std::string& origin) {
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(name.ends_with('/') ? name.substr(0, name.size() - 1) : name, error);
  if (error || folder.empty() || !folder.has_filename())
    return Error{Errc::usage, "'" + name + "' names no folder that can be made"};
  if (!fs::is_directory(folder.parent_path(), error))
    return Error{Errc::not_found, "the folder " + folder.parent_path().string() + " does not exist"};
  if (!fs::exists(fs::symlink_status(folder, error))) return folder;
  if (!fs::is_directory(folder, error)) return Error{Errc::exists, folder.string() + " is there and is no folder"};
  if (fs::is_empty(folder, error)) return folder;
  auto marker = read_file(folder / kMarker, kMaxSmallFile, "the mark of a ledger's pages");
  if (!marker) return Error{Errc::exists, folder.string() + " holds other files than a ledger's pages"};
  if (as_text(*marker) == origin + "\n") return folder;
  return Error{Errc::exists, folder.string() + " holds the pages of another ledger"};
}

/// A new folder beside the one that it will replace; removed unless it took its place.
class NewFolder {
 public:
  static Result<NewFolder> make(const fs::path& target) {
    const fs::path path = target.string() + ".new." + std::to_string(::getpid());
    std::error_code error;
    NewFolder folder(target, path);
    for (const fs::path& part : {path, path / "entries", path / "models", path / "licenses"})
      if (!fs::create_directory(part, error)) return Error{Errc::io, "cannot make " + part.string() + ": " + error.message()};
    return folder;
  }
  NewFolder(NewFolder&& other) noexcept : target_(std::move(other.target_)), path_(std::exchange(other.path_, {})) {}
  NewFolder& operator=(NewFolder&&) = delete;
  ~NewFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }

  Status put(const std::string& name, ByteView content) {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) return failed("cannot write", path_ / name);
    ++files_;
    bytes_ += content.size();
    return Done{};
  }

  /// Puts the folder in its place in one step, and removes what was there.
  Status take_place() {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
      ::syncfs(fd);
      ::close(fd);
    }
    std::error_code error;
    if (!fs::exists(target_, error)) {
      if (::rename(path_.c_str(), target_.c_str()) != 0) return failed("cannot write", target_);
      path_.clear();
      return Done{};
    }
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_EXCHANGE) == 0)
      return Done{};  // path_ is now the old one, which goes
    return move_aside();
  }

  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  NewFolder(fs::path target, fs::path path) : target_(std::move(target)), path_(std::move(path)) {}

  /// Where the file system cannot exchange two folders.
  Status move_aside() {
    const fs::path old = target_.string() + ".old." + std::to_string(::getpid());
    if (::rename(target_.c_str(), old.c_str()) != 0) return failed("cannot replace", target_);
    if (::rename(path_.c_str(), target_.c_str()) != 0) {
      const Error error = failed("cannot write", target_);
      if (::rename(old.c_str(), target_.c_str()) != 0)
        return Error{Errc::io, error.detail + "; what was there is now " + old.string()};
      return error;
    }
    path_ = old;
    return Done{};
  }

  fs::path target_, path_;
  std::uint64_t files_ = 0, bytes_ = 0;
};

Result<EntryLine> put_entry(const OpenLedger& ledger, const SitePages& pages, SiteEntry entry, const PutFile& put) {
  STEGPASS_TRY(proof, ledger.log.inclusion_proof(entry.index, ledger.log.size()));
  entry.proof = std::move(proof);
  STEGPASS_TRY(transparent, transparent_statement(ledger.log, entry.index));
  STEGPASS_CHECK_OK(pages.put_entry(entry, put));
  STEGPASS_CHECK_OK(put("entries/" + std::to_string(entry.index) + ".cose", transparent));
  return EntryLine{entry.index, entry.statement.kind(), entry.statement.issued_at(), entry.statement.subject()};
}

Status put_entries(const OpenLedger& ledger, const SitePages& pages, const PutFile& put) {
  ProgressBar bar("pages");
  std::vector<EntryLine> lines;
  const auto visit = [&](std::uint64_t index, std::int64_t time, ByteView octets) -> Status {
    if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was changed"};
    STEGPASS_TRY(statement, Statement::decode(octets));
    STEGPASS_TRY(line, put_entry(ledger, pages, {index, time, to_bytes(octets), std::move(statement), {}}, put));
    lines.push_back(std::move(line));
    bar.update(static_cast<double>(index), static_cast<double>(ledger.log.size()));
    return Done{};
  };
  STEGPASS_CHECK_OK(ledger::for_each_entry(ledger.log, 0, visit));
  return pages.put_list(lines, put);
}

Result<Report> make_site(const SiteOptions& options) {
  STEGPASS_TRY(ledger, open_ledger({options.home}, ledger::Ledger::Mode::read));
  STEGPASS_TRY(note, ledger::cosigned_checkpoint(ledger.log));
  STEGPASS_TRY(parsed, parse_note(note));
  STEGPASS_TRY(checkpoint, parse_checkpoint(parsed.text));
  STEGPASS_TRY(target, check_folder(options.folder, checkpoint.origin));
  STEGPASS_TRY(folder, NewFolder::make(target));
  const PutFile put = [&](const std::string& name, ByteView content) { return folder.put(name, content); };
  const SitePages pages(ledger, note, checkpoint);
  STEGPASS_CHECK_OK(put(kMarker, as_bytes(checkpoint.origin + "\n")));
  STEGPASS_CHECK_OK(pages.put_front(put));
  STEGPASS_CHECK_OK(put_entries(ledger, pages, put));
  STEGPASS_CHECK_OK(folder.take_place());
  return Report{options.folder + ": " + std::to_string(checkpoint.tree_size) + " entries, " + std::to_string(folder.files()) +
                    " files; open " + options.folder + "/index.html",
                {{"folder", options.folder},
                 {"size", checkpoint.tree_size},
                 {"files", folder.files()},
                 {"bytes", folder.bytes()},
                 {"as_of", utc_time(checkpoint.time)}}};
}

int run(const SiteOptions& options, Output& output) {
  auto report = make_site(options);
  if (!report && report.error().code == Errc::exists)
    return output.fail(report.error(), "choose a new folder, or one that this command made for this ledger");
  return finish(output, std::move(report));
}

}  // namespace

void setup_ledger_site(Commands& commands, CLI::App& ledger) {
  auto options = std::make_shared<SiteOptions>();
  CLI::App& command =
      *ledger.add_subcommand("site", "Write the log as pages for people: models, licenses, every statement with its proof");
  add_home_option(command, options->home);
  command
      .add_option("folder", options->folder,
                  "Where the pages go, beside exported tiles for instance; pages made earlier are replaced in one step")
      ->required();
  command.footer("Example: stegpass ledger site /srv/www/ledger --home acme");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
