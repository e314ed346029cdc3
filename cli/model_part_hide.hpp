#pragma once

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/raster.hpp>

#include "model_part.hpp"

namespace stegpass::cli {

/// A key as the vault and the bundles hold it. Errors  malformed unless it has 64 bytes.
Result<Digest64> isn_key_of(ByteView bytes);

/// A key that is not this one: a bit away is as far as any other.
Digest64 wrong_key_of(Digest64 key);

/// What hiding and reading back gave, all as 8-bit pictures of one size.
struct HiddenPictures {
  model::Raster cover, stego, secret, revealed, wrong_key;
};

/// Hides `secret` in `cover` and reveals it from the 8-bit stego, under the key and under one that is a bit away. Errors  those
/// of IsnModel::hide.
Result<HiddenPictures> hide_and_reveal(const model::IsnModel& isn, const model::Raster& cover, const model::Raster& secret,
                                       const Digest64& key);
/// The same, with `hider`, the same weights in another precision, for all but the right key's reveal.
Result<HiddenPictures> hide_and_reveal(const model::IsnModel& isn, const model::IsnModel& hider, const model::Raster& cover,
                                       const model::Raster& secret, const Digest64& key);

/// From cover, stego and secret: the stego as its file holds it, and what the two keys reveal from it.
Result<HiddenPictures> read_back(const model::IsnModel& isn, const model::IsnModel& hider, HiddenPictures given,
                                 const Digest64& key);

/// Correlation of what the wrong key reveals with the secret or the cover, whichever is more, 0 to 1.
double wrong_key_correlation(const HiddenPictures& pictures);
/// Errors  refused, with the figure, when a wrong key's reveal has to do with the secret or the cover.
Status check_wrong_key(const HiddenPictures& pictures);

/// The page of pictures for people (PNG); empty unless they are squares of at least 128 pixels.
Bytes sheet_of(const HiddenPictures& pictures);

}  // namespace stegpass::cli
