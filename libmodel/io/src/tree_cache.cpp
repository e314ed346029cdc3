#include "tree_cache.hpp"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <optional>
#include <system_error>
#include <thread>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/files.hpp>

#include "folder_tree.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCacheFile = std::size_t{64} << 30;
constexpr std::size_t kMaxDecodedBytes = std::size_t{16} << 30;

void note(const LoadOptions& options, const std::string& line) {
  if (options.note) options.note(line);
}

/// The folder's own name, also for "." and "folder/".
std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(folder, error);
  const std::string name = (error ? folder : whole).filename().string();
  return is_class_name(name) ? name : "pictures";
}

Result<DataSplit> decode_tree(const FolderTree& tree, int side, const LoadOptions& options) {
  std::vector<TreePicture> pictures = tree.train;
  pictures.insert(pictures.end(), tree.test.begin(), tree.test.end());
  const std::size_t each = std::size_t{3} * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  if (pictures.size() > kMaxDecodedBytes / each) {
    return {Errc::unsupported, tree.root.string() + ": " + std::to_string(pictures.size()) + " pictures at side " +
                                   std::to_string(side) + " take more than 16 GiB"};
  }
  const auto count = static_cast<std::int64_t>(pictures.size()), train = static_cast<std::int64_t>(tree.train.size());
  const torch::Tensor images = torch::empty({count, 3, side, side}, torch::kUInt8), labels = torch::empty({count}, torch::kInt64);
  for (std::size_t i = 0; i < pictures.size(); ++i) labels.data_ptr<std::int64_t>()[i] = pictures[i].label;
  const int threads = options.threads > 0 ? options.threads : static_cast<int>(std::thread::hardware_concurrency());
  const auto progress = [&](std::size_t done) { return !options.progress || options.progress(done, pictures.size()); };
  STEGPASS_CHECK_OK(decode_pictures(pictures, side, threads, progress, images.data_ptr<std::uint8_t>()));
  const auto part = [&](std::int64_t first, std::int64_t size, const char* name) {
    return LabelledImages{images.narrow(0, first, size), labels.narrow(0, first, size), static_cast<int>(tree.class_names.size()),
                          folder_name(tree.root) + "/" + name, tree.class_names};
  };
  return DataSplit{part(0, train, "train"), part(train, count - train, "test")};
}

/// What the cache file holds, if it can be believed and is of these files.
std::optional<DataSplit> read_cache(const fs::path& path, const std::string& source, const LoadOptions& options) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  auto bytes = read_file(path, kMaxCacheFile);
  if (!bytes) return note(options, bytes.error().detail), std::nullopt;
  auto file = decode_data_file(std::move(bytes).value());
  if (!file) return note(options, path.string() + " is damaged and is made anew (" + file.error().detail + ")"), std::nullopt;
  if (file->source != source) return note(options, path.string() + " is older than the pictures and is made anew"), std::nullopt;
  return std::move(file->data);
}

/// Whole or not at all, through a file of another name. What goes wrong costs time the next time, no more.
void write_cache(const fs::path& path, ByteView content, const LoadOptions& options) {
  const fs::path temporary = path.string() + ".tmp." + std::to_string(::getpid());
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  out.close();
  const bool written = static_cast<bool>(out);
  if (written) fs::rename(temporary, path, error);
  if (written && !error) return note(options, "decoded pictures are kept in " + path.string());
  note(options, "the decoded pictures cannot be kept in " + path.string() + ": " +
                    (error ? error.message() : std::string("not all of it could be written")));
  std::error_code ignored;
  fs::remove(temporary, ignored);
}

}  // namespace

Result<DataSplit> load_folder_tree(const fs::path& root, int side, const LoadOptions& options) {
  STEGPASS_TRY(tree, list_folder_tree(root));
  const std::string source = tree_digest(tree, side);
  const fs::path folder = options.cache_folder.empty() ? default_cache_folder() : options.cache_folder;
  const bool cached = options.use_cache && !folder.empty();
  const fs::path path = cached ? cache_file(folder, root, side) : fs::path();
  if (cached) {
    if (auto data = read_cache(path, source, options)) return std::move(*data);
  }
  STEGPASS_TRY(data, decode_tree(tree, side, options));
  if (cached) write_cache(path, encode_data_file(data, source), options);
  return data;
}

fs::path default_cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && fs::path(cache).is_absolute()) return fs::path(cache) / "stegpass";
  const char* home = std::getenv("HOME");
  return home != nullptr && fs::path(home).is_absolute() ? fs::path(home) / ".cache" / "stegpass" : fs::path();
}

fs::path cache_file(const fs::path& cache_folder, const fs::path& tree, int side) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(tree, error);
  const std::string place = (error ? tree : whole).string();
  const std::string mark = to_hex(sha256(as_bytes(place))).substr(0, 16);
  return cache_folder / (folder_name(tree) + "-" + std::to_string(side) + "-" + mark + ".safetensors");
}

}  // namespace stegpass::model::io
