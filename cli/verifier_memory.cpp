#include "verifier_memory.hpp"

#include <filesystem>

#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

using namespace credential;

Result<VerifierMemory> read_memory(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    if (!path.empty()) STEGPASS_CHECK_OK(check_output(path, false));
    return VerifierMemory{};
  }
  STEGPASS_TRY(bytes, read_file(path, kMaxSmallFile, "a verifier's memory"));
  auto memory = parse_verifier_memory(as_text(bytes));
  if (!memory) return Error{memory.error().code, path + " is no verifier's memory: " + memory.error().detail};
  return memory;
}

Status keep_memory(const std::string& path, const VerifierMemory& before, const VerifierMemory& after) {
  const std::string text = encode_verifier_memory(after);
  const std::string known = encode_verifier_memory(before);
  if (path.empty() || text == known) return Done{};
  const auto folder = std::filesystem::absolute(path).parent_path();
  const auto lock = HomeLock::take({folder}, HomeWait::minute);
  if (!lock) return lock.error();
  STEGPASS_TRY(now, read_memory(path));
  const std::string found = encode_verifier_memory(now);
  if (found == text) return Done{};
  if (found != known) return Error{Errc::busy, path + " was written by another run meanwhile; run this one again"};
  return write_file(path, as_bytes(text), {.force = true});
}

}  // namespace stegpass::cli
