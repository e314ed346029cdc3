#include <stegpass/credential/cose.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Json example(const std::string& name) { return read_json(vector_path("cose-wg-examples/" + name)); }

Bytes octets(const Json& vector) { return from_hex(vector.at("output").at("cbor").get<std::string>()); }

Bytes coordinate(const Json& key, const std::string& name) {
  if (key.contains(name + "_hex")) return from_hex(key.at(name + "_hex").get<std::string>());
  return base64_any(key.at(name).get<std::string>());
}

PublicKey key_of(const Json& vector) {
  const Json& key = vector.at("input").at("sign0").at("key");
  const Bytes x = coordinate(key, "x");
  if (key.at("crv") == "Ed25519") return require_ok(PublicKey::create_ed25519(x));
  return require_ok(PublicKey::create(key.at("crv") == "P-384" ? KeyType::p384 : KeyType::p256, x, coordinate(key, "y")));
}

// What the example says is signed.
void check_signed_octets(const Json& vector, const Sign1& message, ByteView aad = {}) {
  CHECK(sig_structure(message, *message.payload, aad) ==
        from_hex(vector.at("intermediates").at("ToBeSign_hex").get<std::string>()));
}

void check_verifies(const std::string& name, ByteView aad = {}) {
  const Json vector = example(name);
  INFO(name);
  const Sign1 message = require_ok(decode_foreign_sign1(octets(vector)));
  check_signed_octets(vector, message, aad);
  CHECK(verify_sign1(message, key_of(vector), {}, aad).ok());
}

}  // namespace

TEST_CASE("the P-384 example of the COSE working group verifies") { check_verifies("ecdsa-examples/ecdsa-sig-02.json"); }

TEST_CASE("the P-256 examples of the COSE working group verify") {
  for (const char* name : {"ecdsa-examples/ecdsa-sig-01.json", "RFC8152/Appendix_C_2_1.json", "CWT/A_3.json"})
    check_verifies(name);
}

TEST_CASE("the Ed25519 example of the COSE working group verifies") { check_verifies("eddsa-examples/eddsa-sig-01.json"); }

TEST_CASE("the example with external data verifies with it and not without") {
  const Bytes aad = from_hex("11aa22bb33cc44dd55006699");
  check_verifies("sign1-tests/sign-pass-02.json", aad);
  const Json vector = example("sign1-tests/sign-pass-02.json");
  CHECK_FALSE(verify_sign1(require_ok(decode_foreign_sign1(octets(vector))), key_of(vector)).ok());
}

TEST_CASE("the example without a tag verifies as foreign and is refused as ours") {
  check_verifies("sign1-tests/sign-pass-03.json");
  check_refused(decode_sign1(octets(example("sign1-tests/sign-pass-03.json"))), Errc::malformed, "tag");
}

TEST_CASE("the example with 41 a0 signs the empty string, and its unprotected algorithm is not trusted") {
  const Json vector = example("sign1-tests/sign-pass-01.json");
  const Sign1 message = require_ok(decode_foreign_sign1(octets(vector)));
  check_signed_octets(vector, message);
  CHECK(key_of(vector).verify(sig_structure(message, *message.payload), message.signature));
  check_refused(verify_sign1(message, key_of(vector)), Errc::malformed, "no alg");
  check_refused(decode_sign1(octets(vector)), Errc::malformed, "empty");
}

TEST_CASE("the example with a wrong tag is refused") {
  check_refused(decode_foreign_sign1(octets(example("sign1-tests/sign-fail-01.json"))), Errc::malformed, "tag 998");
}

TEST_CASE("the examples with a changed signature or protected header do not verify") {
  for (const char* number : {"02", "06", "07"}) {
    const Json vector = example("sign1-tests/sign-fail-" + std::string(number) + ".json");
    INFO(number);
    check_refused(verify_sign1(require_ok(decode_foreign_sign1(octets(vector))), key_of(vector)), Errc::malformed, "signature");
  }
}

TEST_CASE("the examples with an unknown algorithm are refused") {
  for (const char* number : {"03", "04"}) {
    const Json vector = example("sign1-tests/sign-fail-" + std::string(number) + ".json");
    INFO(number);
    check_refused(verify_sign1(require_ok(decode_foreign_sign1(octets(vector))), key_of(vector)), Errc::refused, "algorithm");
  }
}

