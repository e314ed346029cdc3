// Timestamps of RFC 3161 and RFC 9921, and tokens of the SD-CWT draft.
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/status_token.hpp>
#include <stegpass/credential/timestamp.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Bytes time_file(const std::string& name) { return read_bytes(vector_path("rfc3161/" + name)); }
Json imprints() { return read_json(vector_path("rfc3161/imprints.json")); }

std::vector<TrustedRoot> free_tsa() {
  return {{"freetsa", require_ok(read_certificates(time_file("freetsa-root-cert.pem"))).front()}};
}

Sign1 sd_cwt(const std::string& name) { return require_ok(decode_foreign_sign1(read_bytes(vector_path("sd-cwt/" + name)))); }
PublicKey sd_key(const std::string& name) { return key_from_pem(read_text(vector_path("sd-cwt/" + name))); }

/// The disclosures of a token as it came, one taken out or changed.
Sign1 with_disclosures(Sign1 token, CborArray disclosures) {
  token.unprotected = disclosures.empty() ? Cbor::map({}) : Cbor::map({{num(17), Cbor::array(std::move(disclosures))}});
  return token;
}

}  // namespace

TEST_CASE("both tokens of RFC 9921 verify over the imprints that it states, under the authority's root") {
  const Json file = imprints();
  for (const auto& [name, input] : {std::pair{"ctt-tst.der", hex_field(file.at("ctt_sign1"), "imprint_input_hex")},
                                    std::pair{"ttc-tst.der", hex_field(file.at("ttc"), "imprint_input_hex")}}) {
    INFO(name);
    const Timestamp stamp = require_ok(verify_time_token(time_file(name), input, free_tsa()));
    CHECK(stamp.time == (std::string(name) == "ctt-tst.der" ? 1737138553 : 1737199206));
    CHECK(stamp.root == "freetsa");
    CHECK(stamp.authority.find("freetsa.org") != std::string::npos);
    Bytes changed = input;
    changed.back() ^= 1;
    check_refused(verify_time_token(time_file(name), changed, free_tsa()), Errc::malformed, "other bytes");
    check_refused(verify_time_token(time_file(name), input, {}), Errc::refused, "no authority of time is trusted");
  }
}

TEST_CASE("the imprint of a signature is over its encoded field, as RFC 9921 states") {
  const Json vector = imprints().at("ctt_sign1");
  Sign1 message;
  message.signature = hex_field(vector, "signature_hex");
  CHECK(signature_as_content(message) == hex_field(vector, "imprint_input_hex"));
  CHECK(to_hex(fast_sha256(signature_as_content(message))) == vector.at("sha256_imprint_hex").get<std::string>());
}

TEST_CASE("both responses of RFC 9921 give their tokens, and answer their own request alone") {
  CHECK(require_ok(read_time_response(time_file("ctt-rsp.der"), time_file("ctt-req.der"))) == time_file("ctt-tst.der"));
  CHECK(require_ok(read_time_response(time_file("ttc-rsp.der"), time_file("ttc-req.der"))) == time_file("ttc-tst.der"));
  check_refused(read_time_response(time_file("ttc-rsp.der"), time_file("ctt-req.der")), Errc::malformed, "does not answer");
}

TEST_CASE("the authority's certificate leads to its root at the token's time, and is too old two years on") {
  const auto leaf = require_ok(read_certificates(time_file("freetsa-tsa-cert.pem")));
  check_refused(verify_chain(leaf, free_tsa(), 1737138553), Errc::unsupported,
                "RSA");  // no key of ours, but a timestamp's all the same
  check_refused(verify_time_token(time_file("ctt-tst.der"), hex_field(imprints().at("ctt_sign1"), "imprint_input_hex"),
                                  {{"its own", leaf.front()}}),
                Errc::refused, "certificate verify error");
}

