#include <stegpass/credential/trust_policy.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

Errc code_of(const std::string& text) {
  const Result<TrustPolicy> read = parse_trust_policy(text);
  return read ? Errc::internal : read.error().code;
}

}  // namespace

TEST_CASE("a trust policy comes back as it was written") {
  const Office office;
  TrustPolicy wrote = office.policy();
  wrote.required = {"opening.cover", "holder.possession"};
  wrote.mark_bound_log10 = -100.5;
  const TrustPolicy read = parse_trust_policy(encode_trust_policy(wrote)).value();
  REQUIRE(read.logs.size() == 1);
  CHECK(read.logs[0].to_vkey() == office.log.verifier().to_vkey());
  REQUIRE(read.issuers.size() == 1);
  CHECK(read.issuers[0].name == "owner");
  CHECK(read.issuers[0].thumbprint == office.owner.public_key().thumbprint());
  CHECK(read.max_age_s == kDay);
  CHECK(read.required == wrote.required);
  CHECK(read.mark_bound_log10 == -100.5);
}

TEST_CASE("an empty trust policy trusts nobody") {
  const TrustPolicy read = parse_trust_policy("# nobody\n\n   \n").value();
  CHECK(read.logs.empty());
  CHECK(read.issuers.empty());
  CHECK_FALSE(read.max_age_s);
  CHECK(read.mark_bound_log10 == -30);
}

TEST_CASE("a trust policy's ages are seconds, hours or days") {
  CHECK(parse_trust_policy("max-age 90s").value().max_age_s == 90);
  CHECK(parse_trust_policy("max-age 2h").value().max_age_s == 7200);
  CHECK(parse_trust_policy("max-age 7d # a week\n").value().max_age_s == 7 * kDay);
}

TEST_CASE("ages that are none are malformed") {
  for (const char* age : {"", "d", "0d", "-1d", "1", "1w", "1.5h", "99999999999999999999d", "40000d", "1h 2h"}) {
    CHECK(code_of(std::string("max-age ") + age) == Errc::malformed);
  }
}

TEST_CASE("a trust policy's errors name the line") {
  CHECK(parse_trust_policy("# first\nmax-age x\n").error().detail.starts_with("line 2: "));
}

TEST_CASE("a trust policy line that nobody knows is malformed") {
  CHECK(code_of("trust everybody") == Errc::malformed);
  CHECK(code_of("log") == Errc::malformed);
  CHECK(code_of("log nonsense") == Errc::malformed);
  CHECK(code_of("issuer name") == Errc::malformed);
  CHECK(code_of("issuer name urn:other") == Errc::malformed);
  CHECK(code_of("require A;B") == Errc::malformed);
}

TEST_CASE("a policy may say that it demands no witness") { CHECK(parse_trust_policy("quorum none").ok()); }

TEST_CASE("a mark bound is a negative number") {
  CHECK(parse_trust_policy("mark-bound -50").value().mark_bound_log10 == -50);
  for (const char* bound : {"0", "5", "-0.5", "nan", "-inf", "x", "-1e3", "-2000000", "-5 -6", ""}) {
    CHECK(code_of(std::string("mark-bound ") + bound) == Errc::malformed);
  }
}

TEST_CASE("nothing is said twice in a trust policy") {
  const Office office;
  const std::string log = "log " + office.log.verifier().to_vkey() + "\n";
  const std::string issuer = "issuer o " + office.owner.public_key().thumbprint_uri() + "\n";
  for (const std::string& line :
       {log, issuer, std::string("max-age 1d\n"), std::string("require a.b\n"), std::string("mark-bound -40\n")}) {
    CHECK(parse_trust_policy(line).ok());
    CHECK(code_of(line + line) == Errc::malformed);
  }
}

TEST_CASE("a log line may carry an address, as in C2SP's policies") {
  const Office office;
  CHECK(parse_trust_policy("log " + office.log.verifier().to_vkey() + " https://log.example/").value().logs.size() == 1);
}

TEST_CASE("a trust policy of over 1 MiB is refused") { CHECK(code_of(std::string((1u << 20) + 1, '#')) == Errc::malformed); }

}  // namespace stegpass::credential::testing
