// Signatures, hashing and status lists, beside the libraries that do the work underneath.
#define OPENSSL_SUPPRESS_DEPRECATED  // the peer of tree nodes is OpenSSL's own SHA256_*, which it calls old

#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <zlib.h>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>

namespace {

using namespace stegpass;
using namespace stegpass::credential;

constexpr std::size_t kStatementBytes = 1200;  // about a registration
constexpr std::size_t kLeaves = 4096, kEntryBytes = 300;
constexpr std::size_t kModelBytes = 16 << 20;

struct Signed {
  PrivateKey key = PrivateKey::generate(KeyType::ed25519);
  Bytes message = encode_sign1(sign_sign1(key, {}, {}, Bytes(kStatementBytes, 0x5a)));
};

const Signed& signed_statement() {
  static const Signed made;
  return made;
}

void verify_ours(benchmark::State& state) {
  const auto& [key, message] = signed_statement();
  for (auto _ : state) {
    const auto decoded = decode_sign1(message);
    if (!decoded || !verify_sign1(*decoded, key.public_key())) return state.SkipWithError("the statement does not verify");
  }
}
BENCHMARK(verify_ours)->Name("verify a COSE statement/ours")->Unit(benchmark::kMicrosecond);

void verify_peer(benchmark::State& state) {
  const auto& [key, message] = signed_statement();
  const auto decoded = decode_sign1(message).value();
  const Bytes octets = sig_structure(decoded, *decoded.payload);
  for (auto _ : state)
    if (crypto_sign_verify_detached(decoded.signature.data(), octets.data(), octets.size(), key.public_key().x().data()) != 0)
      return state.SkipWithError("the signature does not verify");
}
BENCHMARK(verify_peer)
    ->Name("verify a COSE statement/peer=libsodium Ed25519 over the same octets")
    ->Unit(benchmark::kMicrosecond);

void sign_ours(benchmark::State& state) {
  const auto& key = signed_statement().key;
  const Bytes payload(kStatementBytes, 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(encode_sign1(sign_sign1(key, {}, {}, payload)));
}
BENCHMARK(sign_ours)->Name("sign a COSE statement/ours")->Unit(benchmark::kMicrosecond);

void sign_peer(benchmark::State& state) {
  std::vector<unsigned char> public_key(crypto_sign_PUBLICKEYBYTES), secret_key(crypto_sign_SECRETKEYBYTES),
      signature(crypto_sign_BYTES);
  crypto_sign_keypair(public_key.data(), secret_key.data());
  const Bytes payload(kStatementBytes, 0x5a);
  for (auto _ : state) {
    crypto_sign_detached(signature.data(), nullptr, payload.data(), payload.size(), secret_key.data());
    benchmark::DoNotOptimize(signature);
  }
}
BENCHMARK(sign_peer)->Name("sign a COSE statement/peer=libsodium Ed25519 over the payload")->Unit(benchmark::kMicrosecond);

using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

void hash(EVP_MD_CTX* context, ByteView data, std::uint8_t* out) {
  static const EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_DigestInit_ex2(context, algorithm, nullptr);
  EVP_DigestUpdate(context, data.data(), data.size());
  EVP_DigestFinal_ex(context, out, nullptr);
}

void tree_ours(benchmark::State& state) {
  const Bytes entry(kEntryBytes, 0x33);
  for (auto _ : state) {
    std::vector<Digest32> leaves;
    for (std::size_t i = 0; i < kLeaves; ++i) leaves.push_back(merkle_leaf(entry));
    benchmark::DoNotOptimize(merkle_root(leaves));
  }
}
BENCHMARK(tree_ours)->Name("root of 4,096 entries/ours")->Unit(benchmark::kMillisecond);

// As many hashes of as many bytes, without building a tree.
void tree_peer(benchmark::State& state) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const Bytes entry(kEntryBytes + 1, 0x33), node(65, 1);
  Digest32 out;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kLeaves; ++i) hash(context.get(), entry, out.data());
    for (std::size_t i = 0; i + 1 < kLeaves; ++i) hash(context.get(), node, out.data());
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(tree_peer)->Name("root of 4,096 entries/peer=OpenSSL SHA-256 of as many bytes")->Unit(benchmark::kMillisecond);

void model_ours(benchmark::State& state) {
  const Bytes model(kModelBytes, 0x11);
  for (auto _ : state) benchmark::DoNotOptimize(fast_sha256(model));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kModelBytes));
}
BENCHMARK(model_ours)->Name("SHA-256 of a 16 MiB model/ours");

