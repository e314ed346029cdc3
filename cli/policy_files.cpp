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

std::optional<NoteVerifier> log_of(const std::vector<NoteVerifier>& logs, std::string_view checkpoint) {
  const std::string_view origin = checkpoint.substr(0, checkpoint.find('\n'));
  const auto note = parse_note(checkpoint);
  std::optional<NoteVerifier> out;
  for (const NoteVerifier& log : logs) {
    if (log.name != origin) continue;
    const Status verified = note ? verify_note(*note, log) : Status(note.error());
    if (verified || verified.error().code != Errc::not_found) return log;
    if (!out) out = log;
  }
  return out;
}

}  // namespace stegpass::cli
