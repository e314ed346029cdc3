#include <stegpass/model/io/files.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>

#include <zlib.h>

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxImageFile = std::size_t{256} << 20;
constexpr std::size_t kMaxGzipFile = std::size_t{1} << 30;
constexpr std::size_t kChunk = std::size_t{1} << 16;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct EndInflate {
  void operator()(z_stream* stream) const { inflateEnd(stream); }
};

Error with_path(const fs::path& path, const Error& error) { return {error.code, path.string() + ": " + error.detail}; }

bool is_image(const fs::path& path) {
  auto ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

// Inflates until the member ends, input ends or the bound is passed; zlib's last word comes back.
int inflate_all(z_stream& stream, Bytes& out, std::size_t max_bytes) {
  int state = Z_OK;
  while (state == Z_OK && out.size() <= max_bytes) {
    const auto before = out.size();
    const auto room = std::min(kChunk, max_bytes + 1 - before);  // one more than allowed tells a full file from one too long
    if (room == 0) break;
    out.resize(before + room);
    stream.next_out = out.data() + before;
    stream.avail_out = static_cast<uInt>(room);
    state = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
  }
  return state;
}

}  // namespace

Result<Bytes> read_file(const fs::path& path, std::size_t max_bytes) {
  std::error_code status;
  if (fs::is_directory(path, status)) return {Errc::io, path.string() + ": is a folder, expected a file"};
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rb"));
  if (!file) return {Errc::io, path.string() + ": " + std::strerror(errno)};
  const Error too_long{Errc::unsupported, path.string() + ": longer than " + std::to_string(max_bytes) + " bytes"};
  const auto size = fs::file_size(path, status);
  if (!status && size > max_bytes) return too_long;
  Bytes bytes;
  if (!status) bytes.reserve(static_cast<std::size_t>(size) + kChunk);  // a large file is not moved as it grows
  std::size_t count = 1;
  while (count > 0) {
    const auto before = bytes.size();
    bytes.resize(before + kChunk);
    count = std::fread(bytes.data() + before, 1, kChunk, file.get());
    bytes.resize(before + count);
    if (bytes.size() > max_bytes) return too_long;
  }
  if (std::ferror(file.get()) != 0) return {Errc::io, path.string() + ": " + std::strerror(errno)};
  return bytes;
}

Result<Bytes> gunzip(ByteView file, std::size_t max_bytes) {
  if (file.size() > kMaxGzipFile) return {Errc::unsupported, "gzip: " + std::to_string(file.size()) + " bytes are too many"};
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return {Errc::internal, "gzip: zlib does not start"};
  const std::unique_ptr<z_stream, EndInflate> end(&stream);
  stream.next_in = const_cast<Bytef*>(file.data());
  stream.avail_in = static_cast<uInt>(file.size());
  Bytes out;
  const int state = inflate_all(stream, out, max_bytes);
  if (out.size() > max_bytes) return {Errc::unsupported, "gzip: unpacks to more than " + std::to_string(max_bytes) + " bytes"};
  if (state == Z_BUF_ERROR || state == Z_OK)
    return {Errc::malformed, "gzip: ends after " + std::to_string(file.size()) + " bytes, before the end of its data"};
  if (state != Z_STREAM_END)
    return {Errc::malformed, std::string("gzip: ") + (stream.msg != nullptr ? stream.msg : "damaged data")};
  if (stream.avail_in != 0) return {Errc::malformed, "gzip: " + std::to_string(stream.avail_in) + " bytes after its end"};
  return out;
}

Result<Bytes> read_gzip_file(const fs::path& path, std::size_t max_bytes) {
  STEGPASS_TRY(file, read_file(path, kMaxGzipFile));
  auto bytes = gunzip(file, max_bytes);
  if (!bytes) return with_path(path, bytes.error());
  return bytes;
}

Result<std::vector<fs::path>> list_image_files(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (auto entry = fs::recursive_directory_iterator(folder, error); !error && entry != fs::recursive_directory_iterator();
       entry.increment(error))
    if (is_image(entry->path()) && entry->is_regular_file(error)) paths.push_back(entry->path());
  if (error) return {Errc::io, folder.string() + ": " + error.message()};
  if (paths.empty()) return {Errc::not_found, folder.string() + ": no .png, .jpg or .jpeg file in it"};
  std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.native() < b.native(); });
  return paths;
}

Result<Raster> read_image_file(const fs::path& path, Transparency transparency) {
  STEGPASS_TRY(file, read_file(path, kMaxImageFile));
  auto image = decode_image(file, transparency);
  if (!image) return with_path(path, image.error());
  return image;
}

Result<std::vector<Raster>> load_image_folder(const fs::path& folder) {
  STEGPASS_TRY(paths, list_image_files(folder));
  std::vector<Raster> pictures;
  for (const auto& path : paths) {
    STEGPASS_TRY(picture, read_image_file(path));
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

Result<std::vector<Raster>> load_image_squares(const fs::path& folder, std::int64_t side) {
  STEGPASS_TRY(paths, list_image_files(folder));
  std::vector<Raster> pictures;
  for (const auto& path : paths) {
    STEGPASS_TRY(picture, read_image_file(path));
    pictures.push_back(centre_square(picture, side));
  }
  return pictures;
}

}  // namespace stegpass::model::io
