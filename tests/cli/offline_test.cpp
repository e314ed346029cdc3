// No command of a verifier opens a socket: each runs under a filter that kills who tries, and in a network namespace without
// interfaces where the system allows one.
#include <csignal>
#include <filesystem>

#include "program.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

const std::string kWithout = STEGPASS_WITHOUT_CALLS;

Args verify(const std::string& bundle, Args more) {
  Args args{"verify", "--bundle", fixture(bundle), "--policy", fixture("trust.policy")};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

/// Every command by which somebody judges what others made.
std::vector<Args> verifier_commands(const TempFolder& folder) {
  const std::string model = fixture("release.safetensors"), policy = fixture("trust.policy");
  return {verify("public.bundle", {}),
          verify("ada.bundle", {"--model", model, "--passport", fixture("ada.png"), "--memory", folder.file("memory")}),
          verify("arbiter.bundle", {"--model", model, "--original", model}),
          verify("public.bundle", {"--every-model", fixture("trained")}),
          {"verify", "--list", folder.file("list.proof"), "--policy", policy},
          {"policy", "init", "--log", fixture("home/log.vkey"), "--owner", fixture("home/owner.pub"), "--max-age", "1d", "--out",
           folder.file("policy"), "--force"},
          {"policy", "explain", policy},
          {"audit", fixture("home/ledger"), "--policy", policy},
          {"inspect", fixture("ada.bundle")},
          {"time", "request", "--bundle", fixture("ada.bundle"), "--out", folder.file("q.tsq"), "--force"},
          {"cose", "verify", fixture("registration.cose"), "--key", fixture("home/owner.pub")},
          {"model", "digest", fixture("trained")}};
}

/// Without the user's name in the environment, so that whoever wants it has to ask the system.
Ran run_under(Args before, const Args& command) {
  before.insert(before.begin(), {"env", "-u", "USER"});
  return run(command, {.before = std::move(before)});
}

}  // namespace

TEST_CASE("the filter that forbids sockets ends who opens one") {
  CHECK(run_program({kWithout, "sockets", "--probe"}).code == -SIGSYS);
  CHECK(run_program({kWithout, "sockets", "true"}).code == 0);
}

TEST_CASE("no command of a verifier opens a socket") {
  const TempFolder folder;
  const std::string owner = run_json({"policy", "explain", fixture("trust.policy")}).json()["issuers"][0]["thumbprint"];
  REQUIRE(run({"ledger", "list", "--home", fixture("home"), "--issuer", owner, "--prove", folder.file("list.proof")}).code == 0);
  Args without_network{"unshare", "-rn", kWithout, "sockets"};
  if (run_program({"unshare", "-rn", "true"}).code != 0) {
    WARN("this system does not allow unshare -n: under the filter alone");
    without_network = {kWithout, "sockets"};
  }
  for (const Args& command : verifier_commands(folder)) {
    const Ran free = run(command);
    std::filesystem::remove(folder.file("memory"));
    const Ran confined = run_under(without_network, command);
    INFO(command[0] << " " << command[1] << " " << free.err << confined.err);
    CHECK((free.code == 0 || free.code == 1));
    CHECK(confined.code == free.code);
    CHECK((confined.out == free.out));
  }
}

TEST_CASE("files are written where a file system knows no links, and nothing that is there is replaced") {
  const TempFolder folder;
  const Args make{"bundle",
                  "--home",
                  fixture("home"),
                  "--license",
                  read_text(fixture("ada.id")).substr(0, 32),
                  "--for",
                  "public",
                  "--out",
                  folder.file("stick.bundle")};
  REQUIRE(run(make, {.before = {kWithout, "links"}}).code == 0);
  CHECK(read_text(folder.file("stick.bundle")) == read_text(fixture("public.bundle")));
  CHECK(folder.files() == std::vector<std::string>{"stick.bundle"});
  CHECK(run(make, {.before = {kWithout, "links"}}).code == 2);
}
