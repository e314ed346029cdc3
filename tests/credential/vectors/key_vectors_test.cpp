#include <stegpass/credential/key.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Json rows() { return read_json(vector_path("cose-key-thumbprint/thumbprints.json")).at("thumbprints"); }

}  // namespace

TEST_CASE("thumbprints of RFC 9679, RFC 9964 and of the SD-CWT draft are ours; ML-DSA where OpenSSL has it, or unsupported") {
  int known = 0, lattice = 0;
  for (const Json& row : rows()) {
    INFO(row.at("name").get<std::string>());
    const Cbor item = require_ok(decode_foreign_cbor(hex_field(row, "cose_key_hex")));
    const bool ml_dsa = *item.find(1) == num(7);
    const auto key = PublicKey::from_cose_key(item);
    lattice += ml_dsa;
    if (ml_dsa && !has_ml_dsa()) {
      check_refused(key, Errc::unsupported, "ML-DSA");
      continue;
    }
    ++known;
    CHECK(require_ok(key).encode() == hex_field(row, "thumbprint_input_hex"));
    CHECK(to_hex(key->thumbprint()) == row.at("sha256_hex").get<std::string>());
    CHECK(key->thumbprint_uri() == row.at("uri").get<std::string>());
    CHECK(require_ok(parse_thumbprint_uri(row.at("uri").get<std::string>())) == key->thumbprint());
  }
  CHECK(lattice == 3);
  CHECK(known == (has_ml_dsa() ? 7 : 4));
}
