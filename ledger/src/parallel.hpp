#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace stegpass::ledger {

/// Calls job(i) once for every i below `count`: on all cores, or on this thread alone where threads would cost more than they
/// give. Requires a job that may run beside itself and does not throw.
template <class Job>
void for_each_parallel(std::size_t count, const Job& job) {
  constexpr std::size_t kJobsPerThread = 32;
  const std::size_t threads = std::min<std::size_t>(std::thread::hardware_concurrency(), count / kJobsPerThread);
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (auto i = next++; i < count; i = next++) job(i);
  };
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(work);
  work();
}

}  // namespace stegpass::ledger
