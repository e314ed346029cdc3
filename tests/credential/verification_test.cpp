#include <stegpass/credential/verification.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {

TEST_CASE("good papers are valid") {
  Office office;
  check_only(office.verify(), {}, Outcome::valid);
}

TEST_CASE("good papers give every check in the order that the header names") {
  Office office;
  std::vector<std::string> codes;
  const PaperVerdict papers = office.verify(office.issue(Purpose::arbiter));
  for (const Check& check : papers.verdict.checks()) codes.push_back(check.code);
  CHECK(codes == std::vector<std::string>{"bundle.bytes",
                                          "checkpoint.signature",
                                          "checkpoint.witnesses",
                                          "checkpoint.age",
                                          "checkpoint.memory",
                                          "ledger.policy",
                                          "receipt.ledger-policy",
                                          "registration.signature",
                                          "registration.issuer",
                                          "receipt.registration",
                                          "license.signature",
                                          "license.terms",
                                          "receipt.license",
                                          "license.dates",
                                          "license.status",
                                          "status.age",
                                          "receipt.status",
                                          "opening.cover",
                                          "opening.isn-key",
                                          "opening.identity",
                                          "opening.passport-reserve-1",
                                          "holder.possession"});
}

TEST_CASE("every check says something in one line") {
  Office office;
  office.revocation = office.make_revocation();
  const PaperVerdict papers = office.verify(office.issue(Purpose::arbiter));
  for (const Check& check : papers.verdict.checks()) {
    CHECK_FALSE(check.detail.empty());
    CHECK(check.detail.find('\n') == std::string::npos);
  }
}

TEST_CASE("good papers hand on what they say") {
  Office office;
  const PaperVerdict papers = office.verify();
  CHECK(papers.registration->id == office.registration.id);
  CHECK(papers.license->id == office.license.id);
  CHECK(papers.as_of == office.checkpoint_at);
  CHECK(papers.disclosures.cover->seed == office.cover.seed);
  CHECK(papers.disclosures.isn_key->key == office.isn_key.key);
  CHECK(papers.disclosures.identity->picture == office.identity.picture);
}

TEST_CASE("the evidence of a check bears the time at which it was made") {
  Office office;
  const PaperVerdict papers = office.verify();
  CHECK(papers.times.at("registration.signature") == office.issued_at);
  CHECK(papers.times.at("license.dates") == office.issued_at);
  CHECK(papers.times.at("license.status") == office.status_at);
  CHECK(papers.times.at("checkpoint.witnesses") == office.checkpoint_at);
  CHECK(papers.times.at("receipt.license") == office.checkpoint_at);
  CHECK(papers.times.count("bundle.bytes") == 0);
}

TEST_CASE("papers of a P-256 owner and licensee are valid") {
  Office office;
  office.owner = named_key("p-256 owner", KeyType::p256);
  office.licensee = named_key("p-256 licensee", KeyType::p256);
  office.registration = office.make_registration();
  office.license = office.make_license();
  check_only(office.verify(office.issue(), asking(office, office.licensee)), {}, Outcome::valid);
}

TEST_CASE("a public bundle leaves its openings unchecked and is valid") {
  Office office;
  const PaperVerdict papers = office.verify(office.issue(Purpose::public_));
  CHECK(papers.verdict.outcome() == Outcome::valid);
  for (const char* code : {"opening.cover", "opening.isn-key", "opening.identity"}) {
    CHECK(papers.verdict.find(code)->outcome == Outcome::not_checked);
    CHECK(detail_of(papers, code).find("needs a verifier or arbiter bundle") != std::string::npos);
  }
}

TEST_CASE("an issuer that the policy does not name is undecided") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.issuers.clear();
  check_only(verify_papers(encode_bundle(office.issue()), policy, {.now = kNow}), {"registration.issuer"}, Outcome::undecided);
}

TEST_CASE("a log that the policy does not name is undecided, and so is all that rests on it") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.logs = {{office.log.origin, named_key("other log").public_key()}};
  check_only(verify_papers(encode_bundle(office.issue()), policy, {.now = kNow}),
             {"checkpoint.signature", "checkpoint.witnesses", "checkpoint.age", "checkpoint.memory", "ledger.policy",
              "receipt.ledger-policy", "receipt.registration", "receipt.license", "receipt.status"},
             Outcome::undecided);
}

TEST_CASE("a checkpoint with a bad signature is invalid") {
  Office office;
  Bundle bundle = office.issue();
  Note note = parse_note(bundle.checkpoint).value();
  note.signatures[0].signature[10] ^= 1;
  bundle.checkpoint = encode_note(note);
  CHECK(outcome_of(office.verify(bundle), "checkpoint.signature") == Outcome::invalid);
}

TEST_CASE("a checkpoint that is no note is invalid") {
  Office office;
  Bundle bundle = office.issue();
  bundle.checkpoint = "nonsense";
  CHECK(outcome_of(office.verify(bundle), "checkpoint.signature") == Outcome::invalid);
}

