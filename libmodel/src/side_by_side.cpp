#include "side_by_side.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>
#include <vector>

// There with OpenBLAS, null with any other BLAS.
extern "C" {
__attribute__((weak)) void openblas_set_num_threads(int count);
__attribute__((weak)) int openblas_get_num_threads();
}

namespace stegpass::model {
namespace {

class OneBlasThread {
 public:
  OneBlasThread() {
    if (openblas_get_num_threads == nullptr || openblas_set_num_threads == nullptr) return;
    before_ = openblas_get_num_threads();
    openblas_set_num_threads(1);
  }
  ~OneBlasThread() {
    if (before_ > 1) openblas_set_num_threads(before_);
  }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  int before_ = 0;
};

}  // namespace

void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work) {
  const OneBlasThread one_thread;
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    for (std::size_t i = next++; i < count; i = next++) work(i);
  };
  const std::size_t threads = std::min<std::size_t>(count, std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::future<void>> others;
  try {
    while (others.size() + 1 < threads) others.push_back(std::async(std::launch::async, take));
  } catch (const std::system_error&) {
    // no thread is to be had, so those that started have to do
  }
  take();
  for (auto& other : others) other.get();
}

}  // namespace stegpass::model
