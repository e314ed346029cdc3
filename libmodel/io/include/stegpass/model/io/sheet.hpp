#pragma once

#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// The pictures of one mint, all of one size.
struct MintPictures {
  Raster cover, stego, identity, revealed, wrong_key;
};

/// Middle grey plus twenty times stego minus cover, cut at 0 and 255. Requires equal sizes (assertion).
Raster difference_picture(const Raster& cover, const Raster& stego);

/// One page for people: above cover, stego and their difference, below identity, what the right key reveals, what a wrong key
/// reveals; each under its label and with its figures; beside the difference's label the histogram of its values, -8 to 8.
/// Requires equal square sizes of at least 128 pixels (assertion).
Raster mint_sheet(const MintPictures& pictures);

}  // namespace stegpass::model::io