TEST_CASE("P-256 with SHA-512 is refused: our key signs with SHA-256 alone") {
  const Json vector = example("ecdsa-examples/ecdsa-sig-04.json");
  check_refused(verify_sign1(require_ok(decode_foreign_sign1(octets(vector))), key_of(vector)), Errc::refused, "-36");
}

TEST_CASE("messages by P-521 and Ed448 are read, and their keys are unsupported") {
  const std::tuple<const char*, std::int64_t, std::int64_t> rows[] = {{"ecdsa-examples/ecdsa-sig-03.json", 2, 3},
                                                                      {"eddsa-examples/eddsa-sig-02.json", 1, 7}};
  for (const auto& [name, type, curve] : rows) {
    const Json vector = example(name);
    INFO(name);
    CHECK(decode_foreign_sign1(octets(vector)).ok());
    CborMap members = {{num(1), num(type)}, {num(-1), num(curve)}, {num(-2), bin(Bytes(48))}, {num(-3), bin(Bytes(48))}};
    check_refused(PublicKey::from_cose_key(Cbor::map(members)), Errc::unsupported, "curve");
  }
}

TEST_CASE("ML-DSA messages of RFC 9964 verify where OpenSSL has ML-DSA, and are unsupported elsewhere") {
  for (const auto& path : files_below(vector_path("mldsa-cose"), ".json")) {
    const Json vector = read_json(path);
    INFO(path.string());
    const Sign1 message = require_ok(decode_foreign_sign1(hex_field(vector, "sign1")));
    CHECK(sig_structure(message, *message.payload) == hex_field(vector, "raw_to_be_signed"));
    check_refused(verify_sign1(message, fixed_key("signer").public_key()), Errc::refused, "algorithm");
    CborMap members = *require_ok(decode_foreign_cbor(hex_field(vector, "key"))).as_map();
    check_refused(PublicKey::from_cose_key(Cbor::map(members)), Errc::malformed, "private key");  // as published, with the seed
    std::erase_if(members, [](const auto& member) { return member.first == num(-2); });
    const auto key = PublicKey::from_cose_key(Cbor::map(members));
    if (!has_ml_dsa()) {
      check_refused(key, Errc::unsupported, "ML-DSA");
      continue;
    }
    CHECK(verify_sign1(message, require_ok(key)).ok());
    Sign1 changed = message;
    changed.signature[100] ^= 1;
    check_refused(verify_sign1(changed, *key), Errc::malformed, "signature");
  }
}

TEST_CASE("issuer and key binding tokens of SD-CWT are read, and written back as they came") {
  for (const char* name : {"issuer_cwt.cbor", "kbt.cbor", "nested_issuer_cwt.cbor", "nested_kbt.cbor", "decoy.cbor"}) {
    INFO(name);
    const Bytes bytes = read_bytes(vector_path("sd-cwt/" + std::string(name)));
    const Sign1 message = require_ok(decode_foreign_sign1(bytes));
    CHECK(require_ok(decode_foreign_sign1(encode_sign1(message))).protected_bytes == message.protected_bytes);
  }
}

TEST_CASE("both tokens of the status list draft verify under the draft's key") {
  const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
  const Json& jwk = vectors.at("key_jwk_public");
  const PublicKey key = require_ok(PublicKey::create_p256(coordinate(jwk, "x"), coordinate(jwk, "y")));
  for (const char* name : {"status_list_token_cwt_hex", "referenced_token_cwt_hex"}) {
    INFO(name);
    CHECK(verify_sign1(require_ok(decode_foreign_sign1(hex_field(vectors, name))), key).ok());
  }
}

TEST_CASE("the token whose claims are out of order is read as foreign and refused as ours") {
  const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
  const Sign1 token = require_ok(decode_foreign_sign1(hex_field(vectors, "referenced_token_cwt_hex")));
  CHECK(decode_foreign_cbor(*token.payload).ok());
  check_refused(decode_cbor(*token.payload), Errc::malformed, "deterministic");
}
