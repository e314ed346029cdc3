// Suspension, reinstatement, renewal, transfer and key rotation: what is signed comes back, and what breaks a rule is not signed.
#include <functional>

#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

constexpr std::int64_t kThen = kNow - kDay;

template <class Body>
Body round_trip(const PrivateKey& key, const Body& body, StatementKind kind, const std::string& subject) {
  const Statement read = Statement::decode(Office::sign(key, body, kThen).entry()).value();
  CHECK(read.kind() == kind);
  CHECK(read.subject() == subject);
  CHECK(verify_statement(read, key.public_key()));
  return *read.as<Body>();
}

// Whether a body that was good is refused as the caller's mistake once `break_rule` has been at it.
template <class Body>
bool refused(const PrivateKey& key, Body body, const std::function<void(Body&)>& break_rule) {
  REQUIRE(sign_statement(key, body, kThen));
  break_rule(body);
  const Result<Statement> out = sign_statement(key, body, kThen);
  return !out && out.error().code == Errc::usage && !out.error().detail.empty();
}

}  // namespace

TEST_CASE("a suspension comes back as it was signed, under the license's subject") {
  const Office office;
  const Suspension wrote = office.make_suspension();
  const Suspension read = round_trip(office.owner, wrote, StatementKind::suspension, license_urn(office.license.id));
  CHECK(read.id == wrote.id);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.reason == wrote.reason);
  CHECK(read.effective == wrote.effective);
}

TEST_CASE("a reinstatement comes back as it was signed, with the suspension that it ends") {
  const Office office;
  const Reinstatement wrote = office.make_reinstatement();
  const Reinstatement read = round_trip(office.owner, wrote, StatementKind::reinstatement, license_urn(office.license.id));
  CHECK(read.id == wrote.id);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.suspension_id == wrote.suspension_id);
  CHECK(read.reason == wrote.reason);
  CHECK(read.effective == wrote.effective);
}

TEST_CASE("a renewal comes back as it was signed, with the new end") {
  const Office office;
  const Renewal wrote = office.make_renewal();
  const Renewal read = round_trip(office.owner, wrote, StatementKind::renewal, license_urn(office.license.id));
  CHECK(read.id == wrote.id);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.expires == wrote.expires);
}

TEST_CASE("a transfer comes back as it was signed, under the subject of the license that ends") {
  const Office office;
  const Transfer wrote = office.make_transfer();
  const Transfer read = round_trip(office.owner, wrote, StatementKind::transfer, license_urn(office.license.id));
  CHECK(read.id == wrote.id);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.successor_id == wrote.successor_id);
  CHECK(read.reason == wrote.reason);
  CHECK(read.effective == wrote.effective);
}

TEST_CASE("a key rotation comes back as it was signed, with and without a claimed compromise") {
  const Office office;
  for (const auto claimed : {std::optional<std::int64_t>{}, std::optional<std::int64_t>{kThen - 5 * kDay}}) {
    const KeyRotation wrote = office.make_rotation(claimed);
    const KeyRotation read =
        round_trip(office.owner, wrote, StatementKind::key_rotation, key_urn(office.owner.public_key().thumbprint()));
    CHECK(read.id == wrote.id);
    CHECK(read.old_key == office.owner.public_key().thumbprint());
    CHECK(read.new_key == office.next_owner.public_key());
    CHECK(read.proof == wrote.proof);
    CHECK(read.reason == wrote.reason);
    CHECK(read.compromised == claimed);
  }
}

TEST_CASE("a P-256 key can hand over to an Ed25519 key and back") {
  const PrivateKey p256 = named_key("p-256 owner", KeyType::p256), ed25519 = named_key("owner");
  for (const auto& [from, to] : {std::pair{&p256, &ed25519}, std::pair{&ed25519, &p256}}) {
    CHECK(sign_statement(*from, make_key_rotation(*from, *to, named_bytes("id", 16), "planned"), kThen));
  }
}

TEST_CASE("a suspension has ids of 16 bytes and a reason, and is never dated before itself") {
  const Office office;
  const auto broken = [&](const std::function<void(Suspension&)>& rule) {
    return refused(office.owner, office.make_suspension(), rule);
  };
  CHECK(broken([](Suspension& s) { s.id.pop_back(); }));
  CHECK(broken([](Suspension& s) { s.license_id.push_back(0); }));
  CHECK(broken([](Suspension& s) { s.reason.clear(); }));
  CHECK(broken([](Suspension& s) { s.reason = "a\x1b[2J"; }));
  CHECK(broken([](Suspension& s) { s.reason = std::string(1001, 'a'); }));
  CHECK(broken([](Suspension& s) { s.effective = kThen - 1; }));
  CHECK(broken([](Suspension& s) { s.effective = 253402300800; }));
}

TEST_CASE("a reinstatement names a suspension, and is never dated before itself") {
  const Office office;
  const auto broken = [&](const std::function<void(Reinstatement&)>& rule) {
    return refused(office.owner, office.make_reinstatement(), rule);
  };
  CHECK(broken([](Reinstatement& r) { r.suspension_id.clear(); }));
  CHECK(broken([](Reinstatement& r) { r.suspension_id = r.license_id; }));
  CHECK(broken([](Reinstatement& r) { r.reason.clear(); }));
  CHECK(broken([](Reinstatement& r) { r.effective = kThen - 1; }));
}

TEST_CASE("a renewal ends after it was signed") {
  const Office office;
  const auto broken = [&](const std::function<void(Renewal&)>& rule) {
    return refused(office.owner, office.make_renewal(), rule);
  };
  CHECK(broken([](Renewal& r) { r.expires = kThen; }));
  CHECK(broken([](Renewal& r) { r.expires = 253402300800; }));
  CHECK(broken([](Renewal& r) { r.license_id.clear(); }));
}

TEST_CASE("a transfer goes to another license, and is never dated before itself") {
  const Office office;
  const auto broken = [&](const std::function<void(Transfer&)>& rule) {
    return refused(office.owner, office.make_transfer(), rule);
  };
  CHECK(broken([](Transfer& t) { t.successor_id = t.license_id; }));
  CHECK(broken([](Transfer& t) { t.successor_id.pop_back(); }));
  CHECK(broken([](Transfer& t) { t.effective = kThen - 1; }));
}

TEST_CASE("a key rotation needs the new key's own signature over this very rotation") {
  const Office office;
  const auto broken = [&](const std::function<void(KeyRotation&)>& rule) {
    return refused(office.owner, office.make_rotation(), rule);
  };
  CHECK(broken([](KeyRotation& r) { r.proof[3] ^= 1; }));
  CHECK(broken([](KeyRotation& r) { r.proof.pop_back(); }));
  CHECK(broken([](KeyRotation& r) { r.id = named_bytes("another", 16); }));
  CHECK(broken([&](KeyRotation& r) { r.new_key = named_key("stranger").public_key(); }));
  CHECK(broken([&](KeyRotation& r) { r = make_key_rotation(office.owner, office.owner, r.id, r.reason); }));
}

TEST_CASE("only the old key signs its rotation") {
  const Office office;
  CHECK(sign_statement(office.next_owner, office.make_rotation(), kThen).error().code == Errc::usage);
  CHECK(sign_statement(named_key("stranger"), office.make_rotation(), kThen).error().code == Errc::usage);
}

TEST_CASE("a key is not compromised in the future") {
  const Office office;
  CHECK(sign_statement(office.owner, office.make_rotation(kThen), kThen));
  CHECK(sign_statement(office.owner, office.make_rotation(kThen + 1), kThen).error().code == Errc::usage);
}

}  // namespace stegpass::credential::testing
