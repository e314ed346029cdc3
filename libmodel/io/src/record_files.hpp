#pragma once

#include <filesystem>
#include <vector>

#include <stegpass/model/dataset.hpp>

namespace stegpass::model::io {

/// data_batch_*.bin in a folder, by their numbers.
std::vector<std::filesystem::path> cifar10_batches(const std::filesystem::path& folder);
/// Whether a folder holds test images and labels in IDX files.
bool has_idx_files(const std::filesystem::path& folder);

/// Data sets of 32 x 32 images in files of fixed records. With `test_alone` train stays empty and its files unread.
/// Errors  io, unsupported (a file over 1 GiB), and those of the parsers; with the file's name.
Result<DataSplit> load_cifar10(const std::filesystem::path& folder, bool test_alone);
Result<DataSplit> load_cifar100(const std::filesystem::path& folder, bool test_alone);
Result<DataSplit> load_idx(const std::filesystem::path& folder, bool test_alone);

}  // namespace stegpass::model::io
