#include <stegpass/credential/secret_file.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <new>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/crypto.hpp>

#include "sodium_ready.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kMagic = "stegpass.secret.v1";
constexpr std::uint32_t kMaxPasses = 16, kMinMemoryKib = 8, kMaxMemoryKib = 1024 * 1024;
constexpr std::size_t kSaltBytes = crypto_pwhash_SALTBYTES;
constexpr std::size_t kNonceBytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kKeyBytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;

struct Header {
  SecretKind kind;
  Bytes salt, nonce;
  std::uint64_t passes = 0, memory_kib = 0;
};

std::string_view kind_name(SecretKind kind) { return kind == SecretKind::key ? "key" : "vault"; }

CborArray header_items(const Header& header) {
  return {Cbor::text(kMagic),
          Cbor::text(kind_name(header.kind)),
          Cbor::bytes(header.salt),
          Cbor::unsigned_integer(header.passes),
          Cbor::unsigned_integer(header.memory_kib),
          Cbor::bytes(header.nonce)};
}

bool within_bounds(std::uint64_t passes, std::uint64_t memory_kib) {
  return passes >= 1 && passes <= kMaxPasses && memory_kib >= kMinMemoryKib && memory_kib <= kMaxMemoryKib;
}

Result<SecretBytes> stretch(const SecretBytes& passphrase, const Header& header) {
  require_sodium();
  SecretBytes key(kKeyBytes);
  const char* text = passphrase.size() == 0 ? "" : reinterpret_cast<const char*>(passphrase.expose().data());
  const int done = crypto_pwhash(key.expose_mutable(), key.size(), text, passphrase.size(), header.salt.data(), header.passes,
                                 static_cast<std::size_t>(header.memory_kib) * 1024, crypto_pwhash_ALG_ARGON2ID13);
  if (done != 0) return Error{Errc::io, "secret file: no " + std::to_string(header.memory_kib) + " KiB of memory to open it"};
  return key;
}

// What a secret file holds besides its header; views into the decoded item.
struct Parts {
  Header header;
  ByteView ciphertext;
};

Result<Parts> read_parts(const Cbor& file, SecretKind kind) {
  const auto bad = [](std::string detail) { return Error{Errc::malformed, "secret file: " + std::move(detail)}; };
  const CborArray* items = file.as_array();
  if (items == nullptr || items->empty() || (*items)[0].as_text() == nullptr) return bad("not one of ours");
  if (*(*items)[0].as_text() != kMagic) {
    return Error{Errc::unsupported,
                 "secret file of format " + cbor_diagnostic((*items)[0]) + ", expected " + std::string(kMagic)};
  }
  if (items->size() != 7) return bad(std::to_string(items->size()) + " parts, expected 7");
  const std::string* name = (*items)[1].as_text();
  if (name == nullptr || *name != kind_name(kind)) {
    return bad("of kind " + cbor_diagnostic((*items)[1]) + ", expected " + std::string(kind_name(kind)));
  }
  const Bytes *salt = (*items)[2].as_bytes(), *nonce = (*items)[5].as_bytes(), *ciphertext = (*items)[6].as_bytes();
  const std::uint64_t *passes = (*items)[3].as_unsigned(), *memory = (*items)[4].as_unsigned();
  if (passes == nullptr || memory == nullptr) return bad("cost is not two numbers");
  if (salt == nullptr || salt->size() != kSaltBytes || nonce == nullptr || nonce->size() != kNonceBytes) {
    return bad("salt and nonce are not 16 and 24 bytes");
  }
  if (ciphertext == nullptr || ciphertext->size() < kTagBytes) return bad("ciphertext is shorter than its tag");
  if (!within_bounds(*passes, *memory)) {
    return Error{Errc::unsupported, "secret file: cost of " + std::to_string(*passes) + " passes over " +
                                        std::to_string(*memory) + " KiB, expected 1 to 16 over 8 to 1048576"};
  }
  return Parts{Header{kind, *salt, *nonce, *passes, *memory}, *ciphertext};
}

// The content of a key file: the CBOR array [alg, signing secret, sealing secret]. Its heads never change, so it is put
// together and taken apart in place, and no secret passes through memory that nobody wipes.
constexpr std::size_t kAlgAt = 1, kSigningAt = 4, kSealingAt = 38, kKeyContentBytes = 70;
constexpr std::size_t kSecretBytes = 32;

