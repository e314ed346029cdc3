#include <stegpass/credential/secret_file.hpp>

#include <stegpass/credential/cbor.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

constexpr PassphraseCost kLow{1, 8};

SecretBytes passphrase(std::string_view text = "correct horse") { return SecretBytes::copy_of(as_bytes(text)); }

Bytes sample_file() { return encrypt_secret_file(SecretKind::vault, as_bytes("vault content"), passphrase(), kLow); }

Result<SecretBytes> open(ByteView file) { return decrypt_secret_file(SecretKind::vault, file, passphrase()); }

// The sample file with one of its seven parts replaced.
Bytes with_part(std::size_t index, const Cbor& part) {
  CborArray parts = *require_ok(decode_cbor(sample_file())).as_array();
  parts[index] = part;
  return encode_cbor(Cbor::array(parts));
}

}  // namespace

TEST_CASE("a secret file opens with its passphrase") {
  for (std::size_t size : {0u, 1u, 100000u}) {
    const Bytes content = sample_bytes("vault", size);
    const Bytes file = encrypt_secret_file(SecretKind::vault, content, passphrase(), kLow);
    CHECK(require_ok(open(file)) == SecretBytes::copy_of(content));
  }
}

TEST_CASE("a secret file does not open with another passphrase") {
  check_refused(decrypt_secret_file(SecretKind::vault, sample_file(), passphrase("correct horsf")), Errc::locked,
                "wrong passphrase");
  check_refused(decrypt_secret_file(SecretKind::vault, sample_file(), SecretBytes()), Errc::locked);
}

TEST_CASE("an empty passphrase is a passphrase like others") {
  const Bytes file = encrypt_secret_file(SecretKind::vault, as_bytes("x"), SecretBytes(), kLow);
  CHECK(decrypt_secret_file(SecretKind::vault, file, SecretBytes()).ok());
  check_refused(open(file), Errc::locked);
}

TEST_CASE("the same content is never encrypted to the same file") { CHECK(sample_file() != sample_file()); }

TEST_CASE("a secret file with any byte changed is refused") {
  const Bytes file = sample_file();
  for (std::size_t at = 0; at < file.size(); ++at) {
    Bytes changed = file;
    changed[at] ^= 1;
    INFO("byte " << at);
    CHECK_FALSE(open(changed).ok());
  }
}

TEST_CASE("a truncated secret file and one with a byte more are refused") {
  Bytes file = sample_file();
  for (std::size_t size = 0; size < file.size(); ++size) check_refused(open(ByteView(file).first(size)), Errc::malformed);
  file.push_back(0);
  check_refused(open(file), Errc::malformed, "follow");
}

TEST_CASE("a secret file of another kind is refused, even renamed") {
  check_refused(decrypt_secret_file(SecretKind::key, sample_file(), passphrase()), Errc::malformed, "expected key");
  check_refused(decrypt_secret_file(SecretKind::key, with_part(1, txt("key")), passphrase()), Errc::locked);
}

TEST_CASE("a secret file of another version is unsupported") {
  check_refused(open(with_part(0, txt("stegpass.secret.v2"))), Errc::unsupported, "v2");
}

TEST_CASE("costs out of bounds are unsupported, before anything is allocated") {
  for (std::int64_t passes : {std::int64_t{0}, std::int64_t{17}, std::int64_t{1} << 40}) {
    check_refused(open(with_part(3, num(passes))), Errc::unsupported, "passes");
  }
  for (std::int64_t memory :
       {std::int64_t{0}, std::int64_t{7}, std::int64_t{1048577}, std::int64_t{4194304}, std::int64_t{1} << 62}) {
    check_refused(open(with_part(4, num(memory))), Errc::unsupported, "KiB");
  }
}

TEST_CASE("another cost within bounds gives another key") {
  check_refused(open(with_part(3, num(2))), Errc::locked);
  check_refused(open(with_part(4, num(16))), Errc::locked);
}

TEST_CASE("parts of another type or length are malformed") {
  check_refused(open(with_part(2, bin(Bytes(15)))), Errc::malformed, "salt");
  check_refused(open(with_part(5, bin(Bytes(23)))), Errc::malformed, "nonce");
  check_refused(open(with_part(6, bin(Bytes(15)))), Errc::malformed, "shorter");
  check_refused(open(with_part(3, num(-1))), Errc::malformed, "cost");
  check_refused(open(with_part(4, Cbor::floating(8))), Errc::malformed, "cost");
  check_refused(open(encode_cbor(num(1))), Errc::malformed, "not one of ours");
  check_refused(open(encode_cbor(Cbor::array({txt("stegpass.secret.v1")}))), Errc::malformed, "1 parts");
}

TEST_CASE("a key file gives back both secrets, for both key types") {
  for (KeyType type : {KeyType::ed25519, KeyType::p256}) {
    const PrivateKey key = fixed_key("owner", type);
    const PrivateKey again = require_ok(decode_key_file(encode_key_file(key, passphrase(), kLow), passphrase()));
    CHECK(again.public_key() == key.public_key());
    CHECK(again.signing_secret() == key.signing_secret());
    CHECK(again.sealing_secret() == key.sealing_secret());
  }
}

TEST_CASE("a key file holds CBOR: algorithm, signing secret, sealing secret") {
  for (KeyType type : {KeyType::ed25519, KeyType::p256}) {
    const PrivateKey key = fixed_key("owner", type);
    const SecretBytes content =
        require_ok(decrypt_secret_file(SecretKind::key, encode_key_file(key, passphrase(), kLow), passphrase()));
    const Cbor item = require_ok(decode_cbor(content.expose()));
    CHECK(item == Cbor::array({num(type == KeyType::ed25519 ? -19 : -9), bin(key.signing_secret().expose()),
                               bin(key.sealing_secret().expose())}));
  }
}

TEST_CASE("neither secret of a key stands in the open in its file") {
  const PrivateKey key = fixed_key("owner");
  const Bytes file = encode_key_file(key, passphrase(), kLow);
  for (const SecretBytes* secret : {&key.signing_secret(), &key.sealing_secret()}) {
    const ByteView bytes = secret->expose();
    CHECK(std::search(file.begin(), file.end(), bytes.begin(), bytes.end()) == file.end());
  }
}

TEST_CASE("a key file with content of another shape is malformed") {
  for (const Bytes& content :
       {Bytes{}, Bytes(70), encode_cbor(Cbor::array({num(-7), bin(Bytes(32)), bin(Bytes(32))})), Bytes(71)}) {
    const Bytes file = encrypt_secret_file(SecretKind::key, content, passphrase(), kLow);
    check_refused(decode_key_file(file, passphrase()), Errc::malformed, "key file");
  }
  const Bytes zero = encode_cbor(Cbor::array({num(-9), bin(Bytes(32)), bin(Bytes(32))}));
  check_refused(decode_key_file(encrypt_secret_file(SecretKind::key, zero, passphrase(), kLow), passphrase()), Errc::malformed,
                "1 .. n-1");
}

TEST_CASE("a file of the default cost opens") {
  const Bytes file = encrypt_secret_file(SecretKind::vault, as_bytes("x"), passphrase());
  CHECK(open(file).ok());
}
