#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

// OpenSSF Model Signing v1.0: a manifest of a model's files as an in-toto Statement, in a DSSE envelope, in a Sigstore bundle.
// Methods `key` and `certificate`; `sigstore`, which needs the network's roots, is unsupported. Page: schemas/model-signature.md.

/// A file of the model, or with the method `shards` a range of one, named `path:start:end`.
struct ModelResource {
  std::string name;  ///< relative to the model, with '/'; never absolute, never through '..'
  Bytes digest;
  friend bool operator==(const ModelResource&, const ModelResource&) = default;
};

/// What is signed.
struct ModelManifest {
  std::string model_name;  ///< last part of the model's path
  StreamHash::Algorithm hash = StreamHash::Algorithm::sha256;
  std::optional<std::uint64_t> shard_bytes;  ///< method `shards`; otherwise `files`
  bool allow_symlinks = false;
  std::vector<std::string> ignore_paths;
  std::vector<ModelResource> resources;
  /// SHA-256 over the raw digests, in order; the number that a registration calls the model's root.
  Digest32 root() const;
};

/// The in-toto Statement in JSON. Requires what `decode_model_manifest` demands.
std::string encode_model_manifest(const ModelManifest& manifest);
/// Errors  malformed; unsupported (other predicate, BLAKE3). Names are unique, relative and without '..'; the subject is the
/// root.
Result<ModelManifest> decode_model_manifest(ByteView statement);

/// What a DSSE signature is over (Pre-Authentication Encoding).
Bytes dsse_pae(std::string_view payload_type, ByteView payload);

/// A bundle: signed payload, one signature, and how to find the key.
struct ModelSignature {
  Bytes payload;
  Bytes signature;                  ///< ECDSA in DER
  std::string key_hint;             ///< method key: hex SHA-256 of the key's PEM text; empty in bundles before 1.1
  std::vector<Bytes> certificates;  ///< method certificate: DER, that of the signing key first
};

std::string encode_model_signature(const ModelSignature& signature);
/// Errors  malformed; unsupported (method sigstore, other media and payload types).
Result<ModelSignature> decode_model_signature(ByteView bundle);

/// Signs a manifest with a P-256 key; with certificates the first must be of that key.
/// Errors  unsupported for other keys, which the standard does not have; usage when the certificate is of another key.
Result<ModelSignature> sign_model(const PrivateKey& key, const ModelManifest& manifest, std::vector<Bytes> certificates = {});

/// Checks the signature with a public key in PEM: ECDSA over P-256, P-384 or P-521 with the SHA-2 of its size.
/// Errors  malformed (key, "signature ..." when it does not verify); refused when the bundle names another key; unsupported key.
Status verify_model_signature(const ModelSignature& signature, std::string_view public_key_pem);

/// Whom the certificates name, once they lead to one of the roots.
struct CertifiedSigner {
  std::string subject;
  std::int64_t not_before = 0, not_after = 0;  ///< seconds since 1970
};
/// Checks the chain up to one of the roots (PEM, one or more), as of the leaf's first second, that the leaf may sign, and the
/// signature. Errors  malformed; refused when the chain does not lead to a root, or the leaf is not for signing; unsupported key.
Result<CertifiedSigner> verify_certified_model_signature(const ModelSignature& signature, std::string_view roots_pem);

/// DER of each certificate of a PEM text. Errors malformed.
Result<std::vector<Bytes>> certificates_of_pem(std::string_view pem);

}  // namespace stegpass::credential
