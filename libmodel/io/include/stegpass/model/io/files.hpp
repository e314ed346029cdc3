#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// Reads a whole file. Errors  io (with the path and the system's reason), unsupported (longer than `max_bytes`).
Result<Bytes> read_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Unpacks one gzip member, which must be all of `file`. No more than `max_bytes` are ever allocated for the result.
/// Errors  malformed (not gzip, truncated, wrong checksum, bytes after the end), unsupported (more than `max_bytes`).
Result<Bytes> gunzip(ByteView file, std::size_t max_bytes);

/// read_file and gunzip. Errors  as both, with the path.
Result<Bytes> read_gzip_file(const std::filesystem::path& path, std::size_t max_bytes);

/// read_file and decode_image. Errors  as both, with the path.
Result<Raster> read_image_file(const std::filesystem::path& path, Transparency transparency = Transparency::refuse);

/// Every .png, .jpg and .jpeg file under `folder`, at any depth, in the order of their paths' bytes.
/// Errors  io (the folder cannot be read), not_found (no such file in it).
Result<std::vector<std::filesystem::path>> list_image_files(const std::filesystem::path& folder);

/// All of list_image_files, decoded. Errors  as both.
Result<std::vector<Raster>> load_image_folder(const std::filesystem::path& folder);

/// The same pictures, each as the centred square of `side` pixels.
Result<std::vector<Raster>> load_image_squares(const std::filesystem::path& folder, std::int64_t side);

}  // namespace stegpass::model::io
