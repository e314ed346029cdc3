#pragma once

#include <optional>
#include <string>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {

/// One kind of statement between its C++ value and its claims. `iss`, `sub` and `iat` are the envelope's; `write` leaves them out
/// and `read` has them skipped already. Rules of the schema are checked by `read` alone.
CborMap write_body(const LedgerPolicy& body);
CborMap write_body(const Registration& body);
CborMap write_body(const License& body);
CborMap write_body(const Revocation& body);
CborMap write_body(const StatusList& body);
CborMap write_body(const Suspension& body);
CborMap write_body(const Reinstatement& body);
CborMap write_body(const Renewal& body);
CborMap write_body(const Transfer& body);
CborMap write_body(const KeyRotation& body);
CborMap write_body(const DisputeClaim& body);
CborMap write_body(const DisputeEvidence& body);
CborMap write_body(const DisputeFinding& body);
CborMap write_body(const StatementBody& body);

std::string subject_of(const StatementBody& body);

/// What a body's rules need of the envelope.
struct BodyContext {
  std::string subject;
  std::int64_t issued_at = 0;
  Digest32 kid{};  ///< thumbprint of the signer
};

/// Reads the claims of a kind. A nullopt goes with an error in `claims`.
std::optional<StatementBody> read_body(StatementKind kind, Fields& claims, const BodyContext& context);

std::optional<StatementBody> read_registration(Fields& claims);
std::optional<StatementBody> read_license(Fields& claims);
/// Revocation, suspension, reinstatement, renewal, transfer, key rotation.
std::optional<StatementBody> read_change(StatementKind kind, Fields& claims, const BodyContext& context);
/// Claim, evidence, finding.
std::optional<StatementBody> read_dispute(StatementKind kind, Fields& claims);

/// The key that a body carries for its own signature, or null.
const PublicKey* own_key(const StatementBody& body);

}  // namespace stegpass::credential
