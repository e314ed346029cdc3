#include "largest_allocation.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace {

std::size_t largest = 0, count = 0;

}  // namespace

std::size_t stegpass::credential::testing::largest_allocation() { return std::exchange(largest, 0); }
std::size_t stegpass::credential::testing::count_of_allocations() { return std::exchange(count, 0); }

#ifndef __SANITIZE_ADDRESS__
void* operator new(std::size_t size) {
  largest = std::max(largest, size);
  ++count;
  if (void* block = std::malloc(size == 0 ? 1 : size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
#endif
