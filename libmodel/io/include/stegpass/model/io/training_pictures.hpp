#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// How many drawn pictures join the photographs on which a network is trained, so that it serves what the program draws too.
struct TrainingPictureOptions {
  std::int64_t scenes = 180;  ///< draw_scene at 256 pixels
  std::int64_t cards = 180;   ///< draw_identity_card at 256 pixels, with a QR code of a random thumbprint
  std::uint64_t seed = 1;     ///< of the drawn pictures
};

/// The drawn pictures alone: what the program trains on where no photographs are to be had.
std::vector<Raster> draw_training_pictures(const TrainingPictureOptions& options = {});

/// The pictures under `folder` (load_image_folder), then the drawn ones. Errors  as load_image_folder.
Result<std::vector<Raster>> load_training_pictures(const std::filesystem::path& folder,
                                                   const TrainingPictureOptions& options = {});

}  // namespace stegpass::model::io
