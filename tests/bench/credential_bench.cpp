// Signatures and hashing, beside the libraries that do the work underneath.

#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <openssl/evp.h>
#include <sodium.h>

#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/merkle.hpp>

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
BENCHMARK(verify_peer)->Name("verify a COSE statement/peer=libsodium Ed25519 over the same octets")->Unit(benchmark::kMicrosecond);

void sign_ours(benchmark::State& state) {
  const auto& key = signed_statement().key;
  const Bytes payload(kStatementBytes, 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(encode_sign1(sign_sign1(key, {}, {}, payload)));
}
BENCHMARK(sign_ours)->Name("sign a COSE statement/ours")->Unit(benchmark::kMicrosecond);

void sign_peer(benchmark::State& state) {
  std::vector<unsigned char> public_key(crypto_sign_PUBLICKEYBYTES), secret_key(crypto_sign_SECRETKEYBYTES), signature(crypto_sign_BYTES);
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

}  // namespace
