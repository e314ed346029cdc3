// The personal part of a license: redacted in what is signed and logged, shown with its salt, unreadable without.
#include <stegpass/credential/personal.hpp>

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/sd_cwt.hpp>

#include "helpers.hpp"
#include "papers_fixture.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::credential::testing;
using namespace stegpass::test;

namespace {

/// An office whose license has a licensee's name, an order number and two decoys.
struct PersonalOffice : Office {
  PersonalClaim name{"licensee", "Ada Lovelace", named_bytes("name salt", 16)},
      order{"order", "2027-0001", named_bytes("order salt", 16)};

  PersonalOffice() {
    license.personal = {redacted_hash(encode_personal(name)), redacted_hash(encode_personal(order)),
                        redacted_hash(encode_decoy(named_bytes("decoy 1", 16))),
                        redacted_hash(encode_decoy(named_bytes("decoy 2", 16)))};
    std::sort(license.personal.begin(), license.personal.end());
  }
  Bundle showing(const std::vector<PersonalClaim>& claims) {
    Bundle out = issue();
    const Statement bare = Statement::decode(out.statements[2]).value();
    out.statements[2] = bare.with_receipts(bare.receipts(), claims);
    return out;
  }
};

}  // namespace

TEST_CASE("a bundle shows the personal claims that it discloses, and no more") {
  PersonalOffice office;
  const PaperVerdict one = office.verify(office.showing({office.name}));
  check_only(one, {}, Outcome::valid);
  CHECK(one.personal == std::vector<PersonalClaim>{office.name});
  CHECK(detail_of(one, "license.personal") == "licensee \"Ada Lovelace\"; 3 hashes stay closed");
  CHECK(office.verify(office.showing({office.name, office.order})).personal.size() == 2);
  const PaperVerdict none = office.verify(office.showing({}));
  CHECK(outcome_of(none, "license.personal") == Outcome::not_checked);
  CHECK(none.verdict.outcome() == Outcome::valid);
  CHECK(detail_of(Office().verify(), "license.personal") == "absent");
}

TEST_CASE("the ledger's entry is the same whatever is shown, and holds neither name nor salt") {
  PersonalOffice office;
  const Statement closed = Office::sign(office.owner, office.license, office.issued_at);
  const Statement shown = require_ok(Statement::decode(closed.with_receipts({}, {office.name, office.order})));
  CHECK(shown.entry() == closed.entry());
  CHECK(closed.disclosed().empty());
  CHECK(shown.disclosed() == std::vector<PersonalClaim>{office.name, office.order});
  const std::string entry = to_hex(closed.entry());
  CHECK(entry.find(to_hex(as_bytes("Ada Lovelace"))) == std::string::npos);
  CHECK(entry.find(to_hex(office.name.salt)) == std::string::npos);
}

TEST_CASE("a personal claim with another value, name or salt than was signed is refused") {
  PersonalOffice office;
  for (const PersonalClaim& other :
       {PersonalClaim{"licensee", "Ada Byron", office.name.salt}, PersonalClaim{"owner", "Ada Lovelace", office.name.salt},
        PersonalClaim{"licensee", "Ada Lovelace", named_bytes("other salt", 16)}}) {
    const PaperVerdict papers = office.verify(office.showing({other}));
    CHECK(outcome_of(papers, "license.signature") == Outcome::invalid);
    CHECK(papers.personal.empty());
  }
  CHECK(outcome_of(office.verify(office.showing({office.name, office.name})), "license.signature") == Outcome::invalid);
}

TEST_CASE("a decoy cannot be shown as a claim") {
  PersonalOffice office;
  const Statement closed = Office::sign(office.owner, office.license, office.issued_at);
  Sign1 message = closed.message();
  message.unprotected = Cbor::map({{num(17), Cbor::array({bin(encode_decoy(named_bytes("decoy 1", 16)))})}});
  check_refused(Statement::decode(encode_sign1(message)), Errc::malformed, "salt, value and name");
}

TEST_CASE("what a license must say cannot be hidden: no claim of its own name is a personal one") {
  for (const char* name : {"terms", "registration", "user-passport", "identity", "isn-key", "reveal-bar"}) {
    check_refused(decode_personal(encode_personal({name, "hidden", Bytes(16)})), Errc::malformed, "never redacted");
  }
  check_refused(decode_personal(encode_personal({"", "value", Bytes(16)})), Errc::malformed, "empty");
  check_refused(decode_personal(encode_personal({"name", std::string(1001, 'x'), Bytes(16)})), Errc::malformed, "too long");
  check_refused(decode_personal(encode_personal({"name", "two\nlines", Bytes(16)})), Errc::malformed, "control");
  PersonalOffice office;
  const Statement closed = Office::sign(office.owner, office.license, office.issued_at);
  CborMap claims = *require_ok(decode_cbor(*closed.message().payload)).as_map();
  const std::size_t before = claims.size();
  std::erase_if(claims, [](const auto& claim) { return claim.first == num(4); });
  REQUIRE(claims.size() + 1 == before);
  CborMap header = *closed.message().protected_header.as_map();
  std::erase_if(header, [](const auto& pair) { return pair.first == num(1); });
  const auto hidden = sign_sign1(office.owner, header, {}, encode_cbor(Cbor::map(claims)));
  check_refused(Statement::decode(encode_sign1(hidden)), Errc::malformed, "lacks 4");
}

TEST_CASE("hashes of the personal part ascend, are at most 32, and belong to licenses alone") {
  PersonalOffice office;
  std::reverse(office.license.personal.begin(), office.license.personal.end());
  check_refused(sign_statement(office.owner, office.license, office.issued_at), Errc::usage, "ascend");
  office.license.personal.assign(33, Digest32{});
  check_refused(sign_statement(office.owner, office.license, office.issued_at), Errc::usage, "1 to 32");
  const Statement registration = Office::sign(office.owner, office.registration, office.issued_at);
  check_refused(Statement::decode(registration.with_receipts({}, {office.name})), Errc::malformed, "unknown key 17");
}
