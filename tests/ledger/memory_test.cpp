// The rules' memory in the database: a log that is opened again for every statement decides as one that was never closed.

#include "layout.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using namespace stegpass::credential;
using Catch::Matchers::Contains;

namespace {

const PrivateKey& next_owner() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}

/// Statements that the rules take and refuse, for what each kind looks at.
std::vector<Statement> stories() {
  return {registration(1),
          registration(2, next_owner(), 1),  // the same model by another: both contested
          registration(1, owner(), 7),       // id taken
          license(1000, 1, 0),
          license(1001, 1, 1),
          license(1002, 1, 2),
          license(1003, 1, 2),              // status index taken
          license(1004, 9, 0),              // no such registration
          license(1005, 1, 9, stranger()),  // not the owner
          suspension(50, 1000),
          suspension(51, 1000),       // suspended already
          status_list(1, {0, 0, 0}),  // milder than the ledger
          status_list(1, {2, 0, 0}),
          reinstatement(52, 1000, 49),  // not the suspension in force
          reinstatement(53, 1000, 50),
          reinstatement(54, 1000, 50),  // not suspended
          status_list(1, {0, 0, 0}),
          renewal(55, 1001, kNow + 2'000'000),
          renewal(56, 1001, kNow + 1'500'000),  // no later than the end so far
          license_to(next_owner().public_key(), 1006, 1, 3),
          transfer(57, 1002, 1006),
          transfer(58, 1002, 1006),  // at its end
          revocation(59, 1001),
          revocation(60, 1001),                 // revoked already
          renewal(61, 1001, kNow + 9'000'000),  // at its end
          status_list(1, {0, 1, 0}),            // 1002 was transferred
          status_list(1, {0, 1, 1, 0}),
          rotation(62, owner(), stranger()),
          license(1007, 1, 5),  // by the key that handed over
          license(1007, 1, 5, stranger()),
          registration(3, owner(), 8),  // likewise
          rotation(63, owner(), stranger()),
          revocation(62, 1000, stranger()),  // id taken by the rotation
          revocation(64, 1000, stranger())};
}

}  // namespace

TEST_CASE("a log opened again before every statement decides as the rules in memory do") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  RegistrationPolicy rules;
  REQUIRE(rules.accept(*Statement::decode(*Ledger::open(temp / "log", Ledger::Mode::read)->entry(0)), 0, kNow));
  std::uint64_t size = 1;
  for (const auto& statement : stories()) {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    const auto expected = rules.accept(statement, size, kNow);
    const auto found = log->append({statement}, log_key(), kNow);
    INFO("at size " << size << ": " << (expected ? "taken" : expected.error().detail));
    REQUIRE(found.ok() == expected.ok());
    if (!found) CHECK(found.error().detail == expected.error().detail);
    size += expected.ok();
    CHECK(log->size() == size);
  }
  CHECK(size == 18);
  const auto report = audit_folder(temp / "log");
  REQUIRE(report);
  CHECK(invalid_checks(report->verdict) == "");
  CHECK(report->verdict.find("audit.memory")->outcome == Outcome::valid);
}

TEST_CASE("a call that is refused in its middle leaves the rules where they were") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1), license(1000, 1, 0)});
  const auto refused = log.append({suspension(50, 1000), license(1001, 1, 1), suspension(51, 1000)}, log_key(), kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, Contains("new statement 3 of 3"));
  REQUIRE(log.append({license(1001, 1, 1), suspension(50, 1000)}, log_key(), kNow));
  CHECK_THAT(log.append({suspension(51, 1000)}, log_key(), kNow).error().detail, Contains("suspended already, by entry 4"));
}

TEST_CASE("an altered memory of the rules is found by the audit") {
  const auto finds = [](const Bytes& key, const Bytes& value) {
    TempFolder temp;
    { const auto log = make_log(temp / "log", {registration(1), license(1000, 1, 0), suspension(50, 1000)}); }
    value.empty() ? tamper_delete(temp / "log", key) : tamper_put(temp / "log", key, value);
    const auto report = audit_folder(temp / "log");
    REQUIRE(report);
    CHECK(invalid_checks(report->verdict) == "audit.memory");
  };
  finds(layout::statement(id(1000)), Bytes(56, 0));
  finds(layout::statement(id(50)), {});
  finds(layout::status_index(id(1), 0), {});
  finds(layout::status_index(id(1), 7), layout::number_value(2));
  finds(layout::out_of_force(id(1), id(1000)), Bytes{0});
  finds(layout::out_of_force(id(1), id(1000)), {});
  finds(layout::registrations_of(owner().public_key().thumbprint(), 1), {});
}

TEST_CASE("a memory that is cut off refuses the statement that needs it") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", {registration(1), license(1000, 1, 0)}); }
  tamper_put(temp / "log", layout::statement(id(1000)), Bytes(9, 1));
  auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE(log);
  CHECK(log->append({suspension(50, 1000)}, log_key(), kNow).error().code == Errc::malformed);
}
