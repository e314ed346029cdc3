#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <stegpass/model/io/dataset_files.hpp>

#include "tests/model/png_writer.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::model::io {

/// A data set and a cache of a test's own; both go with it.
struct DataFolder {
  DataFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "stegpass-data-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    root = name;
    data = root / "data";
    std::filesystem::create_directory(data);
    options.cache_folder = root / "cache";
    options.threads = 2;
    options.note = [this](std::string_view line) { notes.emplace_back(line); };
  }
  ~DataFolder() { std::filesystem::remove_all(root); }
  void write(const std::string& name, ByteView bytes) const {
    std::filesystem::create_directories((data / name).parent_path());
    std::ofstream(data / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  /// `count` pictures of one grey level, 01.png, 02.png, ...
  void write_class(const std::string& name, int count, std::uint8_t level) const {
    for (int i = 1; i <= count; ++i)
      write(name + (i < 10 ? "/0" : "/") + std::to_string(i) + ".png",
            test::flat_png(40, 30, {}, {level, level, static_cast<std::uint8_t>(i)}));
  }
  void write_two_classes() const {
    write_class("ant", 5, 10);
    write_class("bee", 11, 200);
  }
  Result<DataSplit> load(int side = 32) { return notes.clear(), load_dataset(data.string(), side, options); }
  Error error(int side = 32) {
    const auto loaded = load(side);
    REQUIRE_FALSE(loaded);
    return loaded.error();
  }
  std::filesystem::path cache(int side = 32) const { return cache_file(options.cache_folder, data, side); }

  std::filesystem::path root, data;
  LoadOptions options;
  std::vector<std::string> notes;
};

inline bool says(const Error& error, const std::string& text) { return error.detail.find(text) != std::string::npos; }

inline bool same(const DataSplit& a, const DataSplit& b) {
  return dataset_digest(a.train) == dataset_digest(b.train) && dataset_digest(a.test) == dataset_digest(b.test) &&
         a.train.class_names == b.train.class_names && a.train.name == b.train.name && a.test.name == b.test.name;
}

}  // namespace stegpass::model::io
