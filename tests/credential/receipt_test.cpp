#include <stegpass/credential/receipt.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

const std::string kOrigin = "ledger.example/one";

// A log of a few entries, and receipts for them that a test can bend.
struct Log {
  PrivateKey key = fixed_key("log");
  std::vector<Bytes> entries;
  std::vector<Digest32> leaves;

  explicit Log(std::size_t size) {
    for (std::size_t i = 0; i < size; ++i) {
      entries.push_back(sample_bytes("entry " + std::to_string(i), 50));
      leaves.push_back(merkle_leaf(entries.back()));
    }
  }
  Digest32 root() const { return merkle_root(leaves); }
  InclusionProof proof(std::uint64_t index) const { return {leaves.size(), index, merkle_path(leaves, index)}; }
  Sign1 signed_root() const { return sign_tree_root(key, kOrigin, root()); }
  Bytes receipt(std::uint64_t index) const { return encode_receipt(signed_root(), proof(index)); }
};

CborMap protected_pairs(const PrivateKey& key) {
  const Cbor claims = Cbor::map({{num(1), txt(kOrigin)}, {num(2), txt(kOrigin)}});
  return {{num(cose::kKid), bin(key.public_key().thumbprint())}, {num(cose::kCwtClaims), claims}, {num(cose::kVds), num(1)}};
}

// The pairs with the one at `label` put in another's place; null takes it out.
CborMap with_pair(CborMap pairs, std::int64_t label, const Cbor& value) {
  std::erase_if(pairs, [&](const auto& pair) { return pair.first == num(label); });
  if (!value.is_null()) pairs.emplace_back(num(label), value);
  return pairs;
}

// A receipt for entry 3 of `log` over protected header pairs of the test's choosing, honestly signed.
Bytes receipt_with_header(const Log& log, CborMap pairs) {
  return encode_receipt(sign_sign1(log.key, std::move(pairs), {}, log.root(), true), log.proof(3));
}

// A receipt whose proof item is of the test's choosing.
Bytes receipt_with_proofs(const Log& log, Cbor unprotected) {
  Sign1 message = log.signed_root();
  message.unprotected = std::move(unprotected);
  return encode_sign1(message);
}

Cbor proofs_of(CborArray items) { return Cbor::map({{num(396), Cbor::map({{num(-1), Cbor::array(std::move(items))}})}}); }

Cbor proof_item(Cbor size, Cbor index, CborArray path) {
  return bin(encode_cbor(Cbor::array({std::move(size), std::move(index), Cbor::array(std::move(path))})));
}

CborArray path_items(const InclusionProof& proof) {
  CborArray items;
  for (const Digest32& hash : proof.path) items.push_back(bin(hash));
  return items;
}

Result<Receipt> verify_third(const Log& log, const Bytes& receipt) {
  return verify_receipt(receipt, log.entries[3], log.key.public_key());
}

}  // namespace

TEST_CASE("one signature of a root makes a receipt for every entry") {
  for (std::size_t size : {1u, 2u, 7u, 8u, 9u}) {
    const Log log(size);
    const Sign1 signed_root = log.signed_root();
    for (std::size_t index = 0; index < size; ++index) {
      const Bytes receipt = encode_receipt(signed_root, log.proof(index));
      const Receipt read = require_ok(verify_receipt(receipt, log.entries[index], log.key.public_key()));
      CHECK(read.origin == kOrigin);
      CHECK(read.proof.leaf_index == index);
      CHECK(read.proof.tree_size == size);
      CHECK(read.root == log.root());
    }
  }
}

TEST_CASE("a remembered root stands for the same signature, root and key alone") {
  const Log log(8), other(7);
  const PublicKey key = log.key.public_key();
  std::optional<VerifiedRoot> last;
  check_refused(verify_receipt(log.receipt(4), log.entries[3], key, &last), Errc::malformed, "signature");
  CHECK_FALSE(last);
  REQUIRE(verify_receipt(log.receipt(3), log.entries[3], key, &last).ok());
  const auto first = last;
  CHECK(verify_receipt(log.receipt(5), log.entries[5], key, &last).ok());
  CHECK(last == first);
  // Another entry, another signature, another header, another key: each is verified, and refused.
  check_refused(verify_receipt(log.receipt(4), log.entries[3], key, &last), Errc::malformed, "signature");
  Sign1 forged = log.signed_root();
  forged.signature[7] ^= 1;
  check_refused(verify_receipt(encode_receipt(forged, log.proof(3)), log.entries[3], key, &last), Errc::malformed, "signature");
  const Sign1 of_other = sign_sign1(fixed_key("other"), protected_pairs(log.key), {}, log.root(), true);
  check_refused(verify_receipt(encode_receipt(of_other, log.proof(3)), log.entries[3], key, &last), Errc::malformed, "signature");
  CHECK(last == first);
  CHECK(verify_receipt(other.receipt(3), other.entries[3], key, &last).ok());
  CHECK(last != first);
}

