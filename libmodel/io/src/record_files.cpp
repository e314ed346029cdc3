#include "record_files.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include <stegpass/model/io/files.hpp>

#include "folder_tree.hpp"

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxRecordFile = std::size_t{1} << 30;
constexpr std::size_t kMaxNamesFile = std::size_t{1} << 16;

using Parser = Result<LabelledImages> (*)(ByteView, std::string);

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

/// The folder's own name, also for "." and "folder/".
std::string name_of(const fs::path& folder, const char* part) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(folder, error);
  return (error ? folder : whole).filename().string() + "/" + part;
}

/// One name a line; none where the file is absent or does not give one for every class.
std::vector<std::string> class_names(const fs::path& path, std::size_t classes) {
  if (!is_file(path)) return {};
  const auto file = read_file(path, kMaxNamesFile);
  if (!file) return {};
  std::vector<std::string> names;
  std::string line;
  for (const std::uint8_t c : *file) {
    if (c == '\n' && !line.empty()) names.push_back(std::exchange(line, {}));
    if (c != '\n' && c != '\r') line += static_cast<char>(c);
  }
  if (!line.empty()) names.push_back(line);
  const bool fit = names.size() == classes && std::all_of(names.begin(), names.end(), is_class_name);
  return fit ? names : std::vector<std::string>();
}

Result<LabelledImages> load_records(const std::vector<fs::path>& files, Parser parse, const std::string& name) {
  std::vector<torch::Tensor> images, labels;
  LabelledImages out;
  for (const fs::path& path : files) {
    STEGPASS_TRY(bytes, read_file(path, kMaxRecordFile));
    auto part = parse(bytes, name);
    if (!part) return Error{part.error().code, path.string() + ": " + part.error().detail};
    out = *part;
    images.push_back(out.images);
    labels.push_back(out.labels);
  }
  out.images = images.size() == 1 ? images[0] : torch::cat(images);
  out.labels = labels.size() == 1 ? labels[0] : torch::cat(labels);
  return out;
}

/// Files of records for both parts, and what their classes are called.
struct RecordFiles {
  std::vector<fs::path> train;
  fs::path test, names;
};

Result<DataSplit> load_split(const fs::path& folder, const RecordFiles& files, Parser parse, bool test_alone) {
  DataSplit data;
  STEGPASS_TRY(test, load_records({files.test}, parse, name_of(folder, "test")));
  data.test = test;
  data.test.class_names = class_names(files.names, static_cast<std::size_t>(test.classes));
  data.train.classes = test.classes;
  if (!test_alone) {
    STEGPASS_TRY(train, load_records(files.train, parse, name_of(folder, "train")));
    data.train = train;
  }
  data.train.class_names = data.test.class_names;
  return data;
}

/// Images or labels of one part: packed or not, in the spellings that are about.
std::optional<fs::path> idx_path(const fs::path& folder, const std::string& part, const std::string& what) {
  for (const std::string& middle : {"-" + what, "." + what}) {
    for (const char* ending : {".gz", ""}) {
      fs::path path = folder / (part + (what == "idx3-ubyte" ? "-images" : "-labels") + middle + ending);
      if (is_file(path)) return path;
    }
  }
  return std::nullopt;
}

Result<Bytes> read_idx(const fs::path& folder, const std::string& part, const std::string& what) {
  const auto path = idx_path(folder, part, what);
  if (!path)
    return Error{Errc::not_found,
                 (folder / (part + (what == "idx3-ubyte" ? "-images-" : "-labels-") + what + ".gz")).string() + ": no such file"};
  return path->extension() == ".gz" ? read_gzip_file(*path, kMaxRecordFile) : read_file(*path, kMaxRecordFile);
}

Result<LabelledImages> load_idx_part(const fs::path& folder, const std::string& part) {
  STEGPASS_TRY(images, read_idx(folder, part, "idx3-ubyte"));
  STEGPASS_TRY(labels, read_idx(folder, part, "idx1-ubyte"));
  auto data = parse_idx(images, labels, name_of(folder, part.c_str()));
  if (!data) return Error{data.error().code, (folder / part).string() + "-*: " + data.error().detail};
  return data;
}

}  // namespace

std::vector<fs::path> cifar10_batches(const fs::path& folder) {
  constexpr std::string_view kStart = "data_batch_";
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with(kStart) && name.ends_with(".bin") && is_file(entry->path())) paths.push_back(entry->path());
  }
  // Numbers without leading zeros: the shorter name is the smaller number.
  const auto key = [](const fs::path& path) { return std::pair(path.filename().native().size(), path.filename().native()); };
  std::sort(paths.begin(), paths.end(), [&](const fs::path& a, const fs::path& b) { return key(a) < key(b); });
  return paths;
}

bool has_idx_files(const fs::path& folder) {
  return idx_path(folder, "t10k", "idx3-ubyte") && idx_path(folder, "t10k", "idx1-ubyte");
}

Result<DataSplit> load_cifar10(const fs::path& folder, bool test_alone) {
  return load_split(folder, {cifar10_batches(folder), folder / "test_batch.bin", folder / "batches.meta.txt"}, parse_cifar10,
                    test_alone);
}

Result<DataSplit> load_cifar100(const fs::path& folder, bool test_alone) {
  return load_split(folder, {{folder / "train.bin"}, folder / "test.bin", folder / "fine_label_names.txt"}, parse_cifar100,
                    test_alone);
}

Result<DataSplit> load_idx(const fs::path& folder, bool test_alone) {
  DataSplit data;
  STEGPASS_TRY(test, load_idx_part(folder, "t10k"));
  data.test = test;
  if (test_alone) return data;
  STEGPASS_TRY(train, load_idx_part(folder, "train"));
  data.train = train;
  return data;
}

}  // namespace stegpass::model::io
