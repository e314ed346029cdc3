#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>

// What make_grid.sh calls to change models and bundles as thieves, liars and accidents do.
namespace stegpass::test {

using Words = std::vector<std::string>;

Bytes read_bytes(const std::string& path);
void write_bytes(const std::string& path, ByteView bytes);

/// model EDITS IN OUT: edits with commas between, in order: permute rescale turn fold prune quantise half noise random.
void edit_model(const Words& words);
/// bundle EDIT IN OUT [OTHER].
void edit_bundle(const Words& words);
/// papers FOLDER NOW: bundles of papers that no command of ours makes, with their policy, under FOLDER; `stamped` ones as of NOW.
void make_papers(const Words& words);

}  // namespace stegpass::test
