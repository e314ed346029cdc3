#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/verification.hpp>

#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {

inline constexpr std::int64_t kDay = 86400;
inline constexpr std::int64_t kNow = 1800000000;  // 2027-01-15, the clock of these tests

/// Bytes that follow from a name, so that every run makes the same papers.
inline Bytes named_bytes(std::string_view name, std::size_t count) {
  return expand("stegpass.test", as_bytes(name), "bytes", count);
}
template <std::size_t N>
std::array<std::uint8_t, N> named_digest(std::string_view name) {
  std::array<std::uint8_t, N> out{};
  const Bytes bytes = named_bytes(name, N);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}
inline PrivateKey named_key(std::string_view name, KeyType type = KeyType::ed25519) {
  const Bytes secrets = named_bytes(name, 64);
  return PrivateKey::create(type, SecretBytes::copy_of(ByteView(secrets).first(32)),
                            SecretBytes::copy_of(ByteView(secrets).last(32)))
      .value();
}

/// A log in memory: entries, tree, receipts and checkpoints, without rules.
struct MemoryLog {
  std::string origin = "example.org/stegpass";
  PrivateKey key = named_key("log");
  std::vector<Digest32> leaves;

  std::uint64_t add(const Statement& statement) {
    leaves.push_back(merkle_leaf(statement.entry()));
    return leaves.size() - 1;
  }
  Bytes receipt(std::uint64_t index) const {
    return encode_receipt(sign_tree_root(key, origin, merkle_root(leaves)), {leaves.size(), index, merkle_path(leaves, index)});
  }
  Bytes transparent(const Statement& statement, std::uint64_t index) const { return statement.with_receipts({receipt(index)}); }
  std::string checkpoint(std::int64_t time) const {
    Note note{encode_checkpoint({origin, leaves.size(), merkle_root(leaves), time}), {}};
    sign_note(note, origin, key);
    return encode_note(note);
  }
  NoteVerifier verifier() const { return {origin, key.public_key()}; }
};

/// An owner with a registered model, a licensee with a license, the secrets behind the commitments, and the log that holds it
/// all. Change what a test is about, then `issue`.
struct Office {
  PrivateKey owner = named_key("owner");
  PrivateKey licensee = named_key("licensee");
  PrivateKey next_owner = named_key("next owner");
  PrivateKey claimant = named_key("claimant");
  PrivateKey arbiter = named_key("arbiter");
  MemoryLog log;
  std::int64_t issued_at = kNow - 10 * kDay;  // of policy, registration and license
  std::int64_t status_at = kNow - 3600;       // of the status list
  std::int64_t checkpoint_at = kNow - 1800;
  SeedOpening cover{named_bytes("cover salt", 32), named_bytes("cover seed", 64)};
  SeedOpening reserve_1{named_bytes("reserve 1 salt", 32), named_bytes("reserve 1 seed", 64)};
  SeedOpening reserve_2{named_bytes("reserve 2 salt", 32), named_bytes("reserve 2 seed", 64)};
  KeyOpening isn_key{named_bytes("isn key salt", 32), named_bytes("isn key", 64)};
  IdentityOpening identity{named_bytes("identity salt", 32), named_bytes("identity picture", 100)};
  LedgerPolicy policy_body{.origin = log.origin, .log_key = log.key.public_key()};
  Registration registration = make_registration();
  License license = make_license();
  StatusList status{.registration_id = registration.id, .expires = kNow + 30 * kDay, .ttl_s = 0, .states = {0, 0, 0, 0, 0}};
  std::optional<Revocation> revocation;