void model_peer(benchmark::State& state) {
  const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const Bytes model(kModelBytes, 0x11);
  Digest32 out;
  for (auto _ : state) {
    hash(context.get(), model, out.data());
    benchmark::DoNotOptimize(out);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kModelBytes));
}
BENCHMARK(model_peer)->Name("SHA-256 of a 16 MiB model/peer=OpenSSL EVP");
BENCHMARK(model_ours)->Name("SHA-256 of two 16 MiB models at once/ours")->Threads(2)->UseRealTime();
BENCHMARK(model_peer)->Name("SHA-256 of two 16 MiB models at once/peer=OpenSSL EVP")->Threads(2)->UseRealTime();

// A license as a ledger's reader meets it: decoded, its shape, dates and claims checked, its signature verified by the owner's
// key.
struct SignedLicense {
  PrivateKey owner;
  Bytes statement;

  explicit SignedLicense(KeyType type) : owner(PrivateKey::generate(type)) {
    License license{.id = Bytes(16, 1), .registration_id = Bytes(16, 2), .licensee = owner.public_key()};
    license.not_before = 1, license.expires = 2'000'000'000, license.reveal_bar_mdb = 32'000;
    license.terms.scope = "inference", license.terms.territory = "worldwide";
    statement = sign_statement(owner, license, 1'800'000'000).value().entry();
  }
};

const SignedLicense& license_by(KeyType type) {
  static const SignedLicense ed25519(KeyType::ed25519), p256(KeyType::p256);
  return type == KeyType::p256 ? p256 : ed25519;
}

template <KeyType type>
void statement_ours(benchmark::State& state) {
  const auto& [owner, bytes] = license_by(type);
  for (auto _ : state) {
    const auto statement = Statement::decode(bytes);
    if (!statement || !verify_statement(*statement, owner.public_key()))
      return state.SkipWithError("the license does not verify");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

struct SignedOctets {
  Bytes octets, signature;
  explicit SignedOctets(const SignedLicense& license) {
    const Sign1 message = decode_sign1(license.statement).value();
    octets = sig_structure(message, *message.payload);
    signature = message.signature;
  }
};

void statement_libsodium(benchmark::State& state) {
  const auto& license = license_by(KeyType::ed25519);
  const SignedOctets raw(license);
  for (auto _ : state)
    if (crypto_sign_verify_detached(raw.signature.data(), raw.octets.data(), raw.octets.size(),
                                    license.owner.public_key().x().data()) != 0)
      return state.SkipWithError("the signature does not verify");
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// OpenSSL's key of a COSE_Key, made from the SubjectPublicKeyInfo that stands before a P-256 point.
Key openssl_key(const PublicKey& key) {
  Bytes der = parse_hex(
                  "3059301306072a8648ce3d020106082a8648ce3d030107034200"
                  "04")
                  .value();
  append(der, key.x());
  append(der, key.y());
  const std::uint8_t* at = der.data();
  return {d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())), EVP_PKEY_free};
}

Bytes der_signature(const Bytes& raw) {
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair(ECDSA_SIG_new(), ECDSA_SIG_free);
  ECDSA_SIG_set0(pair.get(), BN_bin2bn(raw.data(), 32, nullptr), BN_bin2bn(raw.data() + 32, 32, nullptr));
  Bytes out(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)));
  std::uint8_t* at = out.data();
  i2d_ECDSA_SIG(pair.get(), &at);
  return out;
}

