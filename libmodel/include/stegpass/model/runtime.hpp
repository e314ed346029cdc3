#pragma once

namespace stegpass::model {

/// For a program's start, before anything is computed. LibTorch then computes on every core, unless OMP_NUM_THREADS says on how
/// many (1.13 takes some machines' cores for threads of fewer ones and leaves them idle), and the C library keeps freed memory
/// for the next tensor, since pages that are given back and taken anew can cost as much as the computing. OpenBLAS that does not
/// know the processor is given the kernels of its vector units.
void prepare_runtime();

/// Whether this processor multiplies bfloat16 in hardware, so that convolutions in it are faster than in float32.
bool bf16_is_fast();

}  // namespace stegpass::model
