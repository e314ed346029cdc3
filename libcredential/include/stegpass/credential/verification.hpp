#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/trust_policy.hpp>

namespace stegpass::credential {

/// How far ahead of the verifier's clock a time may lie, in seconds.
inline constexpr std::int64_t kClockSkew = 300;

/// The newest checkpoint that this verifier has seen of each log, by origin; older ones are refused from then on.
/// Schema  schemas/verifier-memory.md (text, one line a log)
struct VerifierMemory {
  std::map<std::string, Checkpoint> newest;
};
Result<VerifierMemory> parse_verifier_memory(std::string_view text);
std::string encode_verifier_memory(const VerifierMemory& memory);

/// A presentation to be checked against the license, with what the verifier asked for.
struct PossessionChallenge {
  Bytes presentation;
  std::string audience;
  Bytes nonce;
};

struct PaperOptions {
  std::int64_t now = 0;  ///< the verifier's clock, seconds since 1970
  VerifierMemory memory;
  std::optional<PossessionChallenge> possession;
};

/// What the papers alone come to: bytes, signatures, receipts, checkpoint, freshness, status, terms, dates, openings, possession.
struct PaperVerdict {
  Verdict verdict;
  std::optional<Registration> registration;   ///< set once its signature held
  std::optional<License> license;             ///< likewise; its `expires` is a renewal's, once that held
  std::vector<PersonalClaim> personal;        ///< what the license shows of its personal part, once its signature held
  Disclosures disclosures;                    ///< only those whose commitments opened
  std::int64_t as_of = 0;                     ///< time of the checkpoint, once its signature held; else 0
  std::map<std::string, std::int64_t> times;  ///< when the evidence of a check was made, by its code, where that bears a time
  VerifierMemory memory;                      ///< to be kept by the caller when the verdict is not invalid
};

/// Judges a bundle's bytes without disk, network or tensors. Never valid on less than: bytes, a trusted log's checkpoint, a
/// receipt of every statement, a trusted issuer's registration, a license in force and a fresh status. Codes, in order
/// (schemas/bundle.md says when each is valid or undecided): bundle.bytes, checkpoint.signature, checkpoint.witnesses,
/// checkpoint.age, checkpoint.memory, checkpoint.time (when there is a timestamp), ledger.policy, receipt.ledger-policy,
/// registration.signature, registration.issuer, receipt.registration, key-rotation, license.signature, receipt.license,
/// license.personal (when it has a personal part), renewal, license.dates, license.status, status.age, receipt.status,
/// suspension, reinstatement, transfer, revocation (key-rotation, renewal and these four when there is one), opening.cover,
/// opening.isn-key, opening.identity, opening.passport-ROLE (one for each passport opened), holder.possession. Bytes that are no
/// bundle give `bundle.bytes` alone. What `opening.passport-ROLE` leaves to the caller is whether the seed follows from the
/// picture.
PaperVerdict verify_papers(ByteView bundle, const TrustPolicy& policy, const PaperOptions& options);

/// Adds checkpoint.witnesses, checkpoint.age and checkpoint.memory of a checkpoint that a trusted log signed; one that is new and
/// not of the future goes into the memory.
void judge_signed_checkpoint(const Note& note, const Checkpoint& checkpoint, const TrustPolicy& policy, std::int64_t now,
                             VerifierMemory& memory, Verdict& verdict);

/// Adds `policy.required`, undecided, for each check that the policy requires and that is absent or was not made.
void apply_requirements(Verdict& verdict, const TrustPolicy& policy);

/// Seconds since 1970 as people read them: 2026-11-21T11:00:00Z.
std::string utc_text(std::int64_t seconds);

}  // namespace stegpass::credential