TEST_CASE("a log that signs with P-256 gives receipts too") {
  Log log(5);
  log.key = fixed_key("log", KeyType::p256);
  CHECK(verify_third(log, log.receipt(3)).ok());
}

TEST_CASE("a receipt of another entry is rejected") {
  const Log log(8);
  check_refused(verify_third(log, log.receipt(4)), Errc::malformed, "signature");
  check_refused(verify_receipt(log.receipt(3), {}, log.key.public_key()), Errc::malformed, "signature");
}

TEST_CASE("a receipt for another log is rejected") {
  const Log log(8);
  check_refused(verify_receipt(log.receipt(3), log.entries[3], fixed_key("other").public_key()), Errc::refused, "by key");
}

TEST_CASE("a receipt that names our key and is signed by another is rejected") {
  const Log log(8);
  Sign1 forged = sign_sign1(fixed_key("other"), protected_pairs(log.key), {}, log.root(), true);
  check_refused(verify_third(log, encode_receipt(forged, log.proof(3))), Errc::malformed, "signature");
}

TEST_CASE("every truncation of a receipt is rejected") {
  const Log log(5);
  const Bytes receipt = log.receipt(3);
  for (std::size_t size = 0; size < receipt.size(); ++size) {
    CHECK_FALSE(verify_receipt(ByteView(receipt).first(size), log.entries[3], log.key.public_key()).ok());
  }
}

TEST_CASE("every flipped bit of a receipt is rejected, or names another tree size than the checkpoint's") {
  const Log log(5);
  for_each_bit_flip(log.receipt(3), [&](const Bytes& changed, std::size_t bit) {
    INFO("bit " << bit);
    const auto read = verify_third(log, changed);
    if (read.ok()) CHECK(read->proof.tree_size != 5);
  });
}

TEST_CASE("a receipt's position holds only with the tree size that a checkpoint gives its root") {
  // Entry 4 of 5 stands alone at the right edge, so its path is also that of entry 1 in a tree of 2 with this root:
  // nothing that RFC 9942 signs says which.
  const Log log(5);
  InclusionProof earlier = log.proof(4);
  earlier.tree_size = 2, earlier.leaf_index = 1;
  const Receipt read =
      require_ok(verify_receipt(encode_receipt(log.signed_root(), earlier), log.entries[4], log.key.public_key()));
  CHECK(read.root == log.root());
  CHECK(read.proof.tree_size != 5);
  for (std::uint64_t index = 0; index < 4; ++index) {
    const Bytes moved = encode_receipt(log.signed_root(), {5, index, earlier.path});
    CHECK_FALSE(verify_receipt(moved, log.entries[4], log.key.public_key()).ok());
  }
}

TEST_CASE("a receipt with the root attached is accepted when it is the recomputed root, and rejected otherwise") {
  const Log log(8);
  Sign1 message = require_ok(decode_sign1(log.receipt(3)));
  message.payload = to_bytes(log.root());
  CHECK(verify_third(log, encode_sign1(message)).ok());
  Bytes other = encode_receipt(message, log.proof(4));
  check_refused(verify_third(log, other), Errc::malformed, "attached root");
  message.payload->front() ^= 1;
  check_refused(verify_third(log, encode_sign1(message)), Errc::malformed, "attached root");
}

TEST_CASE("a receipt with a float for a size or index is rejected") {
  const Log log(8);
  for (double value : {8.0, 7.5}) {
    const Cbor proof = proof_item(Cbor::floating(value), num(3), path_items(log.proof(3)));
    check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof}))), Errc::malformed, "size, index and path");
  }
  const Cbor proof = proof_item(num(8), Cbor::floating(3.0), path_items(log.proof(3)));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof}))), Errc::malformed, "size, index and path");
}

