#include <stegpass/model/io/sheet.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdio>
#include <string>

#include <opencv2/imgproc.hpp>

#include "mat.hpp"

namespace stegpass::model::io {
namespace {

const cv::Scalar kPaper(250, 249, 246), kInk(38, 40, 48), kPale(120, 122, 130), kFrame(205, 204, 200);

struct Tile {
  const Raster& picture;
  std::string label, note;
};

std::string decibels(const char* before, const Raster& a, const Raster& b) {
  char text[64];
  std::snprintf(text, sizeof text, "%s%.1f dB", before, psnr_db(a, b));
  return text;
}

// Sizes of a page whose tiles are `side` pixels wide; all else follows from them.
struct Layout {
  int side, gap, text;
  double scale;

  explicit Layout(int tile_side) : side(tile_side), gap(side / 12), text(side / 5), scale(side / 440.0) {}
  int width() const { return 3 * side + 4 * gap; }
  int height() const { return 2 * (side + text) + 3 * gap; }
  cv::Point corner(int index) const { return {gap + index % 3 * (side + gap), gap + index / 3 * (side + text + gap)}; }
};

void write(cv::Mat& page, const std::string& text, cv::Point at, double scale, const cv::Scalar& colour) {
  cv::putText(page, text, at, cv::FONT_HERSHEY_SIMPLEX, scale, colour, std::max(1, static_cast<int>(scale * 1.8)), cv::LINE_AA);
}

void put_tile(cv::Mat& page, const Layout& layout, int index, const Tile& tile) {
  const auto corner = layout.corner(index);
  const cv::Rect place(corner.x, corner.y, layout.side, layout.side);
  mat_of_raster(tile.picture).copyTo(page(place));
  cv::rectangle(page, cv::Rect(place.x - 1, place.y - 1, place.width + 2, place.height + 2), kFrame, 1);
  const int line = layout.text * 2 / 5;
  write(page, tile.label, {corner.x, corner.y + layout.side + line}, layout.scale, kInk);
  write(page, tile.note, {corner.x, corner.y + layout.side + 2 * line}, layout.scale * 0.8, kPale);
}

// How many values differ by -8 ... 8, as bars beside the difference's label; the middle bar is 0, the outermost hold what is
// beyond.
void put_histogram(cv::Mat& page, const Layout& layout, int index, const Raster& cover, const Raster& stego) {
  constexpr int kMost = 8;
  std::array<double, 2 * kMost + 1> counts{};
  for (std::size_t i = 0; i < cover.rgb.size(); ++i)
    ++counts[static_cast<std::size_t>(kMost + std::clamp(stego.rgb[i] - cover.rgb[i], -kMost, kMost))];
  const double highest = *std::max_element(counts.begin(), counts.end());
  const auto corner = layout.corner(index);
  const int bars = static_cast<int>(counts.size()), step = layout.side / 2 / bars, height = layout.text * 4 / 5;
  const int left = corner.x + layout.side - bars * step, bottom = corner.y + layout.side + layout.text;
  for (int i = 0; i < bars; ++i) {
    const int tall = std::max(1, static_cast<int>(height * counts[static_cast<std::size_t>(i)] / highest));
    cv::rectangle(page, cv::Rect(left + i * step, bottom - tall, std::max(1, step - 1), tall), i == kMost ? kInk : kPale,
                  cv::FILLED);
  }
}

}  // namespace

Raster difference_picture(const Raster& cover, const Raster& stego) {
  assert(cover.width == stego.width && cover.height == stego.height && cover.rgb.size() == stego.rgb.size());
  Raster difference = cover;
  for (std::size_t i = 0; i < cover.rgb.size(); ++i)
    difference.rgb[i] = static_cast<std::uint8_t>(std::clamp(128 + 20 * (stego.rgb[i] - cover.rgb[i]), 0, 255));
  return difference;
}

Raster mint_sheet(const MintPictures& pictures) {
  assert(pictures.cover.width == pictures.cover.height && pictures.cover.width >= 128);
  const Layout layout(static_cast<int>(pictures.cover.width));
  const auto difference = difference_picture(pictures.cover, pictures.stego);
  const std::array tiles{Tile{pictures.cover, "cover", "the owner's passport"},
                         Tile{pictures.stego, "stego", decibels("user passport, ", pictures.cover, pictures.stego)},
                         Tile{difference, "difference x20", "-8 to 8:"},
                         Tile{pictures.identity, "identity", "hidden in the stego"},
                         Tile{pictures.revealed, "revealed", decibels("license key, ", pictures.identity, pictures.revealed)},
                         Tile{pictures.wrong_key, "wrong key", decibels("one bit off, ", pictures.identity, pictures.wrong_key)}};
  cv::Mat page(layout.height(), layout.width(), CV_8UC3, kPaper);
  for (std::size_t i = 0; i < tiles.size(); ++i) put_tile(page, layout, static_cast<int>(i), tiles[i]);
  put_histogram(page, layout, 2, pictures.cover, pictures.stego);
  return raster_of_mat(page);
}

}  // namespace stegpass::model::io
