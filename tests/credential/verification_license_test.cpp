#include <stegpass/credential/verification.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {

TEST_CASE("a registration with a bad signature is invalid by name") {
  Office office;
  Bundle bundle = office.issue();
  Sign1 message = Statement::decode(bundle.statements[1]).value().message();
  message.signature[0] ^= 1;
  bundle.statements[1] = encode_sign1(message);
  CHECK(outcome_of(office.verify(bundle), "registration.signature") == Outcome::invalid);
}

TEST_CASE("a license signed by somebody else is invalid") {
  Office office;
  const PrivateKey stranger = named_key("stranger");
  const Bundle bundle =
      office.pack({Office::sign(office.log.key, office.policy_body, kNow), Office::sign(office.owner, office.registration, kNow),
                   Office::sign(stranger, office.license, kNow), Office::sign(office.owner, office.status, office.status_at)});
  const PaperVerdict papers = office.verify(bundle);
  CHECK(outcome_of(papers, "license.signature") == Outcome::invalid);
  CHECK_FALSE(papers.license);
}

TEST_CASE("a license of another registration is invalid") {
  Office office;
  office.license.registration_id = named_bytes("another registration", 16);
  const PaperVerdict papers = office.verify();
  CHECK(outcome_of(papers, "license.signature") == Outcome::invalid);
  CHECK_FALSE(papers.license);
}

TEST_CASE("an expired license is invalid from its last second on") {
  Office office;
  office.license.expires = kNow;
  check_only(office.verify(), {"license.dates"}, Outcome::invalid);
  office.license.expires = kNow + 1;
  check_only(office.verify(), {}, Outcome::valid);
}

TEST_CASE("a license that is not yet valid is invalid until its first second") {
  Office office;
  office.license.not_before = kNow + 1;
  check_only(office.verify(), {"license.dates"}, Outcome::invalid);
  office.license.not_before = kNow;
  check_only(office.verify(), {}, Outcome::valid);
}

TEST_CASE("a revoked license is invalid by the status list and by the revocation") {
  Office office;
  office.revocation = office.make_revocation();
  office.status.states[3] = StatusList::revoked;
  check_only(office.verify(), {"license.status", "revocation"}, Outcome::invalid);
}

TEST_CASE("a revocation left out of the bundle does not help: the status list says it") {
  Office office;
  office.status.states[3] = StatusList::revoked;
  check_only(office.verify(), {"license.status"}, Outcome::invalid);
}

TEST_CASE("where the status list says valid and the ledger has a revocation, the stricter wins") {
  Office office;
  office.revocation = office.make_revocation();
  check_only(office.verify(), {"revocation"}, Outcome::invalid);
}

TEST_CASE("a revocation counts without a receipt") {
  Office office;
  office.revocation = office.make_revocation();
  check_only(office.verify(without_receipt(office.issue(), 3)), {"revocation"}, Outcome::invalid);
}

TEST_CASE("a revocation that is not yet in effect leaves the license in force") {
  Office office;
  office.revocation = office.make_revocation();
  office.revocation->effective = kNow + 1;
  check_only(office.verify(), {}, Outcome::valid);
  CHECK(detail_of(office.verify(), "revocation").find("not yet in effect") != std::string::npos);
}

TEST_CASE("a revocation of another license, or by another key, is invalid") {
  Office office;
  office.revocation = office.make_revocation();
  office.revocation->license_id = named_bytes("another license", 16);
  check_only(office.verify(), {"revocation"}, Outcome::invalid);
  const Bundle forged =
      office.pack({Office::sign(office.log.key, office.policy_body, kNow), Office::sign(office.owner, office.registration, kNow),
                   Office::sign(office.owner, office.license, kNow),
                   Office::sign(named_key("stranger"), office.make_revocation(), kNow - kDay),
                   Office::sign(office.owner, office.status, office.status_at)});
  check_only(office.verify(forged), {"revocation"}, Outcome::invalid);
}

TEST_CASE("a suspended license is invalid") {
  Office office;
  office.status.states[3] = StatusList::suspended;
  check_only(office.verify(), {"license.status"}, Outcome::invalid);
}

TEST_CASE("another license's revocation in the list changes nothing") {
  Office office;
  office.status.states = {1, 1, 2, 0, 1};
  check_only(office.verify(), {}, Outcome::valid);
}

TEST_CASE("a status index outside the list is invalid") {
  Office office;
  office.status.states.resize(3);
  check_only(office.verify(), {"license.status"}, Outcome::invalid);
}

TEST_CASE("a status list of another registration is invalid") {
  Office office;
  office.status.registration_id = named_bytes("another registration", 16);
  CHECK(outcome_of(office.verify(), "license.status") == Outcome::invalid);
}

