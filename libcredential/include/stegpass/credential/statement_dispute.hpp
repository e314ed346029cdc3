#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

// A dispute on a registered model: one claim, evidence of both sides, one finding. Each is signed by the key that it carries, so
// that somebody who owns nothing in the ledger can be heard; who may speak is the ledger's rule.
namespace stegpass::credential {

enum class DisputeGround : std::uint8_t { ownership, license, infringement };
enum class DisputeOutcome : std::uint8_t { upheld, rejected, undecided };

/// Somebody disputes a registration, and names who shall decide.
struct DisputeClaim {
  PublicKey claimant;  ///< in `cnf`
  Bytes id;            ///< cti, 16 bytes; names the dispute
  Bytes registration_id;
  DisputeGround ground = DisputeGround::ownership;
  std::string statement;  ///< what is claimed, up to 8,000 bytes
  Digest32 arbiter{};     ///< thumbprint of the key that the finding must be signed by
};

/// A file that a party puts before the arbiter: named by its digest, handed over outside the ledger.
struct DisputeEvidence {
  PublicKey party;  ///< in `cnf`
  Bytes id;
  Bytes dispute_id;
  std::string media_type;   ///< of the file, e.g. "application/vnd.stegpass.bundle"
  std::uint64_t bytes = 0;  ///< its size, at most 2^53
  Digest32 digest{};        ///< its SHA-256
  std::string note;         ///< what it shows
};

/// The arbiter decides, and says what he looked at. It binds those who trust this arbiter.
struct DisputeFinding {
  PublicKey arbiter;  ///< in `cnf`
  Bytes id;
  Bytes dispute_id;
  DisputeOutcome outcome = DisputeOutcome::undecided;
  std::string reason;           ///< up to 8,000 bytes
  std::vector<Bytes> evidence;  ///< ids of the evidence considered, each once, at most 1,000
};

std::string_view ground_name(DisputeGround ground);
std::string_view outcome_name(DisputeOutcome outcome);
/// urn:stegpass:dispute:HEX
std::string dispute_urn(ByteView dispute_id);

}  // namespace stegpass::credential
