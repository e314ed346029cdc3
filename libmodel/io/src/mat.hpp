#pragma once

#include <cassert>

#include <opencv2/core.hpp>

#include <stegpass/model/raster.hpp>

namespace stegpass::model::io {

/// A view of the picture for OpenCV, red first; to be read only, and it lives as long as the picture.
inline cv::Mat mat_of_raster(const Raster& picture) {
  assert(picture.rgb.size() == static_cast<std::size_t>(picture.width * picture.height * 3));
  return {static_cast<int>(picture.height), static_cast<int>(picture.width), CV_8UC3,
          const_cast<std::uint8_t*>(picture.rgb.data())};
}

/// A copy of OpenCV's picture. Requires three 8-bit channels, red first.
inline Raster raster_of_mat(const cv::Mat& image) {
  assert(image.type() == CV_8UC3);
  const cv::Mat whole = image.isContinuous() ? image : image.clone();
  return {whole.cols, whole.rows, Bytes(whole.data, whole.data + whole.total() * 3)};
}

}  // namespace stegpass::model::io
