#include <stegpass/credential/receipt.hpp>

#include <algorithm>
#include <array>

#include "cwt_labels.hpp"
#include "hash_parts.hpp"

namespace stegpass::credential {
namespace {

constexpr std::int64_t kRfc9162Sha256 = 1;  // the data structure
constexpr std::int64_t kInclusion = -1;     // the proofs within label 396
constexpr std::int64_t kConsistency = -2;
constexpr std::size_t kMaxPath = 64;  // a tree has at most 2^64 - 1 leaves

Error bad(std::string detail) { return {Errc::malformed, "receipt: " + std::move(detail)}; }

/// Both proofs are two numbers and a path: [tree-size, leaf-index, path] and [tree-size-1, tree-size-2, path].
struct ProofParts {
  std::uint64_t first = 0, second = 0;
  std::vector<Digest32> path;
};

/// The unprotected header of a receipt with one proof.
Cbor proof_header(std::int64_t kind, const ProofParts& proof) {
  CborArray path;
  for (const Digest32& hash : proof.path) path.push_back(Cbor::bytes(hash));
  const Cbor items =
      Cbor::array({Cbor::unsigned_integer(proof.first), Cbor::unsigned_integer(proof.second), Cbor::array(std::move(path))});
  const Cbor proofs = Cbor::map({{Cbor::integer(kind), Cbor::array({Cbor::bytes(encode_cbor(items))})}});
  return Cbor::map({{Cbor::integer(cose::kVdp), proofs}});
}

std::string kind_name(std::int64_t kind) { return kind == kInclusion ? "inclusion" : "consistency"; }

Result<ProofParts> decode_proof(std::int64_t kind, const Bytes& bytes) {
  const std::string name = kind_name(kind) + " proof";
  STEGPASS_TRY(item, decode_cbor(bytes));
  const CborArray* parts = item.as_array();
  if (parts == nullptr || parts->size() != 3) return bad(name + " is not an array of three");
  const std::uint64_t *first = (*parts)[0].as_unsigned(), *second = (*parts)[1].as_unsigned();
  const CborArray* path = (*parts)[2].as_array();
  if (first == nullptr || second == nullptr || path == nullptr)
    return bad(name + (kind == kInclusion ? " is not size, index and path" : " is not two sizes and path"));
  const std::size_t most = kind == kInclusion ? kMaxPath : kMaxPath + 1;
  if (path->size() > most)
    return bad("path of " + std::to_string(path->size()) + " hashes, expected at most " + std::to_string(most));
  ProofParts proof{*first, *second, {}};
  for (const Cbor& item_hash : *path) {
    const Bytes* hash = item_hash.as_bytes();
    if (hash == nullptr || hash->size() != 32) return bad("path holds something else than hashes of 32 bytes");
    std::copy(hash->begin(), hash->end(), proof.path.emplace_back().begin());
  }
  return proof;
}

// Nothing signs the unprotected header, so it has to be exactly one proof of the kind.
Result<ProofParts> read_proof(std::int64_t kind, const Cbor& unprotected) {
  const Cbor* proofs = unprotected.find(cose::kVdp);
  if (proofs == nullptr || unprotected.as_map()->size() != 1) return bad("unprotected header is not proofs (396) alone");
  const Cbor* of_kind = proofs->find(kind);
  if (of_kind == nullptr || proofs->as_map()->size() != 1) return bad("proofs are not one of " + kind_name(kind));
  const CborArray* list = of_kind->as_array();
  if (list == nullptr || list->size() != 1 || list->front().as_bytes() == nullptr) {
    return bad(kind_name(kind) + " proofs are not a list of one byte string");
  }
  return decode_proof(kind, *list->front().as_bytes());
}

Status check_structure(const Cbor& header) {
  const Cbor* vds = header.find(cose::kVds);
  if (vds == nullptr) return bad("no data structure (395) in the protected header");
  std::int64_t number = 0;
  if (!vds->as_integer(number)) return bad("data structure is " + cbor_diagnostic(*vds) + ", expected an integer");
  if (number == kRfc9162Sha256) return Done{};
  return Error{Errc::unsupported, "receipt: data structure " + std::to_string(number) + ", expected 1"};
}

Status check_log_key(const Cbor& header, const PublicKey& log_key) {
  const Cbor* kid = header.find(cose::kKid);
  if (kid == nullptr || kid->as_bytes() == nullptr) return bad("no key id in the protected header");
  if (equal_constant_time(*kid->as_bytes(), log_key.thumbprint())) return Done{};
  return Error{Errc::refused, "receipt: by key " + cbor_diagnostic(*kid) + ", expected " + log_key.thumbprint_uri()};
}

Result<std::string> read_origin(const Cbor& header) {
  const Cbor* claims = header.find(cose::kCwtClaims);
  const Cbor* issuer = claims == nullptr ? nullptr : claims->find(kIss);
  const Cbor* subject = claims == nullptr ? nullptr : claims->find(kSub);
  if (issuer == nullptr || subject == nullptr || issuer->as_text() == nullptr || subject->as_text() == nullptr) {
    return bad("no issuer and subject in the protected header");
  }
  if (*issuer->as_text() != *subject->as_text()) return bad("issuer and subject differ, expected the log's origin in both");
  return *issuer->as_text();
}

/// A receipt by the log's key, as far as it can be read before its root is known.
struct OpenedReceipt {
  Sign1 message;
  std::string origin;
  ProofParts proof;
};

Result<OpenedReceipt> open_receipt(ByteView receipt, std::int64_t kind, const PublicKey& log_key) {
  STEGPASS_TRY(message, decode_sign1(receipt));
  STEGPASS_CHECK_OK(check_structure(message.protected_header));
  STEGPASS_CHECK_OK(check_log_key(message.protected_header, log_key));
  STEGPASS_TRY(origin, read_origin(message.protected_header));
  STEGPASS_TRY(proof, read_proof(kind, message.unprotected));
  return OpenedReceipt{std::move(message), std::move(origin), std::move(proof)};
}

/// The root is the payload of the signature, attached or not.
Status check_signature(const Sign1& message, const Digest32& root, const PublicKey& log_key) {
  if (!message.payload) return verify_sign1(message, log_key, ByteView(root));
  if (!equal_constant_time(*message.payload, root)) return bad("attached root is not the one that entry and path give");
  return verify_sign1(message, log_key);
}

/// As `check_signature`, but for a signed root that was verified before.
Status check_signature_once(const Sign1& message, const Digest32& root, const PublicKey& log_key,
                            std::optional<VerifiedRoot>* last) {
  if (last == nullptr || message.payload) return check_signature(message, root, log_key);
  const Digest32 header = sha256(message.protected_bytes), signature = sha256(message.signature);
  const VerifiedRoot now = sha256_of_parts({header, signature, root, log_key.thumbprint()});
  if (*last == now) return Done{};
  STEGPASS_CHECK_OK(check_signature(message, root, log_key));
  *last = now;
  return Done{};
}

}  // namespace

Sign1 sign_tree_root(const PrivateKey& log_key, const std::string& origin, const Digest32& root) {
  const Cbor claims = Cbor::map({{Cbor::integer(kIss), Cbor::text(origin)}, {Cbor::integer(kSub), Cbor::text(origin)}});
  CborMap header = {{Cbor::integer(cose::kKid), Cbor::bytes(log_key.public_key().thumbprint())},
                    {Cbor::integer(cose::kCwtClaims), claims},
                    {Cbor::integer(cose::kVds), Cbor::integer(kRfc9162Sha256)}};
  return sign_sign1(log_key, std::move(header), {}, root, true);
}

Bytes encode_receipt(const Sign1& signed_root, const InclusionProof& proof) {
  Sign1 receipt = signed_root;
  receipt.unprotected = proof_header(kInclusion, {proof.tree_size, proof.leaf_index, proof.path});
  return encode_sign1(receipt);
}

Bytes encode_consistency_receipt(const Sign1& signed_root, const ConsistencyProof& proof) {
  Sign1 receipt = signed_root;
  receipt.unprotected = proof_header(kConsistency, {proof.old_size, proof.new_size, proof.path});
  return encode_sign1(receipt);
}

Result<Receipt> verify_receipt(ByteView receipt, ByteView entry, const PublicKey& log_key, std::optional<VerifiedRoot>* last) {
  STEGPASS_TRY(opened, open_receipt(receipt, kInclusion, log_key));
  InclusionProof proof{opened.proof.first, opened.proof.second, std::move(opened.proof.path)};
  STEGPASS_TRY(root, root_from_inclusion(merkle_leaf(entry), proof));
  STEGPASS_CHECK_OK(check_signature_once(opened.message, root, log_key, last));
  return Receipt{std::move(opened.origin), std::move(proof), root};
}

Result<ConsistencyReceipt> verify_consistency_receipt(ByteView receipt, const Digest32& old_root, const PublicKey& log_key) {
  STEGPASS_TRY(opened, open_receipt(receipt, kConsistency, log_key));
  ConsistencyProof proof{opened.proof.first, opened.proof.second, std::move(opened.proof.path)};
  STEGPASS_TRY(root, root_from_consistency(old_root, proof));
  STEGPASS_CHECK_OK(check_signature(opened.message, root, log_key));
  return ConsistencyReceipt{std::move(opened.origin), std::move(proof), root};
}

}  // namespace stegpass::credential
