#include <stegpass/ledger/tiles.hpp>

#include <stegpass/credential/core/text.hpp>

#include "cosigned.hpp"
#include "layout.hpp"
#include "ledger_parts.hpp"
#include "tile.hpp"
#include "whole_file.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNoteBytes = 64 * 1024;

class Exporter {
 public:
  Exporter(const Database& database, const fs::path& folder, const TileReport& report)
      : database_(database), folder_(folder), report_(report) {}

  /// The checkpoint comes after all that it speaks of, also on the disk.
  Result<TileReport> write(const std::string& checkpoint) && {
    if (report_.from < report_.size) STEGPASS_CHECK_OK(tiles());
    STEGPASS_CHECK_OK(write_whole_file(folder_ / "checkpoint", as_bytes(checkpoint), true));
    ++report_.files;
    report_.bytes += checkpoint.size();
    return report_;
  }

 private:
  /// Returns when the disk has them.
  Status tiles() {
    STEGPASS_CHECK_OK(entries());
    for (int level = 0; level < 8 && report_.size >> (tile::kHeight * level) > 0; ++level) STEGPASS_CHECK_OK(hashes(level));
    STEGPASS_CHECK_OK(commits());
    return sync_file_system(folder_);
  }

  Status put(const std::string& name, ByteView content) {
    const auto path = folder_ / name;
    std::error_code error;
    fs::create_directories(path.parent_path(), error);
    if (error) return {Errc::io, path.parent_path().string() + ": cannot create: " + error.message()};
    ++report_.files;
    report_.bytes += content.size();
    return write_whole_file(path, content, false);
  }

  Status entries() {
    for (auto t = report_.from / tile::kWidth; t * tile::kWidth < report_.size; ++t) {
      const auto width = tile::width(report_.size, t);
      Bytes bundle;
      for (std::uint64_t i = 0; i < width; ++i) {
        STEGPASS_TRY(entry, read_entry(database_, t * tile::kWidth + i));
        tile::append_item(bundle, entry);
      }
      STEGPASS_CHECK_OK(put(tile::path(tile::kEntries, t, width), bundle));
    }
    return Done{};
  }

  Status hashes(int level) {
    const auto old_count = report_.from >> (tile::kHeight * level), count = report_.size >> (tile::kHeight * level);
    if (old_count == count) return Done{};
    for (auto t = old_count / tile::kWidth; t * tile::kWidth < count; ++t) {
      const auto width = tile::width(count, t);
      STEGPASS_TRY(stored, read_tile(database_, level, t));
      if (stored.bytes().size() < node_tile::nodes_of(width) * sizeof(Digest32))
        return {Errc::malformed, "tile " + std::to_string(t) + " of level " + std::to_string(level) + " lacks hashes"};
      STEGPASS_CHECK_OK(put(tile::path(tile::hashes(level), t, width), node_tile::lowest_level(stored.bytes(), width)));
    }
    return Done{};
  }

  /// A commit lies with the last entry that it took, so that the checkpoint's size names these files, too.
  Status commits() {
    STEGPASS_TRY(all, read_commits(database_));
    auto commit = all.begin();
    for (auto t = report_.from / tile::kWidth; t * tile::kWidth < report_.size; ++t) {
      const auto width = tile::width(report_.size, t);
      while (commit != all.end() && commit->tree_size <= t * tile::kWidth) ++commit;
      Bytes content;
      for (; commit != all.end() && commit->tree_size <= t * tile::kWidth + width; ++commit) {
        STEGPASS_TRY(signed_root, read_signed_root(database_, commit->tree_size));
        tile::append_item(content, as_bytes(commit->note));
        tile::append_item(content, encode_sign1(signed_root));
      }
      STEGPASS_CHECK_OK(put(tile::path(tile::kCommits, t, width), content));
    }
    return Done{};
  }

  const Database& database_;
  const fs::path& folder_;
  TileReport report_;
};

/// What an earlier export reached: of size 0, without a note, in a folder without one.
struct Exported {
  std::uint64_t size = 0;
  std::string note;
};
Result<Exported> exported(const LedgerParts::Impl& log, const Head& head, const fs::path& folder) {
  const auto path = folder / "checkpoint";
  auto note = read_whole_file(path, kMaxNoteBytes);
  if (!note && note.error().code == Errc::not_found) return Exported{};
  if (!note) return note.error();
  auto there = check_note(as_text(*note), log.verifier);
  if (!there) return {Errc::malformed, path.string() + ": " + there.error().detail};
  if (there->tree_size > head.checkpoint.tree_size)
    return {Errc::malformed, path.string() + ": stands at size " + std::to_string(there->tree_size) +
                                 ", and the database ends at " + std::to_string(head.checkpoint.tree_size) +
                                 ": it is rolled back"};
  if (there->tree_size == 0) return Exported{};
  STEGPASS_TRY(root, range_root(node_reader(log.database), 0, there->tree_size));
  if (root == there->root) return Exported{there->tree_size, std::string(as_text(*note))};
  return {Errc::malformed, path.string() + ": another history of this log: at size " + std::to_string(there->tree_size) +
                               " it has root " + to_hex(there->root) + ", and the database " + to_hex(root)};
}

}  // namespace

Result<TileReport> export_tiles(const Ledger& ledger, const fs::path& folder) {
  const auto& log = LedgerParts::of(ledger);
  const auto head = [&] {
    const std::lock_guard lock(log.mutex);
    return log.head;
  }();
  STEGPASS_TRY(there, exported(log, head, folder));
  STEGPASS_TRY(note, with_cosignatures(log.folder, head.note));
  const TileReport report{there.size, head.checkpoint.tree_size, 0, 0};
  if (there.note == note) return report;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return {Errc::io, folder.string() + ": cannot create: " + error.message()};
  return Exporter(log.database, folder, report).write(note);
}

}  // namespace stegpass::ledger
