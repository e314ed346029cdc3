// Claim, evidence and finding: what is signed comes back, and what breaks a rule is not signed.
#include <functional>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

template <class Body>
Body round_trip(const PrivateKey& key, const Body& body) {
  const Statement read = Statement::decode(Office::sign(key, body, kNow).entry()).value();
  CHECK(read.subject() == dispute_urn(named_bytes("dispute", 16)));
  CHECK(read.kid() == key.public_key().thumbprint());
  return *read.as<Body>();
}

template <class Body>
bool dispute_refused(const PrivateKey& key, Body body, const std::function<void(Body&)>& break_rule) {
  REQUIRE(sign_statement(key, body, kNow));
  break_rule(body);
  const Result<Statement> out = sign_statement(key, body, kNow);
  return !out && out.error().code == Errc::usage && !out.error().detail.empty();
}

}  // namespace

TEST_CASE("a dispute claim comes back as it was signed, on every ground") {
  const Office office;
  for (const auto ground : {DisputeGround::ownership, DisputeGround::license, DisputeGround::infringement}) {
    DisputeClaim wrote = office.make_claim();
    wrote.ground = ground;
    const DisputeClaim read = round_trip(office.claimant, wrote);
    CHECK(read.claimant == wrote.claimant);
    CHECK(read.id == wrote.id);
    CHECK(read.registration_id == wrote.registration_id);
    CHECK(read.ground == ground);
    CHECK(read.statement == wrote.statement);
    CHECK(read.arbiter == wrote.arbiter);
  }
}

TEST_CASE("evidence comes back as it was signed") {
  const Office office;
  const DisputeEvidence wrote = office.make_evidence(), read = round_trip(office.claimant, wrote);
  CHECK(read.party == wrote.party);
  CHECK(read.id == wrote.id);
  CHECK(read.dispute_id == wrote.dispute_id);
  CHECK(read.media_type == wrote.media_type);
  CHECK(read.bytes == wrote.bytes);
  CHECK(read.digest == wrote.digest);
  CHECK(read.note == wrote.note);
}

TEST_CASE("a finding comes back as it was signed, with every outcome and with no evidence") {
  const Office office;
  for (const auto outcome : {DisputeOutcome::upheld, DisputeOutcome::rejected, DisputeOutcome::undecided}) {
    DisputeFinding wrote = office.make_finding();
    wrote.outcome = outcome;
    if (outcome == DisputeOutcome::undecided) wrote.evidence.clear();
    const DisputeFinding read = round_trip(office.arbiter, wrote);
    CHECK(read.arbiter == wrote.arbiter);
    CHECK(read.id == wrote.id);
    CHECK(read.dispute_id == wrote.dispute_id);
    CHECK(read.outcome == outcome);
    CHECK(read.reason == wrote.reason);
    CHECK(read.evidence == wrote.evidence);
  }
}

TEST_CASE("a claimant is not his own arbiter, and says what he claims") {
  const Office office;
  const auto broken = [&](const std::function<void(DisputeClaim&)>& rule) {
    return dispute_refused(office.claimant, office.make_claim(), rule);
  };
  CHECK(broken([](DisputeClaim& c) { c.arbiter = c.claimant.thumbprint(); }));
  CHECK(broken([](DisputeClaim& c) { c.statement.clear(); }));
  CHECK(broken([](DisputeClaim& c) { c.statement = std::string(8001, 'a'); }));
  CHECK(broken([](DisputeClaim& c) { c.registration_id.clear(); }));
}

TEST_CASE("nobody signs what carries another's key") {
  const Office office;
  const PrivateKey stranger = named_key("stranger");
  CHECK(sign_statement(stranger, office.make_claim(), kNow).error().code == Errc::usage);
  CHECK(sign_statement(stranger, office.make_evidence(), kNow).error().code == Errc::usage);
  CHECK(sign_statement(stranger, office.make_finding(), kNow).error().code == Errc::usage);
}

TEST_CASE("a claim with a bad signature is refused when it is read") {
  const Office office;
  Sign1 message = Office::sign(office.claimant, office.make_claim(), kNow).message();
  message.signature[7] ^= 1;
  CHECK(Statement::decode(encode_sign1(message)).error().code == Errc::malformed);
}

TEST_CASE("evidence names a file of a size that a file can have") {
  const Office office;
  const auto broken = [&](const std::function<void(DisputeEvidence&)>& rule) {
    return dispute_refused(office.claimant, office.make_evidence(), rule);
  };
  CHECK(broken([](DisputeEvidence& e) { e.bytes = (std::uint64_t{1} << 53) + 1; }));
  CHECK(broken([](DisputeEvidence& e) { e.bytes = ~std::uint64_t{0}; }));
  CHECK(broken([](DisputeEvidence& e) { e.media_type.clear(); }));
  CHECK(broken([](DisputeEvidence& e) { e.media_type = std::string(128, 'a'); }));
  CHECK(broken([](DisputeEvidence& e) { e.dispute_id.pop_back(); }));
}

TEST_CASE("a finding names each piece of evidence once, and not too many") {
  const Office office;
  const auto broken = [&](const std::function<void(DisputeFinding&)>& rule) {
    return dispute_refused(office.arbiter, office.make_finding(), rule);
  };
  CHECK(broken([](DisputeFinding& f) { f.evidence.push_back(f.evidence[0]); }));
  CHECK(broken([](DisputeFinding& f) { f.evidence[0].pop_back(); }));
  CHECK(broken([](DisputeFinding& f) {
    for (int i = 0; i < 1001; ++i) f.evidence.push_back(named_bytes("evidence " + std::to_string(i), 16));
  }));
  CHECK(broken([](DisputeFinding& f) { f.reason.clear(); }));
}

}  // namespace stegpass::credential::testing
