// Licenses as their owner issues and seals them, and as their licensee opens them.
#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;
using credential::License;
using credential::Statement;

namespace {

Args of_ada(const std::string& home, Args args) {
  args.insert(args.end(), {"--home", home, "--request", fixture("ada.request"), "--passport", fixture("ada.png")});
  return with_passphrase(args);
}

/// The license in a delivery, as ada opens it into `to`.
Statement opened(const std::string& delivery, const std::string& to) {
  const Ran ran = run(with_passphrase({"license", "open", "--key", fixture("ada.key"), "--delivery", delivery, "--out", to}));
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return Statement::decode(as_bytes(read_text(to + "/license.cose"))).value();
}

std::string value_of(const Statement& license, const std::string& name) {
  for (const auto& claim : license.disclosed())
    if (claim.name == name) return claim.value;
  return "not there";
}

}  // namespace

TEST_CASE("a license says what its options say, and a delivery that is sealed again discloses what the first one did") {
  const TempFolder folder;
  const std::string home = folder.copy("home-minted"), contract = folder.write("contract.txt", "the whole contract\n");
  const Ran issued = run_json(of_ada(home, {"license",
                                            "issue",
                                            "--out",
                                            folder.file("first"),
                                            "--scope",
                                            "training",
                                            "--territory",
                                            "Switzerland",
                                            "--seats",
                                            "3",
                                            "--sublicensing",
                                            "--contract",
                                            contract,
                                            "--term",
                                            "venue=Geneva",
                                            "--term",
                                            "support=none",
                                            "--critical",
                                            "venue",
                                            "--personal",
                                            "city=Bern",
                                            "--not-before",
                                            "+1d",
                                            "--expires",
                                            "+30d",
                                            "--status-until",
                                            "+7d"}));
  INFO(issued.err);
  REQUIRE(issued.code == 0);

  const Statement first = opened(folder.file("first"), folder.file("ada"));
  const License& license = *first.as<License>();
  CHECK(license.terms.scope == "training");
  CHECK(license.terms.territory == "Switzerland");
  CHECK(license.terms.seats == 3);
  CHECK(license.terms.sublicensing);
  CHECK(license.terms.text == credential::fast_sha256(as_bytes("the whole contract\n")));
  CHECK(license.terms.other.size() == 2);
  CHECK(license.terms.critical == std::vector<std::string>{"venue"});
  CHECK(license.not_before == kNow + kDay);
  CHECK(license.expires == kNow + 30 * kDay);
  CHECK(value_of(first, "licensee") == "ada");
  CHECK(value_of(first, "city") == "Bern");

  const Args again{"license", "deliver", "--license", to_hex(license.id), "--out", folder.file("again"), "--force"};
  REQUIRE(run(of_ada(home, again)).code == 0);
  const Statement second = opened(folder.file("again"), folder.file("ada-again"));
  CHECK(second.entry() == first.entry());
  CHECK(second.receipts().size() == 1);
  CHECK(value_of(second, "licensee") == "ada");
  CHECK(value_of(second, "city") == "Bern");

  REQUIRE(run(with_passphrase({"vault", "erase", "--home", home, "--license", to_hex(license.id)})).code == 0);
  const Ran bare = run(of_ada(home, again));
  CHECK(bare.code == 0);
  CHECK_THAT(bare.out, Contains("which the vault holds no longer"));
  CHECK(opened(folder.file("again"), folder.file("ada-bare")).disclosed().empty());
}

TEST_CASE("terms that are named twice, without a value, or by the name of an option license nothing") {
  const TempFolder folder;
  const std::string home = folder.copy("home-minted"), before = read_text(home + "/ledger/checkpoint");
  for (const Args& terms : {Args{"--term", "venue=Geneva", "--term", "venue=Bern"}, Args{"--term", "venue"},
                            Args{"--term", "scope=all"}, Args{"--critical", "absent"}, Args{"--personal", "city"},
                            Args{"--personal", "licensee=eve"}, Args{"--territory", ""}, Args{"--status-until", "-1d"}}) {
    CAPTURE(terms);
    Args args{"license", "issue", "--out", folder.file("out")};
    args.insert(args.end(), terms.begin(), terms.end());
    const Ran ran = run(of_ada(home, args));
    CHECK(ran.code == 2);
    CHECK_FALSE(std::filesystem::exists(folder.file("out")));
    CHECK(read_text(home + "/ledger/checkpoint") == before);
  }
}

TEST_CASE("a license is not delivered to another key's request, with another passport or under a wrong passphrase") {
  const TempFolder folder;
  const std::string id = read_text(fixture("ada.id")).substr(0, 32);
  const auto deliver = [&](const std::string& request, const std::string& passport, const std::string& passphrase) {
    return run({"license", "deliver", "--home", fixture("home"), "--license", id, "--request", fixture(request), "--passport",
                fixture(passport), "--out", folder.file("out"), "--passphrase-file", fixture(passphrase)});
  };
  CHECK(deliver("bob.request", "bob.png", "passphrase").code == 2);
  CHECK(deliver("ada.request", "bob.png", "passphrase").code == 2);
  CHECK(deliver("ada.request", "ada.png", "wrong-passphrase").code == 4);
  CHECK_FALSE(std::filesystem::exists(folder.file("out")));
  CHECK(deliver("ada.request", "ada.png", "passphrase").code == 0);
}
