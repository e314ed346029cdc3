#pragma once

#include <string>
#include <vector>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/personal.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/ledger.hpp>

#include "program.hpp"
#include "tests/support/catch.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

// An owner's home for tests of commands that need no tensors: registration and licenses are signed here.
namespace stegpass::test {

inline constexpr const char* kAda = "000000000000000000000000000000aa";
inline constexpr const char* kBob = "000000000000000000000000000000bb";

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
    std::vector<credential::Statement> statements{sign(keys, registration(keys)), sign(keys, license_of(kAda, 0)),
                                                  sign(keys, license_of(kBob, 1))};
    statements.push_back(sign(keys, credential::StatusList{Bytes(16, 1), kFixtureTime + 30 * kDay, 0, {0, 0}}));
    REQUIRE(log->append(statements, keys.log, kFixtureTime));
  }
  static credential::Statement sign(const cli::Signers& keys, const credential::StatementBody& body) {
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
                             .licensee = credential::PrivateKey::generate(credential::KeyType::ed25519).public_key()};
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

inline void require_done(const Ran& ran) {
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
}

}  // namespace stegpass::test
