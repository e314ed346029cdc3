// A libFuzzer program over one decoder, which STEGPASS_FUZZ_DECODER names.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "decoders.hpp"

namespace {

const stegpass::credential::fuzz::Decoder* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  const char* name = std::getenv("STEGPASS_FUZZ_DECODER");
  for (const auto& decoder : stegpass::credential::fuzz::decoders()) {
    if (name != nullptr && decoder.name == name)
      chosen = &decoder;
    else if (name == nullptr)
      std::printf("%.*s\n", static_cast<int>(decoder.name.size()), decoder.name.data());
  }
  if (chosen == nullptr) std::fprintf(stderr, "STEGPASS_FUZZ_DECODER names no decoder\n"), std::exit(2);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  chosen->take({data, size});
  return 0;
}
