#include <set>

#include <stegpass/credential/key.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// Runs every case of a wycheproof file; returns how many.
template <class MakeKey>
int run_wycheproof(const std::string& name, MakeKey make_key) {
  int cases = 0;
  const Json file = read_json(vector_path("wycheproof/" + name));
  for (const Json& group : file.at("testGroups")) {
    const PublicKey key = require_ok(make_key(group.at("publicKey")));
    for (const Json& one : group.at("tests")) {
      const bool good = key.verify(hex_field(one, "msg"), hex_field(one, "sig"));
      if (good != (one.at("result") == "valid")) FAIL(name << " case " << one.at("tcId") << ": " << one.at("comment"));
      ++cases;
    }
  }
  return cases;
}

}  // namespace

TEST_CASE("every Ed25519 case of wycheproof comes out as it should") {
  CHECK(run_wycheproof("ed25519_test.json", [](const Json& key) { return PublicKey::create_ed25519(hex_field(key, "pk")); }) ==
        151);
}

TEST_CASE("every P-256 case of wycheproof with raw signatures comes out as it should") {
  CHECK(run_wycheproof("ecdsa_secp256r1_sha256_p1363_test.json", [](const Json& key) {
          const Bytes point = hex_field(key, "uncompressed");
          return PublicKey::create_p256(ByteView(point).subspan(1, 32), ByteView(point).subspan(33));
        }) == 262);
}

TEST_CASE("every P-384 case of wycheproof with raw signatures comes out as it should") {
  CHECK(run_wycheproof("ecdsa_secp384r1_sha384_p1363_test.json", [](const Json& key) {
          const Bytes point = hex_field(key, "uncompressed");
          return PublicKey::create(KeyType::p384, ByteView(point).subspan(1, 48), ByteView(point).subspan(49));
        }) == 280);
}

// COSE has no context string, so the two valid cases that have one do not verify here.
TEST_CASE("every ML-DSA-44 case of wycheproof comes out as it should, or is unsupported where OpenSSL has no ML-DSA") {
  std::size_t cases = 0, bad_keys = 0;
  const bool known = has_ml_dsa();
  const Json file = read_json(vector_path("wycheproof/mldsa_44_verify_test.json"));
  for (const Json& group : file.at("testGroups")) {
    const Bytes octets = hex_field(group, "publicKey");
    const auto key = PublicKey::create(KeyType::ml_dsa_44, octets);
    for (const Json& one : group.at("tests")) {
      INFO("case " << one.at("tcId") << ": " << one.at("comment"));
      ++cases;
      if (octets.size() != 1312) {
        CHECK(one.at("result") == "invalid");
        check_refused(key, Errc::malformed, "expected 1312");
        ++bad_keys;
      } else if (!known) {
        check_refused(key, Errc::unsupported, "ML-DSA-44 is not in the OpenSSL at hand");
      } else {
        const bool context = one.contains("ctx") && !one.at("ctx").get<std::string>().empty();
        CHECK(require_ok(key).verify(hex_field(one, "msg"), hex_field(one, "sig")) == (one.at("result") == "valid" && !context));
      }
    }
  }
  CHECK(cases == 180);
  CHECK(bad_keys > 0);
}

// Which of the Ed25519 rules libsodium follows: the equation without cofactor (so nothing with a low-order residue), the
// encoding of R compared as bytes (so no non-canonical R), and no A that is non-canonical, no A and no R of low order.
TEST_CASE("edge cases of Ed25519 follow libsodium's rule: no cofactor, canonical A and R, neither of low order") {
  const std::set<std::string> refused = {"low_order_A", "low_order_R", "non_canonical_A", "non_canonical_R", "low_order_residue"};
  int cases = 0, accepted = 0;
  for (const Json& row : read_json(vector_path("cctv-ed25519/ed25519vectors.json"))) {
    const PublicKey key = require_ok(PublicKey::create_ed25519(hex_field(row, "key")));
    bool expected = true;
    if (row.at("flags").is_array()) {
      for (const Json& flag : row.at("flags")) expected = expected && !refused.contains(flag.get<std::string>());
    }
    INFO("case " << row.at("number"));
    CHECK(key.verify(as_bytes(row.at("msg").get<std::string>()), hex_field(row, "sig")) == expected);
    ++cases, accepted += expected;
  }
  CHECK(cases == 914);
  CHECK(accepted > 0);
}
