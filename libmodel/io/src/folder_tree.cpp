#include "folder_tree.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <system_error>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/text.hpp>

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxClasses = 10'000;
constexpr std::size_t kTestEvery = 5;
constexpr std::array<std::string_view, 2> kLeftOut{"BACKGROUND_Google", "257.clutter"};
constexpr std::array<std::string_view, 9> kForeign{".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2", ".avif"};

std::string ending_of(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return ending;
}

bool is_hidden(const fs::path& path) { return path.filename().native().starts_with('.'); }

/// Names of the folders in `folder` that can be classes, in the order of their bytes.
Result<std::vector<std::string>> class_folders(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    std::error_code unreadable;
    if (is_hidden(entry->path()) || !entry->is_directory(unreadable)) continue;
    if (std::find(kLeftOut.begin(), kLeftOut.end(), name) == kLeftOut.end()) names.push_back(name);
  }
  if (error) return {Errc::io, folder.string() + ": " + error.message()};
  std::sort(names.begin(), names.end());
  return names;
}

/// Where a tree's pictures for training lie, and those for testing if they are apart.
struct Layout {
  fs::path train, test;
  bool apart() const { return !test.empty(); }
};

Layout layout_of(const fs::path& root) {
  std::error_code error;
  const auto holds_classes = [](const fs::path& folder) {
    const auto names = class_folders(folder);
    return names && !names->empty();
  };
  if (holds_classes(root / "train")) {
    for (const char* name : {"test", "val"}) {
      if (fs::is_directory(root / name, error)) return {root / "train", root / name};
    }
  }
  return {root, {}};
}

Status check_classes(const fs::path& folder, const std::vector<std::string>& names) {
  if (names.size() < 2) {
    return {Errc::refused, folder.string() + ": " + std::to_string(names.size()) + " class folders, expected at least 2"};
  }
  if (names.size() > kMaxClasses) {
    return {Errc::unsupported, folder.string() + ": " + std::to_string(names.size()) + " class folders, expected at most " +
                                   std::to_string(kMaxClasses)};
  }
  for (const std::string& name : names) {
    if (!is_class_name(name))
      return {Errc::malformed,
              folder.string() + ": the class folder with the bytes " + to_hex(as_bytes(name)) + " has no plain UTF-8 name"};
  }
  return Done{};
}

/// Adds a file of a class folder if it is a picture; other files are nobody's business, but pictures that cannot be read are.
Status add_file(const fs::directory_entry& entry, std::int64_t label, std::vector<TreePicture>& out) {
  std::error_code error;
  const std::string ending = ending_of(entry.path());
  if (is_hidden(entry.path()) || !entry.is_regular_file(error)) return Done{};
  if (std::find(kForeign.begin(), kForeign.end(), ending) != kForeign.end()) {
    return {Errc::unsupported, entry.path().string() + ": a picture of another format, expected PNG or JPEG"};
  }
  if (ending != ".png" && ending != ".jpg" && ending != ".jpeg") return Done{};
  const auto bytes = entry.file_size(error);
  const auto modified = error ? fs::file_time_type{} : entry.last_write_time(error);
  if (error) return {Errc::io, entry.path().string() + ": " + error.message()};
  if (bytes == 0) return {Errc::malformed, entry.path().string() + ": no bytes, expected a picture"};
  out.push_back({entry.path(), bytes, static_cast<std::int64_t>(modified.time_since_epoch().count()), label});
  return Done{};
}

Result<std::vector<TreePicture>> class_pictures(const fs::path& folder, std::int64_t label) {
  std::vector<TreePicture> pictures;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    STEGPASS_CHECK_OK(add_file(*entry, label, pictures));
  }
  if (error) return {Errc::io, folder.string() + ": " + error.message()};
  if (pictures.empty()) return {Errc::refused, folder.string() + ": a class without pictures, expected at least one"};
  std::sort(pictures.begin(), pictures.end(),
            [](const TreePicture& a, const TreePicture& b) { return a.path.native() < b.path.native(); });
  return pictures;
}

