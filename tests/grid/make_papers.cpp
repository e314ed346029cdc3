// Papers that no command of ours makes: by keys that were handed over or stolen, of a log that shows two histories, and as of
// this machine's clock, the only one that openssl's authority of time knows.
#include <functional>
#include <string>

#include "grid_tool.hpp"
#include "tests/credential/papers_fixture.hpp"

namespace stegpass::test {
namespace {

using namespace credential;
using credential::testing::MemoryLog;
using credential::testing::named_bytes;
using credential::testing::named_digest;
using credential::testing::named_key;
using credential::testing::Office;

constexpr std::int64_t kNow = credential::testing::kNow, kDay = credential::testing::kDay, kThen = kNow - kDay;

/// Policy, registration, license, then changes, then a status list.
struct Filed {
  Office office;
  std::vector<Statement> changes;
  PrivateKey policy_by = named_key("log"), license_by = named_key("owner"), status_by = named_key("owner");
  std::vector<Statement> before;  // the license

  Filed& change(const PrivateKey& key, const StatementBody& body) {
    changes.push_back(Office::sign(key, body, kThen));
    return *this;
  }
  Filed& change(const StatementBody& body) { return change(office.owner, body); }
  Bundle bundle(Purpose purpose = Purpose::public_) {
    std::vector<Statement> all = {Office::sign(policy_by, office.policy_body, office.issued_at),
                                  Office::sign(office.owner, office.registration, office.issued_at)};
    all.insert(all.end(), before.begin(), before.end());
    all.push_back(Office::sign(license_by, office.license, office.issued_at));
    all.insert(all.end(), changes.begin(), changes.end());
    all.push_back(Office::sign(status_by, office.status, office.status_at));
    return office.pack(all, purpose);
  }
};

using Make = std::function<Bundle(Filed&)>;

Bundle key_stolen(Filed& filed) {
  filed.before.push_back(Office::sign(filed.office.owner, filed.office.make_rotation(filed.office.issued_at - kDay), kThen));
  filed.status_by = named_key("next owner");
  return filed.bundle();  // the license is by the old key, and stands after the rotation
}

Bundle forked(Filed& filed) {
  Bundle bundle = filed.bundle();
  MemoryLog other;
  other.leaves = filed.office.log.leaves;
  other.leaves[1] = named_digest<32>("another registration");
  bundle.statements[2] = other.transparent(*Statement::decode(bundle.statements[2]), 2);
  return bundle;
}

Bundle foreign_receipt(Filed& filed) {
  Bundle bundle = filed.bundle();
  MemoryLog other;
  other.leaves = filed.office.log.leaves;
  other.key = named_key("other log");
  bundle.statements[2] = other.transparent(*Statement::decode(bundle.statements[2]), 2);
  return bundle;
}

const std::vector<std::pair<std::string, Make>> kPapers = {
    {"good", [](Filed& f) { return f.bundle(); }},
    {"key-stolen", key_stolen},
    {"forked", forked},
    {"foreign-receipt", foreign_receipt},
    {"status-of-other", [](Filed& f) { return f.office.status.registration_id = named_bytes("another", 16), f.bundle(); }},
    {"status-by-stranger", [](Filed& f) { return f.status_by = named_key("stranger"), f.bundle(); }},
    {"status-too-short", [](Filed& f) { return f.office.status.states = {0}, f.bundle(); }},
    {"status-revokes-alone", [](Filed& f) { return f.office.status.states[3] = StatusList::revoked, f.bundle(); }},
    {"suspension-alone", [](Filed& f) { return f.change(f.office.make_suspension()).bundle(); }},
    {"revocation-ahead",
     [](Filed& f) {
       Revocation ahead = f.office.make_revocation();
       ahead.effective = kNow + 30 * kDay;
       return f.change(ahead).bundle();
     }},
    {"revoked-by-stranger", [](Filed& f) { return f.change(named_key("stranger"), f.office.make_revocation()).bundle(); }},
    {"rules-unknown", [](Filed& f) { return f.office.policy_body.rules = "stegpass.registration-policy.v9", f.bundle(); }},
    {"log-key-other",
     [](Filed& f) {
       f.policy_by = named_key("other log");
       f.office.policy_body.log_key = f.policy_by.public_key();
       return f.bundle();
     }},
    {"ahead-of-time", [](Filed& f) { return f.office.checkpoint_at = kNow + 3 * 365 * kDay, f.bundle(); }},
    {"dispute-inside", [](Filed& f) { return f.change(f.office.claimant, f.office.make_claim()).bundle(); }},
};

/// Papers whose every date lies about `now`.
Bundle as_of(std::int64_t now) {
  Filed filed;
  Office& office = filed.office;
  office.issued_at = now - 10 * kDay;
  office.status_at = office.checkpoint_at = now - 60;
  office.license.not_before = now - 9 * kDay;
  office.license.expires = now + 300 * kDay;
  office.status.expires = now + 30 * kDay;
  return filed.bundle();
}

}  // namespace

void make_papers(const Words& words) {
  const std::string folder = words[0] + "/";
  for (const auto& [name, make] : kPapers) {
    Filed filed;
    write_bytes(folder + name + ".bundle", encode_bundle(make(filed)));
  }
  write_bytes(folder + "as-of-now.bundle", encode_bundle(as_of(std::stoll(words[1]))));
  write_bytes(folder + "papers.policy", as_bytes(encode_trust_policy(Office().policy())));
}

}  // namespace stegpass::test
