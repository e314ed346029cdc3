// What a verifier makes of a license that was suspended, reinstated, renewed or transferred, and of an owner whose key changed.
#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

constexpr std::int64_t kYesterday = kNow - kDay;

// Policy, registration, license, then `changes`, then a status list: each statement as its own log entry.
struct Filed {
  Office office;
  std::vector<Statement> changes;

  Filed& change(const StatementBody& body, std::int64_t at = kYesterday) { return by(office.owner, body, at); }
  Filed& by(const PrivateKey& key, const StatementBody& body, std::int64_t at = kYesterday) {
    changes.push_back(Office::sign(key, body, at));
    return *this;
  }
  Bundle bundle(const PrivateKey* status_by = nullptr) {
    std::vector<Statement> all = {Office::sign(office.log.key, office.policy_body, office.issued_at),
                                  Office::sign(office.owner, office.registration, office.issued_at),
                                  Office::sign(office.owner, office.license, office.issued_at)};
    all.insert(all.end(), changes.begin(), changes.end());
    all.push_back(Office::sign(status_by ? *status_by : office.owner, office.status, office.status_at));
    return office.pack(all);
  }
  PaperVerdict verify(std::int64_t now = kNow) { return office.verify(bundle(), {.now = now}); }
};

}  // namespace

TEST_CASE("a suspended license is invalid, by the list and by the suspension") {
  Filed filed;
  filed.office.status.states[3] = StatusList::suspended;
  check_only(filed.change(filed.office.make_suspension()).verify(), {"license.status", "suspension"}, Outcome::invalid);
}

TEST_CASE("a suspension that the list does not know yet is enough") {
  Filed filed;
  const PaperVerdict papers = filed.change(filed.office.make_suspension()).verify();
  check_only(papers, {"suspension"}, Outcome::invalid);
  CHECK(detail_of(papers, "suspension").find("invoice open") != std::string::npos);
}

TEST_CASE("a suspension counts without its receipt") {
  Filed filed;
  filed.change(filed.office.make_suspension());
  CHECK(outcome_of(filed.office.verify(without_receipt(filed.bundle(), 3)), "suspension") == Outcome::invalid);
}

TEST_CASE("a suspension that takes effect later leaves the license in force") {
  Filed filed;
  Suspension later = filed.office.make_suspension();
  later.effective = kNow + 1;
  CHECK(filed.change(later).verify().verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(filed.verify(kNow + 1), "suspension") == Outcome::invalid);
}

TEST_CASE("a reinstated license is valid again, and says since when") {
  Filed filed;
  filed.change(filed.office.make_suspension()).change(filed.office.make_reinstatement());
  const PaperVerdict papers = filed.verify();
  CHECK(papers.verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(papers, "suspension") == Outcome::valid);
  CHECK(outcome_of(papers, "reinstatement") == Outcome::valid);
}

TEST_CASE("a reinstatement without its receipt reinstates nothing") {
  Filed filed;
  filed.change(filed.office.make_suspension()).change(filed.office.make_reinstatement());
  const PaperVerdict papers = filed.office.verify(without_receipt(filed.bundle(), 4));
  CHECK(outcome_of(papers, "reinstatement") == Outcome::undecided);
  CHECK(outcome_of(papers, "suspension") == Outcome::invalid);
}

TEST_CASE("a reinstatement of another suspension reinstates nothing") {
  Filed filed;
  Reinstatement other = filed.office.make_reinstatement();
  other.suspension_id = named_bytes("an older suspension", 16);
  filed.change(filed.office.make_suspension()).change(other);
  check_only(filed.verify(), {"suspension", "reinstatement"}, Outcome::invalid);
}

TEST_CASE("a reinstatement that takes effect later leaves the license suspended") {
  Filed filed;
  Reinstatement later = filed.office.make_reinstatement();
  later.effective = kNow + 1;
  filed.change(filed.office.make_suspension()).change(later);
  CHECK(outcome_of(filed.verify(), "suspension") == Outcome::invalid);
  CHECK(outcome_of(filed.verify(kNow + 1), "suspension") == Outcome::valid);
}

TEST_CASE("a reinstatement by a stranger reinstates nothing") {
  Filed filed;
  filed.change(filed.office.make_suspension()).by(named_key("stranger"), filed.office.make_reinstatement());
  check_only(filed.verify(), {"suspension", "reinstatement"}, Outcome::invalid);
}

TEST_CASE("a renewed license is in force after its own end, and no longer than the renewal says") {
  Filed filed;
  filed.office.license.expires = kNow - 3600;
  check_only(filed.verify(), {"license.dates"}, Outcome::invalid);
  Renewal renewal = filed.office.make_renewal();
  renewal.expires = kNow + 3600;
  const PaperVerdict papers = filed.change(renewal).verify();
  CHECK(papers.verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(papers, "renewal") == Outcome::valid);
  CHECK(papers.license->expires == renewal.expires);
  CHECK(outcome_of(filed.verify(kNow + 3600), "license.dates") == Outcome::invalid);
}

TEST_CASE("a renewal without its receipt renews nothing") {
  Filed filed;
  filed.office.license.expires = kNow - 3600;
  filed.change(filed.office.make_renewal());
  const PaperVerdict papers = filed.office.verify(without_receipt(filed.bundle(), 3));
  CHECK(outcome_of(papers, "renewal") == Outcome::undecided);
  CHECK(outcome_of(papers, "license.dates") == Outcome::invalid);
}