TEST_CASE("a receipt with a negative index is rejected") {
  const Log log(8);
  const Cbor proof = proof_item(num(8), num(-3), path_items(log.proof(3)));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof}))), Errc::malformed, "size, index and path");
}

TEST_CASE("a path hash of 31 or 33 bytes is rejected") {
  const Log log(8);
  for (std::size_t size : {31u, 33u}) {
    CborArray path = path_items(log.proof(3));
    path[1] = bin(Bytes(size, 1));
    check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof_item(num(8), num(3), path)}))), Errc::malformed,
                  "32 bytes");
  }
}

TEST_CASE("a surplus path hash is rejected") {
  const Log log(8);
  CborArray path = path_items(log.proof(3));
  path.push_back(bin(log.leaves[0]));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof_item(num(8), num(3), path)}))), Errc::malformed,
                "does not fit");
}

TEST_CASE("a missing path hash is rejected") {
  const Log log(8);
  CborArray path = path_items(log.proof(3));
  path.pop_back();
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof_item(num(8), num(3), path)}))), Errc::malformed,
                "does not fit");
}

TEST_CASE("a path of more hashes than any tree has levels is rejected") {
  const Log log(8);
  const CborArray path(65, bin(Bytes(32)));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof_item(num(8), num(3), path)}))), Errc::malformed,
                "65 hashes");
}

TEST_CASE("an index at the tree's size is rejected") {
  const Log log(8);
  const Cbor proof = proof_item(num(8), num(8), path_items(log.proof(3)));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof}))), Errc::malformed, "entry 8");
}

TEST_CASE("a receipt with two proofs or none is rejected") {
  const Log log(8);
  const Cbor proof = proof_item(num(8), num(3), path_items(log.proof(3)));
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({proof, proof}))), Errc::malformed, "list of one");
  check_refused(verify_third(log, receipt_with_proofs(log, proofs_of({}))), Errc::malformed, "list of one");
  check_refused(verify_third(log, receipt_with_proofs(log, Cbor::map({}))), Errc::malformed, "396");
}

TEST_CASE("a receipt with a consistency proof beside or instead of inclusion is rejected") {
  const Log log(8);
  const Cbor list = Cbor::array({proof_item(num(8), num(3), path_items(log.proof(3)))});
  const Cbor both = Cbor::map({{num(396), Cbor::map({{num(-1), list}, {num(-2), list}})}});
  const Cbor other = Cbor::map({{num(396), Cbor::map({{num(-2), list}})}});
  check_refused(verify_third(log, receipt_with_proofs(log, both)), Errc::malformed, "inclusion");
  check_refused(verify_third(log, receipt_with_proofs(log, other)), Errc::malformed, "inclusion");
}

TEST_CASE("anything else in the unprotected header, which nothing signs, is rejected") {
  const Log log(8);
  const Cbor list = Cbor::array({proof_item(num(8), num(3), path_items(log.proof(3)))});
  const Cbor more = Cbor::map({{num(396), Cbor::map({{num(-1), list}})}, {num(99), num(1)}});
  check_refused(verify_third(log, receipt_with_proofs(log, more)), Errc::malformed, "alone");
}

TEST_CASE("a receipt without a data structure in its protected header is rejected") {
  const Log log(8);
  check_refused(verify_third(log, receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kVds, Cbor::null()))),
                Errc::malformed, "395");
  Sign1 moved = require_ok(decode_sign1(receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kVds, Cbor::null()))));
  CborMap unprotected = *moved.unprotected.as_map();
  unprotected.emplace_back(num(cose::kVds), num(1));
  moved.unprotected = Cbor::map(unprotected);
  check_refused(verify_third(log, encode_sign1(moved)), Errc::malformed, "395");
}

TEST_CASE("a receipt of another data structure is unsupported, not invalid") {
  const Log log(8);
  check_refused(verify_third(log, receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kVds, num(2)))),
                Errc::unsupported, "structure 2");
  check_refused(verify_third(log, receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kVds, txt("1")))),
                Errc::malformed);
}

