#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/ledger/audit.hpp>
#include <stegpass/ledger/ledger.hpp>

// A log as plain files (C2SP tlog-tiles), which any static file server hands out. Schema: schemas/ledger-tiles.md.
namespace stegpass::ledger {

/// What an export or import came to.
struct TileReport {
  std::uint64_t from = 0;   ///< size that was there before
  std::uint64_t size = 0;   ///< size that is there now
  std::uint64_t files = 0;  ///< written by this call
  std::uint64_t bytes = 0;
};

/// Writes what `folder` lacks of the log as it is now: entry bundles, hash tiles and commits, then, once the disk has them all,
/// the checkpoint. Every file appears whole, so the folder may be served meanwhile; a call that was cut short is made good by the
/// next. Errors  malformed when the folder holds another log, another history of this one, or a newer one; io.
Result<TileReport> export_tiles(const Ledger& ledger, const std::filesystem::path& folder);

/// Replays a log from exported files, as `audit` does from the database; commits are judged where the export has them, and
/// otherwise every statement as of the checkpoint, which the report says. Errors  not_found (no checkpoint there); malformed (a
/// file that is no tile); io.
Result<AuditReport> audit_tiles(const std::filesystem::path& folder, const std::optional<credential::NoteVerifier>& log_key,
                                const AuditProgress& progress = {}, const std::optional<std::string>& since = {});

/// Makes a new ledger in `folder` from exported files, after auditing them. It is a whole ledger: who has the log's key can
/// append to it. Errors  exists; refused with what the audit found; unsupported for tiles without commits, which have no
/// receipts; not_found, malformed, io.
Result<TileReport> import_tiles(const std::filesystem::path& tiles, const std::filesystem::path& folder,
                                const std::optional<credential::NoteVerifier>& log_key);

}  // namespace stegpass::ledger
