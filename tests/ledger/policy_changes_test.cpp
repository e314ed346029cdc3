// The rules for what changes a license, an owner's key and a dispute.
#include <stegpass/credential/core/text.hpp>
#include <stegpass/ledger/policy.hpp>

#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using credential::PrivateKey;
using credential::Statement;
using credential::StatusList;

namespace {

constexpr std::int64_t kEnd = kNow + 1'000'000;  // of the licenses of these tests

const PrivateKey& next_owner() {
  static const PrivateKey key = PrivateKey::generate(credential::KeyType::ed25519);
  return key;
}
const PrivateKey& arbiter() {
  static const PrivateKey key = PrivateKey::generate(credential::KeyType::p256);
  return key;
}

/// Registration 1 with licenses 1000 and 1001 to two people, then what a test adds.
std::vector<Statement> shop(std::vector<Statement> more = {}) {
  std::vector<Statement> out{registration(1), license(1000, 1, 0), license_to(next_owner().public_key(), 1001, 1, 1)};
  for (auto& statement : more) out.push_back(std::move(statement));
  return out;
}

LicenseState state_of(const RegistrationPolicy& policy, std::uint64_t number) {
  return policy.registration_of_license(id(number))->licenses.at(to_hex(id(number)));
}

Statement claim(std::uint64_t number, const PrivateKey& by = stranger(), const PrivateKey& judge = arbiter()) {
  return *credential::sign_statement(
      by,
      credential::DisputeClaim{by.public_key(), id(number), id(1), credential::DisputeGround::ownership, "it is ours",
                               judge.public_key().thumbprint()},
      kNow);
}
Statement evidence(std::uint64_t number, std::uint64_t dispute, const PrivateKey& by = stranger()) {
  return *credential::sign_statement(
      by, credential::DisputeEvidence{by.public_key(), id(number), id(dispute), "text/plain", 9, {}, "a letter"}, kNow);
}
Statement finding(std::uint64_t number, std::uint64_t dispute, const std::vector<Bytes>& considered,
                  const PrivateKey& by = arbiter()) {
  return *credential::sign_statement(by,
                                     credential::DisputeFinding{by.public_key(), id(number), id(dispute),
                                                                credential::DisputeOutcome::upheld, "so it is", considered},
                                     kNow);
}

}  // namespace

TEST_CASE("a suspended license is suspended until it is reinstated, and can be suspended again") {
  CHECK(state_of(after(shop({suspension(50, 1000)})), 1000).state() == StatusList::suspended);
  const auto reinstated = after(shop({suspension(50, 1000), reinstatement(51, 1000, 50)}));
  CHECK(state_of(reinstated, 1000).state() == StatusList::valid);
  CHECK(state_of(reinstated, 1000).suspended_by == 4u);
  CHECK(state_of(reinstated, 1000).reinstated_by == 5u);
  const auto again = after(shop({suspension(50, 1000), reinstatement(51, 1000, 50), suspension(52, 1000)}));
  CHECK(state_of(again, 1000).suspended());
  CHECK(state_of(again, 1001).state() == StatusList::valid);
}

TEST_CASE("a suspended license is not suspended twice") {
  refuses(after(shop({suspension(50, 1000)})), suspension(51, 1000), "suspension");
}

TEST_CASE("a reinstatement ends the suspension in force and no other") {
  refuses(after(shop()), reinstatement(51, 1000, 50), "suspension");
  refuses(after(shop({suspension(50, 1000)})), reinstatement(51, 1000, 49), "suspension");
  refuses(after(shop({suspension(50, 1000), reinstatement(51, 1000, 50)})), reinstatement(52, 1000, 50), "suspension");
}

