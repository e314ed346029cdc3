#include <stegpass/credential/key.hpp>

#include <set>

#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

constexpr KeyType kTypes[] = {KeyType::ed25519, KeyType::p256};

// A COSE_Key with one member put in place of what `key` has there; null takes it out.
Cbor with_member(const PublicKey& key, std::int64_t label, const Cbor& value) {
  CborMap members;
  const Cbor cose_key = key.to_cose_key();
  for (const auto& [name, member] : *cose_key.as_map()) {
    if (!(name == num(label))) members.emplace_back(name, member);
  }
  if (!value.is_null()) members.emplace_back(num(label), value);
  return Cbor::map(std::move(members));
}

}  // namespace

TEST_CASE("what a key signs, that key verifies, and no other") {
  for (KeyType type : kTypes) {
    const PrivateKey key = fixed_key("signer", type), other = fixed_key("other", type);
    for (std::size_t size : {0u, 1u, 1000u}) {
      const Bytes message = sample_bytes("signed", size), signature = key.sign(message);
      CHECK(signature.size() == 64);
      CHECK(key.public_key().verify(message, signature));
      CHECK_FALSE(other.public_key().verify(message, signature));
      CHECK_FALSE(key.public_key().verify(sample_bytes("another", size + 1), signature));
    }
  }
}

TEST_CASE("a signature with any bit flipped does not verify") {
  const Bytes message = to_bytes(std::string_view("message"));
  for (KeyType type : kTypes) {
    const PrivateKey key = fixed_key("signer", type);
    for_each_bit_flip(key.sign(message), [&](const Bytes& changed, std::size_t bit) {
      INFO("bit " << bit);
      CHECK_FALSE(key.public_key().verify(message, changed));
    });
  }
}

TEST_CASE("a signature of any other length than 64 bytes does not verify") {
  const Bytes message = to_bytes(std::string_view("message"));
  for (KeyType type : kTypes) {
    const PrivateKey key = fixed_key("signer", type);
    Bytes signature = key.sign(message);
    for (std::size_t size : {0u, 32u, 63u}) CHECK_FALSE(key.public_key().verify(message, ByteView(signature).first(size)));
    signature.push_back(0);
    CHECK_FALSE(key.public_key().verify(message, signature));
  }
}

