#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model::io {

struct PickOptions {
  std::size_t count = 6;
  std::uint64_t seed = 1;
  std::int64_t size = 256;   ///< side in pixels of the squares that are judged
  double most_alike = 0.95;  ///< correlation of 16 x 16 thumbnails above which two pictures count as one
};

/// Pictures that were chosen, and a line for each candidate that was passed over.
struct Picks {
  struct Picture {
    std::filesystem::path path;
    Bytes file;
  };
  std::vector<Picture> pictures;
  std::vector<std::string> passed_over;
};

/// Chooses different pictures among all under `folder` (list_image_files), at random by the seed: candidates come in shuffled
/// order, and one that cannot be decoded, is flat (contrast of its square below Passport::kMinContrast), or looks like one
/// already chosen makes room for the next. The same for the same folder and options. Errors  those of list_image_files; refused
/// when candidates run out: how many were found, and why the others were not.
Result<Picks> pick_pictures(const std::filesystem::path& folder, const PickOptions& options = {});

}  // namespace stegpass::model::io
