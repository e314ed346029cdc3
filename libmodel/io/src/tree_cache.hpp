#pragma once

#include <stegpass/model/io/dataset_files.hpp>

namespace stegpass::model::io {

/// Loads a folder tree: from its cache file when that is whole and made of these very files, else by decoding, after which the
/// cache file is written anew. Errors  those of list_folder_tree and decode_pictures; a cache that cannot be read or written is
/// only noted.
Result<DataSplit> load_folder_tree(const std::filesystem::path& root, int side, const LoadOptions& options);

}  // namespace stegpass::model::io
