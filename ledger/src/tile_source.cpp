#include "tile_source.hpp"

#include <algorithm>

#include <stegpass/credential/merkle.hpp>

#include "node_tile.hpp"
#include "tile.hpp"
#include "whole_file.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNoteBytes = 64 * 1024, kMaxItemBytes = 2 + 65'535;
constexpr std::size_t kTilesKept = 256;  // 2 MiB

Error about(const fs::path& path, const std::string& what) { return {Errc::malformed, path.string() + ": " + what}; }

}  // namespace

Result<std::unique_ptr<TileSource>> TileSource::open(const fs::path& folder) {
  const auto path = folder / "checkpoint";
  STEGPASS_TRY(content, read_whole_file(path, kMaxNoteBytes));
  std::unique_ptr<TileSource> source(new TileSource(folder));
  source->note_ = std::string(as_text(content));
  auto note = credential::parse_note(source->note_);
  if (!note) return about(path, note.error().detail);
  auto checkpoint = credential::parse_checkpoint(note->text);
  if (!checkpoint) return about(path, checkpoint.error().detail);
  source->checkpoint_ = std::move(*checkpoint);
  STEGPASS_CHECK_OK(source->load_commits());
  return source;
}

/// A tile's octets. Where the partial one is gone, since the whole one has come, its beginning serves.
Result<Bytes> TileSource::read(std::string_view kind, std::uint64_t index, std::uint64_t width,
                               std::size_t max_item_bytes) const {
  auto content = read_whole_file(folder_ / tile::path(kind, index, width), width * max_item_bytes);
  if (content || content.error().code != Errc::not_found || width == tile::kWidth) return content;
  auto whole = read_whole_file(folder_ / tile::path(kind, index, tile::kWidth), tile::kWidth * max_item_bytes);
  return whole ? whole : content;
}

Result<std::vector<Bytes>> TileSource::bundle(std::uint64_t index) const {
  const auto width = tile::width(checkpoint_.tree_size, index);
  STEGPASS_TRY(content, read(tile::kEntries, index, width, kMaxItemBytes));
  const auto path = folder_ / tile::path(tile::kEntries, index, width);
  auto items = tile::split_items(content);
  if (!items) return about(path, items.error().detail);
  if (items->size() < width) return about(path, std::to_string(items->size()) + " entries, expected " + std::to_string(width));
  items->resize(width);
  return items;
}

Status TileSource::for_each_entry(const std::function<Status(std::uint64_t, ByteView)>& visit) const {
  for (std::uint64_t t = 0; t * tile::kWidth < checkpoint_.tree_size; ++t) {
    const auto items = bundle(t);
    if (!items && items.error().code == Errc::not_found) return Done{};
    if (!items) return items.error();
    for (std::size_t i = 0; i < items->size(); ++i) STEGPASS_CHECK_OK(visit(t * tile::kWidth + i, (*items)[i]));
  }
  return Done{};
}

Result<Bytes> TileSource::entry(std::uint64_t index) const {
  if (index >= checkpoint_.tree_size) return {Errc::not_found, "no entry " + std::to_string(index) + " in these tiles"};
  STEGPASS_TRY(items, bundle(index / tile::kWidth));
  return std::move(items[index % tile::kWidth]);
}

Result<std::vector<Digest32>> TileSource::hash_tile(int level, std::uint64_t index) const {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = tiles_.find({level, index}); found != tiles_.end()) return found->second;
  }
  const auto width = tile::width(checkpoint_.tree_size >> (tile::kHeight * level), index);
  if (width == 0)
    return {Errc::malformed, "no hash tile " + std::to_string(index) + " at level " + std::to_string(level) + " in this tree"};
  STEGPASS_TRY(content, read(tile::hashes(level), index, width, sizeof(Digest32)));
  if (content.size() % sizeof(Digest32) != 0 || content.size() < width * sizeof(Digest32))
    return about(folder_ / tile::path(tile::hashes(level), index, width),
                 std::to_string(content.size()) + " bytes, expected " + std::to_string(width) + " hashes of 32 bytes");
  std::vector<Digest32> hashes(width);
  for (std::size_t i = 0; i < width; ++i)
    std::copy_n(content.begin() + static_cast<std::ptrdiff_t>(32 * i), 32, hashes[i].begin());
  const std::lock_guard lock(mutex_);
  if (tiles_.size() >= kTilesKept) tiles_.clear();
  return tiles_[{level, index}] = std::move(hashes);
}

