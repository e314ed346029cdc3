#include <functional>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

// Whether signing is refused as the caller's mistake once `break_rule` has been at the office.
bool refuses(const std::function<void(Office&)>& break_rule, const std::function<StatementBody(const Office&)>& body) {
  Office office;
  break_rule(office);
  const StatementBody made = body(office);
  const Result<Statement> out = sign_statement(made.index() == 0 ? office.log.key : office.owner, made, kNow);
  return !out && out.error().code == Errc::usage && !out.error().detail.empty();
}

bool registration_refused(const std::function<void(Registration&)>& break_rule) {
  return refuses([&](Office& office) { break_rule(office.registration); },
                 [](const Office& office) { return office.registration; });
}
bool license_refused(const std::function<void(License&)>& break_rule) {
  return refuses([&](Office& office) { break_rule(office.license); }, [](const Office& office) { return office.license; });
}
bool status_refused(const std::function<void(StatusList&)>& break_rule) {
  return refuses([&](Office& office) { break_rule(office.status); }, [](const Office& office) { return office.status; });
}
bool policy_refused(const std::function<void(LedgerPolicy&)>& break_rule) {
  return refuses([&](Office& office) { break_rule(office.policy_body); },
                 [](const Office& office) { return office.policy_body; });
}
bool revocation_refused(const std::function<void(Revocation&)>& break_rule) {
  return refuses(
      [&](Office& office) {
        office.revocation = office.make_revocation();
        office.revocation->effective = kNow;
        break_rule(*office.revocation);
      },
      [](const Office& office) { return *office.revocation; });
}

}  // namespace

TEST_CASE("bodies that keep the rules are signed") {
  CHECK_FALSE(registration_refused([](Registration&) {}));
  CHECK_FALSE(license_refused([](License&) {}));
  CHECK_FALSE(status_refused([](StatusList&) {}));
  CHECK_FALSE(policy_refused([](LedgerPolicy&) {}));
  CHECK_FALSE(revocation_refused([](Revocation&) {}));
}

TEST_CASE("a registration's id has 16 bytes") {
  CHECK(registration_refused([](Registration& r) { r.id.pop_back(); }));
  CHECK(registration_refused([](Registration& r) { r.id.push_back(0); }));
}

TEST_CASE("a registration's model is a file name without folders") {
  for (const char* name : {"", ".", "..", "a/b", "a\\b", "a\nb", "a\x1b[2J", "a\x7f", "a\xc2\x9b", "\xff"}) {
    CHECK(registration_refused([&](Registration& r) { r.model_name = name; }));
  }
  CHECK(registration_refused([](Registration& r) { r.model_name = std::string(256, 'a'); }));
  CHECK_FALSE(registration_refused([](Registration& r) { r.model_name = "mod\xc3\xa8le.safetensors"; }));
}

TEST_CASE("a registration counts its tensors") {
  CHECK(registration_refused([](Registration& r) { r.tensor_count = 0; }));
  CHECK(registration_refused([](Registration& r) { r.tensor_count = (1u << 24) + 1; }));
}

TEST_CASE("a registration commits to at least two reserves") {
  CHECK(registration_refused([](Registration& r) { r.mark.reserves.pop_back(); }));
  CHECK(registration_refused([](Registration& r) { r.mark.reserves.clear(); }));
  CHECK(registration_refused([](Registration& r) { r.mark.reserves.resize(65); }));
}

TEST_CASE("a registration names its passport layers") {
  CHECK(registration_refused([](Registration& r) { r.mark.layers.clear(); }));
  CHECK(registration_refused([](Registration& r) { r.mark.layers[1] = ""; }));
  CHECK(registration_refused([](Registration& r) { r.mark.layers.assign(4097, "x"); }));
}

TEST_CASE("a registration's scheme, signature and pooling are known ones") {
  CHECK(registration_refused([](Registration& r) { r.mark.scheme = "other"; }));
  CHECK(registration_refused([](Registration& r) { r.mark.signature = "loose"; }));
  CHECK(registration_refused([](Registration& r) { r.mark.pooling = "max"; }));
  CHECK_FALSE(registration_refused([](Registration& r) { r.mark.signature = "reference", r.mark.pooling = "mean"; }));
}

TEST_CASE("a registration's mark has bits, a picture size and an architecture") {
  CHECK(registration_refused([](Registration& r) { r.mark.bits = 0; }));
  CHECK(registration_refused([](Registration& r) { r.mark.picture_size = 0; }));
  CHECK(registration_refused([](Registration& r) { r.mark.architecture = ""; }));
  CHECK(registration_refused([](Registration& r) { r.mark.architecture = std::string(8001, 'a'); }));
}