TEST_CASE("a ledger policy that names another log key is invalid") {
  Office office;
  const PrivateKey other = named_key("other log");
  office.policy_body.log_key = other.public_key();
  const Bundle bundle = office.pack(
      {Office::sign(other, office.policy_body, kNow), Office::sign(office.owner, office.registration, kNow),
       Office::sign(office.owner, office.license, kNow), Office::sign(office.owner, office.status, office.status_at)});
  check_only(office.verify(bundle), {"ledger.policy"}, Outcome::invalid);
}

TEST_CASE("a ledger policy of another origin is invalid") {
  Office office;
  office.policy_body.origin = "elsewhere.example/log";
  check_only(office.verify(), {"ledger.policy"}, Outcome::invalid);
}

TEST_CASE("a ledger that registers by rules unknown here is undecided") {
  Office office;
  office.policy_body.rules = "stegpass.registration-policy.v9";
  check_only(office.verify(), {"ledger.policy"}, Outcome::undecided);
}

TEST_CASE("each statement without its receipt is undecided, by its own check") {
  Office office;
  const Bundle bundle = office.issue();
  const std::vector<std::string> codes = {"receipt.ledger-policy", "receipt.registration", "receipt.license", "receipt.status"};
  for (std::size_t i = 0; i < codes.size(); ++i)
    check_only(office.verify(without_receipt(bundle, i)), {codes[i]}, Outcome::undecided);
}

TEST_CASE("a receipt of another ledger does not count") {
  Office office;
  Bundle bundle = office.issue();
  MemoryLog other;
  other.leaves = office.log.leaves;
  other.key = named_key("other log");
  bundle.statements[2] = other.transparent(Statement::decode(bundle.statements[2]).value(), 2);
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::undecided);
}

TEST_CASE("a receipt of the same key for another origin is invalid") {
  Office office;
  Bundle bundle = office.issue();
  MemoryLog other;
  other.leaves = office.log.leaves;
  other.origin = "elsewhere.example/log";
  bundle.statements[2] = other.transparent(Statement::decode(bundle.statements[2]).value(), 2);
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::invalid);
}

TEST_CASE("a receipt for another statement is invalid") {
  Office office;
  Bundle bundle = office.issue();
  bundle.statements[2] = Statement::decode(bundle.statements[2]).value().with_receipts({office.log.receipt(3)});
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::invalid);
}

TEST_CASE("a receipt for another tree than the checkpoint's is invalid") {
  Office office;
  Bundle bundle = office.issue();
  MemoryLog longer;
  longer.leaves = office.log.leaves;
  longer.leaves.push_back(named_digest<32>("one more"));
  bundle.statements[2] = longer.transparent(Statement::decode(bundle.statements[2]).value(), 2);
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::invalid);
}

TEST_CASE("a receipt under another root of the same size shows a forked log") {
  Office office;
  Bundle bundle = office.issue();
  MemoryLog forked;
  forked.leaves = office.log.leaves;
  forked.leaves[1] = named_digest<32>("another registration");
  bundle.statements[2] = forked.transparent(Statement::decode(bundle.statements[2]).value(), 2);
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::invalid);
  CHECK(detail_of(office.verify(bundle), "receipt.license").find("forked") != std::string::npos);
}

TEST_CASE("two receipts of one statement are invalid") {
  Office office;
  Bundle bundle = office.issue();
  bundle.statements[2] =
      Statement::decode(bundle.statements[2]).value().with_receipts({office.log.receipt(2), office.log.receipt(2)});
  check_only(office.verify(bundle), {"receipt.license"}, Outcome::invalid);
}

TEST_CASE("statements out of the ledger's order are invalid") {
  Office office;
  Bundle bundle = office.issue();
  std::swap(bundle.statements[1], bundle.statements[2]);
  CHECK(office.verify(bundle).verdict.outcome() == Outcome::invalid);
}

TEST_CASE("a ledger policy that is not entry 0 is invalid") {
  Office office;
  const Bundle bundle = office.pack(
      {Office::sign(office.owner, office.registration, kNow), Office::sign(office.log.key, office.policy_body, kNow),
       Office::sign(office.owner, office.license, kNow), Office::sign(office.owner, office.status, office.status_at)});
  check_only(office.verify(bundle), {"receipt.ledger-policy", "receipt.registration"}, Outcome::invalid);
}

TEST_CASE("a bundle that lacks a statement is undecided by that statement's checks") {
  Office office;
  const Bundle whole = office.issue();
  const std::vector<std::string> codes = {"ledger.policy", "registration.signature", "license.signature", "license.status"};
  for (std::size_t i = 0; i < codes.size(); ++i) {
    Bundle bundle = whole;
    bundle.statements.erase(bundle.statements.begin() + static_cast<std::ptrdiff_t>(i));
    const PaperVerdict papers = office.verify(bundle);
    CHECK(papers.verdict.outcome() == Outcome::undecided);
    CHECK(outcome_of(papers, codes[i]) == Outcome::undecided);
    CHECK(detail_of(papers, codes[i]).starts_with("the bundle holds no "));
  }
}

