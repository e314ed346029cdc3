#pragma once

#include <cstddef>

namespace stegpass::credential::testing {

/// The largest block that `new` was asked for since the last call; 0 where a sanitizer owns `new`.
std::size_t largest_allocation();

/// How many blocks `new` was asked for since the last call; 0 where a sanitizer owns `new`.
std::size_t count_of_allocations();

}  // namespace stegpass::credential::testing
