#include <stegpass/model/io/identity.hpp>

#include <algorithm>
#include <cassert>
#include <string>

#define ZX_USE_UTF8 1  // texts as std::string
#include <ZXing/ReadBarcode.h>
#include <opencv2/imgproc.hpp>
#include <opencv2/objdetect.hpp>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/image.hpp>

#include "mat.hpp"

namespace stegpass::model::io {
namespace {

constexpr int kReadModule = 8;  // pixels a module of the clean copy that is handed to the decoder

Status check_size(std::int64_t size) {
  if (size < 128 || size > 4096 || size % 2 != 0)
    return {Errc::usage, "identity image: " + std::to_string(size) + " pixels a side, expected an even number from 128 to 4096"};
  return Done{};
}

// The symbol as 33 by 33 modules of 0 or 255, without quiet zone. OpenCV writes, since it takes version and mode as told;
// ZXing reads, since Debian's OpenCV is built without its reader.
cv::Mat encode_symbol(const std::string& text) {
  cv::QRCodeEncoder::Params parameters;
  parameters.version = 4;
  parameters.correction_level = cv::QRCodeEncoder::CORRECT_LEVEL_Q;
  parameters.mode = cv::QRCodeEncoder::MODE_BYTE;
  cv::Mat symbol;
  cv::QRCodeEncoder::create(parameters)->encode(text, symbol);
  const int modules = static_cast<int>(kQrModules), border = (symbol.cols - modules) / 2;
  assert(border >= 0 && symbol.rows == symbol.cols && symbol.cols == modules + 2 * border);
  return symbol(cv::Rect(border, border, modules, modules));
}

// What ZXing reads from a grey picture, or nothing. `pure` says that it holds the symbol alone, upright and whole.
std::string read_symbol(const cv::Mat& grey, bool pure) {
  const auto hints = ZXing::DecodeHints().setFormats(ZXing::BarcodeFormat::QRCode).setIsPure(pure).setTryHarder(!pure);
  const auto found = ZXing::ReadBarcode({grey.data, grey.cols, grey.rows, ZXing::ImageFormat::Lum}, hints);
  return found.isValid() ? found.text() : std::string();
}

cv::Mat grey_of(const Raster& picture) {
  cv::Mat grey;
  cv::cvtColor(mat_of_raster(picture), grey, cv::COLOR_RGB2GRAY);
  return grey;
}

// Every module's mean brightness against middle grey, as a clean picture with a quiet zone.
cv::Mat sample_symbol(const cv::Mat& grey, const QrPlace& place) {
  const int modules = static_cast<int>(kQrModules), quiet = static_cast<int>(kQrQuiet), module = static_cast<int>(place.module);
  cv::Mat clean((modules + 2 * quiet) * kReadModule, (modules + 2 * quiet) * kReadModule, CV_8U, cv::Scalar(255));
  for (int row = 0; row < modules; ++row)
    for (int column = 0; column < modules; ++column) {
      const cv::Rect cell(static_cast<int>(place.left) + column * module, static_cast<int>(place.top) + row * module, module,
                          module);
      if (cv::mean(grey(cell))[0] >= 128) continue;
      clean(cv::Rect((column + quiet) * kReadModule, (row + quiet) * kReadModule, kReadModule, kReadModule)).setTo(0);
    }
  return clean;
}

}  // namespace

QrPlace qr_place(std::int64_t size) {
  assert(size >= 128);
  const auto module = size / 128, side = kQrModules * module, first = size - (kQrModules + kQrQuiet) * module;
  return {module, first, first, side};
}

Result<Raster> compose_identity(const Raster& picture, std::int64_t size, const Digest32& thumbprint, double contrast) {
  STEGPASS_CHECK_OK(check_size(size));
  if (!read_symbol(grey_of(picture), false).empty())
    return {Errc::refused, "identity picture: it already holds a qr code, expected a picture without one"};
  auto identity = centre_square(picture, size);
  const auto place = qr_place(size);
  const int module = static_cast<int>(place.module), side = static_cast<int>(place.side),
            quiet = static_cast<int>(kQrQuiet) * module;
  cv::Mat image = mat_of_raster(identity), symbol, colour;
  if (contrast < 1) image.convertTo(image, -1, contrast, 128 * (1 - contrast));
  const cv::Rect inner(static_cast<int>(place.left), static_cast<int>(place.top), side, side);
  image(cv::Rect(inner.x - quiet, inner.y - quiet, side + 2 * quiet, side + 2 * quiet)).setTo(cv::Scalar::all(255));
  cv::resize(encode_symbol(to_base64url(thumbprint)), symbol, inner.size(), 0, 0, cv::INTER_NEAREST);
  cv::cvtColor(symbol, colour, cv::COLOR_GRAY2RGB);
  colour.copyTo(image(inner));
  return identity;
}

Result<Digest32> read_identity_qr(const Raster& identity) {
  STEGPASS_CHECK_OK(check_size(identity.width));
  if (identity.width != identity.height)
    return {Errc::usage, "identity image: " + std::to_string(identity.width) + " by " + std::to_string(identity.height) +
                             ", expected a square"};
  const auto text = read_symbol(sample_symbol(grey_of(identity), qr_place(identity.width)), true);
  if (text.empty()) return {Errc::malformed, "identity image: no qr code reads at its place"};
  const auto bytes = parse_base64url(text);
  if (!bytes || bytes->size() != Digest32{}.size())
    return {Errc::malformed, "identity image: its qr code is not a thumbprint of 32 bytes"};
  Digest32 thumbprint{};
  std::copy(bytes->begin(), bytes->end(), thumbprint.begin());
  return thumbprint;
}

}  // namespace stegpass::model::io
