#include <stegpass/ledger/policy.hpp>

#include <limits>

#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using credential::Statement;

namespace {

/// The same statement with one byte of its signature changed; only for kinds whose signature decoding does not check.
Statement with_broken_signature(const Statement& statement) {
  auto message = statement.message();
  message.signature[10] ^= 1;
  auto broken = Statement::decode(encode_sign1(message));
  REQUIRE(broken);
  return std::move(*broken);
}

}  // namespace

TEST_CASE("entry 0 must be the ledger's policy") { refuses({}, registration(1), "first-entry", 0); }

TEST_CASE("no entry but the first is a policy") {
  refuses(after({}), policy_statement({kOrigin, log_key().public_key()}), "first-entry");
}

TEST_CASE("nothing is accepted before the policy") { refuses({}, registration(1), "first-entry", 1); }

TEST_CASE("a policy with other rules is refused") {
  credential::LedgerPolicy policy{kOrigin, log_key().public_key()};
  policy.rules = "stegpass.registration-policy.v2";
  auto statement = sign_statement(log_key(), policy, kNow);
  if (statement)
    refuses({}, *statement, "rules-version", 0);
  else
    CHECK(statement.error().code == Errc::usage);  // libcredential does not sign it in the first place
}

TEST_CASE("a license needs its registration in the log") { refuses(after({}), license(1000, 1, 0), "reference"); }

TEST_CASE("a revocation needs its license in the log") { refuses(after({registration(1)}), revocation(50, 1000), "reference"); }

TEST_CASE("a status list needs its registration in the log") { refuses(after({}), status_list(1, {0}), "reference"); }

TEST_CASE("a license by another than the owner is refused") {
  refuses(after({registration(1)}), license(1000, 1, 0, stranger()), "issuer");
}

TEST_CASE("a revocation by another than the owner is refused") {
  refuses(after({registration(1), license(1000, 1, 0)}), revocation(50, 1000, stranger()), "issuer");
}

TEST_CASE("a status list by another than the owner is refused") {
  refuses(after({registration(1)}), status_list(1, {0}, stranger()), "issuer");
}

TEST_CASE("a license whose signature does not verify is refused") {
  refuses(after({registration(1)}), with_broken_signature(license(1000, 1, 0)), "signature");
}

TEST_CASE("a refused signature leaves room for the true statement") {
  auto policy = after({registration(1)});
  REQUIRE_FALSE(policy.accept(with_broken_signature(license(1000, 1, 0)), 2, kNow).ok());
  CHECK(policy.accept(license(1000, 1, 0), 2, kNow));
}

TEST_CASE("a registration's id is taken once") { refuses(after({registration(1)}), registration(1, owner(), 2), "new-id"); }

TEST_CASE("a license's id is taken once, over all registrations") {
  refuses(after({registration(1), registration(2, owner(), 7), license(1000, 1, 0)}), license(1000, 2, 0), "new-id");
}

TEST_CASE("a license cannot take a registration's id") { refuses(after({registration(1)}), license(1, 1, 0), "new-id"); }

TEST_CASE("a revocation's id is taken once") {
  refuses(after({registration(1), license(1000, 1, 0), license(1001, 1, 1), revocation(50, 1000)}), revocation(50, 1001),
          "new-id");
}

TEST_CASE("a status index serves one license of a registration") {
  refuses(after({registration(1), license(1000, 1, 5)}), license(1001, 1, 5), "status-index");
}

TEST_CASE("the same status index under another registration is no clash") {
  auto policy = after({registration(1), registration(2, owner(), 7), license(1000, 1, 5)});
  CHECK(policy.accept(license(1001, 2, 5), 4, kNow));
}

TEST_CASE("a statement may be dated up to the skew after now") {
  auto policy = after({});
  CHECK(policy.accept(registration(1, owner(), 1, kNow + 300), 1, kNow));
}

TEST_CASE("a statement dated beyond the skew is refused") { refuses(after({}), registration(1, owner(), 1, kNow + 301), "time"); }

TEST_CASE("a license dated before its registration is refused") {
  refuses(after({registration(1)}), license(1000, 1, 0, owner(), kNow - 1), "time");
}

TEST_CASE("a license is revoked once") {
  refuses(after({registration(1), license(1000, 1, 0), revocation(50, 1000)}), revocation(51, 1000), "revoked-once");
}

TEST_CASE("a revocation is seen at its license, with its index") {
  const auto policy = after({registration(1), license(1000, 1, 0), revocation(50, 1000)});
  const auto* state = policy.registration_of_license(id(1000));
  REQUIRE(state);
  CHECK(state->licenses.at("000000000000000000000000000003e8").revoked_by == 3u);
}

TEST_CASE("a status list that calls a revoked license valid is refused") {
  refuses(after({registration(1), license(1000, 1, 0), revocation(50, 1000)}), status_list(1, {credential::StatusList::valid}),
          "status-list");
}

TEST_CASE("a status list that calls a revoked license suspended is refused") {
  refuses(after({registration(1), license(1000, 1, 0), revocation(50, 1000)}),
          status_list(1, {credential::StatusList::suspended}), "status-list");
}

TEST_CASE("a status list that is too short for a revoked license is refused") {
  refuses(after({registration(1), license(1000, 1, 3), revocation(50, 1000)}), status_list(1, {0, 0, 0}), "status-list");
}

TEST_CASE("a status list stricter than the log is accepted, and known as the newest") {
  auto policy = after({registration(1), license(1000, 1, 0), license(1001, 1, 1), revocation(50, 1000)});
  REQUIRE(policy.accept(status_list(1, {credential::StatusList::revoked, credential::StatusList::suspended}), 5, kNow));
  CHECK(policy.registration(id(1))->newest_status == 5u);
}

TEST_CASE("a second registration of a model by somebody else is accepted, and both are contested") {
  const auto policy = after({registration(1), registration(2, stranger())});
  CHECK(policy.registration(id(1))->contested);
  CHECK(policy.registration(id(2))->contested);
}

TEST_CASE("an owner who registers his model again contests nothing") {
  const auto policy = after({registration(1), registration(2)});
  CHECK_FALSE(policy.registration(id(1))->contested);
  CHECK_FALSE(policy.registration(id(2))->contested);
}

TEST_CASE("registrations of different models do not contest each other") {
  const auto policy = after({registration(1), registration(2, stranger(), 9)});
  CHECK_FALSE(policy.registration(id(1))->contested);
}

TEST_CASE("both owners of a contested model go on licensing under their own registration only") {
  auto policy = after({registration(1), registration(2, stranger())});
  CHECK(policy.accept(license(1000, 1, 0), 3, kNow));
  CHECK(policy.accept(license(1001, 2, 0, stranger()), 4, kNow));
  refuses(policy, license(1002, 1, 1, stranger()), "issuer");
}

TEST_CASE("the key to verify by is the owner's where the signature is left to the caller") {
  auto policy = after({registration(1)});
  const auto key = policy.accept_unverified(with_broken_signature(license(1000, 1, 0)), 2, kNow);
  REQUIRE(key);
  CHECK(*key == owner().public_key());
}

TEST_CASE("dates at the ends of the number range are judged, not overflowed") {
  auto policy = after({});
  CHECK_FALSE(policy.accept(registration(1), 1, std::numeric_limits<std::int64_t>::min()).ok());
  CHECK(policy.accept(registration(1), 1, std::numeric_limits<std::int64_t>::max()));
}
