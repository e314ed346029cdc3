#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/ledger.hpp>

// Keeping a ledger well: copies, their return, and a look at what is there. What the audit judges is left to it.
namespace stegpass::ledger {

/// A copy that was made.
struct CopyReport {
  std::uint64_t size = 0;  ///< entries in it
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
};

/// Copies a ledger that is open for writing into a new folder, while other threads append: all that was acknowledged before the
/// call is in it. The folder appears whole; on the same file system it shares the files that never change, so a copy against the
/// loss of a disk belongs on another. Errors  exists; usage in read mode; io.
Result<CopyReport> backup(const Ledger& ledger, const std::filesystem::path& folder);

/// Makes a ledger of a backup, after auditing it, and after seeing the newest checkpoint that anybody outside has: appending to a
/// copy that ends before it would fork the log. `log_key` as for `audit`. Errors  exists; refused with what the audit found, or
/// when the backup ends before `newest` or has another history; malformed; io.
Result<CopyReport> restore(const std::filesystem::path& backup, const std::filesystem::path& folder, std::string_view newest,
                           const std::optional<credential::NoteVerifier>& log_key);

/// Looks a ledger through without judging its statements: codes check.files (the checksum of every block), check.entries (each
/// under its number and its hash, with its leaf in the tree), check.commits (each root is that of the stored tree),
/// check.outside-checkpoint, check.cosigned.
Result<Verdict> check(const Ledger& ledger, const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

/// What a ledger holds, and what it takes on the disk.
struct Stats {
  std::uint64_t entries = 0, commits = 0;
  std::uint64_t entry_bytes = 0, largest_entry = 0;
  std::int64_t first_time = 0, last_time = 0;    ///< of commits, seconds since 1970
  std::map<std::string, std::uint64_t> kinds{};  ///< of statements
  std::uint64_t files = 0, file_bytes = 0;       ///< in the ledger's folder
};
Result<Stats> stats(const Ledger& ledger);

/// Calls `visit` with every entry from `from` on, in order, and the time of the commit that took it; the view lives for that call
/// alone. Errors  of `visit`; malformed when one is missing; io.
Status for_each_entry(const Ledger& ledger, std::uint64_t from,
                      const std::function<Status(std::uint64_t index, std::int64_t time, ByteView octets)>& visit);

}  // namespace stegpass::ledger