  Registration make_registration() const {
    const Digest32 us = owner.public_key().thumbprint();
    Registration out{.owner = owner.public_key(), .id = named_bytes("registration", 16)};
    out.model_name = "release.safetensors";
    out.model_digest = named_digest<32>("model");
    out.model_root = oms_root_of_file(out.model_digest);
    out.tensor_root = named_digest<32>("tensors");
    out.tensor_count = 34;
    out.owner_model = commitment("owner-model", us, named_bytes("owner model salt", 32), named_bytes("owner model digest", 32));
    out.mark.architecture = R"({"classes":10,"network":"alexnet-cifar"})";
    out.mark.layers = {"features.4", "features.5", "features.6"};
    out.mark.bits = 896;
    out.mark.picture_size = 256;
    out.mark.cover = commitment("mark-seed", us, cover.salt, cover.seed);
    out.mark.reserves = {commitment("mark-seed", us, reserve_1.salt, reserve_1.seed),
                         commitment("mark-seed", us, reserve_2.salt, reserve_2.seed)};
    out.isn_digest = named_digest<32>("isn");
    out.accuracy_deployment = 9012;
    out.accuracy_verification = 8998;
    return out;
  }
  License make_license() const {
    const Digest32 us = owner.public_key().thumbprint();
    License out{.id = named_bytes("license", 16), .registration_id = registration.id, .licensee = licensee.public_key()};
    out.not_before = kNow - 9 * kDay;
    out.expires = kNow + 356 * kDay;
    out.status_index = 3;
    out.user_passport = named_digest<64>("user passport");
    out.identity = commitment("identity", us, identity.salt, fast_sha256(identity.picture));
    out.isn_key = commitment("isn-key", us, isn_key.salt, isn_key.key);
    out.reveal_bar_mdb = 32000;
    out.terms = {.scope = "inference", .territory = "worldwide", .seats = 1};
    return out;
  }
  Revocation make_revocation() const {
    return {.id = named_bytes("revocation", 16), .license_id = license.id, .reason = "terms broken", .effective = kNow - kDay};
  }
  Suspension make_suspension() const {
    return {.id = named_bytes("suspension", 16), .license_id = license.id, .reason = "invoice open", .effective = kNow - kDay};
  }
  Reinstatement make_reinstatement() const {
    return {.id = named_bytes("reinstatement", 16),
            .license_id = license.id,
            .suspension_id = named_bytes("suspension", 16),
            .reason = "invoice paid",
            .effective = kNow - kDay};
  }
  Renewal make_renewal() const {
    return {.id = named_bytes("renewal", 16), .license_id = license.id, .expires = license.expires + 365 * kDay};
  }
  Transfer make_transfer() const {
    return {.id = named_bytes("transfer", 16),
            .license_id = license.id,
            .successor_id = named_bytes("successor", 16),
            .reason = "business sold",
            .effective = kNow - kDay};
  }
  KeyRotation make_rotation(std::optional<std::int64_t> compromised = {}) const {
    return make_key_rotation(owner, next_owner, named_bytes("rotation", 16), "planned", compromised);
  }
  DisputeClaim make_claim() const {
    return {.claimant = claimant.public_key(),
            .id = named_bytes("dispute", 16),
            .registration_id = registration.id,
            .ground = DisputeGround::infringement,
            .statement = "fine-tuned from our model",
            .arbiter = arbiter.public_key().thumbprint()};
  }
  DisputeEvidence make_evidence() const {
    return {.party = claimant.public_key(),
            .id = named_bytes("evidence", 16),
            .dispute_id = named_bytes("dispute", 16),
            .media_type = "application/cbor",
            .bytes = 4096,
            .digest = named_digest<32>("evidence file"),
            .note = "bundle that opens reserve 1"};
  }
  DisputeFinding make_finding() const {
    return {.arbiter = arbiter.public_key(),
            .id = named_bytes("finding", 16),
            .dispute_id = named_bytes("dispute", 16),
            .outcome = DisputeOutcome::upheld,
            .reason = "the mark reads",
            .evidence = {named_bytes("evidence", 16)}};
  }
  Disclosures disclosures(Purpose purpose) const {
    if (purpose == Purpose::public_) return {};
    Disclosures out{cover, isn_key, identity, {}};
    if (purpose == Purpose::arbiter) {
      out.passports.push_back(
          {"reserve-1", named_bytes("reserve 1 seed salt", 32), reserve_1, named_bytes("reserve 1 picture", 200)});
    }
    return out;
  }

  /// Registers everything in a fresh tree and packs it: policy, registration, license, revocation if any, status list.
  Bundle issue(Purpose purpose = Purpose::verifier) {
    std::vector<Statement> statements = {sign(log.key, policy_body, issued_at), sign(owner, registration, issued_at),
                                         sign(owner, license, issued_at)};
    if (revocation) statements.push_back(sign(owner, *revocation, kNow - kDay));
    statements.push_back(sign(owner, status, status_at));
    return pack(statements, purpose);
  }
  Bundle pack(const std::vector<Statement>& statements, Purpose purpose = Purpose::verifier) {
    log.leaves.clear();
    for (const Statement& statement : statements) log.add(statement);
    Bundle out{.purpose = purpose, .checkpoint = log.checkpoint(checkpoint_at), .disclosures = disclosures(purpose)};
    for (std::size_t i = 0; i < statements.size(); ++i) out.statements.push_back(log.transparent(statements[i], i));
    return out;
  }
  static Statement sign(const PrivateKey& key, const StatementBody& body, std::int64_t at) {
    return sign_statement(key, body, at).value();
  }

  /// Trusts this log and this owner; papers may be a day old.
  TrustPolicy policy() const {
    TrustPolicy out;
    out.logs.push_back(log.verifier());
    out.issuers.push_back({"owner", owner.public_key().thumbprint()});
    out.max_age_s = kDay;
    return out;
  }
  PaperVerdict verify(const Bundle& bundle, const PaperOptions& options = {.now = kNow}) const {
    return verify_papers(encode_bundle(bundle), policy(), options);
  }
  PaperVerdict verify() { return verify(issue()); }
};

/// What the check `code` came to; `not_checked` and "absent" if it is not there.
inline Outcome outcome_of(const PaperVerdict& papers, std::string_view code) {
  const Check* check = papers.verdict.find(code);
  return check ? check->outcome : Outcome::not_checked;
}
inline std::string detail_of(const PaperVerdict& papers, std::string_view code) {
  const Check* check = papers.verdict.find(code);
  return check ? check->detail : "absent";
}

// The one check that is not valid or left out, with the verdict: shows that nothing else went wrong.
inline void check_only(const PaperVerdict& papers, const std::vector<std::string>& codes, Outcome outcome) {
  std::vector<std::string> found;
  for (const Check& check : papers.verdict.checks()) {
    INFO(check.code << ": " << check.detail);
    if (check.outcome == Outcome::valid || check.outcome == Outcome::not_checked) continue;
    CHECK(check.outcome == outcome);
    found.push_back(check.code);
  }
  CHECK(found == codes);
  CHECK(papers.verdict.outcome() == outcome);
}

inline Bundle without_receipt(Bundle bundle, std::size_t index) {
  bundle.statements[index] = Statement::decode(bundle.statements[index]).value().entry();
  return bundle;
}

inline PaperOptions asking(Office& office, const PrivateKey& holder, const std::function<void(Presentation&)>& edit = {}) {
  Presentation presentation{
      .audience = "verifier.example", .nonce = named_bytes("nonce", 16), .license_id = office.license.id, .issued_at = kNow - 60};
  if (edit) edit(presentation);
  const Bytes bytes = sign_presentation(holder, presentation).value();
  return {.now = kNow, .possession = PossessionChallenge{bytes, "verifier.example", named_bytes("nonce", 16)}};
}

}  // namespace stegpass::credential::testing