TEST_CASE("a renewal of another license, by a stranger or to an earlier end is invalid") {
  Filed other, stranger, earlier;
  Renewal renewal = other.office.make_renewal();
  renewal.license_id = named_bytes("another", 16);
  check_only(other.change(renewal).verify(), {"renewal"}, Outcome::invalid);
  check_only(stranger.by(named_key("stranger"), stranger.office.make_renewal()).verify(), {"renewal"}, Outcome::invalid);
  renewal = earlier.office.make_renewal();
  renewal.expires = earlier.office.license.expires;
  check_only(earlier.change(renewal).verify(), {"renewal"}, Outcome::invalid);
}

TEST_CASE("a transferred license is invalid, with or without the transfer's receipt") {
  Filed filed;
  const PaperVerdict papers = filed.change(filed.office.make_transfer()).verify();
  check_only(papers, {"transfer"}, Outcome::invalid);
  CHECK(detail_of(papers, "transfer").find("business sold") != std::string::npos);
  CHECK(outcome_of(filed.office.verify(without_receipt(filed.bundle(), 3)), "transfer") == Outcome::invalid);
}

TEST_CASE("the successor's bundle shows whose place it takes") {
  Filed filed;
  Transfer here = filed.office.make_transfer();
  here.license_id = named_bytes("the old license", 16);
  here.successor_id = filed.office.license.id;
  CHECK(filed.change(here).verify().verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(filed.office.verify(without_receipt(filed.bundle(), 3)), "transfer") == Outcome::undecided);
}

TEST_CASE("a transfer between two other licenses does not belong in the bundle") {
  Filed filed;
  Transfer elsewhere = filed.office.make_transfer();
  elsewhere.license_id = named_bytes("the old license", 16);
  check_only(filed.change(elsewhere).verify(), {"transfer"}, Outcome::invalid);
}

TEST_CASE("after a key rotation the new key signs, and what the old key signed before stays") {
  Filed filed;
  filed.change(filed.office.make_rotation());
  const PaperVerdict papers = filed.office.verify(filed.bundle(&filed.office.next_owner));
  CHECK(papers.verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(papers, "key-rotation") == Outcome::valid);
}

TEST_CASE("a claimed compromise before the license was issued takes no license away") {
  Filed filed;
  filed.change(filed.office.make_rotation(filed.office.issued_at - 100 * kDay));
  CHECK(filed.office.verify(filed.bundle(&filed.office.next_owner)).verdict.outcome() == Outcome::valid);
}

TEST_CASE("after a key rotation the old key signs nothing") {
  Filed filed;
  const PaperVerdict papers = filed.change(filed.office.make_rotation()).verify();
  CHECK(outcome_of(papers, "license.status") == Outcome::invalid);
  CHECK(detail_of(papers, "license.status").find("signer is") != std::string::npos);
}

TEST_CASE("the new key signs nothing that stands before its rotation") {
  Filed filed;
  filed.by(filed.office.next_owner, filed.office.make_suspension()).change(filed.office.make_rotation());
  const PaperVerdict papers = filed.office.verify(filed.bundle(&filed.office.next_owner));
  CHECK(outcome_of(papers, "suspension") == Outcome::invalid);
  CHECK(detail_of(papers, "suspension").find("signer is") != std::string::npos);
}

TEST_CASE("a rotation without its receipt changes no key") {
  Filed filed;
  filed.change(filed.office.make_rotation());
  const PaperVerdict papers = filed.office.verify(without_receipt(filed.bundle(&filed.office.next_owner), 3));
  CHECK(outcome_of(papers, "key-rotation") == Outcome::undecided);
  CHECK(outcome_of(papers, "license.status") == Outcome::invalid);
}

TEST_CASE("a rotation by a stranger changes no key") {
  Filed filed;
  const PrivateKey stranger = named_key("stranger");
  filed.by(stranger, make_key_rotation(stranger, filed.office.next_owner, named_bytes("id", 16), "mine"));
  const PaperVerdict papers = filed.office.verify(filed.bundle(&filed.office.next_owner));
  CHECK(outcome_of(papers, "key-rotation") == Outcome::invalid);
  CHECK(outcome_of(papers, "license.status") == Outcome::invalid);
}

TEST_CASE("two rotations follow each other, and only the last key signs") {
  Filed filed;
  const PrivateKey third = named_key("third owner");
  const PrivateKey& second = filed.office.next_owner;
  filed.change(filed.office.make_rotation()).by(second, make_key_rotation(second, third, named_bytes("second", 16), "planned"));
  CHECK(filed.office.verify(filed.bundle(&third)).verdict.outcome() == Outcome::valid);
  CHECK(outcome_of(filed.office.verify(filed.bundle(&second)), "license.status") == Outcome::invalid);
}

TEST_CASE("statements of a dispute do not belong in a bundle") {
  Filed filed;
  const PaperVerdict papers = filed.by(filed.office.claimant, filed.office.make_claim()).verify();
  CHECK(outcome_of(papers, "bundle.bytes") == Outcome::invalid);
  CHECK(detail_of(papers, "bundle.bytes").find("dispute-claim") != std::string::npos);
}

}  // namespace stegpass::credential::testing
