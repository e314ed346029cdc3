#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/dataset.hpp>

namespace stegpass::model::io {

/// The forms in which a data set is read; schemas/dataset.md describes each.
enum class DataKind {
  drawn,      ///< the word "drawn"
  cifar10,    ///< folder with data_batch_*.bin and test_batch.bin
  cifar100,   ///< folder with train.bin and test.bin
  idx,        ///< folder with MNIST's or Fashion-MNIST's four IDX files, packed with gzip or not
  folders,    ///< folder of class folders with PNG and JPEG pictures
  data_file,  ///< what encode_data_file made
};
std::string_view data_kind_name(DataKind kind);

/// What a data set is, judged by the names that lie at `path`; contents are not read.
/// Errors  not_found (nothing there, or nothing that is known: says what was looked for), unsupported (CIFAR's Python version),
/// io
///         (a device).
Result<DataKind> find_data_kind(std::string_view path);

struct LoadOptions {
  bool use_cache = true;               ///< whether a folder tree is kept decoded, and read from there the next time
  std::filesystem::path cache_folder;  ///< default: default_cache_folder()
  int threads = 0;                     ///< that decode pictures; 0: one a processor
  bool test_alone = false;             ///< leaves `train` empty where that spares work
  /// Called now and then with how many of all pictures are decoded; false stops (Errc::interrupted).
  std::function<bool(std::size_t done, std::size_t total)> progress;
  std::function<void(std::string_view)> note;  ///< told what became of the cache, one line a time
};

/// Loads any data set; 32 x 32 images are brought to `side`, pictures decoded at it. A data file has the side that it has; `side`
/// 0 takes it as it is, and stands for 32 elsewhere. Errors  those of find_data_kind and of the kind's parser, with the file's
/// name; usage for a side that is none, or a data file of
///         another side.
Result<DataSplit> load_dataset(std::string_view path, int side = 32, const LoadOptions& options = {});

/// One safetensors file with images, labels, class names and digests of both; `source` says what it was made of (may be empty).
Bytes encode_data_file(const DataSplit& data, std::string_view source = {});

/// What a data file holds; the images lie in the file's own bytes.
struct DataFile {
  DataSplit data;
  std::string source;
};
/// Errors  malformed on any other file, on labels or shapes that do not fit, and on images or labels that do not give the
/// digests.
Result<DataFile> decode_data_file(Bytes file);

/// $XDG_CACHE_HOME/stegpass, else ~/.cache/stegpass, else empty.
std::filesystem::path default_cache_folder();
/// Where the decoded form of a tree is kept.
std::filesystem::path cache_file(const std::filesystem::path& cache_folder, const std::filesystem::path& tree, int side);

}  // namespace stegpass::model::io