TEST_CASE("a token with a byte changed, cut short or followed by more does not verify") {
  const Bytes input = hex_field(imprints().at("ttc"), "imprint_input_hex"), token = time_file("ttc-tst.der");
  for (std::size_t at = 0; at < token.size(); at += 7) {
    Bytes changed = token;
    changed[at] ^= 1;
    INFO("byte " << at);
    const auto read = verify_time_token(changed, input, free_tsa());
    // Certificates that the token carries beyond the signer's are not needed and not signed by it.
    if (read) CHECK(read->time == 1737199206);
  }
  for (std::size_t size = 0; size < token.size(); size += 11)
    CHECK_FALSE(verify_time_token(ByteView(token).first(size), input, free_tsa()).ok());
  Bytes longer = token;
  longer.push_back(0);
  check_refused(verify_time_token(longer, input, free_tsa()), Errc::malformed, "not a token");
}

TEST_CASE("the issuer's tokens of the SD-CWT draft verify and show what is disclosed") {
  const PublicKey issuer = sd_key("issuer_pub.pem"), holder = sd_key("holder_pub.pem");
  const SdCwt all = require_ok(verify_sd_cwt(sd_cwt("issuer_cwt.cbor"), issuer));
  CHECK(all.holder == holder);
  CHECK(*all.claims.find(501) == txt("ABCD-123456"));
  CHECK(all.claims.find(502)->as_array()->size() == 3);
  CHECK(*all.claims.find(503)->find("region") == txt("ca"));
  const SdCwt nested = require_ok(verify_sd_cwt(sd_cwt("nested_issuer_cwt.cbor"), issuer));
  CHECK(nested.claims.find(504)->as_array()->size() == 3);
  CHECK(nested.claims.find(504)->as_array()->front().find(503) != nullptr);
  check_refused(verify_sd_cwt(sd_cwt("issuer_cwt.cbor"), holder), Errc::refused, "algorithm");
}

TEST_CASE("a token of the draft with decoys shows its claims and nothing for the decoys") {
  const SdCwt shown = require_ok(verify_sd_cwt(sd_cwt("decoy.cbor"), sd_key("issuer_pub.pem")));
  CHECK(*shown.claims.find(500) == Cbor::boolean(true));
}

TEST_CASE("key binding tokens of the draft verify by issuer and holder, and show the holder's choice") {
  const KeyBinding flat = require_ok(verify_key_binding(sd_cwt("kbt.cbor"), sd_key("issuer_pub.pem")));
  CHECK(flat.token.holder == sd_key("holder_pub.pem"));
  CHECK_FALSE(flat.audience.empty());
  CHECK(flat.token.claims.find(502)->as_array()->size() == 2);
  CHECK(require_ok(verify_key_binding(sd_cwt("nested_kbt.cbor"), sd_key("issuer_pub.pem"))).token.claims.find(504) != nullptr);
  check_refused(verify_key_binding(sd_cwt("issuer_cwt.cbor"), sd_key("issuer_pub.pem")), Errc::malformed, "294");
  Sign1 changed = sd_cwt("kbt.cbor");
  changed.signature[3] ^= 1;
  check_refused(verify_key_binding(changed, sd_key("issuer_pub.pem")), Errc::malformed, "signature");
}

TEST_CASE(
    "hashes are over the disclosure with its head, as in the draft's tokens; its file of a first hash leaves the head out") {
  const Bytes disclosure = read_bytes(vector_path("sd-cwt/first-disclosure.cborseq"));
  const std::string stated = read_text(vector_path("sd-cwt/first-blinded-hash.txt"));
  CHECK(to_hex(fast_sha256(disclosure)) == stated.substr(0, 64));
  CHECK(to_hex(redacted_hash(disclosure)) == "af375dc3fba1d082448642c00be7b2f7bb05c9d8fb61cfc230ddfdfb4616a693");
  const std::string token = to_hex(*sd_cwt("issuer_cwt.cbor").payload);
  CHECK(token.find(to_hex(redacted_hash(disclosure))) != std::string::npos);
}

