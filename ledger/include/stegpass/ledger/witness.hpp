#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/witness.hpp>
#include <stegpass/ledger/ledger.hpp>

// Cosignatures of witnesses: what they are asked with, and where their answers are kept (the file `cosigned` beside the
// database).
namespace stegpass::ledger {

/// The newest checkpoint, with the cosignatures that were added to it if there are any.
/// Errors  malformed: a file `cosigned` that is not this log's; io.
Result<std::string> cosigned_checkpoint(const Ledger& ledger);

/// Keeps cosignatures beside the newest checkpoint, together with those that it has; one by the same witness is replaced. Returns
/// the note. Requires that one process at a time does this. Errors  refused: a line that is by none of `witnesses`, or does not
/// fit the newest checkpoint (it is bad, or the log has grown since the request); malformed; io.
Result<std::string> add_cosignatures(const Ledger& ledger, const std::vector<credential::NoteSignature>& signatures,
                                     const std::vector<credential::NoteVerifier>& witnesses);

/// What a witness who has seen size `old_size` (0 for none) is asked with. Errors usage: the log does not have that size.
Result<credential::WitnessRequest> witness_request(const Ledger& ledger, std::uint64_t old_size);
/// The same from exported files of any log, for what `memory` has seen of it; without a proof when the files end before that.
/// Errors  as of opening them.
Result<credential::WitnessRequest> witness_request(const std::filesystem::path& tiles, const credential::VerifierMemory& memory);

}  // namespace stegpass::ledger
