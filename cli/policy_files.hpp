#pragma once

#include <filesystem>

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

}  // namespace stegpass::cli