TEST_CASE("an Ed25519 key signs as RFC 8032 test 2 has it") {
  const auto seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  const PrivateKey key = require_ok(PrivateKey::create(KeyType::ed25519, SecretBytes::copy_of(seed), SecretBytes(32)));
  CHECK(to_hex(key.public_key().x()) == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  CHECK(to_hex(key.sign(Bytes{0x72})) ==
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d2916"
        "12bb0c00");
}

TEST_CASE("a P-256 scalar gives the point of RFC 6979's example") {
  const auto scalar = from_hex("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721");
  const PrivateKey key = require_ok(PrivateKey::create(KeyType::p256, SecretBytes::copy_of(scalar), SecretBytes(32)));
  CHECK(to_hex(key.public_key().x()) == "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  CHECK(to_hex(key.public_key().y()) == "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  CHECK(
      key.public_key().verify(as_bytes("sample"), from_hex("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                                                           "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")));
}

TEST_CASE("P-256 scalars of zero, the group's order and above are refused") {
  const char* order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
  for (const std::string& scalar : {std::string(64, '0'), std::string(order), std::string(64, 'f')}) {
    check_refused(PrivateKey::create(KeyType::p256, SecretBytes::copy_of(from_hex(scalar)), SecretBytes(32)), Errc::malformed,
                  "1 .. n-1");
  }
}

TEST_CASE("secrets of another length than 32 bytes are refused") {
  for (KeyType type : kTypes) {
    check_refused(PrivateKey::create(type, SecretBytes(31), SecretBytes(32)), Errc::malformed, "31 bytes, expected 32");
    check_refused(PrivateKey::create(type, SecretBytes::random(32), SecretBytes(33)), Errc::malformed, "33 bytes");
  }
}

TEST_CASE("points off the P-256 curve are refused") {
  const PublicKey key = fixed_key("signer", KeyType::p256).public_key();
  Bytes wrong = key.y();
  wrong.back() ^= 1;
  check_refused(PublicKey::create_p256(key.x(), wrong), Errc::malformed, "not a point");
  check_refused(PublicKey::create_p256(Bytes(32, 0), Bytes(32, 0)), Errc::malformed, "not a point");
  check_refused(PublicKey::create_p256(Bytes(32, 0xff), key.y()), Errc::malformed, "not a point");
  check_refused(PublicKey::create_p256(key.x(), ByteView(key.y()).first(31)), Errc::malformed, "31 bytes");
  check_refused(PublicKey::create_ed25519(Bytes(31)), Errc::malformed, "31 bytes");
}

TEST_CASE("an Ed25519 key of low order verifies nothing") {
  const PublicKey identity = require_ok(PublicKey::create_ed25519(from_hex("01" + std::string(62, '0'))));
  CHECK_FALSE(identity.verify(as_bytes("message"), from_hex("01" + std::string(126, '0'))));
}

TEST_CASE("a public key comes back from its COSE_Key") {
  for (KeyType type : kTypes) {
    const PublicKey key = fixed_key("signer", type).public_key();
    CHECK(require_ok(PublicKey::decode(key.encode())) == key);
    CHECK(require_ok(PublicKey::from_cose_key(key.to_cose_key())) == key);
  }
}

TEST_CASE("each flipped bit of an encoded key is refused or gives another key") {
  for (KeyType type : kTypes) {
    const PublicKey key = fixed_key("signer", type).public_key();
    for_each_bit_flip(key.encode(), [&](const Bytes& changed, std::size_t) {
      const auto other = PublicKey::decode(changed);
      if (other.ok()) CHECK_FALSE(*other == key);
    });
  }
}

TEST_CASE("a COSE_Key that lacks a member or has one of another type is malformed") {
  const PublicKey okp = fixed_key("signer").public_key(), ec2 = fixed_key("signer", KeyType::p256).public_key();
  check_refused(PublicKey::from_cose_key(num(1)), Errc::malformed, "not a map");
  check_refused(PublicKey::from_cose_key(with_member(okp, 1, Cbor::null())), Errc::malformed, "key type");
  check_refused(PublicKey::from_cose_key(with_member(okp, -1, txt("Ed25519"))), Errc::malformed, "curve");
  check_refused(PublicKey::from_cose_key(with_member(okp, -2, Cbor::null())), Errc::malformed, "no x");
  check_refused(PublicKey::from_cose_key(with_member(okp, -2, num(5))), Errc::malformed, "not a byte string");
  check_refused(PublicKey::from_cose_key(with_member(ec2, -3, Cbor::null())), Errc::malformed, "no y");
  check_refused(PublicKey::from_cose_key(with_member(okp, -2, bin(Bytes(31)))), Errc::malformed, "31 bytes");
}

TEST_CASE("a COSE_Key with a private part is refused") {
  check_refused(PublicKey::from_cose_key(with_member(fixed_key("signer").public_key(), -4, bin(Bytes(32)))), Errc::malformed,
                "private");
}

TEST_CASE("other key types, curves and compressed points are unsupported") {
  const PublicKey okp = fixed_key("signer").public_key(), ec2 = fixed_key("signer", KeyType::p256).public_key();
  check_refused(PublicKey::from_cose_key(with_member(okp, 1, num(8))), Errc::unsupported, "type 8");
  check_refused(PublicKey::from_cose_key(with_member(okp, -1, num(7))), Errc::unsupported, "curve 7");
  check_refused(PublicKey::from_cose_key(with_member(ec2, -1, num(3))), Errc::unsupported, "curve 3");
  check_refused(PublicKey::from_cose_key(with_member(ec2, -3, Cbor::boolean(true))), Errc::unsupported, "compressed");
}

TEST_CASE("an alg in the key has to fit it") {
  const PublicKey okp = fixed_key("signer").public_key(), ec2 = fixed_key("signer", KeyType::p256).public_key();
  for (std::int64_t alg : {cose::kEd25519, cose::kEdDsa}) CHECK(PublicKey::from_cose_key(with_member(okp, 3, num(alg))).ok());
  for (std::int64_t alg : {cose::kEsp256, cose::kEs256}) CHECK(PublicKey::from_cose_key(with_member(ec2, 3, num(alg))).ok());
  check_refused(PublicKey::from_cose_key(with_member(okp, 3, num(cose::kEs256))), Errc::malformed, "do not go together");
  check_refused(PublicKey::from_cose_key(with_member(ec2, 3, txt("ES256"))), Errc::malformed, "alg");
}

TEST_CASE("a thumbprint does not depend on optional members, and its URI comes back") {
  for (KeyType type : kTypes) {
    const PublicKey key = fixed_key("signer", type).public_key();
    const PublicKey named = require_ok(PublicKey::from_cose_key(with_member(key, 2, bin(Bytes{1}))));
    CHECK(named.thumbprint() == key.thumbprint());
    CHECK(require_ok(parse_thumbprint_uri(key.thumbprint_uri())) == key.thumbprint());
    CHECK(thumbprint_uri(key.thumbprint()) == key.thumbprint_uri());
  }
}

TEST_CASE("a URI of another scheme, length or alphabet is no thumbprint") {
  const std::string uri = fixed_key("signer").public_key().thumbprint_uri();
  for (const std::string& text :
       {std::string(), uri.substr(1), uri.substr(0, uri.size() - 1), uri + "A", uri + "=", std::string("https://example.com")}) {
    INFO(text);
    check_refused(parse_thumbprint_uri(text), Errc::malformed);
  }
}

TEST_CASE("generated keys work and differ") {
  std::set<Digest32> thumbprints;
  for (KeyType type : kTypes) {
    for (int i = 0; i < 3; ++i) {
      const PrivateKey key = PrivateKey::generate(type);
      CHECK(key.public_key().verify(as_bytes("m"), key.sign(as_bytes("m"))));
      CHECK(key.sealing_public() == x25519_public_of(key.sealing_secret()));
      thumbprints.insert(key.public_key().thumbprint());
    }
  }
  CHECK(thumbprints.size() == 6);
}
