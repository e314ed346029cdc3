// Registers a model, licenses it and verifies the license from one bundle, through the libraries alone.
// Usage: license_offline FOLDER     FOLDER must not exist; the ledger is made in it.

#include <ctime>
#include <iostream>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/verification.hpp>
#include <stegpass/ledger/ledger.hpp>

using namespace stegpass;
using namespace stegpass::credential;

namespace {

Registration describe_model(const PublicKey& owner, const Digest32& release_digest) {
  Registration out{.owner = owner, .id = random_bytes(16), .model_name = "release.safetensors"};
  out.model_digest = release_digest;
  out.model_root = oms_root_of_file(release_digest);
  out.tensor_root = merkle_root({tensor_leaf("weight", "F32", {1}, release_digest)});
  out.tensor_count = 1;
  out.owner_model = commitment("owner-model", owner.thumbprint(), random_bytes(32), release_digest);
  out.mark.architecture = "example";
  out.mark.layers = {"weight"};
  out.mark.bits = 896;
  out.mark.picture_size = 256;
  out.mark.cover = commitment("mark-seed", owner.thumbprint(), random_bytes(32), random_bytes(64));
  for (int i = 0; i < 2; ++i)
    out.mark.reserves.push_back(commitment("mark-seed", owner.thumbprint(), random_bytes(32), random_bytes(64)));
  return out;
}

License license_for(const Registration& registration, const PublicKey& licensee, std::int64_t now) {
  License out{.id = random_bytes(16), .registration_id = registration.id, .licensee = licensee};
  out.not_before = now;
  out.expires = now + 365 * 86400;
  out.user_passport = sha512(as_bytes("the user passport's canonical bytes"));
  out.identity = commitment("identity", registration.owner.thumbprint(), random_bytes(32), random_bytes(32));
  out.isn_key = commitment("isn-key", registration.owner.thumbprint(), random_bytes(32), random_bytes(64));
  out.reveal_bar_mdb = 30000;
  out.terms = {.scope = "inference", .territory = "worldwide", .seats = 1};
  return out;
}

Result<Bytes> run(const std::filesystem::path& folder, TrustPolicy& policy, std::int64_t now) {
  const PrivateKey owner = PrivateKey::generate(KeyType::ed25519);
  const PrivateKey licensee = PrivateKey::generate(KeyType::p256);
  const PrivateKey log_key = PrivateKey::generate(KeyType::ed25519);

  const Registration registration = describe_model(owner.public_key(), sha256(as_bytes("the release model's bytes")));
  STEGPASS_TRY(registered, sign_statement(owner, registration, now));
  STEGPASS_TRY(license, sign_statement(owner, license_for(registration, licensee.public_key(), now), now));
  StatusList list{.registration_id = registration.id, .expires = now + 30 * 86400, .ttl_s = 86400, .states = {StatusList::valid}};
  STEGPASS_TRY(status, sign_statement(owner, list, now));

  STEGPASS_TRY(log, ledger::Ledger::create(folder, "example.org/log", log_key, now));
  STEGPASS_TRY(appended, log.append({registered, license, status}, log_key, now));
  std::cout << "registered as entries " << appended.front().index << " to " << appended.back().index << "\n";

  Bundle bundle;
  STEGPASS_TRY(checkpoint, log.checkpoint());
  bundle.checkpoint = checkpoint;
  for (std::uint64_t index = 0; index < log.size(); ++index) {
    STEGPASS_TRY(entry, log.entry(index));
    STEGPASS_TRY(statement, Statement::decode(entry));
    STEGPASS_TRY(receipt, log.receipt(index));
    bundle.statements.push_back(statement.with_receipts({receipt}));
  }
  policy.logs = {NoteVerifier{log.origin(), log.log_key()}};
  policy.issuers = {{"example owner", owner.public_key().thumbprint()}};
  policy.max_age_s = 86400;
  return encode_bundle(bundle);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: license_offline FOLDER\n";
    return 2;
  }
  const std::int64_t now = std::time(nullptr);
  TrustPolicy policy;
  const auto bundle = run(argv[1], policy, now);
  if (!bundle) {
    std::cerr << bundle.error().detail << "\n";
    return 4;
  }
  const PaperVerdict papers = verify_papers(*bundle, policy, {.now = now});
  for (const Check& check : papers.verdict.checks()) {
    std::cout << outcome_name(check.outcome) << "  " << check.code << "  " << check.detail << "\n";
  }
  return papers.verdict.outcome() == Outcome::valid ? 0 : 1;
}
