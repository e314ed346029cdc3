// Published vectors of what is not supported, or not here: refused, and by the right name.
#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/trust_policy.hpp>

#include "status_list.hpp"
#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

Json wycheproof(const std::string& name) { return read_json(vector_path("wycheproof/" + name)); }

/// The byte string "lst" of a StatusList in CBOR.
Bytes packed_list(const Json& list) {
  return *require_ok(decode_foreign_cbor(hex_field(list, "cbor_hex"))).find("lst")->as_bytes();
}

template <class T>
void check_one_line(const Result<T>& result) {
  REQUIRE_FALSE(result.ok());
  CHECK_FALSE(result.error().detail.empty());
  CHECK(result.error().detail.find('\n') == std::string::npos);
}

}  // namespace

TEST_CASE("no case of wycheproof with DER signatures passes where r and s stand side by side") {
  std::size_t cases = 0;
  const Json file = wycheproof("ecdsa_secp256r1_sha256_test.json");
  for (const Json& group : file.at("testGroups")) {
    const Bytes point = hex_field(group.at("publicKey"), "uncompressed");
    const PublicKey key = require_ok(PublicKey::create_p256(ByteView(point).subspan(1, 32), ByteView(point).subspan(33)));
    for (const Json& one : group.at("tests")) {
      INFO("case " << one.at("tcId"));
      CHECK_FALSE(key.verify(hex_field(one, "msg"), hex_field(one, "sig")));
      ++cases;
    }
  }
  CHECK(cases == 484);
}

TEST_CASE("status lists of the draft are no statements of ours: another width, or a state that is none of ours") {
  const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
  for (const char* group : {"small_lists", "lists"}) {
    for (const Json& list : vectors.at(group)) {
      if (list.at("bits") != 2) continue;  // the schema's "bits" is 2, and refuses it before the list is unpacked
      check_refused(unpack_status_list(packed_list(list)), Errc::malformed, "state 3");
    }
  }
}

TEST_CASE("files of other standards are refused by every decoder of ours, in one line") {
  std::size_t files = 0;
  for (const char* folder : {"oms", "rfc3161", "dsse", "sd-cwt"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(vector_path(folder))) {
      if (!entry.is_regular_file()) continue;
      INFO(entry.path().string());
      const Bytes bytes = read_bytes(entry.path());
      check_one_line(Statement::decode(bytes));
      check_one_line(decode_bundle(bytes));
      check_one_line(decode_license_request(bytes));
      check_one_line(PublicKey::decode(bytes));
      check_one_line(parse_note(as_text(bytes)));
      ++files;
    }
  }
  CHECK(files > 30);
}
