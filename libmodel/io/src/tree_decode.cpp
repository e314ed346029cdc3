#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include <stegpass/model/io/files.hpp>

#include "folder_tree.hpp"

namespace stegpass::model::io {
namespace {

constexpr auto kProgressEvery = std::chrono::milliseconds(100);

void write_planar(const Raster& picture, std::uint8_t* to) {
  const std::size_t pixels = picture.rgb.size() / 3;
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < 3; ++c) to[c * pixels + i] = picture.rgb[3 * i + c];
  }
}

// Runs on a thread, which no exception may leave.
Status decode_one(const TreePicture& picture, int side, std::uint8_t* to) try {
  STEGPASS_TRY(raster, read_image_file(picture.path, Transparency::on_white));
  write_planar(centre_square(raster, side), to);
  return Done{};
} catch (const std::exception& error) {
  return {Errc::io, picture.path.string() + ": cannot be decoded: " + error.what()};
}

/// Pictures are taken in order, so when one fails all before it have been taken, and the first failure of all is known once every
/// thread has ended.
class Decoding {
 public:
  Decoding(const std::vector<TreePicture>& pictures, int side, std::uint8_t* to) : pictures_(pictures), side_(side), to_(to) {}

  Status run(int threads, const std::function<bool(std::size_t)>& progress) {
    std::vector<std::thread> workers;
    try {
      for (int i = 0; i < threads; ++i) workers.emplace_back([this] { work(), ended(); });
    } catch (const std::system_error&) {
      if (workers.empty()) work();  // no thread is to be had, so this one has to do
    }
    watch(workers.size(), progress);
    for (std::thread& worker : workers) worker.join();
    if (failure_) return *failure_;
    return Done{};
  }

 private:
  std::optional<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    if (failure_ || next_ == pictures_.size()) return std::nullopt;
    return next_++;
  }

  void work() {
    const std::size_t bytes = std::size_t{3} * static_cast<std::size_t>(side_) * static_cast<std::size_t>(side_);
    while (const auto index = take()) {
      const Status done = decode_one(pictures_[*index], side_, to_ + *index * bytes);
      const std::lock_guard lock(mutex_);
      ++done_;
      if (!done && *index < failed_) {
        failed_ = *index;
        failure_ = done.error();
      }
    }
  }

  void ended() {
    const std::lock_guard lock(mutex_);
    ++ended_;
    changed_.notify_one();
  }

  void watch(std::size_t workers, const std::function<bool(std::size_t)>& progress) {
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, kProgressEvery, [&] { return ended_ == workers; })) {
      const std::size_t done = done_;
      lock.unlock();
      const bool go_on = !progress || progress(done);
      lock.lock();
      if (!go_on && !failure_)
        failure_ = Error{Errc::interrupted,
                         "stopped after " + std::to_string(done) + " of " + std::to_string(pictures_.size()) + " pictures"};
    }
  }

  const std::vector<TreePicture>& pictures_;
  const int side_;
  std::uint8_t* const to_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::size_t next_ = 0, done_ = 0, ended_ = 0, failed_ = SIZE_MAX;
  std::optional<Error> failure_;
};

}  // namespace

Status decode_pictures(const std::vector<TreePicture>& pictures, int side, int threads,
                       const std::function<bool(std::size_t)>& progress, std::uint8_t* to) {
  if (progress && !progress(0)) return Error{Errc::interrupted, "stopped before the first picture"};
  const int most = static_cast<int>(std::clamp<std::size_t>(pictures.size(), 1, 64));
  return Decoding(pictures, side, to).run(std::clamp(threads, 1, most), progress);
}

}  // namespace stegpass::model::io
