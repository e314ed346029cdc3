#pragma once

#include <cstdint>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// Where the QR code of an identity image of this size lies: a white square in the lower right corner.
struct QrPlace {
  std::int64_t module = 0;  ///< pixels a module: size / 128, so 2 at 256
  std::int64_t left = 0;    ///< first column and row of the symbol itself, inside four modules of white
  std::int64_t top = 0;
  std::int64_t side = 0;  ///< pixels of the symbol, 33 modules
};

/// Modules a side of the one symbol form in use: version 4, level Q (a quarter of the code words may be wrong), bytes.
inline constexpr std::int64_t kQrModules = 33;
inline constexpr std::int64_t kQrQuiet = 4;

/// Requires size >= 128.
QrPlace qr_place(std::int64_t size);

/// Makes the identity image: the picture's centred square at `size` pixels, with the base64url text of the licensee key's
/// thumbprint as a QR code in its place. `contrast`, over 0 and at most 1, draws the picture's values, not the code's, towards
/// grey. Errors  usage (size is not even or not 128 to 4096), refused (the picture already holds a QR code that reads).
Result<Raster> compose_identity(const Raster& picture, std::int64_t size, const Digest32& thumbprint, double contrast = 1);

/// Reads the thumbprint back, from that place alone.
/// Errors  usage (not square, or not a size that compose_identity makes), malformed (no code that reads there, or another text).
Result<Digest32> read_identity_qr(const Raster& identity);

}  // namespace stegpass::model::io