TEST_CASE("a bundle without statements is undecided, not valid") {
  Office office;
  Bundle bundle = office.issue(Purpose::public_);
  bundle.statements.clear();
  CHECK(office.verify(bundle).verdict.outcome() == Outcome::undecided);
}

TEST_CASE("two licenses in one bundle are malformed") {
  Office office;
  License second = office.license;
  second.id = named_bytes("second license", 16);
  const Bundle bundle =
      office.pack({Office::sign(office.log.key, office.policy_body, kNow), Office::sign(office.owner, office.registration, kNow),
                   Office::sign(office.owner, office.license, kNow), Office::sign(office.owner, second, kNow),
                   Office::sign(office.owner, office.status, office.status_at)});
  const PaperVerdict papers = office.verify(bundle);
  check_only(papers, {"bundle.bytes"}, Outcome::invalid);
  CHECK(detail_of(papers, "bundle.bytes").find("a second license") != std::string::npos);
}

TEST_CASE("a statement of a kind unknown here leaves the bundle undecided") {
  Office office;
  Bundle bundle = office.issue();
  const Sign1 license = Statement::decode(bundle.statements[2]).value().message();
  CborMap header = *license.protected_header.as_map();
  std::erase_if(header, [](const auto& pair) { return pair.first == Cbor::integer(1) || pair.first == Cbor::integer(16); });
  header.emplace_back(Cbor::integer(16), Cbor::text("application/stegpass-surprise+cwt"));
  bundle.statements.push_back(encode_sign1(sign_sign1(office.owner, header, {}, *license.payload)));
  check_only(office.verify(bundle), {"bundle.bytes"}, Outcome::undecided);
}

TEST_CASE("a holder who answers the nonce is valid") {
  Office office;
  const PaperVerdict papers = office.verify(office.issue(), asking(office, office.licensee));
  check_only(papers, {}, Outcome::valid);
  CHECK(outcome_of(papers, "holder.possession") == Outcome::valid);
}

TEST_CASE("an answer by another key is invalid") {
  Office office;
  check_only(office.verify(office.issue(), asking(office, named_key("stranger"))), {"holder.possession"}, Outcome::invalid);
}

TEST_CASE("an answer to another nonce, audience or license is invalid") {
  Office office;
  const Bundle bundle = office.issue();
  const auto wrong = [&](const std::function<void(Presentation&)>& edit) {
    check_only(office.verify(bundle, asking(office, office.licensee, edit)), {"holder.possession"}, Outcome::invalid);
  };
  wrong([](Presentation& p) { p.nonce[0] ^= 1; });
  wrong([](Presentation& p) { p.audience = "another.example"; });
  wrong([](Presentation& p) { p.license_id = named_bytes("another license", 16); });
}

TEST_CASE("an answer of over ten minutes ago, or from the future, is undecided") {
  Office office;
  const Bundle bundle = office.issue();
  const auto at = [&](std::int64_t time) {
    return office.verify(bundle, asking(office, office.licensee, [&](Presentation& p) { p.issued_at = time; }));
  };
  check_only(at(kNow - 600), {}, Outcome::valid);
  check_only(at(kNow - 601), {"holder.possession"}, Outcome::undecided);
  check_only(at(kNow + 301), {"holder.possession"}, Outcome::undecided);
}

TEST_CASE("a presentation that is none is invalid") {
  Office office;
  PaperOptions options = asking(office, office.licensee);
  options.possession->presentation.resize(50);
  check_only(office.verify(office.issue(), options), {"holder.possession"}, Outcome::invalid);
}

TEST_CASE("a check that the policy requires and nobody made leaves the verdict undecided") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.required = {"opening.cover", "holder.possession", "model.digest"};
  PaperVerdict papers = office.verify();
  apply_requirements(papers.verdict, policy);
  std::vector<std::string> missing;
  for (const Check& check : papers.verdict.checks()) {
    if (check.code == "policy.required") missing.push_back(check.detail);
  }
  REQUIRE(missing.size() == 2);
  CHECK(missing[0].find("holder.possession") != std::string::npos);
  CHECK(missing[1].find("model.digest") != std::string::npos);
  CHECK(papers.verdict.outcome() == Outcome::undecided);
}

TEST_CASE("a policy whose required checks were all made changes nothing") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.required = {"opening.cover", "license.status"};
  PaperVerdict papers = office.verify();
  apply_requirements(papers.verdict, policy);
  CHECK(papers.verdict.outcome() == Outcome::valid);
}

TEST_CASE("every truncation of a bundle is one broken check") {
  Office office;
  const Bytes bytes = encode_bundle(office.issue());
  for (std::size_t size = 0; size < bytes.size(); size += 13) {
    const PaperVerdict papers = verify_papers(ByteView(bytes).first(size), office.policy(), {.now = kNow});
    CHECK(papers.verdict.outcome() == Outcome::invalid);
    CHECK(papers.verdict.checks().size() == 1);
  }
}

}  // namespace stegpass::credential::testing
