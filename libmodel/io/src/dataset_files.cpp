#include <stegpass/model/io/dataset_files.hpp>

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

#include <stegpass/model/io/files.hpp>

#include "folder_tree.hpp"
#include "record_files.hpp"
#include "tree_cache.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDataFile = std::size_t{64} << 30;
constexpr std::int64_t kDrawnTrain = 12000, kDrawnTest = 2000;  // images drawn where there is no data

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

Error unknown(const fs::path& folder) {
  if (is_file(folder / "data_batch_1") || (is_file(folder / "train") && is_file(folder / "meta"))) {
    return {Errc::unsupported, folder.string() + ": CIFAR's Python version, expected its binary version (*.bin)"};
  }
  return {Errc::not_found,
          folder.string() +
              ": no data set that is known; expected data_batch_*.bin with test_batch.bin, train.bin with test.bin, "
              "IDX files, or a folder a class"};
}

DataSplit draw(bool test_alone) {
  DataSplit data;
  data.train = draw_shapes(test_alone ? 0 : kDrawnTrain, 1);
  data.test = draw_shapes(kDrawnTest, 2);
  return data;
}

Result<DataSplit> scaled(Result<DataSplit> data, int side) {
  if (!data) return data;
  STEGPASS_TRY(train, scale_images(data->train, side));
  STEGPASS_TRY(test, scale_images(data->test, side));
  return DataSplit{train, test};
}

/// Looks at the first nine bytes, so that a large file of another sort is not loaded to be refused.
Status check_start(const fs::path& path) {
  std::array<char, 9> start{};
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::io, path.string() + ": cannot be read"};
  file.read(start.data(), start.size());
  if (file.gcount() == start.size() && start[8] == '{') return Done{};
  return Error{Errc::malformed, path.string() + ": no data file; expected what stegpass data import makes, or a folder"};
}

Result<DataSplit> load_data_file(const fs::path& path, int side) {  // 0: any
  STEGPASS_CHECK_OK(check_start(path));
  STEGPASS_TRY(bytes, read_file(path, kMaxDataFile));
  auto file = decode_data_file(std::move(bytes));
  if (!file) return Error{file.error().code, path.string() + ": " + file.error().detail};
  const std::int64_t found = file->data.train.side();
  if (side != 0 && found != side) {
    return Error{Errc::usage, path.string() + ": images of side " + std::to_string(found) + ", " + std::to_string(side) +
                                  " expected (import them again)"};
  }
  return std::move(file->data);
}

}  // namespace

std::string_view data_kind_name(DataKind kind) {
  switch (kind) {
    case DataKind::drawn: return "drawn shapes";
    case DataKind::cifar10: return "CIFAR-10 binary";
    case DataKind::cifar100: return "CIFAR-100 binary";
    case DataKind::idx: return "IDX";
    case DataKind::folders: return "class folders";
    case DataKind::data_file: return "data file";
  }
  return "unknown";
}

Result<DataKind> find_data_kind(std::string_view text) {
  if (text == "drawn") return DataKind::drawn;
  const fs::path path(text);
  std::error_code error;
  if (is_file(path)) return DataKind::data_file;
  if (!fs::exists(path, error)) return Error{Errc::not_found, path.string() + ": no file or folder there"};
  if (!fs::is_directory(path, error)) return Error{Errc::io, path.string() + ": neither a folder nor a regular file"};
  if (is_file(path / "test_batch.bin") && !cifar10_batches(path).empty()) return DataKind::cifar10;
  if (is_file(path / "train.bin") && is_file(path / "test.bin")) return DataKind::cifar100;
  if (has_idx_files(path)) return DataKind::idx;
  if (is_folder_tree(path)) return DataKind::folders;
  return unknown(path);
}

Result<DataSplit> load_dataset(std::string_view text, int wanted, const LoadOptions& options) {
  if (wanted != 0 && !is_image_side(wanted)) {
    return Error{Errc::usage, "side " + std::to_string(wanted) + ", a multiple of " + std::to_string(kSideStep) + " up to " +
                                  std::to_string(kMaxImageSide) + " expected"};
  }
  STEGPASS_TRY(kind, find_data_kind(text));
  const fs::path path(text);
  const int side = wanted == 0 ? kSideStep : wanted;
  switch (kind) {
    case DataKind::drawn: return scaled(draw(options.test_alone), side);
    case DataKind::cifar10: return scaled(load_cifar10(path, options.test_alone), side);
    case DataKind::cifar100: return scaled(load_cifar100(path, options.test_alone), side);
    case DataKind::idx: return scaled(load_idx(path, options.test_alone), side);
    case DataKind::folders: return load_folder_tree(path, side, options);
    case DataKind::data_file: return load_data_file(path, wanted);
  }
  return Error{Errc::internal, "a kind of data without a loader"};
}

}  // namespace stegpass::model::io