std::uint8_t algorithm_byte(KeyType type) { return type == KeyType::ed25519 ? 0x32 : 0x28; }  // -19, -9 in CBOR

SecretBytes key_frame(KeyType type) {
  SecretBytes frame(kKeyContentBytes);
  std::uint8_t* at = frame.expose_mutable();
  at[0] = 0x83;
  at[kAlgAt] = algorithm_byte(type);
  at[kSigningAt - 2] = at[kSealingAt - 2] = 0x58;
  at[kSigningAt - 1] = at[kSealingAt - 1] = kSecretBytes;
  return frame;
}

SecretBytes part_of(const SecretBytes& content, std::size_t at) {
  return SecretBytes::copy_of(content.expose().subspan(at, kSecretBytes));
}

void put_part(SecretBytes& content, std::size_t at, const SecretBytes& part) {
  std::copy(part.expose().begin(), part.expose().end(), content.expose_mutable() + at);
}

}  // namespace

Bytes encrypt_secret_file(SecretKind kind, ByteView content, const SecretBytes& passphrase, PassphraseCost cost) {
  assert(within_bounds(cost.passes, cost.memory_kib));
  const Header header{kind, random_bytes(kSaltBytes), random_bytes(kNonceBytes), cost.passes, cost.memory_kib};
  const auto key = stretch(passphrase, header);
  if (!key) throw std::bad_alloc();
  CborArray items = header_items(header);
  const Bytes bound = encode_cbor(Cbor::array(items));
  Bytes ciphertext(content.size() + kTagBytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext.data(), nullptr, content.data(), content.size(), bound.data(),
                                             bound.size(), nullptr, header.nonce.data(), key->expose().data());
  items.push_back(Cbor::bytes(ciphertext));
  return encode_cbor(Cbor::array(std::move(items)));
}

Result<SecretBytes> decrypt_secret_file(SecretKind kind, ByteView file, const SecretBytes& passphrase) {
  STEGPASS_TRY(item, decode_cbor(file));
  STEGPASS_TRY(parts, read_parts(item, kind));
  STEGPASS_TRY(key, stretch(passphrase, parts.header));
  const Bytes bound = encode_cbor(Cbor::array(header_items(parts.header)));
  SecretBytes content(parts.ciphertext.size() - kTagBytes);
  const int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(content.expose_mutable(), nullptr, nullptr,
                                                                parts.ciphertext.data(), parts.ciphertext.size(), bound.data(),
                                                                bound.size(), parts.header.nonce.data(), key.expose().data());
  if (opened != 0) return Error{Errc::locked, "secret file: wrong passphrase, or the file was changed"};
  return content;
}

Result<SecretFileInfo> read_secret_file_info(ByteView file) {
  STEGPASS_TRY(item, decode_cbor(file));
  const CborArray* items = item.as_array();
  const bool vault = items != nullptr && items->size() > 1 && (*items)[1] == Cbor::text(kind_name(SecretKind::vault));
  const SecretKind kind = vault ? SecretKind::vault : SecretKind::key;
  STEGPASS_TRY(parts, read_parts(item, kind));
  const auto passes = static_cast<std::uint32_t>(parts.header.passes),
             memory = static_cast<std::uint32_t>(parts.header.memory_kib);
  return SecretFileInfo{kind, {passes, memory}};
}

Bytes encode_key_file(const PrivateKey& key, const SecretBytes& passphrase, PassphraseCost cost) {
  SecretBytes content = key_frame(key.public_key().type());
  put_part(content, kSigningAt, key.signing_secret());
  put_part(content, kSealingAt, key.sealing_secret());
  return encrypt_secret_file(SecretKind::key, content.expose(), passphrase, cost);
}

Result<PrivateKey> decode_key_file(ByteView file, const SecretBytes& passphrase) {
  STEGPASS_TRY(content, decrypt_secret_file(SecretKind::key, file, passphrase));
  for (KeyType type : {KeyType::ed25519, KeyType::p256}) {
    if (content.size() != kKeyContentBytes) break;
    SecretBytes signing = part_of(content, kSigningAt), sealing = part_of(content, kSealingAt);
    SecretBytes expected = key_frame(type);
    put_part(expected, kSigningAt, signing);
    put_part(expected, kSealingAt, sealing);
    if (expected == content) return PrivateKey::create(type, std::move(signing), std::move(sealing));
  }
  return Error{Errc::malformed, "key file: content is not an algorithm and two secrets of 32 bytes"};
}

}  // namespace stegpass::credential