void statement_openssl(benchmark::State& state) {
  const auto& license = license_by(KeyType::p256);
  const SignedOctets raw(license);
  const Key key = openssl_key(license.owner.public_key());
  const Bytes der = der_signature(raw.signature);
  for (auto _ : state) {
    const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    if (EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
        EVP_DigestVerify(context.get(), der.data(), der.size(), raw.octets.data(), raw.octets.size()) != 1)
      return state.SkipWithError("the signature does not verify");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

BENCHMARK(statement_ours<KeyType::ed25519>)->Name("verify a license, Ed25519, one thread/ours")->UseRealTime();
BENCHMARK(statement_libsodium)->Name("verify a license, Ed25519, one thread/peer=libsodium over the same octets")->UseRealTime();
BENCHMARK(statement_ours<KeyType::ed25519>)->Name("verify a license, Ed25519, two threads/ours")->Threads(2)->UseRealTime();
BENCHMARK(statement_libsodium)
    ->Name("verify a license, Ed25519, two threads/peer=libsodium over the same octets")
    ->Threads(2)
    ->UseRealTime();
BENCHMARK(statement_ours<KeyType::p256>)->Name("verify a license, ES256, one thread/ours")->UseRealTime();
BENCHMARK(statement_openssl)->Name("verify a license, ES256, one thread/peer=OpenSSL over the same octets")->UseRealTime();
BENCHMARK(statement_ours<KeyType::p256>)->Name("verify a license, ES256, two threads/ours")->Threads(2)->UseRealTime();
BENCHMARK(statement_openssl)
    ->Name("verify a license, ES256, two threads/peer=OpenSSL over the same octets")
    ->Threads(2)
    ->UseRealTime();

void node_ours(benchmark::State& state) {
  Digest32 left{}, right{};
  for (auto _ : state) left = merkle_node(left, right);
  benchmark::DoNotOptimize(left);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(node_ours)->Name("Merkle nodes/ours");

void node_peer(benchmark::State& state) {
  Bytes node(65, 1);
  for (auto _ : state) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, node.data(), node.size());
    SHA256_Final(node.data() + 1, &context);
  }
  benchmark::DoNotOptimize(node);
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}
BENCHMARK(node_peer)->Name("Merkle nodes/peer=OpenSSL SHA256_* of 65 bytes");

constexpr std::size_t kLicenses = 1'000'000;

const std::vector<std::uint8_t>& million_states() {
  static const std::vector<std::uint8_t> made = [] {
    std::vector<std::uint8_t> states(kLicenses);
    for (std::size_t i = 0; i < states.size(); ++i) states[i] = i % 97 == 0 ? 1 : i % 389 == 0 ? 2 : 0;
    return states;
  }();
  return made;
}

Bytes plain_list() {
  Bytes out((kLicenses + 3) / 4);
  for (std::size_t i = 0; i < kLicenses; ++i) out[i / 4] |= static_cast<std::uint8_t>(million_states()[i] << (2 * (i % 4)));
  return out;
}

StatusList million_list() {
  return {.registration_id = Bytes(16, 2), .expires = 1'900'000'000, .ttl_s = 0, .states = million_states()};
}

const Statement& million_statement() {
  static const Statement made = sign_statement(license_by(KeyType::ed25519).owner, million_list(), 1'800'000'000).value();
  return made;
}

// One license's state in a list that was verified once.
void status_ours(benchmark::State& state) {
  const StatusList& list = *million_statement().as<StatusList>();
  std::uint64_t index = 1;
  for (auto _ : state) {
    index = (index * 48271) % kLicenses;
    benchmark::DoNotOptimize(index < list.states.size() ? list.states[index] : 255);
  }
}
BENCHMARK(status_ours)->Name("state of one license of 1,000,000/ours")->Unit(benchmark::kMicrosecond);

void status_peer(benchmark::State& state) {
  const Bytes plain = plain_list();
  std::uint64_t index = 1;
  for (auto _ : state) {
    index = (index * 48271) % kLicenses;
    benchmark::DoNotOptimize((plain[index / 4] >> (2 * (index % 4))) & 3);
  }
}
BENCHMARK(status_peer)->Name("state of one license of 1,000,000/peer=two bits of a packed array")->Unit(benchmark::kMicrosecond);

// A list as it comes: decoded, inflated, checked, verified.
void list_read_ours(benchmark::State& state) {
  const Bytes bytes = million_statement().entry();
  const PublicKey& owner = license_by(KeyType::ed25519).owner.public_key();
  for (auto _ : state) {
    const auto list = Statement::decode(bytes);
    if (!list || !verify_statement(*list, owner)) return state.SkipWithError("the list does not verify");
  }
}
BENCHMARK(list_read_ours)->Name("read a list of 1,000,000/ours")->Unit(benchmark::kMillisecond);

void list_read_peer(benchmark::State& state) {
  const Bytes plain = plain_list();
  Bytes packed(compressBound(plain.size())), out(plain.size());
  uLongf size = packed.size();
  compress2(packed.data(), &size, plain.data(), plain.size(), Z_BEST_COMPRESSION);
  for (auto _ : state) {
    uLongf length = out.size();
    if (uncompress(out.data(), &length, packed.data(), size) != Z_OK) return state.SkipWithError("zlib does not inflate");
  }
}
BENCHMARK(list_read_peer)->Name("read a list of 1,000,000/peer=zlib inflate alone")->Unit(benchmark::kMillisecond);

// One license revoked: the new list, signed, and read back as signing does.
void list_write_ours(benchmark::State& state) {
  StatusList list = million_list();
  for (auto _ : state) {
    list.states[17] = StatusList::revoked;
    if (!sign_statement(license_by(KeyType::ed25519).owner, list, 1'800'000'000))
      return state.SkipWithError("the list is not signed");
  }
}
BENCHMARK(list_write_ours)->Name("update and sign a list of 1,000,000/ours")->Unit(benchmark::kMillisecond);

void list_write_peer(benchmark::State& state) {
  const Bytes plain = plain_list();
  Bytes packed(compressBound(plain.size()));
  for (auto _ : state) {
    uLongf size = packed.size();
    compress2(packed.data(), &size, plain.data(), plain.size(), Z_BEST_COMPRESSION);
  }
}
BENCHMARK(list_write_peer)
    ->Name("update and sign a list of 1,000,000/peer=zlib deflate, level 9, alone")
    ->Unit(benchmark::kMillisecond);

}  // namespace