TEST_CASE("accuracies are at most 10000 of 10000") {
  CHECK(registration_refused([](Registration& r) { r.accuracy_deployment = 10001; }));
  CHECK(registration_refused([](Registration& r) { r.accuracy_verification = 10001; }));
}

TEST_CASE("a license's ids have 16 bytes") {
  CHECK(license_refused([](License& l) { l.id.pop_back(); }));
  CHECK(license_refused([](License& l) { l.registration_id.clear(); }));
}

TEST_CASE("a license begins before it ends, within the years 1970 to 9999") {
  CHECK(license_refused([](License& l) { l.expires = l.not_before; }));
  CHECK(license_refused([](License& l) { std::swap(l.expires, l.not_before); }));
  CHECK(license_refused([](License& l) { l.not_before = -1; }));
  CHECK(license_refused([](License& l) { l.expires = 253402300800; }));
}

TEST_CASE("a license's status index lies within what a list can hold") {
  CHECK(license_refused([](License& l) { l.status_index = StatusList::kMaxLicenses; }));
  CHECK_FALSE(license_refused([](License& l) { l.status_index = StatusList::kMaxLicenses - 1; }));
}

TEST_CASE("a license states a reveal bar and its terms") {
  CHECK(license_refused([](License& l) { l.reveal_bar_mdb = 0; }));
  CHECK(license_refused([](License& l) { l.reveal_bar_mdb = 200001; }));
  CHECK(license_refused([](License& l) { l.terms.scope = ""; }));
  CHECK(license_refused([](License& l) { l.terms.territory = ""; }));
  CHECK(license_refused([](License& l) { l.terms.scope = std::string(1001, 'a'); }));
  CHECK(license_refused([](License& l) { l.terms.seats = 1'000'000'001; }));
}

TEST_CASE("a revocation is never dated before itself") {
  CHECK(revocation_refused([](Revocation& r) { r.effective = kNow - 1; }));
  CHECK_FALSE(revocation_refused([](Revocation& r) { r.effective = kNow + 1; }));
}

TEST_CASE("a revocation has ids of 16 bytes and a reason") {
  CHECK(revocation_refused([](Revocation& r) { r.id.clear(); }));
  CHECK(revocation_refused([](Revocation& r) { r.license_id.pop_back(); }));
  CHECK(revocation_refused([](Revocation& r) { r.reason = ""; }));
  CHECK(revocation_refused([](Revocation& r) { r.reason = std::string(1001, 'a'); }));
}

TEST_CASE("a status list names its registration, ends after it begins and holds known states") {
  CHECK(status_refused([](StatusList& s) { s.registration_id.pop_back(); }));
  CHECK(status_refused([](StatusList& s) { s.expires = kNow; }));
  CHECK(status_refused([](StatusList& s) { s.ttl_s = -1; }));
  CHECK(status_refused([](StatusList& s) { s.states[2] = 3; }));
  CHECK(status_refused([](StatusList& s) { s.states.resize(StatusList::kMaxLicenses + 1); }));
}

TEST_CASE("a ledger policy's origin can stand in a checkpoint") {
  for (const char* origin : {"", "a b", "a+b", "a\nb", "caf\xc3\xa9"}) {
    CHECK(policy_refused([&](LedgerPolicy& p) { p.origin = origin; }));
  }
  CHECK(policy_refused([](LedgerPolicy& p) { p.origin = std::string(201, 'a'); }));
}

TEST_CASE("a ledger policy allows at most a day of clock skew, and names rules") {
  CHECK(policy_refused([](LedgerPolicy& p) { p.clock_skew_s = 86401; }));
  CHECK(policy_refused([](LedgerPolicy& p) { p.clock_skew_s = -1; }));
  CHECK(policy_refused([](LedgerPolicy& p) { p.rules = ""; }));
}

TEST_CASE("a log key is Ed25519") {
  Office office;
  const PrivateKey p256 = named_key("p-256 log", KeyType::p256);
  office.policy_body.log_key = p256.public_key();
  CHECK(sign_statement(p256, office.policy_body, kNow).error().code == Errc::usage);
}

TEST_CASE("a statement is not dated before 1970 or after 9999") {
  const Office office;
  CHECK(sign_statement(office.owner, office.registration, -1).error().code == Errc::usage);
  CHECK(sign_statement(office.owner, office.registration, 253402300800).error().code == Errc::usage);
}

}  // namespace stegpass::credential::testing
