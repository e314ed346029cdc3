#pragma once

#include <cstddef>
#include <functional>

namespace stegpass::model {

/// Calls work(0) ... work(count - 1), on as many threads as there are cores, the caller's among them, and returns when all are
/// done; an exception of one is thrown on. Meanwhile BLAS uses one thread for each call: OpenBLAS's own threads cost an
/// eigendecomposition of 256 columns five times its processor time.
void side_by_side(std::size_t count, const std::function<void(std::size_t)>& work);

}  // namespace stegpass::model