TEST_CASE("status lists of the draft with 1, 2, 4 and 8 bits say every state that it lists") {
  const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
  for (const Json& list : vectors.at("lists")) {
    INFO(list.at("bits") << " bits");
    const StatusBits states = require_ok(StatusBits::read(require_ok(decode_foreign_cbor(hex_field(list, "cbor_hex")))));
    const Json& listed = list.at("non_zero_or_listed_statuses");
    REQUIRE(states.size() == list.at("entries").get<std::size_t>());
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < states.size(); ++i) {
      const auto said = listed.find(std::to_string(i));
      wrong += require_ok(states.at(i)) != (said == listed.end() ? 0 : said->get<int>());
    }
    CHECK(wrong == 0);
    check_refused(states.at(states.size()), Errc::refused, "outside");
  }
  for (const Json& list : vectors.at("small_lists")) {
    const StatusBits states = require_ok(StatusBits::read(require_ok(decode_foreign_cbor(hex_field(list, "cbor_hex")))));
    const auto said = list.at("statuses").get<std::vector<int>>();
    for (std::size_t i = 0; i < said.size(); ++i) CHECK(require_ok(states.at(i)) == said[i]);
  }
}

TEST_CASE("the status list token of the draft verifies and says its name, times and states") {
  const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
  const Json& jwk = vectors.at("key_jwk_public");
  const PublicKey key =
      require_ok(PublicKey::create_p256(base64_any(jwk.at("x").get<std::string>()), base64_any(jwk.at("y").get<std::string>())));
  const StatusToken token =
      require_ok(verify_status_token(require_ok(decode_foreign_sign1(hex_field(vectors, "status_list_token_cwt_hex"))), key));
  CHECK(token.uri == "https://example.com/statuslists/1");
  CHECK(token.issued_at == 1686920170);
  CHECK(token.expires == 2291720170);
  CHECK(token.ttl_s == 43200);
  CHECK(require_ok(token.list.at(0)) == 1);
  CHECK_FALSE(verify_status_token(require_ok(decode_foreign_sign1(hex_field(vectors, "referenced_token_cwt_hex"))), key).ok());
}

TEST_CASE("lists of another width, of no width and bombs are refused") {
  const auto read = [](Cbor bits, Cbor packed) {
    return StatusBits::read(Cbor::map({{txt("bits"), std::move(bits)}, {txt("lst"), std::move(packed)}}));
  };
  const Cbor small = bin(from_hex("78dadbb918000217015d"));
  CHECK(read(num(1), small).ok());
  check_refused(read(num(3), small), Errc::malformed, "bits");
  check_refused(read(txt("1"), small), Errc::malformed, "bits");
  check_refused(read(num(1), txt("lst")), Errc::malformed, "byte string");
  check_refused(read(num(1), bin(from_hex("78dadbb91800021701"))), Errc::malformed, "ZLIB");
}

TEST_CASE("disclosures that are changed, doubled or of nothing signed are refused, and withheld ones leave no trace") {
  const PublicKey issuer = sd_key("issuer_pub.pem");
  const Sign1 token = sd_cwt("issuer_cwt.cbor");
  const CborArray disclosures = *token.unprotected.find(17)->as_array();
  const SdCwt none = require_ok(verify_sd_cwt(with_disclosures(token, {}), issuer));
  CHECK(none.claims.find(501) == nullptr);
  CHECK(none.claims.find(502)->as_array()->size() == 1);
  CHECK(none.claims.find(503)->as_map()->size() == 1);
  check_refused(verify_sd_cwt(with_disclosures(token, {disclosures[0], disclosures[0]}), issuer), Errc::malformed, "twice");
  for_each_bit_flip(*disclosures[0].as_bytes(), [&](const Bytes& changed, std::size_t) {
    CHECK_FALSE(verify_sd_cwt(with_disclosures(token, {bin(changed)}), issuer).ok());
  });
  CHECK_FALSE(verify_sd_cwt(with_disclosures(token, {num(1)}), issuer).ok());
}