TEST_CASE("changes need their license in the log, its owner, and ids of their own") {
  refuses(after(shop()), suspension(50, 999), "reference");
  refuses(after(shop()), renewal(50, 999, kEnd + 1), "reference");
  refuses(after(shop()), suspension(50, 1000, stranger()), "issuer");
  refuses(after(shop({suspension(50, 1000)})), reinstatement(51, 1000, 50, stranger()), "issuer");
  refuses(after(shop()), renewal(50, 1000, kEnd + 1, stranger()), "issuer");
  refuses(after(shop()), transfer(50, 1000, 1001, stranger()), "issuer");
  refuses(after(shop({suspension(50, 1000)})), renewal(50, 1000, kEnd + 1), "new-id");
  refuses(after(shop()), suspension(1000, 1000), "new-id");
}

TEST_CASE("a revoked license is changed no more") {
  const auto policy = after(shop({revocation(50, 1000)}));
  refuses(policy, suspension(51, 1000), "license-ended");
  refuses(policy, renewal(51, 1000, kEnd + 1), "license-ended");
  refuses(policy, transfer(51, 1000, 1001), "license-ended");
}

TEST_CASE("a suspended license can be revoked") {
  CHECK(state_of(after(shop({suspension(50, 1000), revocation(51, 1000)})), 1000).state() == StatusList::revoked);
}

TEST_CASE("a renewal puts the end off, again and again, and never brings it nearer") {
  const auto policy = after(shop({renewal(50, 1000, kEnd + 10), renewal(51, 1000, kEnd + 20)}));
  CHECK(state_of(policy, 1000).expires() == kEnd + 20);
  CHECK(state_of(policy, 1000).renewed_by == 5u);
  refuses(policy, renewal(52, 1000, kEnd + 20), "renewal");
  refuses(after(shop()), renewal(50, 1000, kEnd), "renewal");
}

TEST_CASE("a transfer ends one license in favour of the other, for good") {
  const auto policy = after(shop({transfer(50, 1000, 1001)}));
  CHECK(state_of(policy, 1000).state() == StatusList::revoked);
  CHECK(state_of(policy, 1001).state() == StatusList::valid);
  CHECK(state_of(policy, 1001).succeeds_by == 4u);
  refuses(policy, suspension(51, 1000), "license-ended");
  refuses(policy, revocation(51, 1000), "license-ended");
  refuses(policy, transfer(51, 1001, 1000), "transfer");
}

TEST_CASE("a transfer goes to another's license in force under the same registration") {
  refuses(after(shop()), transfer(50, 1000, 999), "reference");
  refuses(after(shop({registration(2, owner(), 7), license_to(arbiter().public_key(), 1002, 2, 0)})), transfer(50, 1000, 1002),
          "reference");
  refuses(after(shop({license(1002, 1, 2)})), transfer(50, 1000, 1002), "transfer");
  refuses(after(shop({suspension(50, 1001)})), transfer(51, 1000, 1001), "transfer");
  refuses(after(shop({suspension(50, 1000)})), transfer(51, 1000, 1001), "suspension");
  refuses(after(shop({transfer(50, 1000, 1001), license(1002, 1, 2)})), transfer(51, 1002, 1001), "transfer");
}

TEST_CASE("a status list says nothing milder than suspensions and transfers") {
  const auto suspended = after(shop({suspension(50, 1000)}));
  refuses(suspended, status_list(1, {0, 0}), "status-list");
  refuses(suspended, status_list(1, {}), "status-list");
  CHECK(RegistrationPolicy(suspended).accept(status_list(1, {2, 0}), 9, kNow));
  CHECK(RegistrationPolicy(suspended).accept(status_list(1, {1, 0}), 9, kNow));
  refuses(after(shop({transfer(50, 1000, 1001)})), status_list(1, {2, 0}), "status-list");
  CHECK(after(shop({suspension(50, 1000), reinstatement(51, 1000, 50)})).accept(status_list(1, {0, 0}), 9, kNow));
}

