#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

// Witnesses: who asks them, what they answer, and whether enough of them did. Pure: no disk.
namespace stegpass::credential {

/// What a log's owner asks a witness to cosign, in the form of C2SP tlog-witness (the body of add-checkpoint).
/// Schema  schemas/witness.md
struct WitnessRequest {
  std::uint64_t old_size = 0;   ///< of the newest tree that the witness has seen; 0 for a first request
  std::vector<Digest32> proof;  ///< that the checkpoint's tree starts with that one; at most 63 hashes
  std::string checkpoint;       ///< signed note
};
/// Errors  malformed.
Result<WitnessRequest> parse_witness_request(std::string_view text);
std::string encode_witness_request(const WitnessRequest& request);

/// What a witness makes of a request.
struct WitnessAnswer {
  Verdict verdict;  ///< codes witness.log, witness.rollback, witness.split-view, witness.proof; stops at the first that fails
  Checkpoint checkpoint;      ///< what is asked for, once its note could be read
  NoteSignature cosignature;  ///< good when the verdict is valid
  VerifierMemory memory;      ///< to be kept before the cosignature is handed out
};

/// Judges a request by what the witness saw before, and cosigns as `name` at `now` what is a continuation of that.
///   witness.log         the checkpoint is signed by one of `logs`; undecided for a log that is none of them
///   witness.rollback    it is no smaller than what was seen
///   witness.split-view  at the size that was seen it has the root that was seen
///   witness.proof       the proof leads from the tree that was seen to this one; undecided when it starts at another size
/// Requires an Ed25519 key. Source  C2SP tlog-witness, tlog-cosignature.
WitnessAnswer answer_witness_request(const WitnessRequest& request, const std::vector<NoteVerifier>& logs,
                                     const VerifierMemory& memory, std::string_view name, const PrivateKey& key,
                                     std::int64_t now);

/// Whether the quorum that the policy demands has cosigned a checkpoint: the check `checkpoint.witnesses`. Undecided when too few
/// did, or later than `now` allows; invalid when a known witness's cosignature is bad; not checked when the policy demands none.
Check judge_witnesses(const Note& checkpoint, const TrustPolicy& policy, std::int64_t now);

}  // namespace stegpass::credential
