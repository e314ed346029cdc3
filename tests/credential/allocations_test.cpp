#include <string>
#include <string_view>

#include <stegpass/credential/cbor_view.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/statement.hpp>

#include "largest_allocation.hpp"
#include "statement_fields.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using testing::count_of_allocations;

namespace {

License license_to(const PublicKey& licensee) {
  License out{.id = Bytes(16, 1), .registration_id = Bytes(16, 2), .licensee = licensee};
  out.not_before = 1, out.expires = 2'000'000'000, out.reveal_bar_mdb = 32'000;
  out.terms.scope = "inference", out.terms.territory = "worldwide";
  return out;
}

// An array of as many maps, each with two texts and a byte string.
Bytes many_maps(std::size_t count) {
  CborArray items;
  for (std::size_t i = 0; i < count; ++i)
    items.push_back(Cbor::map({{Cbor::text("name"), Cbor::text("a text that is too long to be kept in place")},
                               {Cbor::text("octets"), Cbor::bytes(Bytes(40, 7))}}));
  return encode_cbor(Cbor::array(std::move(items)));
}

}  // namespace

TEST_CASE("reading CBOR in place allocates a handful of times, however many items there are") {
  const Bytes few = many_maps(10), many = many_maps(5000);
  for (const Bytes* bytes : {&few, &many}) {
    count_of_allocations();
    const auto document = CborDocument::read(*bytes);
    const std::size_t count = count_of_allocations();
    REQUIRE(document);
    CHECK(count <= 16);  // the list, and each time that it grows to twice its size
  }
}

TEST_CASE("decoding a license allocates for what it keeps, not an item at a time") {
  const PrivateKey key = PrivateKey::generate(KeyType::ed25519);
  const Bytes bytes = sign_statement(key, license_to(key.public_key()), 1'800'000'000).value().entry();
  REQUIRE(Statement::decode(bytes));
  count_of_allocations();
  const auto statement = Statement::decode(bytes);
  const std::size_t decoded = count_of_allocations();
  REQUIRE(verify_statement(*statement, key.public_key()));
  const std::size_t verified = count_of_allocations();
  const Statement copy = *statement;
  const std::size_t copied = count_of_allocations();
  CHECK(decoded <= 24);  // of some sixty items
  CHECK(verified <= 2);
  CHECK(copied == 0);
}

TEST_CASE("a control character is found wherever it stands in a text") {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      std::string text(length, 'x');
      CHECK(is_plain_text(text, 40));
      for (const char bad : {'\0', '\x1f', '\x7f', '\x80', '\xff'}) {
        text[at] = bad;
        if (is_plain_text(text, 40))
          FAIL("byte " << static_cast<int>(static_cast<unsigned char>(bad)) << " at " << at << " of " << length);
      }
      for (const char good : {' ', '~'}) {
        text[at] = good;
        if (!is_plain_text(text, 40)) FAIL("a character that can be shown, at " << at << " of " << length);
      }
      text.replace(at, 1, "\xc2\x9f");
      if (is_plain_text(text, 100)) FAIL("U+009F at " << at << " of " << length);
      text.replace(at, 2, "\xc2\xa0");
      if (!is_plain_text(text, 100)) FAIL("U+00A0 at " << at << " of " << length);
    }
  }
}
