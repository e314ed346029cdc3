#include <stegpass/credential/key.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Json rows() { return read_json(vector_path("cose-key-thumbprint/thumbprints.json")).at("thumbprints"); }

}  // namespace

TEST_CASE("thumbprints of RFC 9679 and of the SD-CWT draft are ours for the key types we know") {
  int known = 0;
  for (const Json& row : rows()) {
    INFO(row.at("name").get<std::string>());
    const auto key = PublicKey::from_cose_key(require_ok(decode_foreign_cbor(hex_field(row, "cose_key_hex"))));
    if (!key.ok()) continue;
    ++known;
    CHECK(key->encode() == hex_field(row, "thumbprint_input_hex"));
    CHECK(to_hex(key->thumbprint()) == row.at("sha256_hex").get<std::string>());
    CHECK(key->thumbprint_uri() == row.at("uri").get<std::string>());
    CHECK(require_ok(parse_thumbprint_uri(row.at("uri").get<std::string>())) == key->thumbprint());
  }
  CHECK(known == 3);
}

TEST_CASE("P-384 and ML-DSA keys of the thumbprint table are unsupported") {
  int others = 0;
  for (const Json& row : rows()) {
    const auto key = PublicKey::from_cose_key(require_ok(decode_foreign_cbor(hex_field(row, "cose_key_hex"))));
    if (key.ok()) continue;
    check_error(key.error(), Errc::unsupported, "cose key type");
    ++others;
  }
  CHECK(others == 4);
}
