#include <dlfcn.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "files.hpp"
#include "model_part.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

fs::path program_folder() {
  char path[PATH_MAX];
  const ssize_t size = ::readlink("/proc/self/exe", path, sizeof(path) - 1);
  return size > 0 ? fs::path(std::string(path, static_cast<std::size_t>(size))).parent_path() : fs::path(".");
}

using ModelPartEntry = ModelPart* (*)();

bool model_part_loaded = false;

}  // namespace

Result<ModelPart*> load_model_part() {
#ifdef STEGPASS_WITH_MODEL
  static ModelPart* loaded = nullptr;
  if (loaded != nullptr) return loaded;
  const fs::path path = program_folder() / ".." / "lib" / "stegpass" / "libstegpass_model_part.so";
  model_part_loaded = true;
  // glog, which comes with LibTorch, asks the system for the user's name unless it is here: a look-up through a socket, on some
  // machines over the network.
  ::setenv("USER", "stegpass", 0);
  // The part itself is linked with -z now; LibTorch's 290 libraries are bound as they are called, which takes a sixth off the
  // start.
  void* handle = ::dlopen(path.c_str(), RTLD_LAZY | RTLD_LOCAL);
  if (handle == nullptr) return Error{Errc::io, std::string("cannot load the model part: ") + ::dlerror()};
  const auto entry = reinterpret_cast<ModelPartEntry>(::dlsym(handle, "stegpass_model_part_" STEGPASS_VERSION_SYMBOL));
  if (entry == nullptr) return Error{Errc::io, path.string() + " is not the model part of this version"};
  loaded = entry();
  return loaded;
#else
  return Error{Errc::unsupported, "this build has no model part (built without LibTorch)"};
#endif
}

void exit_past_model_part(int code) {
#ifndef __SANITIZE_ADDRESS__  // whose leak check runs at a full exit
  if (model_part_loaded) {
    std::cout.flush();
    std::cerr.flush();
    std::fflush(nullptr);
    std::_Exit(code);
  }
#endif
  std::exit(code);
}

Result<Bytes> load_isn_weights(const fs::path& path) {
  const fs::path shipped = program_folder() / ".." / "share" / "stegpass" / "isn-small.safetensors";
  return read_file(path.empty() ? shipped : path, kMaxPictureFile, "ISN weights (safetensors)");
}

}  // namespace stegpass::cli

#ifdef __SANITIZE_ADDRESS__
/// GCC 12's leak sanitizer faults on the threads that LibTorch starts in a part opened at run time, so it looks only at runs
/// without that part; libmodel's own tests are searched for leaks like all others.
extern "C" int __lsan_is_turned_off() { return stegpass::cli::model_part_loaded ? 1 : 0; }
#endif
