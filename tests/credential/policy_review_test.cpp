#include <stegpass/credential/policy_review.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {

TEST_CASE("a policy that trusts a log and an owner and gives an age can be met") {
  const Office office;
  CHECK(never_met(office.policy()).empty());
  CHECK(doubtful(office.policy()).empty());
}

TEST_CASE("each reason why a policy can never be met is named") {
  const Office office;
  const auto reasons = [&](void (*change)(TrustPolicy&)) {
    TrustPolicy policy = office.policy();
    change(policy);
    const auto found = never_met(policy);
    return found.size() == 1 ? found[0] : std::to_string(found.size()) + " reasons";
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(reasons([](TrustPolicy& p) { p.logs.clear(); }), Contains("no log"));
  CHECK_THAT(reasons([](TrustPolicy& p) { p.issuers.clear(); }), Contains("no owner"));
  CHECK_THAT(reasons([](TrustPolicy& p) { p.max_age_s.reset(); }), Contains("no max-age"));
  CHECK_THAT(reasons([](TrustPolicy& p) { p.required = {"list.complete"}; }), Contains("list.complete"));
  CHECK_THAT(reasons([](TrustPolicy& p) { p.required = {"checkpoint.witnesses"}; }), Contains("quorum"));
  CHECK_THAT(reasons([](TrustPolicy& p) { p.required = {"checkpoint.time"}; }), Contains("authority of time"));
}

TEST_CASE("every check of good papers is in the catalogue, and roles are read in place of ROLE") {
  Office office;
  const PaperVerdict papers = office.verify(office.issue(Purpose::arbiter));
  for (const Check& check : papers.verdict.checks()) {
    INFO(check.code);
    CHECK(find_check_info(check.code) != nullptr);
  }
  CHECK(find_check_info("card.license") != nullptr);
  CHECK(find_check_info("opening.passport-cover") != nullptr);
  CHECK(find_check_info("opening.passport-reserve-12") != nullptr);
  for (const char* code : {"opening.passport-", "opening.passport-ROLE", "opening.passport-reserve-0",
                           "opening.passport-reserve-", "policy.required", "", "model"})
    CHECK(find_check_info(code) == nullptr);
}

TEST_CASE("a mark takes as many bits as its bound and the tries unseen ask for") {
  CHECK(least_bits(-30) == 180);
  CHECK(least_bits(-245.6) == 896);
  CHECK(least_bits(-245.7) == 897);
}

TEST_CASE("lines without effect are doubtful") {
  const Office office;
  TrustPolicy policy = office.policy();
  policy.descent_suffices = true;
  policy.required = {"model.digest"};
  CHECK(doubtful(policy).size() == 1);
  policy.witnesses.push_back({"w", {"w.example", named_key("w").public_key(), NoteKind::witness}});
  CHECK(doubtful(policy).size() == 2);
  policy.quorum = "w";
  CHECK(doubtful(policy).size() == 1);
}

TEST_CASE("a policy says once whether a model has to be the file or may descend") {
  CHECK_FALSE(parse_trust_policy("model exact").value().descent_suffices);
  const TrustPolicy descends = parse_trust_policy("model descends").value();
  CHECK(descends.descent_suffices);
  CHECK(parse_trust_policy(encode_trust_policy(descends)).value().descent_suffices);
  for (const char* text : {"model", "model similar", "model exact descends", "model exact\nmodel exact"})
    CHECK(parse_trust_policy(text).error().code == Errc::malformed);
}

}  // namespace stegpass::credential::testing
