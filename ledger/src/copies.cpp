#include <stegpass/ledger/audit.hpp>
#include <stegpass/ledger/care.hpp>

#include "cosigned.hpp"
#include "layout.hpp"
#include "ledger_parts.hpp"
#include "outside.hpp"
#include "staging.hpp"
#include "whole_file.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;

Error io_error(const fs::path& path, const std::error_code& error) { return {Errc::io, path.string() + ": " + error.message()}; }

/// How many files there are in a ledger's folder, and how large they are.
Result<CopyReport> measure(const fs::path& folder, std::uint64_t size) {
  CopyReport report{size, 0, 0};
  std::error_code error;
  for (fs::recursive_directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    if (!file->is_regular_file(error) || error) continue;
    ++report.files;
    report.bytes += file->file_size(error);
  }
  if (error) return io_error(folder, error);
  return report;
}

/// The files beside the database, then a look at the whole, then its name.
Result<CopyReport> finish_copy(Staging& staging, const fs::path& folder, const std::string& note,
                               const std::optional<std::string>& cosigned) {
  STEGPASS_CHECK_OK(replace_outside_checkpoint(staging.folder(), note));
  if (cosigned) STEGPASS_CHECK_OK(replace_cosigned(staging.folder(), *cosigned));
  STEGPASS_CHECK_OK(sync_file_system(staging.folder()));
  auto copy = Ledger::open(staging.folder(), Ledger::Mode::read);
  if (!copy) return copy.error();
  STEGPASS_TRY(report, measure(staging.folder(), copy->size()));
  STEGPASS_CHECK_OK(staging.move_to(folder));
  return report;
}

}  // namespace

Result<CopyReport> backup(const Ledger& ledger, const fs::path& given) {
  const auto& log = LedgerParts::of(ledger);
  if (!log.writing) return {Errc::usage, "a backup is made of a ledger that is open for writing"};
  const auto folder = without_trailing_slash(given);
  STEGPASS_CHECK_OK(check_new(folder));
  Staging staging(folder);
  STEGPASS_CHECK_OK(staging.make());
  // The notes first: commits that come in between make the copy's database newer than they are, which is no sign of harm.
  STEGPASS_TRY(note, ledger.checkpoint());
  STEGPASS_TRY(cosigned, read_cosigned(log.folder));
  STEGPASS_CHECK_OK(log.database.copy_to(staging.folder() / layout::kDatabaseFolder));
  return finish_copy(staging, folder, note, cosigned);
}

Result<CopyReport> restore(const fs::path& from, const fs::path& given, std::string_view newest,
                           const std::optional<credential::NoteVerifier>& log_key) {
  const auto folder = without_trailing_slash(given);
  STEGPASS_CHECK_OK(check_new(folder));
  STEGPASS_TRY(source, Ledger::open(from, Ledger::Mode::read));
  STEGPASS_TRY(audited, audit(source, log_key));
  if (audited.verdict.outcome() != Outcome::valid) return {Errc::refused, from.string() + ": " + first_fault(audited.verdict)};
  const auto& log = LedgerParts::of(source);
  if (auto agrees = compare_outside(log.database, newest, log.head, log.verifier); !agrees)
    return {Errc::refused, from.string() + " against the newest checkpoint: " + agrees.error().detail};
  Staging staging(folder);
  STEGPASS_CHECK_OK(staging.make());
  std::error_code error;
  fs::copy(from / layout::kDatabaseFolder, staging.folder() / layout::kDatabaseFolder, fs::copy_options::recursive, error);
  if (error) return io_error(folder, error);
  STEGPASS_TRY(cosigned, read_cosigned(from));
  return finish_copy(staging, folder, log.head.note, cosigned);
}

}  // namespace stegpass::ledger