TEST_CASE("a status list by another key is invalid") {
  Office office;
  const Bundle bundle = office.pack(
      {Office::sign(office.log.key, office.policy_body, kNow), Office::sign(office.owner, office.registration, kNow),
       Office::sign(office.owner, office.license, kNow), Office::sign(named_key("stranger"), office.status, office.status_at)});
  CHECK(outcome_of(office.verify(bundle), "license.status") == Outcome::invalid);
}

TEST_CASE("a bundle without a status list is undecided") {
  Office office;
  Bundle bundle = office.issue();
  bundle.statements.pop_back();
  check_only(office.verify(bundle), {"license.status", "status.age", "receipt.status"}, Outcome::undecided);
}

TEST_CASE("without a max-age freshness is undecided") {
  Office office;
  TrustPolicy policy = office.policy();
  policy.max_age_s.reset();
  check_only(verify_papers(encode_bundle(office.issue()), policy, {.now = kNow}), {"checkpoint.age", "status.age"},
             Outcome::undecided);
}

TEST_CASE("papers older than the max-age are stale, to the second") {
  Office office;
  const Bundle bundle = office.issue();
  check_only(office.verify(bundle, {.now = office.status_at + kDay}), {}, Outcome::valid);
  check_only(office.verify(bundle, {.now = office.status_at + kDay + 1}), {"status.age"}, Outcome::undecided);
  check_only(office.verify(bundle, {.now = office.checkpoint_at + kDay + 1}), {"checkpoint.age", "status.age"},
             Outcome::undecided);
}

TEST_CASE("a status list's own ttl counts where it is stricter than the policy") {
  Office office;
  office.status.ttl_s = 1800;
  check_only(office.verify(), {"status.age"}, Outcome::undecided);
  office.status.ttl_s = 7200;
  check_only(office.verify(), {}, Outcome::valid);
}

TEST_CASE("a status list past its exp is stale") {
  Office office;
  office.status.expires = kNow;
  check_only(office.verify(), {"status.age"}, Outcome::undecided);
}

TEST_CASE("a checkpoint without a time is undecided") {
  Office office;
  office.checkpoint_at = 0;
  CHECK(outcome_of(office.verify(), "checkpoint.age") == Outcome::undecided);
}

TEST_CASE("a cover seed that does not open its commitment is invalid and not handed on") {
  Office office;
  Bundle bundle = office.issue();
  bundle.disclosures.cover->seed[0] ^= 1;
  const PaperVerdict papers = office.verify(bundle);
  check_only(papers, {"opening.cover"}, Outcome::invalid);
  CHECK_FALSE(papers.disclosures.cover);
}

TEST_CASE("an ISN key that does not open its commitment is invalid and not handed on") {
  Office office;
  Bundle bundle = office.issue();
  bundle.disclosures.isn_key->salt[0] ^= 1;
  const PaperVerdict papers = office.verify(bundle);
  check_only(papers, {"opening.isn-key"}, Outcome::invalid);
  CHECK_FALSE(papers.disclosures.isn_key);
}

TEST_CASE("an identity picture that does not open its commitment is invalid and not handed on") {
  Office office;
  Bundle bundle = office.issue();
  bundle.disclosures.identity->picture[0] ^= 1;
  const PaperVerdict papers = office.verify(bundle);
  check_only(papers, {"opening.identity"}, Outcome::invalid);
  CHECK_FALSE(papers.disclosures.identity);
}

TEST_CASE("a reserve's seed opens the commitment of its own number alone") {
  Office office;
  Bundle bundle = office.issue(Purpose::arbiter);
  check_only(office.verify(bundle), {}, Outcome::valid);
  CHECK(office.verify(bundle).disclosures.passports.size() == 1);
  bundle.disclosures.passports[0].role = "reserve-2";
  check_only(office.verify(bundle), {"opening.passport-reserve-2"}, Outcome::invalid);
  bundle.disclosures.passports[0].role = "cover";
  check_only(office.verify(bundle), {"opening.passport-cover"}, Outcome::invalid);
  CHECK(office.verify(bundle).disclosures.passports.empty());
}

TEST_CASE("a reserve that the registration does not commit to is invalid") {
  Office office;
  Bundle bundle = office.issue(Purpose::arbiter);
  bundle.disclosures.passports[0].role = "reserve-3";
  check_only(office.verify(bundle), {"opening.passport-reserve-3"}, Outcome::invalid);
}

TEST_CASE("commitments made for another owner do not open") {
  Office office;
  const Digest32 other = named_digest<32>("other owner");
  office.registration.mark.cover = commitment("mark-seed", other, office.cover.salt, office.cover.seed);
  check_only(office.verify(), {"opening.cover"}, Outcome::invalid);
}

}  // namespace stegpass::credential::testing
