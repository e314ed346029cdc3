// Witnesses, with the program's own commands: asked over files and over tiles, their cosignatures kept, exported, bundled and
// verified.
#include <filesystem>

#include "refusals.hpp"
#include "shop.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;

namespace {

/// A shop with two witnesses of its log.
struct Watched {
  Shop shop;

  Watched() {
    for (const char* name : {"w1", "w2"})
      require_done(shop.command({"ledger", "witness", "new", at(name), "--name", std::string("witness.example/") + name}));
  }
  std::string at(const std::string& name) const { return shop.folder().file(name); }
  std::string log_key() const { return shop.home() + "/log.vkey"; }
  Ran request(const std::string& old_size) const {
    return run_json(
        {"ledger", "witness", "request", "--home", shop.home(), "--old", old_size, "--out", at("request"), "--force"});
  }
  Ran sign(const std::string& witness, Args from, std::int64_t now = kNow) const {
    Args args{"ledger", "witness", "sign", at(witness), "--log", log_key(), "--out", at(witness + ".line"), "--force"};
    args.insert(args.end(), from.begin(), from.end());
    return shop.command(args, now);
  }
  Ran cosign(const std::string& witness) const {
    return run_json(
        {"ledger", "cosign", at(witness + ".line"), "--home", shop.home(), "--witness", at(witness) + "/witness.vkey"});
  }
  /// The verdict on a bundle under a policy that wants `quorum` of both witnesses.
  Ran verify(const std::string& quorum, std::int64_t now = kNow) const {
    require_done(run_json({"policy", "init", "--log", log_key(), "--owner", "owner=" + shop.home() + "/owner.pub", "--max-age",
                           "30d", "--witness", "w1=" + at("w1") + "/witness.vkey", "--witness",
                           "w2=" + at("w2") + "/witness.vkey", "--quorum", quorum, "--out", at("policy"), "--force"}));
    require_done(run_json({"bundle", "--home", shop.home(), "--license", kAda, "--out", at("bundle"), "--force"}, {.now = now}));
    return run_json({"verify", "--bundle", at("bundle"), "--policy", at("policy")}, {.now = now});
  }
};

}  // namespace

TEST_CASE("witnesses cosign over files, and a bundle satisfies the policy that asks for them") {
  const Watched watched;
  CHECK(watched.verify("any").outcome("checkpoint.witnesses") == "undecided");
  require_done(watched.request("0"));
  require_done(watched.sign("w1", {"--request", watched.at("request")}));
  require_done(watched.cosign("w1"));
  const Ran any = watched.verify("any"), all = watched.verify("all");
  CHECK(any.code == 0);
  CHECK(any.outcome("checkpoint.witnesses") == "valid");
  CHECK(all.code == 3);
  CHECK(all.outcome("checkpoint.witnesses") == "undecided");
  require_done(run_json({"ledger", "export", watched.at("tiles"), "--home", watched.shop.home()}));
  require_done(watched.sign("w2", {"--tiles", watched.at("tiles")}));
  require_done(watched.cosign("w2"));
  CHECK(watched.verify("2").code == 0);
  CHECK(run({"policy", "init", "--log", watched.log_key(), "--owner", watched.shop.home() + "/owner.pub", "--witness",
             "w1=" + watched.at("w1") + "/witness.vkey", "--quorum", "1banana", "--out", watched.at("no.policy")})
            .code == 2);
  const std::string note = run({"ledger", "checkpoint", "--home", watched.shop.home()}).out;
  CHECK_THAT(note, Contains("witness.example/w1") && Contains("witness.example/w2"));
  const Ran exported = run_json({"ledger", "export", watched.at("tiles"), "--home", watched.shop.home()});
  CHECK(exported.json()["files"] == 1);
  CHECK(read_text(watched.at("tiles/checkpoint")) == note);
  const Ran audited = run_json({"audit", "--tiles", watched.at("tiles"), "--policy", watched.at("policy")});
  CHECK(audited.code == 0);
  CHECK(audited.outcome("checkpoint.witnesses") == "valid");
  CHECK(run({"audit", watched.shop.home() + "/ledger", "--policy", watched.at("policy")}).code == 0);
  CHECK_THAT(run({"policy", "explain", watched.at("policy")}).out, Contains("demands that witnesses cosigned"));
}

