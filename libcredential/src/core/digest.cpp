#include <stegpass/credential/core/digest.hpp>

#include <algorithm>
#include <bit>
#include <span>

#pragma GCC diagnostic ignored "-Wpsabi"  // wide words are returned by what is compiled into its callers alone

namespace stegpass {
namespace {

constexpr std::array<std::uint64_t, 80> kRound = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538, 0x59f111f1b605d019,
    0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65, 0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
    0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
    0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b, 0xa2bfe8a14cf10364, 0xa81a664bbc423001,
    0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c, 0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
    0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec, 0x6c44198c4a475817};

std::uint64_t load_64(const std::uint8_t* p) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | p[i];
  return value;
}

void store_64(std::uint8_t* p, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) p[i] = static_cast<std::uint8_t>(value);
}

std::uint32_t load_32(const std::uint8_t* p) {
  return (std::uint32_t{p[0]} << 24) | (std::uint32_t{p[1]} << 16) | (std::uint32_t{p[2]} << 8) | p[3];
}

// std::rotr for 64-bit numbers and vectors of them.
template <class Word>
[[gnu::always_inline]] inline Word rotr(const Word& x, int count) {
  return (x >> count) | (x << (64 - count));
}

// FIPS 180-4, section 6.4.2, for a Word of one hash, or of several side by side.
template <class Word>
[[gnu::always_inline]] inline void compress_words(Word* state, const Word* block) {
  Word w[80];
  for (int i = 0; i < 16; ++i) w[i] = block[i];
  for (int i = 16; i < 80; ++i) {
    const Word s0 = rotr(w[i - 15], 1) ^ rotr(w[i - 15], 8) ^ (w[i - 15] >> 7);
    const Word s1 = rotr(w[i - 2], 19) ^ rotr(w[i - 2], 61) ^ (w[i - 2] >> 6);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  Word a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
  for (int i = 0; i < 80; ++i) {
    const Word t1 = h + (rotr(e, 14) ^ rotr(e, 18) ^ rotr(e, 41)) + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const Word t2 = (rotr(a, 28) ^ rotr(a, 34) ^ rotr(a, 39)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const Word add[] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += add[i];
}

#if defined(__x86_64__)
using Lanes = std::uint64_t __attribute__((vector_size(64)));  // one word of each of eight hashes

[[gnu::target("avx512f")]] void compress_lanes(Lanes* state, const Lanes* block) { compress_words(state, block); }

// The digests of `tail`, one or two blocks with the counter at `at`, after `before`; for counters `first` ... `first` + 7.
std::array<Digest64, 8> finish_lanes(const std::array<std::uint64_t, 8>& before, std::span<std::uint8_t> tail, std::size_t at,
                                     std::uint64_t first) {
  Lanes words[32], state[8];
  for (std::size_t i = 0; i < tail.size() / 8; ++i) words[i] = Lanes{} + load_64(tail.data() + 8 * i);
  for (std::size_t lane = 0; lane < 8; ++lane) {
    store_64(tail.data() + at, first + lane);
    for (std::size_t i = at / 8; i <= (at + 7) / 8; ++i) words[i][lane] = load_64(tail.data() + 8 * i);
  }
  for (std::size_t i = 0; i < 8; ++i) state[i] = Lanes{} + before[i];
  for (std::size_t block = 0; block < tail.size() / 128; ++block) compress_lanes(state, words + 16 * block);
  std::array<Digest64, 8> digests;
  for (std::size_t lane = 0; lane < 8; ++lane)
    for (std::size_t i = 0; i < 8; ++i) store_64(digests[lane].data() + 8 * i, state[i][lane]);
  return digests;
}
#endif

void compress_256(std::array<std::uint32_t, 8>& state, const std::uint8_t* block) {
  std::array<std::uint32_t, 64> w;
  for (int i = 0; i < 16; ++i) w[i] = load_32(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    // SHA-256's constants are the upper halves of SHA-512's first 64.
    const std::uint32_t round = static_cast<std::uint32_t>(kRound[i] >> 32);
    const std::uint32_t t1 = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g)) + round + w[i];
    const std::uint32_t t2 = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> add = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += add[i];
}

}  // namespace

Sha512::Sha512()
    : state_{0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
             0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179} {}

void Sha512::compress(const std::uint8_t* block) {
  std::uint64_t words[16];
  for (int i = 0; i < 16; ++i) words[i] = load_64(block + 8 * i);
  compress_words(state_.data(), words);
}

Sha512& Sha512::update(ByteView data) {
  std::size_t used = length_ % buffer_.size();
  length_ += data.size();
  while (!data.empty()) {
    if (used == 0 && data.size() >= buffer_.size()) {
      compress(data.data());
      data = data.subspan(buffer_.size());
      continue;
    }
    const std::size_t take = std::min(data.size(), buffer_.size() - used);
    std::copy_n(data.begin(), take, buffer_.begin() + static_cast<std::ptrdiff_t>(used));
    data = data.subspan(take);
    if ((used += take) == buffer_.size()) {
      compress(buffer_.data());
      used = 0;
    }
  }
  return *this;
}

Sha512& Sha512::update_u64(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  store_64(bytes.data(), value);
  return update(bytes);
}

Digest64 Sha512::finish() {
  const std::uint64_t bits = length_ * 8;  // inputs of 2^61 bytes and more do not occur
  std::array<std::uint8_t, 256> padding = {0x80};
  const std::size_t count = 1 + (239 - length_ % 128) % 128 + 16;
  store_64(padding.data() + count - 8, bits);
  update(ByteView(padding.data(), count));
  Digest64 digest;
  for (std::size_t i = 0; i < state_.size(); ++i) store_64(digest.data() + 8 * i, state_[i]);
  return digest;
}

std::array<Digest64, 8> Sha512::finish_eight(std::uint64_t first) const {
#if defined(__x86_64__)
  static const bool lanes = __builtin_cpu_supports("avx512f") != 0;
  if (lanes) {
    const std::size_t used = length_ % buffer_.size(), size = used + 8 + 17 > buffer_.size() ? 256 : 128;
    std::array<std::uint8_t, 256> tail{};
    std::copy_n(buffer_.begin(), used, tail.begin());
    tail[used + 8] = 0x80;
    store_64(tail.data() + size - 8, (length_ + 8) * 8);
    return finish_lanes(state_, std::span(tail).first(size), used, first);
  }
#endif
  std::array<Digest64, 8> digests;
  for (std::uint64_t i = 0; i < 8; ++i) digests[i] = Sha512(*this).update_u64(first + i).finish();
  return digests;
}

Digest64 sha512(ByteView data) { return Sha512().update(data).finish(); }

Digest32 sha256(ByteView data) {
  std::array<std::uint32_t, 8> state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  const std::uint64_t bits = static_cast<std::uint64_t>(data.size()) * 8;
  for (; data.size() >= 64; data = data.subspan(64)) compress_256(state, data.data());
  Bytes tail = to_bytes(data);
  tail.push_back(0x80);
  while (tail.size() % 64 != 56) tail.push_back(0);
  append_big_endian(tail, bits, 8);
  for (std::size_t at = 0; at < tail.size(); at += 64) compress_256(state, tail.data() + at);
  Bytes out;
  for (std::uint32_t word : state) append_big_endian(out, word, 4);
  Digest32 digest;
  std::copy(out.begin(), out.end(), digest.begin());
  return digest;
}

Bytes expand(std::string_view domain, ByteView seed, std::string_view label, std::size_t count) {
  const std::uint8_t zero = 0;
  Sha512 prefix;
  prefix.update(domain)
      .update(ByteView(&zero, 1))
      .update(seed)
      .update(ByteView(&zero, 1))
      .update(label)
      .update(ByteView(&zero, 1));
  Bytes out;
  out.reserve(count + 8 * 64);
  for (std::uint64_t counter = 0; out.size() < count; counter += 8)
    for (const Digest64& block : prefix.finish_eight(counter)) append(out, block);
  out.resize(count);
  return out;
}

}  // namespace stegpass
