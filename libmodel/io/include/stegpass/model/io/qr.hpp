#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// A QR code as its modules, row by row, without quiet zone.
struct QrCode {
  std::int64_t side = 0;           ///< modules, 21 to 177
  std::vector<std::uint8_t> dark;  ///< side x side, 1 where dark
};

/// Encodes a short text at level Q: a quarter of the code words may be wrong.
/// Errors  usage (empty, over 400 bytes, other characters than printable ASCII).
Result<QrCode> encode_qr(std::string_view text);

/// What the QR code in a picture says, wherever it lies; photographs and scans are tried from several sides.
/// Errors  not_found (no code that reads).
Result<std::string> read_qr(const Raster& picture);

/// One side of a card to be printed at 85.6 x 54 mm and 300 dots an inch.
struct CardFace {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;  ///< at most seven; name, value
  std::string foot;
  std::string qr_text;
};
/// 1012 x 638 pixels: the facts at the left, the code at the right. Characters other than printable ASCII become '?'; long values
/// are broken into two lines and then cut with an ellipsis. Errors  as of encode_qr.
Result<Raster> draw_card(const CardFace& face);

}  // namespace stegpass::model::io
