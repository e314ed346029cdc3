#include <stegpass/model/loader.hpp>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "batch_maker.hpp"

namespace stegpass::model {

/// Batches on their way: step s lies in slot s % ahead until it is handed out, and only then step s + ahead is begun.
class BatchLoader::Ring {
 public:
  Ring(const LabelledImages& data, const torch::Tensor& order, const LoaderOptions& options);
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  std::int64_t steps() const { return maker_.steps(); }
  std::optional<Batch> next();

 private:
  struct Slot {
    Batch batch;
    std::exception_ptr error;
    bool full = false;
  };

  void work();
  void stop();
  std::optional<std::int64_t> take_step();
  Slot prepare(std::int64_t step);
  Slot& slot_of(std::int64_t step) { return slots_[static_cast<std::size_t>(step) % slots_.size()]; }

  BatchMaker maker_;
  std::mutex mutex_;  // guards what follows, up to the threads
  std::condition_variable room_, ready_;
  std::vector<Slot> slots_;
  std::int64_t taken_ = 0, handed_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

BatchLoader::Ring::Ring(const LabelledImages& data, const torch::Tensor& order, const LoaderOptions& options)
    : maker_(data, order, options), slots_(static_cast<std::size_t>(options.ahead)) {
  try {
    for (int i = 0; i < std::min(options.threads, options.ahead); ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();  // where not all threads start, those that did are joined
    throw;
  }
}

BatchLoader::Ring::~Ring() { stop(); }

void BatchLoader::Ring::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  room_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::optional<std::int64_t> BatchLoader::Ring::take_step() {
  std::unique_lock lock(mutex_);
  const auto ahead = static_cast<std::int64_t>(slots_.size());
  room_.wait(lock, [&] { return stopped_ || taken_ == steps() || taken_ < handed_ + ahead; });
  if (stopped_ || taken_ == steps()) return std::nullopt;
  return taken_++;
}

BatchLoader::Ring::Slot BatchLoader::Ring::prepare(std::int64_t step) {
  Slot slot;
  slot.full = true;
  try {
    slot.batch = maker_.make(step);
  } catch (...) {
    slot.error = std::current_exception();
  }
  return slot;
}

void BatchLoader::Ring::work() {
  while (const auto step = take_step()) {
    Slot made = prepare(*step);
    const std::lock_guard lock(mutex_);
    slot_of(*step) = std::move(made);
    ready_.notify_one();
  }
}

std::optional<Batch> BatchLoader::Ring::next() {
  if (handed_ == steps()) return std::nullopt;
  Slot slot;
  if (threads_.empty()) {
    slot = prepare(handed_++);
  } else {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [&] { return slot_of(handed_).full; });
    slot = std::exchange(slot_of(handed_), Slot{});
    ++handed_;
  }
  room_.notify_one();
  if (slot.error) std::rethrow_exception(slot.error);
  return std::move(slot.batch);
}

BatchLoader::BatchLoader(const LabelledImages& data, const torch::Tensor& order, LoaderOptions options)
    : ring_(std::make_unique<Ring>(data, order, options)) {}
BatchLoader::~BatchLoader() = default;

std::int64_t BatchLoader::steps() const { return ring_->steps(); }
std::optional<Batch> BatchLoader::next() { return ring_->next(); }

}  // namespace stegpass::model
