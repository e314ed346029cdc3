#include <fstream>
#include <iterator>

#include "license_terms.hpp"
#include "papers_fixture.hpp"
#include "statement_fields.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

LicenseTerms all_terms() {
  LicenseTerms terms{.scope = "inference", .territory = "European Union", .seats = 5, .sublicensing = true};
  terms.text = named_digest<32>("contract");
  terms.other = {{Cbor::text("field-of-use"), Cbor::text("medical research")}};
  terms.critical = {"field-of-use", "territory"};
  return terms;
}

Result<Statement> signed_with(const LicenseTerms& terms) {
  Office office;
  office.license.terms = terms;
  return sign_statement(office.owner, office.license, kNow);
}

bool refused(const LicenseTerms& terms) {
  const auto signed_license = signed_with(terms);
  return !signed_license && signed_license.error().code == Errc::usage;
}

// A license whose map of terms was changed below the encoder.
Result<LicenseTerms> read_back(const CborMap& terms) {
  std::optional<Error> error;
  const Cbor map = Cbor::map(terms);
  const LicenseTerms out = read_terms(Fields(map, "terms", error));
  if (error) return *error;
  return out;
}

CborMap plain_terms() {
  return {field("scope", Cbor::text("inference")), field("territory", Cbor::text("worldwide")), field("seats", cbor_number(0))};
}

}  // namespace

TEST_CASE("terms of every kind come back as they were signed") {
  const LicenseTerms wrote = all_terms();
  const Statement statement = signed_with(wrote).value();
  const LicenseTerms& read = statement.as<License>()->terms;
  CHECK(read.scope == wrote.scope);
  CHECK(read.territory == wrote.territory);
  CHECK(read.seats == 5);
  CHECK(read.sublicensing);
  CHECK(read.text == wrote.text);
  CHECK(read.other == wrote.other);
  CHECK(read.critical == wrote.critical);
}

TEST_CASE("a license with a critical term that nobody here knows is undecided, not valid") {
  Office office;
  office.license.terms = all_terms();
  const PaperVerdict papers = office.verify();
  check_only(papers, {"license.terms"}, Outcome::undecided);
  CHECK(detail_of(papers, "license.terms").find("field-of-use") != std::string::npos);
}

TEST_CASE("a further term that is not critical leaves the license valid, and is shown") {
  Office office;
  office.license.terms = all_terms();
  office.license.terms.critical = {"territory", "text"};
  const PaperVerdict papers = office.verify();
  check_only(papers, {}, Outcome::valid);
  CHECK(detail_of(papers, "license.terms").find("medical research") != std::string::npos);
}

TEST_CASE("a critical term that is not among the terms is refused") {
  LicenseTerms terms = all_terms();
  terms.other.clear();
  CHECK(refused(terms));
  terms = all_terms();
  terms.text.reset();
  terms.critical = {"text"};
  CHECK(refused(terms));
}

TEST_CASE("critical terms are named once each, in ascending order") {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"territory", "field-of-use"}, {"scope", "scope"}, {""}}) {
    LicenseTerms terms = all_terms();
    terms.critical = names;
    CHECK(refused(terms));
  }
}

TEST_CASE("further terms are bounded in number and size") {
  LicenseTerms terms;
  terms.scope = terms.territory = "any";
  for (int i = 0; i < 33; ++i) terms.other.emplace_back(Cbor::text("term " + std::to_string(i)), Cbor::null());
  CHECK(refused(terms));
  terms.other.pop_back();
  CHECK_FALSE(refused(terms));
  terms.other[0].second = Cbor::text(std::string(998, 'a'));
  CHECK(refused(terms));
  terms.other[0] = {Cbor::text(std::string(65, 'a')), Cbor::null()};
  CHECK(refused(terms));
  terms.other[0] = {Cbor::integer(1), Cbor::null()};
  CHECK(refused(terms));
}

TEST_CASE("there is one way to say no: sublicensing false and an empty list of critical terms are malformed") {
  CborMap terms = plain_terms();
  REQUIRE(read_back(terms));
  terms.push_back(field("sublicensing", Cbor::boolean(false)));
  CHECK_FALSE(read_back(terms));
  terms.back() = field("critical", Cbor::array({}));
  CHECK_FALSE(read_back(terms));
  terms.back() = field("text", Cbor::bytes(Bytes(31)));
  CHECK_FALSE(read_back(terms));
}

TEST_CASE("the example of all terms together is real") {
  std::ifstream file(std::string(STEGPASS_SOURCE_DIR) + "/schemas/license.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::string notation = cbor_diagnostic(*decode_cbor(encode_cbor(write_terms(all_terms()))));
  INFO(notation);
  CHECK(page.find("```terms\n" + notation + "\n```") != std::string::npos);
}

}  // namespace stegpass::credential::testing
