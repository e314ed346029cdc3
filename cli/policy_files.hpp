#pragma once

#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/trust_policy.hpp>

namespace stegpass::cli {

/// Reads a trust policy. Errors as read_file; malformed and unsupported name the file.
Result<credential::TrustPolicy> read_trust_policy(const std::filesystem::path& path);

/// Reads the verifier key of a log (log.vkey) or a witness (witness.vkey), one line. Errors as read_file; malformed and
/// unsupported name the file.
Result<credential::NoteVerifier> read_vkey(const std::filesystem::path& path,
                                           credential::NoteKind kind = credential::NoteKind::log);

/// Of the logs with a checkpoint's origin the one that signed it, or the first if none of them did; nothing where none has the
/// origin, the first line of `checkpoint`.
std::optional<credential::NoteVerifier> log_of(const std::vector<credential::NoteVerifier>& logs, std::string_view checkpoint);

}  // namespace stegpass::cli
