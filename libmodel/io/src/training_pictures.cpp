#include <stegpass/model/io/training_pictures.hpp>

#include <array>
#include <cassert>
#include <iterator>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/files.hpp>
#include <stegpass/model/io/identity.hpp>

namespace stegpass::model::io {
namespace {

constexpr std::int64_t kSide = 256;
constexpr std::array kNames{"Ada Byron", "Northwind Ltd", "J. Okafor", "Licensee 4711",
                            "Mira Sol",  "Atelier Blau",  "K. Tanaka", "Polar Labs"};

Digest32 thumbprint_of(std::uint64_t seed) {
  Bytes bytes;
  append_big_endian(bytes, seed, 8);
  return sha256(bytes);
}

Raster draw_card(std::uint64_t seed) {
  auto card = compose_identity(draw_identity_card(kSide, seed, kNames[seed % kNames.size()]), kSide, thumbprint_of(seed));
  assert(card.ok());
  return std::move(card).value();
}

}  // namespace

std::vector<Raster> draw_training_pictures(const TrainingPictureOptions& options) {
  std::vector<Raster> pictures;
  // Seeds far from those that users meet, so that what is shown was not trained on.
  const auto first = (options.seed << 32) + (std::uint64_t{1} << 48);
  for (std::int64_t i = 0; i < options.scenes; ++i)
    pictures.push_back(draw_scene(kSide, kSide, first + static_cast<std::uint64_t>(i)));
  for (std::int64_t i = 0; i < options.cards; ++i) pictures.push_back(draw_card(first + static_cast<std::uint64_t>(i)));
  return pictures;
}

Result<std::vector<Raster>> load_training_pictures(const std::filesystem::path& folder, const TrainingPictureOptions& options) {
  STEGPASS_TRY(pictures, load_image_folder(folder));
  auto drawn = draw_training_pictures(options);
  pictures.insert(pictures.end(), std::make_move_iterator(drawn.begin()), std::make_move_iterator(drawn.end()));
  return pictures;
}

}  // namespace stegpass::model::io
