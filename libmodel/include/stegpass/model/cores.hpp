#pragma once

namespace stegpass::model {

/// Lets LibTorch compute on every core, unless OMP_NUM_THREADS says on how many: LibTorch 1.13 takes some machines' cores for
/// threads of fewer ones and leaves them idle. For a program's start.
void use_all_cores();

}  // namespace stegpass::model