TEST_CASE("a witness signs what continues the log, and refuses by name a rollback and another history") {
  const Watched watched;
  std::filesystem::copy(watched.shop.home(), watched.at("earlier"), std::filesystem::copy_options::recursive);
  require_done(watched.shop.license("suspend", kAda, {"--reason", "invoice open"}));
  require_done(watched.request("0"));
  require_done(watched.sign("w1", {"--request", watched.at("request")}));
  const std::string memory = read_text(watched.at("w1/memory")), line = read_text(watched.at("w1.line"));

  const auto refused = [&](const std::string& home, const std::string& old_size, const std::string& code) {
    run_json({"ledger", "witness", "request", "--home", home, "--old", old_size, "--out", watched.at("request"), "--force"});
    const Ran ran = watched.sign("w1", {"--request", watched.at("request")});
    INFO(ran.out << ran.err);
    CHECK(ran.code == 1);
    CHECK(ran.outcome(code) == "invalid");
    CHECK(read_text(watched.at("w1/memory")) == memory);
    CHECK(read_text(watched.at("w1.line")) == line);
  };
  refused(watched.at("earlier"), "5", "witness.rollback");
  require_done(watched.shop.command(
      {"license", "suspend", "--home", watched.at("earlier"), "--license", kBob, "--reason", "invoice open"}));
  refused(watched.at("earlier"), "7", "witness.split-view");
  require_done(watched.shop.command(
      {"license", "suspend", "--home", watched.at("earlier"), "--license", kAda, "--reason", "invoice open"}));
  refused(watched.at("earlier"), "7", "witness.proof");

  require_done(watched.shop.license("reinstate", kAda, {"--reason", "invoice paid"}));
  require_done(watched.request("7"));
  require_done(watched.sign("w1", {"--request", watched.at("request")}));
  CHECK(read_text(watched.at("w1/memory")) != memory);
}

TEST_CASE("a request that starts at another size than the witness has seen is undecided, and says which") {
  const Watched watched;
  require_done(watched.request("3"));
  const Ran ran = watched.sign("w1", {"--request", watched.at("request")});
  CHECK(ran.code == 3);
  CHECK_THAT(ran.detail("witness.proof"), Contains("has seen size 0"));
  CHECK_FALSE(std::filesystem::exists(watched.at("w1.line")));
}

TEST_CASE("a witness without its memory does not sign, and is not made over an old one") {
  const Watched watched;
  require_done(watched.request("0"));
  std::filesystem::remove(watched.at("w1/memory"));
  const Ran ran = watched.sign("w1", {"--request", watched.at("request")});
  CHECK(ran.code == 4);
  CHECK_THAT(ran.out, Contains("memory"));
  CHECK(watched.shop.command({"ledger", "witness", "new", watched.at("w2"), "--name", "w"}).code == 2);
  CHECK(watched.shop.command({"ledger", "witness", "new", watched.at("w3"), "--name", "two words"}).code == 2);
  CHECK_FALSE(std::filesystem::exists(watched.at("w3")));
}

TEST_CASE("cosignatures that the owner cannot place are refused, and bad files too") {
  const Watched watched;
  require_done(watched.request("0"));
  require_done(watched.sign("w1", {"--request", watched.at("request")}));
  CHECK(run_json({"ledger", "cosign", watched.at("w1.line"), "--home", watched.shop.home(), "--witness",
                  watched.at("w2") + "/witness.vkey"})
            .code == 2);
  CHECK(
      run_json({"ledger", "cosign", watched.at("w1.line"), "--home", watched.shop.home(), "--witness", watched.log_key()}).code ==
      3);
  require_done(watched.shop.license("suspend", kAda, {"--reason", "invoice open"}));
  const Ran late = watched.cosign("w1");
  CHECK(late.code == 2);
  CHECK_THAT(late.out, Contains("has grown since"));
  CHECK_FALSE(std::filesystem::exists(watched.shop.home() + "/ledger/cosigned"));
  const TempFolder folder;
  const auto bad = bad_files(folder, watched.at("request"), kSmallFile);
  require_bad_files_refused({"ledger", "witness", "sign", watched.at("w1"), "--log", watched.log_key(), "--request", kFile,
                             "--out", folder.file("out"), "--passphrase-file", watched.at("passphrase")},
                            bad, {1, 2, 4}, folder);
  require_bad_files_refused(
      {"ledger", "cosign", kFile, "--home", watched.shop.home(), "--witness", watched.at("w1") + "/witness.vkey"}, bad, {2, 4},
      folder);
}
