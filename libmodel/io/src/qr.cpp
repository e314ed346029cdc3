#include <stegpass/model/io/qr.hpp>

#include <algorithm>
#include <exception>

#define ZX_USE_UTF8 1  // texts as std::string
#include <ZXing/BitMatrix.h>
#include <ZXing/MultiFormatWriter.h>
#include <ZXing/ReadBarcode.h>
#include <opencv2/imgproc.hpp>

#include "mat.hpp"

namespace stegpass::model::io {
namespace {

constexpr std::size_t kMaxQrText = 400;
constexpr int kCardWidth = 1012, kCardHeight = 638, kOver = 2;  // drawn at twice the size, for smooth letters
constexpr int kMargin = 44, kModule = 6;
const cv::Scalar kPaper(255, 255, 255), kInk(26, 34, 48), kPale(74, 85, 103), kAccent(29, 63, 114);

bool is_printable(char c) { return c >= 0x20 && c < 0x7f; }

struct Pen {
  cv::Mat& page;
  void write(const std::string& text, int x, int y, double scale, const cv::Scalar& colour,
             int font = cv::FONT_HERSHEY_SIMPLEX) const {
    cv::putText(page, text, cv::Point(x * kOver, y * kOver), font, scale * kOver, colour,
                std::max(1, static_cast<int>(scale * kOver * 2.2)), cv::LINE_AA);
  }
  static int width(const std::string& text, double scale) {
    return cv::getTextSize(text, cv::FONT_HERSHEY_SIMPLEX, scale, 1, nullptr).width;
  }
};

std::string plain(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return !is_printable(c); }, '?');
  return text;
}

/// The longest beginning that fits.
std::string fitting(const std::string& text, double scale, int width) {
  std::size_t count = text.size();
  while (count > 1 && Pen::width(text.substr(0, count), scale) > width) --count;
  return text.substr(0, count);
}

/// A value in one line, or in two, the second cut with an ellipsis if it has to be.
std::vector<std::string> broken(const std::string& text, double scale, int width) {
  std::vector<std::string> lines{fitting(text, scale, width)};
  if (lines[0].size() == text.size()) return lines;
  const std::string rest = text.substr(lines[0].size());
  std::string second = fitting(rest, scale, width);
  if (second.size() < rest.size()) second = fitting(rest, scale, width - Pen::width("...", scale)) + "...";
  lines.push_back(second);
  return lines;
}

void draw_code(cv::Mat& page, const QrCode& code, int left, int top, int module) {
  for (std::int64_t row = 0; row < code.side; ++row)
    for (std::int64_t column = 0; column < code.side; ++column) {
      if (!code.dark[static_cast<std::size_t>(row * code.side + column)]) continue;
      cv::rectangle(page,
                    cv::Rect((left + static_cast<int>(column) * module) * kOver, (top + static_cast<int>(row) * module) * kOver,
                             module * kOver, module * kOver),
                    cv::Scalar::all(0), cv::FILLED);
    }
}

void draw_facts(const Pen& pen, const CardFace& face, int width) {
  constexpr double kName = 0.42, kValue = 0.56;
  constexpr int kLine = 25, kTop = 142, kRoom = 440;
  std::vector<std::vector<std::string>> values;
  int lines = 0;
  for (const auto& fact : face.facts) {
    values.push_back(broken(plain(fact.second), kValue, width));
    lines += static_cast<int>(values.back().size());
  }
  const int gap = face.facts.empty() ? 0 : std::min(44, (kRoom - lines * kLine) / static_cast<int>(face.facts.size()));
  int y = kTop;
  for (std::size_t i = 0; i < values.size(); ++i, y += gap) {
    pen.write(plain(face.facts[i].first), kMargin, y, kName, kPale);
    for (const std::string& line : values[i]) pen.write(line, kMargin, y += kLine, kValue, kInk);
  }
}

}  // namespace

Result<QrCode> encode_qr(std::string_view text) {
  if (text.empty() || text.size() > kMaxQrText || !std::all_of(text.begin(), text.end(), is_printable))
    return Error{Errc::usage, "a QR code takes 1 to " + std::to_string(kMaxQrText) + " printable ASCII characters"};
  try {
    constexpr int quartile = 6;  // ZXing's scale of 0 to 8
    const auto matrix =
        ZXing::MultiFormatWriter(ZXing::BarcodeFormat::QRCode).setEccLevel(quartile).setMargin(0).encode(std::string(text), 0, 0);
    QrCode out{matrix.width(), {}};
    for (int y = 0; y < matrix.height(); ++y)
      for (int x = 0; x < matrix.width(); ++x) out.dark.push_back(matrix.get(x, y) ? 1 : 0);
    return out;
  } catch (const std::exception& error) {
    return Error{Errc::usage, std::string("this text makes no QR code: ") + error.what()};
  }
}

Result<std::string> read_qr(const Raster& picture) {
  cv::Mat grey;
  cv::cvtColor(mat_of_raster(picture), grey, cv::COLOR_RGB2GRAY);
  const auto hints = ZXing::DecodeHints().setFormats(ZXing::BarcodeFormat::QRCode).setTryHarder(true).setTryRotate(true);
  const auto found = ZXing::ReadBarcode({grey.data, grey.cols, grey.rows, ZXing::ImageFormat::Lum}, hints);
  if (!found.isValid()) return Error{Errc::not_found, "no QR code in the picture reads"};
  return found.text();
}

Result<Raster> draw_card(const CardFace& face) {
  STEGPASS_TRY(code, encode_qr(face.qr_text));
  cv::Mat page(kCardHeight * kOver, kCardWidth * kOver, CV_8UC3, kPaper);
  const Pen pen{page};
  // As large as leaves four modules of white around it.
  const int module = std::max(2, std::min<int>(kModule, 420 / static_cast<int>(code.side + 8))),
            side = module * static_cast<int>(code.side);
  const int left = kCardWidth - side - 4 * module - 12, top = 118 + 2 * module;
  cv::rectangle(page, cv::Rect(0, 0, kCardWidth * kOver, 88 * kOver), kAccent, cv::FILLED);
  pen.write(plain(face.title), kMargin, 57, 1.0, kPaper, cv::FONT_HERSHEY_DUPLEX);
  draw_code(page, code, left, top, module);
  draw_facts(pen, face, left - kMargin - 4 * module);
  pen.write(fitting(plain(face.foot), 0.42, kCardWidth - 2 * kMargin), kMargin, kCardHeight - 26, 0.42, kPale);
  cv::rectangle(page, cv::Rect(0, 0, kCardWidth * kOver, kCardHeight * kOver), kPale, 2);
  cv::Mat card;
  cv::resize(page, card, cv::Size(kCardWidth, kCardHeight), 0, 0, cv::INTER_AREA);
  return raster_of_mat(card);
}

}  // namespace stegpass::model::io
