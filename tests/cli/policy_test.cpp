#include <set>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

Args init(const std::string& out, Args more = {}) {
  Args args{"policy", "init", "--log", fixture("home/log.vkey"), "--owner", "tester=" + fixture("home/owner.pub"), "--out", out};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

}  // namespace

TEST_CASE("a policy that a verifier writes himself judges as the owner's does") {
  const TempFolder folder;
  REQUIRE(run(init(folder.file("policy"), {"--max-age", "12h"})).code == 0);
  CHECK(run({"verify", "--bundle", fixture("ada.bundle"), "--policy", folder.file("policy")}).code == 0);
}

TEST_CASE("policy explain says whom one trusts and what one demands") {
  const TempFolder folder;
  REQUIRE(run(init(folder.file("policy"), {"--max-age", "12h", "--require", "model.digest", "--mark-bound", "-50"})).code == 0);
  const Ran text = run({"policy", "explain", folder.file("policy")});
  CHECK(text.code == 0);
  CHECK(text.out.find("trusts the log tests.example/log") != std::string::npos);
  CHECK(text.out.find("trusts the owner tester") != std::string::npos);
  CHECK(text.out.find("up to 12 hours old") != std::string::npos);
  CHECK(text.out.find("demands the check model.digest") != std::string::npos);
  CHECK(text.out.find("at most -50") != std::string::npos);
  const Json object = run_json({"policy", "explain", folder.file("policy")}).json();
  CHECK(object["max_age_s"] == 12 * 3600);
  CHECK(object["issuers"][0]["name"] == "tester");
  CHECK(object["required"][0] == "model.digest");
}

TEST_CASE("an owner without a name is named after his file") {
  const TempFolder folder;
  REQUIRE(run({"policy", "init", "--log", fixture("home/log.vkey"), "--owner", fixture("stranger/owner.pub"), "--out",
               folder.file("policy")})
              .code == 0);
  CHECK(run_json({"policy", "explain", folder.file("policy")}).json()["issuers"][0]["name"] == "owner");
}

TEST_CASE("bad log and owner keys make no policy") {
  const TempFolder folder;
  require_bad_files_refused(
      {"policy", "init", "--log", kFile, "--owner", fixture("home/owner.pub"), "--out", folder.file("policy")},
      bad_files(folder, fixture("home/log.vkey"), kSmallFile), {2, 4}, folder);
  require_bad_files_refused(
      {"policy", "init", "--log", fixture("home/log.vkey"), "--owner", kFile, "--out", folder.file("policy")},
      bad_files(folder, fixture("home/owner.pub"), kSmallFile), {2, 4}, folder);
}

TEST_CASE("senseless demands make no policy") {
  const TempFolder folder;
  require_refused(init(folder.file("policy"), {"--max-age", "soon"}), {2}, folder);
  require_refused(init(folder.file("policy"), {"--max-age", "+30d"}), {2}, folder);
  require_refused(init(folder.file("policy"), {"--quorum", "3"}), {2}, folder);
  require_refused(init(folder.file("policy"), {"--require", "two words"}), {2}, folder);
  require_refused(init(folder.file("policy"), {"--mark-bound", "low"}), {2}, folder);
  require_refused({"policy", "init", "--log", fixture("home/log.vkey"), "--owner", "two words=" + fixture("home/owner.pub"),
                   "--out", folder.file("policy")},
                  {2}, folder);
  require_refused({"policy", "init", "--out", folder.file("policy")}, {2}, folder);
}

TEST_CASE("a policy that exists is left alone without --force") {
  const TempFolder folder;
  folder.write("policy", "mine");
  require_refused(init(folder.file("policy")), {2}, folder);
  CHECK(read_text(folder.file("policy")) == "mine");
  CHECK(run(init(folder.file("policy"), {"--force"})).code == 0);
}

