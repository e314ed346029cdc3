// OpenSSL 3 calls SHA256_* old; its EVP takes several times as long for a tree node, and both run the same code for a model.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <stegpass/credential/crypto.hpp>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <cassert>
#include <new>
#include <stdexcept>

#include "hash_parts.hpp"
#include "openssl_handles.hpp"
#include "sodium_ready.hpp"

namespace stegpass::credential {

Bytes random_bytes(std::size_t count) {
  require_sodium();
  Bytes bytes(count);
  if (count > 0) randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

Digest32 sha256_of_parts(std::initializer_list<ByteView> parts) {
  SHA256_CTX context;
  Digest32 digest;
  SHA256_Init(&context);
  for (ByteView part : parts) SHA256_Update(&context, part.data(), part.size());
  SHA256_Final(digest.data(), &context);
  return digest;
}

Digest32 fast_sha256(ByteView data) { return sha256_of_parts({data}); }

struct StreamHash::Context {
  DigestContextPtr digest{EVP_MD_CTX_new()};
};

StreamHash::StreamHash(Algorithm algorithm) : context_(std::make_unique<Context>()) {
  const EVP_MD* digest = algorithm == Algorithm::sha256 ? EVP_sha256() : EVP_blake2b512();
  if (EVP_DigestInit_ex2(context_->digest.get(), digest, nullptr) != 1) throw std::runtime_error("openssl lacks a digest");
}

StreamHash::StreamHash(StreamHash&&) noexcept = default;
StreamHash::~StreamHash() = default;

void StreamHash::update(ByteView piece) {
  if (EVP_DigestUpdate(context_->digest.get(), piece.data(), piece.size()) != 1) throw std::runtime_error("openssl cannot hash");
}

Bytes StreamHash::finish() {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context_->digest.get(), digest.data(), &size) != 1) throw std::runtime_error("openssl cannot hash");
  digest.resize(size);
  return digest;
}

Bytes hash_bytes(HashAlgorithm algorithm, ByteView data) {
  const EVP_MD* hash = algorithm == HashAlgorithm::sha256   ? EVP_sha256()
                       : algorithm == HashAlgorithm::sha384 ? EVP_sha384()
                                                            : EVP_sha512();
  Bytes digest(static_cast<std::size_t>(EVP_MD_get_size(hash)));
  if (EVP_Digest(data.data(), data.size(), digest.data(), nullptr, hash, nullptr) != 1)
    throw std::runtime_error("openssl has no SHA-2");
  return digest;
}

Digest64 hmac_sha512(ByteView key, ByteView message) {
  Digest64 code;
  const std::uint8_t none = 0;  // a null key would mean "the key of the last call" to OpenSSL
  const auto* start = key.empty() ? &none : key.data();
  if (HMAC(EVP_sha512(), start, static_cast<int>(key.size()), message.data(), message.size(), code.data(), nullptr) == nullptr) {
    throw std::runtime_error("openssl has no HMAC-SHA-512");
  }
  return code;
}

bool is_sealing_key(ByteView x25519_public) {
  require_sodium();
  std::array<std::uint8_t, crypto_scalarmult_BYTES> shared{};
  const std::array<std::uint8_t, crypto_scalarmult_SCALARBYTES> any{1};
  return x25519_public.size() == crypto_box_PUBLICKEYBYTES &&
         crypto_scalarmult(shared.data(), any.data(), x25519_public.data()) == 0;
}

Bytes seal_to(ByteView x25519_public, ByteView message) {
  assert(x25519_public.size() == crypto_box_PUBLICKEYBYTES);
  require_sodium();
  Bytes box(message.size() + crypto_box_SEALBYTES);
  if (crypto_box_seal(box.data(), message.data(), message.size(), x25519_public.data()) != 0) {
    throw std::invalid_argument("sealing key is a point of low order");
  }
  return box;
}

Bytes x25519_public_of(const SecretBytes& x25519_secret) {
  assert(x25519_secret.size() == crypto_scalarmult_SCALARBYTES);
  Bytes point(crypto_scalarmult_BYTES);
  if (crypto_scalarmult_base(point.data(), x25519_secret.expose().data()) != 0)
    throw std::runtime_error("x25519 has no public key");
  return point;
}

Result<Bytes> open_sealed(const SecretBytes& x25519_secret, ByteView box) {
  if (box.size() < crypto_box_SEALBYTES) {
    return Error{Errc::locked, "sealed box of " + std::to_string(box.size()) + " bytes, expected at least 48"};
  }
  const Bytes point = x25519_public_of(x25519_secret);
  Bytes message(box.size() - crypto_box_SEALBYTES);
  const int opened = crypto_box_seal_open(message.data(), box.data(), box.size(), point.data(), x25519_secret.expose().data());
  if (opened != 0) return Error{Errc::locked, "sealed box was not sealed to this key, or was changed"};
  return message;
}

}  // namespace stegpass::credential
