// What happens to licenses and keys after they were made, with the program's own commands, from ledger to bundle to verdict. The
// home is made without tensors: registration and licenses are signed here.
#include <cstdlib>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/statement.hpp>

#include "program.hpp"
#include "tests/support/catch.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;
using credential::PrivateKey;
using credential::Statement;

namespace {

constexpr const char* kAda = "000000000000000000000000000000aa";
constexpr const char* kBob = "000000000000000000000000000000bb";

/// An owner's home with a registered model and licenses for ada and bob, and a passphrase file beside it.
class Shop {
 public:
  Shop() {
    secret_ = folder_.write("passphrase", "correct horse\n");
    REQUIRE(command({"init", home(), "--origin", "changes.example/log", "--name", "owner"}, kFixtureTime).code == 0);
    fill();
  }
  std::string home() const { return folder_.file("home"); }
  const TempFolder& folder() const { return folder_; }

  Ran command(Args args, std::int64_t now = kNow) const {
    args.insert(args.end(), {"--passphrase-file", secret_});
    return run_json(std::move(args), {.now = now});
  }
  Ran license(const std::string& name, const std::string& id, Args more, std::int64_t now = kNow) const {
    Args args{"license", name, "--home", home(), "--license", id};
    args.insert(args.end(), more.begin(), more.end());
    return command(args, now);
  }
  /// The verdict on a fresh public bundle of a license.
  Ran verify(const std::string& id, std::int64_t now = kNow) const {
    const std::string file = folder_.file("a.bundle");
    const Ran made =
        run({"bundle", "--home", home(), "--license", id, "--for", "public", "--out", file, "--force"}, {.now = now});
    INFO(made.err);
    REQUIRE(made.code == 0);
    return run_json({"verify", "--bundle", file, "--policy", home() + "/trust.policy"}, {.now = now});
  }
  static credential::PersonalClaim ada_claim() { return {"licensee", "Ada Lovelace", Bytes(16, 7)}; }
  /// Puts into the vault what minting and issuing would have.
  void remember_ada() const {
    cli::HomeOptions options;
    options.home = home();
    options.passphrase.file = secret_;
    auto open = cli::open_home(options);
    REQUIRE(open);
    cli::VaultLicense& record = open->vault.licenses.emplace_back();
    record.registration_id = Bytes(16, 1);
    record.license_id = parse_hex(kAda).value();
    record.identity = Bytes{1};
    record.identity_salt = record.isn_key_salt = Bytes(32, 1);
    record.personal = {ada_claim()};
    REQUIRE(cli::save_vault(*open));
  }
  cli::Signers signers() const {
    return std::move(*cli::read_signers({home()}, credential::SecretBytes::copy_of(as_bytes("correct horse"))));
  }

 private:
  void fill() const {
    const cli::Signers keys = signers();
    auto log = ledger::Ledger::open({home() + "/ledger"}, ledger::Ledger::Mode::write);
    REQUIRE(log);
    std::vector<Statement> statements{sign(keys, registration(keys)), sign(keys, license_of(kAda, 0)),
                                      sign(keys, license_of(kBob, 1))};
    statements.push_back(sign(keys, credential::StatusList{Bytes(16, 1), kFixtureTime + 30 * kDay, 0, {0, 0}}));
    REQUIRE(log->append(statements, keys.log, kFixtureTime));
  }
  static Statement sign(const cli::Signers& keys, const credential::StatementBody& body) {
    return credential::sign_statement(keys.owner, body, kFixtureTime).value();
  }
  static credential::Registration registration(const cli::Signers& keys) {
    credential::Registration body{.owner = keys.owner.public_key(), .id = Bytes(16, 1)};
    body.model_name = "release.safetensors";
    body.tensor_count = 1;
    body.mark.architecture = "none";
    body.mark.layers = {"features.4"};
    body.mark.bits = 256;
    body.mark.picture_size = 64;
    body.mark.reserves.resize(2);
    return body;
  }
  static credential::License license_of(const std::string& id, std::uint64_t index) {
    credential::License body{.id = parse_hex(id).value(),
                             .registration_id = Bytes(16, 1),
                             .licensee = PrivateKey::generate(credential::KeyType::ed25519).public_key()};
    body.not_before = kFixtureTime;
    body.expires = kFixtureTime + 10 * kDay;
    body.status_index = index;
    body.reveal_bar_mdb = 30'000;
    body.terms = {"inference", "worldwide", 1};
    if (id == kAda) body.personal = {credential::redacted_hash(credential::encode_personal(ada_claim()))};
    return body;
  }

  TempFolder folder_;
  std::string secret_;
};

void require_done(const Ran& ran) {
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
}

}  // namespace

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
