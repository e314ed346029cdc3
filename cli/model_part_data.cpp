#include <algorithm>
#include <system_error>

#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/pick_pictures.hpp>

#include "model_part_impl.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

model::io::LoadOptions load_options(const Progress& progress) {
  model::io::LoadOptions options;
  if (progress) {
    options.progress = [progress](std::size_t done, std::size_t total) {
      return progress(static_cast<double>(done), static_cast<double>(total),
                      std::to_string(done) + "/" + std::to_string(total) + " pictures");
    };
  }
  return options;
}

DataSummary::Part summary_of(const model::LabelledImages& data) {
  DataSummary::Part part{static_cast<std::uint64_t>(data.size()),
                         std::vector<std::uint64_t>(static_cast<std::size_t>(data.classes)), model::dataset_digest(data)};
  for (std::int64_t i = 0; i < data.size(); ++i)
    ++part.per_class[static_cast<std::size_t>(data.labels.data_ptr<std::int64_t>()[i])];
  return part;
}

Result<DataSummary> summary_of(std::string_view path, const model::DataSplit& data) {
  STEGPASS_TRY(kind, model::io::find_data_kind(path));
  const std::string name = data.train.name.substr(0, data.train.name.rfind('/'));
  return DataSummary{std::string(model::io::data_kind_name(kind)),
                     name,
                     static_cast<std::uint32_t>(data.train.side()),
                     data.train.class_names,
                     summary_of(data.train),
                     summary_of(data.test)};
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    paths.push_back(entry->path());
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace

Result<DataSummary> LibtorchModelPart::check_data(std::string_view path, std::uint32_t side, const Progress& progress,
                                                  const Note& note) {
  model::io::LoadOptions options = load_options(progress);
  options.note = note;
  STEGPASS_TRY(data, model::io::load_dataset(path, static_cast<int>(side), options));
  return summary_of(path, data);
}

Result<ImportedData> LibtorchModelPart::import_data(std::string_view path, std::uint32_t side, const Progress& progress) {
  model::io::LoadOptions options = load_options(progress);
  options.use_cache = false;
  STEGPASS_TRY(data, model::io::load_dataset(path, static_cast<int>(side), options));
  STEGPASS_TRY(summary, summary_of(path, data));
  return ImportedData{summary, model::io::encode_data_file(data)};
}

std::vector<std::pair<std::string, std::string>> LibtorchModelPart::data_kinds() {
  using model::io::DataKind;
  std::vector<std::pair<std::string, std::string>> kinds;
  for (const auto& [kind, layout] :
       {std::pair(DataKind::drawn, "the word drawn"),
        std::pair(DataKind::cifar10, "folder with data_batch_*.bin and test_batch.bin"),
        std::pair(DataKind::cifar100, "folder with train.bin and test.bin"),
        std::pair(DataKind::idx, "folder with MNIST's or Fashion-MNIST's four files, packed (.gz) or not"),
        std::pair(DataKind::folders, "folder of class folders with PNG and JPEG pictures, perhaps in train and test"),
        std::pair(DataKind::data_file, "what stegpass data import made")}) {
    kinds.emplace_back(model::io::data_kind_name(kind), layout);
  }
  return kinds;
}

std::vector<FoundData> LibtorchModelPart::find_data(const std::vector<fs::path>& folders) {
  std::vector<FoundData> found;
  for (const fs::path& folder : folders) {
    for (const fs::path& path : entries_of(folder)) {
      std::error_code error;
      if (!fs::is_directory(path, error) && path.extension() != ".safetensors") continue;
      if (const auto kind = model::io::find_data_kind(path.string()))
        found.push_back({std::string(model::io::data_kind_name(*kind)), path});
    }
  }
  for (const fs::path& path : entries_of(model::io::default_cache_folder())) {
    if (path.extension() == ".safetensors") found.push_back({"data file of the cache", path});
  }
  return found;
}

Result<PickedPictures> LibtorchModelPart::pick_pictures(const PickRequest& request) {
  model::io::PickOptions options;
  options.count = request.count;
  options.seed = request.seed;
  options.size = request.size;
  STEGPASS_TRY(picks, model::io::pick_pictures(request.folder, options));
  PickedPictures out;
  out.passed_over = std::move(picks.passed_over);
  for (auto& picture : picks.pictures) {
    out.pictures.push_back(std::move(picture.file));
    out.paths.push_back(std::move(picture.path));
  }
  return out;
}

}  // namespace stegpass::cli