TEST_CASE("after a key rotation the new key signs for every registration of the old one, and the old key for none") {
  auto policy = after(shop({registration(2, owner(), 7), registration(3, stranger(), 8), rotation(50, owner(), next_owner())}));
  refuses(policy, license(1002, 1, 2), "issuer");
  refuses(policy, license(1002, 2, 0), "issuer");
  refuses(policy, suspension(51, 1000), "issuer");
  refuses(policy, status_list(1, {0, 0}), "issuer");
  refuses(policy, registration(4, owner(), 9), "rotated-key");
  CHECK(policy.accept(license(1002, 1, 2, next_owner()), 7, kNow));
  CHECK(policy.accept(license(1003, 2, 0, next_owner()), 8, kNow));
  CHECK(policy.accept(suspension(51, 1000, next_owner()), 9, kNow));
  CHECK(policy.accept(license(1004, 3, 0, stranger()), 10, kNow));
  CHECK(policy.registration(id(1))->rotations == std::vector<std::uint64_t>{6});
  CHECK(policy.registration(id(3))->rotations.empty());
}

TEST_CASE("a claimed compromise never reaches back") {
  const auto policy = after(shop({rotation(50, owner(), next_owner(), kNow - 1'000'000)}));
  CHECK(state_of(policy, 1000).state() == StatusList::valid);
  CHECK(policy.registration(id(1))->registration.owner == owner().public_key());
}

TEST_CASE("a key hands over once, and never to a key that handed over or to the log's") {
  const auto policy = after(shop({rotation(50, owner(), next_owner())}));
  refuses(policy, rotation(51, owner(), arbiter()), "rotated-key");
  refuses(policy, rotation(51, next_owner(), owner()), "rotated-key");
  refuses(after(shop()), rotation(50, owner(), log_key()), "rotated-key");
  refuses(after(shop()), rotation(50, stranger(), next_owner()), "reference");
  CHECK(RegistrationPolicy(policy).accept(rotation(51, next_owner(), arbiter()), 9, kNow));
}

TEST_CASE("an owner who changed keys does not contest his own model") {
  auto policy = after(shop({rotation(50, owner(), next_owner())}));
  REQUIRE(policy.accept(registration(2, next_owner(), 1), 5, kNow));
  CHECK_FALSE(policy.registration(id(1))->contested);
  CHECK_FALSE(policy.registration(id(2))->contested);
}

TEST_CASE("a dispute is claimed, argued by both sides and decided once by its arbiter") {
  const auto policy = after(shop({claim(60), evidence(61, 60), evidence(62, 60, owner()), finding(63, 60, {id(61), id(62)})}));
  const auto& dispute = policy.registration(id(1))->disputes.at(to_hex(id(60)));
  CHECK(dispute.index == 4);
  CHECK(dispute.evidence.size() == 2);
  CHECK(dispute.finding == 7u);
  CHECK(dispute.outcome == credential::DisputeOutcome::upheld);
  refuses(policy, evidence(64, 60), "dispute");
  refuses(policy, finding(64, 60, {}), "dispute");
}

TEST_CASE("a dispute needs a registration, and an owner neither claims nor judges") {
  refuses(after({}), claim(60), "reference");
  refuses(after(shop()), claim(60, owner()), "dispute");
  refuses(after(shop()), claim(60, stranger(), owner()), "dispute");
  refuses(after(shop({claim(60)})), claim(60), "new-id");
}

TEST_CASE("only the parties give evidence, and only the arbiter finds, about evidence that there is") {
  const auto policy = after(shop({claim(60), claim(70), evidence(61, 60)}));
  refuses(policy, evidence(62, 60, next_owner()), "issuer");
  refuses(policy, evidence(62, 59), "reference");
  refuses(policy, finding(62, 60, {}, stranger()), "issuer");
  refuses(policy, finding(62, 60, {id(99)}), "reference");
  refuses(policy, finding(62, 70, {id(61)}), "reference");
}

TEST_CASE("a log of every kind of change is audited like any other") {
  const TempFolder folder;
  make_log(folder / "log", shop({suspension(50, 1000), reinstatement(51, 1000, 50), renewal(52, 1000, kEnd + 1),
                                 transfer(53, 1000, 1001), claim(60), evidence(61, 60), finding(62, 60, {id(61)}),
                                 rotation(54, owner(), next_owner()), status_list(1, {1, 0}, next_owner())}));
  const auto report = audit_folder(folder / "log");
  REQUIRE(report);
  CHECK(invalid_checks(report->verdict).empty());
}