Result<std::vector<TreePicture>> all_pictures(const fs::path& folder, const std::vector<std::string>& names) {
  std::vector<TreePicture> out;
  for (std::size_t label = 0; label < names.size(); ++label) {
    STEGPASS_TRY(pictures, class_pictures(folder / names[label], static_cast<std::int64_t>(label)));
    std::move(pictures.begin(), pictures.end(), std::back_inserter(out));
  }
  return out;
}

void split(std::vector<TreePicture> pictures, FolderTree& tree) {
  std::map<std::int64_t, std::size_t> seen;
  for (TreePicture& picture : pictures) {
    const bool test = ++seen[picture.label] % kTestEvery == 0;
    (test ? tree.test : tree.train).push_back(std::move(picture));
  }
}

Status add_apart(const Layout& layout, FolderTree& tree) {
  STEGPASS_TRY(names, class_folders(layout.test));
  if (names != tree.class_names) {
    return {Errc::refused, layout.test.string() + ": other class folders than " + layout.train.string() + " (" +
                               std::to_string(names.size()) + " and " + std::to_string(tree.class_names.size()) +
                               "), expected the same names"};
  }
  STEGPASS_TRY(train, all_pictures(layout.train, names));
  STEGPASS_TRY(test, all_pictures(layout.test, names));
  tree.train = std::move(train);
  tree.test = std::move(test);
  return Done{};
}

}  // namespace

bool is_folder_tree(const fs::path& root) {
  const auto names = class_folders(root);
  return names && !names->empty();
}

Result<FolderTree> list_folder_tree(const fs::path& root) {
  const Layout layout = layout_of(root);
  FolderTree tree{.root = root};
  STEGPASS_TRY(names, class_folders(layout.train));
  STEGPASS_CHECK_OK(check_classes(layout.train, names));
  tree.class_names = names;
  if (layout.apart()) {
    STEGPASS_CHECK_OK(add_apart(layout, tree));
    return tree;
  }
  STEGPASS_TRY(pictures, all_pictures(root, names));
  split(std::move(pictures), tree);
  if (tree.test.empty())
    return {Errc::refused, root.string() + ": no class has 5 pictures, of which the fifth would be for testing"};
  return tree;
}

std::string tree_digest(const FolderTree& tree, int side) {
  constexpr std::string_view kDomain("stegpass.tree.v1\0", 17);
  Sha512 hash;
  hash.update(kDomain).update_u64(static_cast<std::uint64_t>(side));
  for (const auto* part : {&tree.train, &tree.test}) {
    hash.update_u64(part->size());
    for (const TreePicture& picture : *part) {
      const std::string name = picture.path.lexically_relative(tree.root).string();
      hash.update_u64(name.size())
          .update(name)
          .update_u64(picture.bytes)
          .update_u64(static_cast<std::uint64_t>(picture.modified));
    }
  }
  return to_hex(hash.finish());
}

bool is_class_name(std::string_view name) {
  for (std::size_t at = 0; at < name.size();) {
    const auto first = static_cast<unsigned char>(name[at]);
    const std::size_t more = first < 0x80                    ? 0
                             : first >= 0xC2 && first < 0xE0 ? 1
                             : (first & 0xF0) == 0xE0        ? 2
                             : first >= 0xF0 && first < 0xF5 ? 3
                                                             : 9;
    if (first < 0x20 || first == 0x7F || more > name.size() - at - 1) return false;
    for (std::size_t i = 1; i <= more; ++i) {
      if ((static_cast<unsigned char>(name[at + i]) & 0xC0) != 0x80) return false;
    }
    const auto second =
        more > 1 ? static_cast<unsigned char>(name[at + 1]) : 0;  // longer forms than needed, surrogates, over U+10FFFF
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) || (first == 0xF0 && second < 0x90) ||
        (first == 0xF4 && second >= 0x90)) {
      return false;
    }
    at += 1 + more;
  }
  return !name.empty();
}

}  // namespace stegpass::model::io
