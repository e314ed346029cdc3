#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model::io {

/// One picture of a tree, as the file system describes it.
struct TreePicture {
  std::filesystem::path path;
  std::uint64_t bytes = 0;
  std::int64_t modified = 0;  ///< in the file system's ticks
  std::int64_t label = 0;
};

/// A folder of class folders: what its names say, before anything is decoded.
struct FolderTree {
  std::filesystem::path root;
  std::vector<std::string> class_names;  ///< in the order of their bytes; a label is a place in it
  std::vector<TreePicture> train, test;  ///< by label, then by path
};

/// Whether a folder holds class folders, or `train` and `test` (or `val`) with class folders.
bool is_folder_tree(const std::filesystem::path& root);

/// Lists a tree. Without `test` every fifth picture of a class, in the order of paths' bytes, is for testing. Folders that the
/// papers on Caltech leave out (BACKGROUND_Google, 257.clutter) and hidden ones are not looked at. Errors  io; refused on fewer
/// than 2 classes, a class without pictures, differing classes of train and test, no test picture;
///         unsupported on over 10,000 classes or a picture of another format than PNG and JPEG; malformed on a class whose name
///         is no plain UTF-8. Each names the folder or file.
Result<FolderTree> list_folder_tree(const std::filesystem::path& root);

/// SHA-512, in hexadecimal, over the rules' version, the side, and relative path, size and time of every picture.
std::string tree_digest(const FolderTree& tree, int side);

/// Whether a class may have this name: valid UTF-8 without control characters.
bool is_class_name(std::string_view name);

/// Decodes pictures on `threads` threads: the centred square at `side` pixels, planar RGB, 3 * side * side bytes each from `to`
/// on. `progress` is called from the calling thread with how many are done and may stop the work (Errc::interrupted). Errors
/// those of read_image_file for the first picture that fails, with its path.
Status decode_pictures(const std::vector<TreePicture>& pictures, int side, int threads,
                       const std::function<bool(std::size_t)>& progress, std::uint8_t* to);

}  // namespace stegpass::model::io
