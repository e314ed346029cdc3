#include <stegpass/model/io/pick_pictures.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>

#include <stegpass/model/io/files.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/passport.hpp>

namespace stegpass::model::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxPictureFile = std::size_t{64} << 20;
constexpr std::int64_t kThumbnail = 16;

std::string with_figure(const char* form, double a, double b) {
  char text[120];
  std::snprintf(text, sizeof text, form, a, b);
  return text;
}

/// Pearson's correlation over all values; -1 where one of them is flat.
double correlation_of(const Bytes& a, const Bytes& b) {
  const auto mean = [](const Bytes& x) { return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size()); };
  const double mean_a = mean(a), mean_b = mean(b);
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : -1.0;
}

/// One choice under way.
class Picker {
 public:
  explicit Picker(const PickOptions& options) : options_(options) {}

  bool enough() const { return picks_.pictures.size() == options_.count; }

  void consider(const fs::path& path) {
    auto file = read_file(path, kMaxPictureFile);
    if (!file) return pass_over(unreadable_, file.error().detail);
    const auto picture = decode_image(*file);
    if (!picture) return pass_over(unreadable_, path.string() + ": " + picture.error().detail);
    const Raster square = centre_square(*picture, options_.size);
    const double contrast = picture_contrast(square.rgb);
    if (contrast < Passport::kMinContrast) {
      return pass_over(flat_, path.string() + with_figure(": flat: contrast %.2f grey levels, at least %.2f expected", contrast,
                                                          Passport::kMinContrast));
    }
    const Bytes thumbnail = centre_square(square, kThumbnail).rgb;
    for (std::size_t i = 0; i < thumbnails_.size(); ++i) {
      const double alike = correlation_of(thumbnail, thumbnails_[i]);
      if (alike <= options_.most_alike) continue;
      return pass_over(alike_, path.string() + ": looks like " + picks_.pictures[i].path.string() +
                                   with_figure(": correlation %.3f, at most %.3f expected", alike, options_.most_alike));
    }
    picks_.pictures.push_back({path, std::move(file).value()});
    thumbnails_.push_back(thumbnail);
  }

  Error too_few(const fs::path& folder, std::size_t files) const {
    return {Errc::refused, folder.string() + ": " + std::to_string(picks_.pictures.size()) + " usable pictures among " +
                               std::to_string(files) + ", " + std::to_string(options_.count) + " expected (" +
                               std::to_string(flat_) + " flat, " + std::to_string(alike_) + " like another, " +
                               std::to_string(unreadable_) + " unreadable)"};
  }

  Picks finish() { return std::move(picks_); }

 private:
  void pass_over(std::size_t& count, std::string line) {
    ++count;
    picks_.passed_over.push_back(std::move(line));
  }

  PickOptions options_;
  Picks picks_;
  std::vector<Bytes> thumbnails_;
  std::size_t flat_ = 0, alike_ = 0, unreadable_ = 0;
};

}  // namespace

Result<Picks> pick_pictures(const fs::path& folder, const PickOptions& options) {
  STEGPASS_TRY(paths, list_image_files(folder));
  const std::size_t files = paths.size();
  std::mt19937_64 random(options.seed);  // whose output the language standard fixes, unlike std::shuffle's
  Picker picker(options);
  while (!paths.empty() && !picker.enough()) {
    std::swap(paths[random() % paths.size()], paths.back());
    picker.consider(paths.back());
    paths.pop_back();
  }
  if (!picker.enough()) return picker.too_few(folder, files);
  return picker.finish();
}

}  // namespace stegpass::model::io
