#include <stegpass/model/runtime.hpp>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <thread>

#include <malloc.h>

#include <ATen/Parallel.h>

// There with OpenBLAS, null with any other BLAS.
extern "C" {
__attribute__((weak)) char* openblas_get_corename();
__attribute__((weak)) void gotoblas_dynamic_init();
__attribute__((weak)) void gotoblas_dynamic_quit();
}

namespace stegpass::model {
namespace {

/// OpenBLAS goes by a CPU's model number, and takes one made after it for a Prescott of 2004, which multiplies two numbers at a
/// time. It is then told to choose anew, by what the CPU can do.
void name_blas_kernels() {
#if defined(__x86_64__)
  if (!openblas_get_corename || !gotoblas_dynamic_init || !gotoblas_dynamic_quit) return;
  if (std::string_view(openblas_get_corename()) != "Prescott") return;
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!avx2) return;
  ::setenv("OPENBLAS_CORETYPE", avx512 ? "SKYLAKEX" : "HASWELL", 0);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
#endif
}

}  // namespace

void prepare_runtime() {
  name_blas_kernels();
  if (std::getenv("OMP_NUM_THREADS") == nullptr)
    at::set_num_threads(static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 1 << 30);
  ::mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  ::mallopt(M_TOP_PAD, 64 << 20);
#endif
}

bool bf16_is_fast() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

}  // namespace stegpass::model