TEST_CASE("bad policy files are not explained") {
  const TempFolder folder;
  auto files = bad_files(folder, fixture("trust.policy"), kSmallFile);
  std::erase_if(files,
                [](const BadFile& file) { return file.kind == "truncated"; });  // half a text of lines may be a text of lines
  require_bad_files_refused({"policy", "explain", kFile}, files, {2, 4}, folder);
}

TEST_CASE("a policy that says that descent will do is written, explained and read") {
  const TempFolder folder;
  REQUIRE(run(init(folder.file("policy"), {"--max-age", "12h", "--model", "descends"})).code == 0);
  CHECK(read_text(folder.file("policy")).find("model descends\n") != std::string::npos);
  const Ran text = run({"policy", "explain", folder.file("policy")});
  CHECK(text.code == 0);
  CHECK(text.out.find("carries an opened passport's mark") != std::string::npos);
  CHECK(run_json({"policy", "explain", folder.file("policy")}).json()["model"] == "descends");
  require_refused(init(folder.file("other"), {"--model", "anything"}), {2}, folder);
}

TEST_CASE("policy explain says of each demand what it takes") {
  const TempFolder folder;
  REQUIRE(run(init(folder.file("policy"),
                   {"--max-age", "12h", "--require", "holder.possession", "--require", "opening.seed-reserve-1"}))
              .code == 0);
  const Ran text = run({"policy", "explain", folder.file("policy")});
  CHECK(
      text.out.find("demands the check holder.possession: who shows the bundle holds the licensee's key; needs a presentation") !=
      std::string::npos);
  CHECK(text.out.find("which takes at least 180 bits") != std::string::npos);
  CHECK(text.out.find("NEVER") == std::string::npos);
}

TEST_CASE("a policy that no bundle can meet is named by explain, with every reason, and exits 1") {
  const TempFolder folder;
  const std::string policy =
      folder.write("policy", "require model.digets\nrequire checkpoint.witnesses\nrequire checkpoint.time\n");
  const Ran ran = run_json({"policy", "explain", policy});
  CHECK(ran.code == 1);
  CHECK(ran.json()["never_met"].size() == 6);
  const Ran text = run({"policy", "explain", policy});
  CHECK(text.code == 1);
  for (const char* reason : {"no log is trusted", "no owner is trusted", "no max-age", "model.digets, which is no check",
                             "names no quorum", "no authority of time"})
    CHECK_THAT(text.out, Catch::Matchers::Contains("CAN NEVER BE MET: ") && Catch::Matchers::Contains(reason));
  const Ran quorum = run({"policy", "explain", folder.write("quorum", "group g 2 a\n")});
  CHECK(quorum.code == 2);
  CHECK(quorum.err.find("can never be met: 2 needed of a group of 1") != std::string::npos);
}

TEST_CASE("policy init refuses a check that does not exist, and warns of a policy that can never be met") {
  const TempFolder folder;
  require_refused(init(folder.file("policy"), {"--require", "model.digets"}), {2}, folder);
  const Ran ageless = run(init(folder.file("policy")));
  CHECK(ageless.code == 0);
  CHECK(ageless.err.find("warning: this policy can never be met: no max-age") == 0);
}

TEST_CASE("policy explain lists every check that a policy may demand, and verify makes no other") {
  const Json listed = run_json({"policy", "explain", "--checks"}).json()["checks"];
  std::set<std::string> codes;
  for (const Json& check : listed) codes.insert(check["code"]);
  const Json made =
      run_json({"verify", "--bundle", fixture("arbiter.bundle"), "--policy", fixture("trust.policy"), "--model",
                fixture("release.safetensors"), "--passport", fixture("ada.png"), "--original", fixture("release.safetensors")})
          .json()["checks"];
  CHECK(made.size() > 30);
  for (const Json& check : made) {
    std::string code = check["code"];
    if (const auto role = code.find("-reserve-1"); role != std::string::npos) code = code.substr(0, role) + "-ROLE";
    INFO(code);
    CHECK(codes.count(code) == 1);
  }
}
