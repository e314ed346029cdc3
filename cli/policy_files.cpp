#include "policy_files.hpp"

#include "files.hpp"

namespace stegpass::cli {

using namespace credential;

Result<TrustPolicy> read_trust_policy(const std::filesystem::path& path) {
  STEGPASS_TRY(bytes, read_file(path, kMaxSmallFile, "a trust policy"));
  auto policy = parse_trust_policy(as_text(bytes));
  if (!policy) return Error{policy.error().code, path.string() + " is no trust policy: " + policy.error().detail};
  return policy;
}

Result<NoteVerifier> read_vkey(const std::filesystem::path& path, NoteKind kind) {
  const std::string whose = kind == NoteKind::log ? "log's" : "witness's";
  STEGPASS_TRY(bytes, read_file(path, kMaxSmallFile, "a " + whose + " verifier key"));
  std::string_view line = as_text(bytes);
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto verifier = NoteVerifier::parse(line, kind);
  if (!verifier)
    return Error{verifier.error().code, path.string() + " is no " + whose + " verifier key: " + verifier.error().detail};
  return verifier;
}

}  // namespace stegpass::cli
