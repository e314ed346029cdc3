#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/receipt.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// The three parts of the one proof of kind `kind` (-1 inclusion, -2 consistency) of another log's receipt.
struct ForeignProof {
  std::uint64_t first, second;
  std::vector<Digest32> path;
};

ForeignProof proof_of(const Sign1& message, std::int64_t kind) {
  const Cbor* list = message.unprotected.find(cose::kVdp)->find(kind);
  REQUIRE(list != nullptr);
  const Cbor proof = require_ok(decode_cbor(*list->as_array()->at(0).as_bytes()));
  ForeignProof out{*proof.as_array()->at(0).as_unsigned(), *proof.as_array()->at(1).as_unsigned(), {}};
  for (const Cbor& hash : *proof.as_array()->at(2).as_array()) out.path.push_back(digest_from(*hash.as_bytes()));
  return out;
}

Sign1 draft_receipt(const std::string& name) {
  return require_ok(decode_foreign_sign1(read_bytes(vector_path("cose-receipts-draft-examples/" + name))));
}

Digest32 derived(const char* name) {
  return digest_from(hex_field(read_json(vector_path("cose-receipts-draft-examples/derived.json")), name));
}

std::filesystem::path scitt(const std::string& name, const std::string& file) {
  return vector_path("scitt-cose/v1") / name / file;
}

Status statement_status(const std::string& name) {
  const Sign1 statement = require_ok(decode_foreign_sign1(read_bytes(scitt(name, "statement.cose"))));
  return verify_sign1(statement, key_from_pem(read_text(scitt(name, "issuer-key.pub"))));
}

// Their log's entry is the hash of the statement, its receipts bear neither key id nor claims: checked part by part.
Status receipt_status(const std::string& name) {
  const Sign1 receipt = require_ok(decode_foreign_sign1(read_bytes(scitt(name, "receipt.cose"))));
  const ForeignProof proof = proof_of(receipt, -1);
  const Digest32 entry = sha256(read_bytes(scitt(name, "statement.cose")));
  const auto root = root_from_inclusion(merkle_leaf(entry), {proof.first, proof.second, proof.path});
  if (!root.ok()) return root.error();
  return verify_sign1(receipt, key_from_pem(read_text(scitt(name, "log-key.pub"))), ByteView(*root));
}

}  // namespace

TEST_CASE("the inclusion receipt of the draft leads to the published root") {
  const ForeignProof proof = proof_of(draft_receipt("inclusion-receipt.cbor"), -1);
  CHECK(require_ok(root_from_inclusion(derived("leaf_hash_index_3"), {proof.first, proof.second, proof.path})) ==
        derived("root_size_5"));
}

TEST_CASE("the consistency receipt of the draft leads from the older root to the newer") {
  const ForeignProof proof = proof_of(draft_receipt("consistency-receipt.cbor"), -2);
  const ConsistencyProof consistency{proof.first, proof.second, proof.path};
  CHECK(verify_consistency(derived("root_size_3"), derived("root_size_5"), consistency).ok());
  CHECK_FALSE(verify_consistency(derived("root_size_5"), derived("root_size_3"), consistency).ok());
}

TEST_CASE("the draft's receipts, which name an issuer and no subject, are not in our profile") {
  const PublicKey key = fixed_key("log", KeyType::p256).public_key();
  for (const char* name : {"inclusion-receipt.cbor", "consistency-receipt.cbor"}) {
    CHECK_FALSE(verify_receipt(read_bytes(vector_path("cose-receipts-draft-examples/" + std::string(name))), {}, key).ok());
  }
}

TEST_CASE("the honest statements of scitt-cose verify under their issuer's key") {
  for (const char* name : {"valid-eddsa", "valid-es256", "valid-ccf-vds2", "fail-tampered-path", "fail-unsupported-vds"}) {
    INFO(name);
    CHECK(statement_status(name).ok());
  }
}

TEST_CASE("the statement of scitt-cose with a flipped signature byte does not verify") {
  check_refused(statement_status("fail-bad-statement-sig"), Errc::malformed, "signature");
}

TEST_CASE("the receipts of scitt-cose verify over their entry rule") {
  for (const char* name : {"valid-eddsa", "valid-es256", "fail-bad-statement-sig"}) {
    INFO(name);
    CHECK(receipt_status(name).ok());
  }
}

TEST_CASE("the receipt of scitt-cose with a tampered path does not verify") {
  check_refused(receipt_status("fail-tampered-path"), Errc::malformed, "signature");
}

TEST_CASE("receipts of another data structure, a real CCF one among them, say so in their protected header") {
  for (const char* name : {"fail-unsupported-vds", "valid-ccf-vds2"}) {
    INFO(name);
    const Sign1 receipt = require_ok(decode_foreign_sign1(read_bytes(scitt(name, "receipt.cose"))));
    CHECK(*receipt.protected_header.find(cose::kVds) == num(2));
    CHECK(receipt.unprotected.find(cose::kVds) == nullptr);
  }
}

TEST_CASE("receipts of scitt-cose, whose keys are out of order, are not in our profile") {
  for (const char* name : {"valid-eddsa", "valid-es256"}) {
    const PublicKey key = key_from_pem(read_text(scitt(name, "log-key.pub")));
    const Digest32 entry = sha256(read_bytes(scitt(name, "statement.cose")));
    check_refused(verify_receipt(read_bytes(scitt(name, "receipt.cose")), entry, key), Errc::malformed, "deterministic");
  }
}

TEST_CASE("a receipt of a tree of one entry has an empty path and verifies") {
  const Json vector = read_json(vector_path("scitt-cose/ccf-interop-shared-vector.json"));
  const Sign1 receipt = require_ok(decode_foreign_sign1(hex_field(vector.at("our_receipt"), "bytes_hex")));
  const ForeignProof proof = proof_of(receipt, -1);
  CHECK(proof.path.empty());
  const Digest32 leaf = merkle_leaf(hex_field(vector.at("leaf_entry"), "hex"));
  CHECK(to_hex(leaf) == vector.at("leaf_entry").at("leaf_hash_rfc6962_hex").get<std::string>());
  const Digest32 root = require_ok(root_from_inclusion(leaf, {proof.first, proof.second, proof.path}));
  CHECK(verify_sign1(receipt, key_from_pem(vector.at("our_receipt").at("ts_public_key_pem").get<std::string>()), ByteView(root))
            .ok());
}