/// Tiles keep every eighth level; a subtree in between is hashed from those below it, which lie in one tile.
Result<Digest32> TileSource::node(int level, std::uint64_t index) const {
  const int above = level % tile::kHeight;
  const auto first = index << above, count = std::uint64_t{1} << above;
  STEGPASS_TRY(hashes, hash_tile(level / tile::kHeight, first / tile::kWidth));
  const auto at = first % tile::kWidth;
  if (at + count > hashes.size())
    return {Errc::malformed,
            "no tree node (level " + std::to_string(level) + ", index " + std::to_string(index) + ") in these tiles"};
  const auto begin = hashes.begin() + static_cast<std::ptrdiff_t>(at);
  return credential::merkle_root({begin, begin + static_cast<std::ptrdiff_t>(count)});
}

Result<std::string> TileSource::tile_fault(int level, std::uint64_t index, ByteView nodes) const {
  const auto width = tile::width(checkpoint_.tree_size >> (tile::kHeight * level), index);
  const auto expected = node_tile::lowest_level(nodes, width);
  const auto kept = hash_tile(level, index);
  if (!kept && kept.error().code == Errc::io) return kept.error();
  const auto name = [&](std::size_t at) {
    return "hash " + std::to_string(at) + " of tile " + tile::path(tile::hashes(level), index, tile::kWidth);
  };
  if (!kept) return name(0) + ": " + kept.error().detail;
  for (std::size_t i = 0; i < width; ++i)
    if (!std::ranges::equal((*kept)[i], ByteView(expected).subspan(32 * i, 32)))
      return name(i) + " is another than its entries give";
  return std::string{};
}

Result<credential::Sign1> TileSource::signed_root(std::uint64_t tree_size) const {
  const auto found = signed_roots_.find(tree_size);
  if (found == signed_roots_.end())
    return {Errc::malformed, "no signed root of size " + std::to_string(tree_size) + " in these tiles"};
  return credential::decode_sign1(found->second);
}

Status TileSource::load_commits() {
  std::error_code ignored;
  for (std::uint64_t t = 0; t * tile::kWidth < checkpoint_.tree_size; ++t) {
    const auto width = tile::width(checkpoint_.tree_size, t);
    auto content = read(tile::kCommits, t, width, 2 * kMaxItemBytes);
    if (!content && content.error().code == Errc::not_found && !fs::exists(folder_ / tile::kCommits, ignored))
      break;  // somebody else's log
    if (!content && content.error().code == Errc::not_found)
      return {Errc::malformed, content.error().detail + ", expected the commits"};
    if (!content) return content.error();
    has_commits_ = true;
    const auto path = folder_ / tile::path(tile::kCommits, t, width);
    auto items = tile::split_items(*content);
    if (!items) return about(path, items.error().detail);
    if (items->size() % 2 != 0) return about(path, "a note without its signed root");
    for (std::size_t i = 0; i < items->size(); i += 2)
      STEGPASS_CHECK_OK(add_commit(path.string(), std::move((*items)[i]), std::move((*items)[i + 1]), t * tile::kWidth + 1,
                                   t * tile::kWidth + width));
  }
  if (!has_commits_) commits_.push_back({checkpoint_.tree_size, note_, checkpoint_, {}});
  return Done{};
}

/// One commit whose size lies in [first, last]; one beyond belongs to a later checkpoint, when the whole tile has been read for a
/// partial one.
Status TileSource::add_commit(const std::string& name, Bytes note, Bytes signed_root, std::uint64_t first, std::uint64_t last) {
  const std::string text(as_text(note));
  auto parsed = credential::parse_note(text);
  if (!parsed) return {Errc::malformed, name + ": " + parsed.error().detail};
  auto checkpoint = credential::parse_checkpoint(parsed->text);
  if (!checkpoint) return {Errc::malformed, name + ": " + checkpoint.error().detail};
  const auto size = checkpoint->tree_size;
  if (size > last && last == checkpoint_.tree_size) return Done{};
  const auto newest = commits_.empty() ? 0 : commits_.back().tree_size;
  if (size < first || size > last || size <= newest)
    return {Errc::malformed, name + ": a commit of size " + std::to_string(size) + " has no place here"};
  commits_.push_back({size, text, std::move(*checkpoint), {}});
  signed_roots_.emplace(size, std::move(signed_root));
  return Done{};
}

}  // namespace stegpass::ledger
