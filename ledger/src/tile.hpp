#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

// Names and contents of the files of a log exported as C2SP tlog-tiles. Schema: schemas/ledger-tiles.md.
namespace stegpass::ledger::tile {

inline constexpr std::uint64_t kWidth = 256;  ///< items of a whole tile
inline constexpr int kHeight = 8;             ///< levels of the tree that one level of tiles stands for
inline constexpr std::string_view kEntries = "tile/entries", kCommits = "commits";

/// The kind of hash tiles at `level`, 0 to 7: `tile/<level>`.
inline std::string hashes(int level) { return "tile/" + std::to_string(level); }

/// How many items tile `index` has when there are `count` of them: 256, or fewer at the right edge, or none.
inline std::uint64_t width(std::uint64_t count, std::uint64_t index) {
  return index > count / kWidth ? 0 : std::min(count - index * kWidth, kWidth);
}

/// `<kind>/x001/x234/067` for 1234067, with `.p/<width>` behind it for a partial one. Requires a width of 1 to 256.
std::string path(std::string_view kind, std::uint64_t index, std::uint64_t width);

/// Adds an item behind its length in two bytes. Requires at most 65,535 bytes.
void append_item(Bytes& bundle, ByteView item);
/// The items of a bundle. Errors malformed: one that is cut off.
Result<std::vector<Bytes>> split_items(ByteView bundle);

}  // namespace stegpass::ledger::tile
