// What happens to licenses and keys after they were made, with the program's own commands, from ledger to bundle to verdict. The
// home is made without tensors: registration and licenses are signed here.
#include <cstdlib>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/statement.hpp>

#include "shop.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;
using credential::PrivateKey;
using credential::Statement;

TEST_CASE("license suspend makes fresh bundles invalid, and license reinstate valid again") {
  const Shop shop;
  CHECK(shop.verify(kAda).code == 0);
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  const Ran suspended = shop.verify(kAda);
  CHECK(suspended.code == 1);
  CHECK(suspended.outcome("suspension") == "invalid");
  CHECK(suspended.outcome("license.status") == "invalid");
  CHECK(shop.verify(kBob).code == 0);
  require_done(shop.license("reinstate", kAda, {"--reason", "invoice paid"}));
  const Ran reinstated = shop.verify(kAda);
  CHECK(reinstated.code == 0);
  CHECK(reinstated.outcome("reinstatement") == "valid");
}

TEST_CASE("a bundle shows a personal claim until it is erased, and the license verifies all the same afterwards") {
  const Shop shop;
  shop.remember_ada();
  const std::string file = shop.folder().file("shown.bundle");
  const auto bundle = [&] {
    return shop.command({"bundle", "--home", shop.home(), "--license", kAda, "--disclose", "licensee", "--out", file, "--force"});
  };
  require_done(bundle());
  const Ran shown = run_json({"verify", "--bundle", file, "--policy", shop.home() + "/trust.policy"});
  CHECK(shown.code == 0);
  CHECK(shown.outcome("license.personal") == "valid");
  CHECK(shown.json()["personal"]["licensee"] == "Ada Lovelace");
  CHECK(shop.verify(kAda).outcome("license.personal") == "not checked");
  require_done(shop.command({"vault", "erase", "--home", shop.home(), "--license", kAda}));
  const Ran gone = bundle();
  CHECK(gone.code == 4);
  CHECK_THAT(gone.out, Contains("was erased"));
  CHECK(shop.verify(kAda).code == 0);
  CHECK(shop.command({"vault", "erase", "--home", shop.home(), "--license", kAda}).code == 4);
}

TEST_CASE("a license is not suspended twice, nor reinstated when it is not suspended") {
  const Shop shop;
  const Ran early = shop.license("reinstate", kAda, {"--reason", "why not"});
  CHECK(early.code == 2);
  CHECK_THAT(early.err + early.out, Contains("is not suspended"));
  require_done(shop.license("suspend", kAda, {"--reason", "once"}));
  const Ran again = shop.license("suspend", kAda, {"--reason", "twice"});
  CHECK(again.code == 2);
  CHECK_THAT(again.err + again.out, Contains("suspended already"));
  CHECK(run_json({"ledger", "show", "--home", shop.home()}).json()["size"] == 7);
}

TEST_CASE("license renew puts the end off, and not nearer") {
  const Shop shop;
  const std::int64_t later = kFixtureTime + 11 * kDay;
  require_done(shop.command({"license", "status", "--home", shop.home()}, later));
  CHECK(shop.verify(kAda, later).outcome("license.dates") == "invalid");
  require_done(shop.license("renew", kAda, {"--until", "+5d"}, later));
  const Ran renewed = shop.verify(kAda, later);
  CHECK(renewed.code == 0);
  CHECK(renewed.outcome("renewal") == "valid");
  CHECK(shop.license("renew", kAda, {"--until", "+4d"}, later).code == 2);
}

TEST_CASE("license transfer ends one license in favour of the other") {
  const Shop shop;
  require_done(shop.license("transfer", kAda, {"--to", kBob, "--reason", "business sold"}));
  CHECK(shop.verify(kAda).outcome("transfer") == "invalid");
  const Ran successor = shop.verify(kBob);
  CHECK(successor.code == 0);
  CHECK_THAT(successor.detail("transfer"), Contains(kAda));
  CHECK(shop.license("suspend", kAda, {"--reason", "too late"}).code == 2);
}

TEST_CASE("license list and ledger show say what became of each license") {
  const Shop shop;
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  CHECK(run_json({"license", "list", "--home", shop.home()}).json()["licenses"][0]["state"] == "suspended");
  CHECK_THAT(run({"ledger", "show", "--home", shop.home()}).out, Contains("suspended by entry 5"));
  require_done(shop.license("revoke", kAda, {"--reason", "terms broken"}));
  CHECK(run_json({"license", "list", "--home", shop.home()}).json()["licenses"][0]["state"] == "revoked");
  CHECK(run_json({"audit", shop.home() + "/ledger"}).json()["verdict"] == "valid");
}

TEST_CASE("after key rotate the home works on under the new key, and the old key is kept") {
  const Shop shop;
  const Bytes before = shop.signers().owner.public_key().encode();
  require_done(shop.command({"key", "rotate", "--home", shop.home(), "--reason", "planned"}));
  CHECK(shop.signers().owner.public_key().encode() != before);
  CHECK(std::filesystem::exists(shop.home() + "/owner.key.1"));
  CHECK_FALSE(std::filesystem::exists(shop.home() + "/owner.key.next"));
  const Ran verified = shop.verify(kAda);
  CHECK(verified.code == 0);
  CHECK(verified.outcome("key-rotation") == "valid");
  CHECK(shop.command({"passport", "train", "--home", shop.home(), "--data", "drawn", "--out", shop.home() + "/second"}).code ==
        2);
  require_done(shop.license("suspend", kAda, {"--reason", "by the new key"}));
  CHECK(shop.verify(kAda).outcome("suspension") == "invalid");
  CHECK(run_json({"audit", shop.home() + "/ledger"}).json()["verdict"] == "valid");
}

TEST_CASE("a claimed compromise takes no license away, and cannot lie in the future") {
  const Shop shop;
  const Args rotate{"key", "rotate", "--home", shop.home(), "--reason", "stolen", "--compromised"};
  Args future = rotate, past = rotate;
  future.push_back("+1d");
  past.push_back("2020-01-01");
  CHECK(shop.command(future).code == 2);
  CHECK_FALSE(std::filesystem::exists(shop.home() + "/owner.key.next"));
  require_done(shop.command(past));
  CHECK(shop.verify(kAda).code == 0);
}

TEST_CASE("a rotation that was cut off between ledger and files is finished by running it again") {
  const Shop shop;
  require_done(shop.command({"key", "rotate", "--home", shop.home(), "--reason", "planned"}));
  namespace fs = std::filesystem;
  fs::rename(shop.home() + "/owner.key", shop.home() + "/owner.key.next");
  fs::rename(shop.home() + "/owner.key.1", shop.home() + "/owner.key");
  CHECK(shop.license("suspend", kAda, {"--reason", "by the old key"}).code == 2);
  require_done(shop.command({"key", "rotate", "--home", shop.home(), "--reason", "again"}));
  CHECK(run_json({"ledger", "show", "--home", shop.home()}).json()["registrations"][0]["rotations"].size() == 1);
  require_done(shop.license("suspend", kAda, {"--reason", "by the new key"}));
}

TEST_CASE("a home without a registration has nothing to hand over") {
  const TempFolder folder;
  const std::string secret = folder.write("passphrase", "correct horse\n"), home = folder.file("home");
  REQUIRE(run({"init", home, "--origin", "a.example/log", "--passphrase-file", secret}).code == 0);
  CHECK(run_json({"key", "rotate", "--home", home, "--reason", "early", "--passphrase-file", secret}).code == 2);
  CHECK_FALSE(std::filesystem::exists(home + "/owner.key.next"));
}