TEST_CASE("a receipt without alg in its protected header is rejected") {
  const Log log(8);
  Sign1 message = log.signed_root();
  message.protected_header = Cbor::map(protected_pairs(log.key));
  message.protected_bytes = encode_cbor(message.protected_header);
  message.signature = log.key.sign(sig_structure(message, log.root()));
  check_refused(verify_third(log, encode_receipt(message, log.proof(3))), Errc::malformed, "no alg");
}

TEST_CASE("a receipt without a key id is rejected") {
  const Log log(8);
  check_refused(verify_third(log, receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kKid, Cbor::null()))),
                Errc::malformed, "key id");
}

TEST_CASE("a receipt without issuer and subject, or with two different ones, is rejected") {
  const Log log(8);
  const Cbor lone = Cbor::map({{num(1), txt(kOrigin)}}), two = Cbor::map({{num(1), txt(kOrigin)}, {num(2), txt("other")}});
  for (const Cbor& claims : {Cbor::null(), lone, two, num(5)}) {
    check_refused(verify_third(log, receipt_with_header(log, with_pair(protected_pairs(log.key), cose::kCwtClaims, claims))),
                  Errc::malformed, "subject");
  }
}

TEST_CASE("a receipt without its tag is rejected") {
  const Log log(8);
  const Bytes receipt = log.receipt(3);
  check_refused(verify_third(log, Bytes(receipt.begin() + 1, receipt.end())), Errc::malformed, "tag");
}

namespace {

// Receipts that a tree of `log` starts with a smaller one.
struct Growth {
  Log log{11};
  std::vector<Digest32> old_leaves;
  ConsistencyProof proof;

  // Sizes 8 to 11: the path is the root of leaves 8 to 10.
  Growth() : old_leaves(log.leaves.begin(), log.leaves.begin() + 8) {
    proof = {8, 11, {merkle_root({log.leaves.begin() + 8, log.leaves.end()})}};
  }
  Digest32 old_root() const { return merkle_root(old_leaves); }
  Bytes receipt() const { return encode_consistency_receipt(log.signed_root(), proof); }
};

}  // namespace

TEST_CASE("a consistency receipt leads from the older root to the signed newer one") {
  const Growth growth;
  const auto checked = require_ok(verify_consistency_receipt(growth.receipt(), growth.old_root(), growth.log.key.public_key()));
  CHECK(checked.origin == kOrigin);
  CHECK(checked.proof.old_size == 8);
  CHECK(checked.proof.new_size == 11);
  CHECK(checked.root == growth.log.root());
}

TEST_CASE("a forged consistency receipt is refused") {
  Growth growth;
  const PublicKey key = growth.log.key.public_key();
  Digest32 other_root = growth.old_root();
  other_root[0] ^= 1;
  check_refused(verify_consistency_receipt(growth.receipt(), other_root, key), Errc::malformed, "signature");
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), fixed_key("other").public_key()), Errc::refused,
                "by key");
  const ConsistencyProof good = growth.proof;
  growth.proof.path[0][31] ^= 1;
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), key), Errc::malformed, "signature");
  growth.proof = good;
  growth.proof.path.push_back(Digest32{});
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), key), Errc::malformed, "consistency proof");
  growth.proof.path.clear();
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), key), Errc::malformed, "consistency proof");
  growth.proof = {0, 11, good.path};
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), key), Errc::malformed, "from size 0");
  growth.proof = {11, 8, good.path};
  check_refused(verify_consistency_receipt(growth.receipt(), growth.old_root(), key), Errc::malformed, "from size 11 to 8");
}

TEST_CASE("a receipt of one kind is not taken for the other") {
  const Growth growth;
  const PublicKey key = growth.log.key.public_key();
  check_refused(verify_consistency_receipt(growth.log.receipt(3), growth.old_root(), key), Errc::malformed,
                "not one of consistency");
  check_refused(verify_receipt(growth.receipt(), growth.log.entries[3], key), Errc::malformed, "not one of inclusion");
}

TEST_CASE("no cut and no flipped bit of a consistency receipt is taken") {
  const Growth growth;
  const Bytes whole = growth.receipt();
  const PublicKey key = growth.log.key.public_key();
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(verify_consistency_receipt(ByteView(whole).first(size), growth.old_root(), key).ok());
  for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    // Sizes are not signed: another pair of sizes may share the path, and the root is the same.
    if (const auto taken = verify_consistency_receipt(flipped, growth.old_root(), key)) CHECK(taken->root == growth.log.root());
  }
}
