#pragma once

#include <optional>
#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/merkle.hpp>

namespace stegpass::credential {

/// The log's signature over a tree root, in the form that every receipt of that tree shares.
/// A COSE_Sign1 with a detached payload (the root): protected {alg, kid, CWT claims {iss, sub = origin},
/// vds 1}. Since nothing in it depends on the entry, the log signs once a tree size, and receipts for all entries follow without
/// its key.
/// Source  RFC 9942, sections 4 and 5; RFC 9943 for the claims.
Sign1 sign_tree_root(const PrivateKey& log_key, const std::string& origin, const Digest32& root);

/// The receipt of one entry: the signed root with an inclusion proof in label 396. `signed_root` as made by `sign_tree_root`.
Bytes encode_receipt(const Sign1& signed_root, const InclusionProof& proof);

/// What a receipt says, once checked. The log signs the root alone (RFC 9942), so tree size and index are as good as
/// their path: a position counts only when `proof.tree_size` and `root` are together those of a signed checkpoint.
struct Receipt {
  std::string origin;
  InclusionProof proof;
  Digest32 root{};
};

/// A signed root that was found good: protected header, signature, root and key, by SHA-256 of them all.
using VerifiedRoot = Digest32;

/// Recomputes the root from the entry and checks the log's signature over it. The payload may be attached if it is that root.
/// Receipts of one tree share their signature: with `last`, the last one that held is remembered there and not verified again.
/// Errors  malformed (shape, path, signature, anything beside the one proof in the unprotected header); unsupported (another
/// verifiable data structure than 1);
///         refused when `kid` names another key than `log_key`.
Result<Receipt> verify_receipt(ByteView receipt, ByteView entry, const PublicKey& log_key,
                               std::optional<VerifiedRoot>* last = nullptr);

/// The receipt that a tree starts with an older one: the newer tree's signed root with a consistency proof in label 396.
Bytes encode_consistency_receipt(const Sign1& signed_root, const ConsistencyProof& proof);

/// What a consistency receipt says, once checked: the tree of `root` starts with that of the older root. As with entries, sizes
/// are as good as their path.
struct ConsistencyReceipt {
  std::string origin;
  ConsistencyProof proof;
  Digest32 root{};  ///< of the newer tree
};

/// Recomputes the newer root from the older one, which the verifier brings, and checks the log's signature over it.
/// Errors  as of `verify_receipt`.
/// Source  RFC 9942, section 5.3.
Result<ConsistencyReceipt> verify_consistency_receipt(ByteView receipt, const Digest32& old_root, const PublicKey& log_key);

}  // namespace stegpass::credential
