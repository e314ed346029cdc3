#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/personal.hpp>
#include <stegpass/credential/statement_changes.hpp>
#include <stegpass/credential/statement_dispute.hpp>

namespace stegpass::credential {

/// SHA-256 over a deterministic array of domain, label, owner, salt and content: opened by showing salt and content.
/// `label` names what is committed to (`mark-seed`, `owner-model`, `identity`, `isn-key`); `owner` is the thumbprint of the
/// registration's owner key, so that nobody can pass the commitment off as his own. Salts have 32 bytes.
Digest32 commitment(std::string_view label, const Digest32& owner, ByteView salt, ByteView content);

/// Entry 0 of every ledger: which rules it registers by. Signed by the log key, which it carries.
struct LedgerPolicy {
  std::string origin;                                     ///< name of the log, as in its checkpoints
  PublicKey log_key;                                      ///< Ed25519
  std::string rules = "stegpass.registration-policy.v1";  ///< schemas/ledger-policy.md
  std::int64_t clock_skew_s = 300;                        ///< how far in the future a statement's iat may lie
};

/// How and where the owner's mark is woven into the network; enough for a stranger to read it once a passport is opened.
struct MarkClaim {
  std::string scheme = "sp";         ///< sp, pan, deepipr-v1, deepipr-v2 or deepipr-v3
  std::string signature = "strict";  ///< strict or reference
  std::string pooling = "whitened";  ///< whitened or mean
  std::string architecture;          ///< canonical descriptor text of libmodel
  std::vector<std::string> layers;
  std::uint64_t bits = 0;
  std::uint64_t picture_size = 0;  ///< S
  Digest32 cover{};                ///< commitment "mark-seed" to the cover passport's seed
  std::vector<Digest32> reserves;  ///< the same for each reserve; at least two
};

/// The owner credential: a model, whose it is, and the commitments that prove it later.
struct Registration {
  PublicKey owner;          ///< in `cnf`; signs the statement and everything under it
  Bytes id;                 ///< cti, 16 bytes
  std::string model_name;   ///< file name of the release model, without folders
  Digest32 model_root{};    ///< OMS root over the release model's files (method files, sha256)
  Digest32 model_digest{};  ///< SHA-256 of the release model's one file
  Digest32 tensor_root{};   ///< Merkle root over `tensor_leaf` in order of names
  std::uint64_t tensor_count = 0;
  Digest32 owner_model{};  ///< commitment "owner-model" to its SHA-256
  MarkClaim mark;
  Digest32 isn_digest{};                  ///< SHA-256 of the ISN weights that mint user passports
  std::uint32_t accuracy_deployment = 0;  ///< test accuracy in 1/10000
  std::uint32_t accuracy_verification = 0;
  std::optional<Digest32> card;  ///< SHA-256 of the resilience card (schemas/attack.md)
};

/// What a license allows; its dates are the license's own.
struct LicenseTerms {
  std::string scope;             ///< what the use may be, e.g. "inference"
  std::string territory;         ///< e.g. "worldwide"
  std::uint64_t seats = 0;       ///< 0: not limited
  bool sublicensing = false;     ///< whether the licensee may license others
  std::optional<Digest32> text;  ///< SHA-256 of the contract's file
  CborMap other;                 ///< up to 32 more terms: a name of at most 64 bytes, any value of at most 1,000 bytes encoded
  std::vector<std::string> critical;  ///< names of terms that a verifier must know; ascending
};

/// The critical terms that this version does not know; while there are any, nobody can say what the license allows.
std::vector<std::string> unknown_critical_terms(const LicenseTerms& terms);
/// The terms on one line, e.g. `inference, worldwide, 1 seat, no sublicensing`.
std::string describe_terms(const LicenseTerms& terms);

/// The user credential: this licensee may use that registered model, with this user passport.
struct License {
  Bytes id;                     ///< cti, 16 bytes
  Bytes registration_id;        ///< cti of the registration
  PublicKey licensee;           ///< in `cnf`
  std::int64_t not_before = 0;  ///< seconds since 1970
  std::int64_t expires = 0;
  std::uint64_t status_index = 0;    ///< in the registration's status list (claim 65535)
  Digest64 user_passport{};          ///< canonical digest of the user passport
  Digest32 identity{};               ///< commitment "identity" to the SHA-256 of the identity picture's file
  Digest32 isn_key{};                ///< commitment "isn-key" to this license's key
  std::uint32_t reveal_bar_mdb = 0;  ///< least PSNR of the revealed identity, in thousandths of a decibel
  LicenseTerms terms;
  std::vector<Digest32> personal;  ///< redacted hashes of the personal part and of decoys; ascending, at most 32
};

/// State of every license of a registration (draft-ietf-oauth-status-list, CBOR form, two bits each, ZLIB).
struct StatusList {
  enum State : std::uint8_t { valid = 0, revoked = 1, suspended = 2 };
  static constexpr std::size_t kMaxLicenses = std::size_t{1} << 22;
  Bytes registration_id;
  std::int64_t expires = 0;
  std::int64_t ttl_s = 0;            ///< seconds for which a copy counts as fresh; 0: the list does not say
  std::vector<std::uint8_t> states;  ///< one `State` a license, by status index
};

using StatementBody = std::variant<LedgerPolicy, Registration, License, Revocation, StatusList, Suspension, Reinstatement,
                                   Renewal, Transfer, KeyRotation, DisputeClaim, DisputeEvidence, DisputeFinding>;
enum class StatementKind {
  ledger_policy,
  registration,
  license,
  revocation,
  status_list,
  suspension,
  reinstatement,
  renewal,
  transfer,
  key_rotation,
  dispute_claim,
  dispute_evidence,
  dispute_finding
};
inline constexpr std::size_t kStatementKinds = std::variant_size_v<StatementBody>;

/// A COSE_Sign1 with CWT claims that is a SCITT Signed Statement, decoded and checked in shape.
/// At most 2 MiB, with at most 16 receipts.
/// Schema  schemas/KIND.cddl, one a kind (`statement_kind_name`)
/// The signature has been checked only for kinds that carry their own key (ledger policy, registration, the three of a dispute);
/// for the others call `verify_statement` with the owner key of then (a rotation may have changed it).
/// Copies are cheap and safe from any thread: a statement never changes, and copies share what it holds.
class Statement {
 public:
  /// Reads a statement, with or without receipts in its unprotected header.
  /// Errors  malformed; unsupported (kind, algorithm). Claims in header 15 must equal those in the payload.
  static Result<Statement> decode(ByteView bytes);

  StatementKind kind() const { return static_cast<StatementKind>(body().index()); }
  const StatementBody& body() const;
  template <class T>
  const T* as() const {
    return std::get_if<T>(&body());
  }
  const std::string& issuer() const;   ///< thumbprint URI
  const std::string& subject() const;  ///< urn:stegpass:...
  std::int64_t issued_at() const;      ///< iat, seconds since 1970
  const Digest32& kid() const;
  /// The message as a value of its own.
  Sign1 message() const;
  /// The owner's certificate and its chain (x5chain, leaf first), in a registration that has them.
  const std::vector<Bytes>& certificates() const;
  /// The octets that the ledger keeps: the statement with an empty unprotected header.
  Bytes entry() const;
  /// Receipts in the unprotected header (label 394), as they came.
  const std::vector<Bytes>& receipts() const;
  /// What a license shows of its personal part (label 17), each one of `License::personal`.
  const std::vector<PersonalClaim>& disclosed() const;
  /// The whole statement with these receipts and disclosures instead of its own: a SCITT Transparent Statement.
  Bytes with_receipts(const std::vector<Bytes>& receipts, const std::vector<PersonalClaim>& disclosed = {}) const;

 private:
  friend Status verify_statement(const Statement& statement, const PublicKey& key);
  struct Parts;
  explicit Statement(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

std::string_view statement_kind_name(StatementKind kind);
/// The `typ` of a kind, e.g. "application/stegpass-license+cwt".
std::string_view statement_typ(StatementKind kind);
/// urn:stegpass:ledger:ORIGIN; urn:stegpass:model:HEX, urn:stegpass:license:HEX, urn:stegpass:status:HEX, of an id;
/// urn:stegpass:key:HEX, of a thumbprint.
std::string ledger_urn(std::string_view origin);
std::string model_urn(ByteView registration_id);
std::string license_urn(ByteView license_id);
std::string status_urn(ByteView registration_id);
std::string key_urn(const Digest32& thumbprint);

/// Signs a body. Ledger policy, registration and the statements of a dispute must carry `key`'s own public key; a key rotation
/// must be made for it.
/// Errors  usage on bodies that break a rule of their schema (id not 16 bytes, too few reserves, dates reversed, text empty,
///         over 1,000 bytes (architecture: 8,000) or with control characters): what is signed is what `decode` reads back.
/// `certificates`: an X.509 chain of `key`, leaf first, that a registration may carry.
Result<Statement> sign_statement(const PrivateKey& key, const StatementBody& body, std::int64_t issued_at,
                                 const std::vector<Bytes>& certificates = {});

/// Checks the signature with `key`, and that `kid` and issuer name it.
Status verify_statement(const Statement& statement, const PublicKey& key);

/// Leaf of the tensor tree: SHA-256(00 || deterministic array of name, dtype, shape, SHA-256 of the bytes).
Digest32 tensor_leaf(std::string_view name, std::string_view dtype, const std::vector<std::int64_t>& shape, const Digest32& data);
/// Root and count over the tensors of a safetensors file, in bytewise order of names. Errors malformed.
struct TensorTree {
  Digest32 root{};
  std::vector<std::string> names;
  std::vector<Digest32> leaves;
};
Result<TensorTree> tensor_tree(ByteView safetensors_file);
/// OMS root of one file (method files, sha256): SHA-256 over its raw SHA-256.
Digest32 oms_root_of_file(const Digest32& file_digest);

}  // namespace stegpass::credential
