#include <filesystem>
#include <random>
#include <sstream>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

Args papers(const std::string& bundle, Args more = {}) {
  Args args{"verify", "--bundle", bundle, "--policy", fixture("trust.policy")};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Args with_policy(const std::string& policy) { return {"verify", "--bundle", fixture("ada.bundle"), "--policy", policy}; }

Args presented(const std::string& file, const std::string& audience = "inspector", const std::string& nonce = "00112233") {
  return papers(fixture("ada.bundle"), {"--presentation", file, "--audience", audience, "--nonce", nonce});
}

/// The fixture's policy without its lines that begin with `word`, and with `line` added.
std::string changed_policy(const std::string& word, const std::string& line) {
  std::istringstream old(read_text(fixture("trust.policy")));
  std::string out, each;
  while (std::getline(old, each)) {
    if (word.empty() || !each.starts_with(word)) out += each + "\n";
  }
  return out + line;
}

}  // namespace

TEST_CASE("the papers of a licensed user are valid") {
  const Ran ran = run_json(papers(fixture("ada.bundle")));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.err == "");
  const Json object = ran.json();
  CHECK(object["ok"] == true);
  CHECK(object["verdict"] == "valid");
  CHECK(object["as_of"] == "2027-01-15T08:00:00Z");
  CHECK(object["license"]["id"].get<std::string>() + "\n" == read_text(fixture("ada.id")));
  CHECK(object["registration"]["owner_name"] == "tester");
  CHECK(object["policy"]["max_age_s"] == 30 * kDay);
  for (const char* code :
       {"bundle.bytes", "checkpoint.signature", "checkpoint.age", "ledger.policy", "registration.issuer", "license.signature",
        "license.dates", "license.status", "status.age", "receipt.license", "opening.cover", "opening.isn-key"}) {
    CHECK(ran.outcome(code) == "valid");
  }
}

TEST_CASE("what was not asked for is listed with what it needs") {
  const Json object = run_json(papers(fixture("ada.bundle"))).json();
  std::map<std::string, std::string> missing;
  for (const Json& entry : object["missing"]) missing[entry["code"]] = entry["needed"];
  CHECK(missing["model.digest"].find("--model") != std::string::npos);
  CHECK(missing["passport.digest"].find("--passport") != std::string::npos);
  CHECK(missing["owner.mark"].find("arbiter") != std::string::npos);
  CHECK(missing.count("license.status") == 0);
}

TEST_CASE("in text every check has a line and the verdict is the last") {
  const Ran ran = run(papers(fixture("ada.bundle")));
  CHECK(ran.code == 0);
  CHECK(ran.out.find("ok           license.status") != std::string::npos);
  CHECK(ran.out.ends_with("verdict: valid, as of 2027-01-15T08:00:00Z\n"));
}

TEST_CASE("a public bundle is valid and opens nothing") {
  const Ran ran = run_json(papers(fixture("public.bundle")));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("opening.cover") == "not checked");
  CHECK(ran.outcome("opening.isn-key") == "not checked");
  CHECK(ran.outcome("opening.identity") == "not checked");
}

TEST_CASE("a bundle cut short anywhere is invalid") {
  const TempFolder folder;
  const std::string whole = read_text(fixture("ada.bundle"));
  for (const std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{34}, std::size_t{1000}, whole.size() / 2, whole.size() - 1}) {
    INFO(length << " bytes");
    const Ran ran = run_json(papers(folder.write("cut.bundle", whole.substr(0, length))));
    CHECK(ran.code == 1);
    CHECK(ran.outcome("bundle.bytes") == "invalid");
  }
}

TEST_CASE("a bundle with a byte after its end is invalid") {
  const TempFolder folder;
  const Ran ran = run_json(papers(folder.write("long.bundle", read_text(fixture("ada.bundle")) + "x")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("bundle.bytes") == "invalid");
}

TEST_CASE("a bundle over 64 MiB is invalid") {
  const TempFolder folder;
  std::filesystem::resize_file(folder.write("huge.bundle", ""), kPictureFile + 1);
  const Ran ran = run_json(papers(folder.file("huge.bundle")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("bundle.bytes") == "invalid");
}

TEST_CASE("a file of another kind is no bundle") {
  for (const char* other : {"ada.png", "trust.policy", "ada.key", "registration.cose", "release.safetensors"}) {
    INFO(other);
    const Ran ran = run_json(papers(fixture(other)));
    CHECK(ran.code == 1);
    CHECK(ran.outcome("bundle.bytes") == "invalid");
  }
}

TEST_CASE("a single changed byte of the bundle never verifies") {
  const TempFolder folder;
  const std::string whole = read_text(fixture("ada.bundle"));
  std::mt19937_64 random(20261121);
  for (int round = 0; round < 25; ++round) {
    const std::size_t at = random() % whole.size();
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ static_cast<char>(1 + random() % 255));
    INFO("byte " << at);
    const Ran ran = run_json(papers(folder.write("changed.bundle", changed)));
    CHECK(ran.code == 1);
    CHECK(ran.outcome("bundle.bytes") == "invalid");
  }
}

TEST_CASE("a missing bundle is a matter of files") {
  const TempFolder folder;
  require_refused(papers(folder.file("missing")), {4}, folder);
  require_refused(papers(folder.path().string()), {4}, folder);
}

TEST_CASE("a revoked license is invalid and says so") {
  const Ran ran = run_json(papers(fixture("revoked.bundle")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("license.status") == "invalid");
  CHECK(ran.outcome("revocation") == "invalid");
  CHECK(ran.detail("revocation").find("the tests take it back") != std::string::npos);
}

TEST_CASE("the license of another is untouched by a revocation") {
  const TempFolder folder;
  const std::string bundle = folder.file("bob.bundle");
  const std::string bob = read_text(fixture("bob.id"));
  REQUIRE(run({"bundle", "--home", fixture("home-revoked"), "--license", bob.substr(0, 32), "--out", bundle}).code == 0);
  CHECK(run_json(papers(bundle)).code == 0);
}

TEST_CASE("papers older than the policy allows are undecided") {
  const Ran ran = run_json(papers(fixture("ada.bundle")), {.now = kNow + 31 * kDay});
  CHECK(ran.code == 3);
  CHECK(ran.outcome("checkpoint.age") == "undecided");
  CHECK(ran.outcome("license.dates") == "valid");
  CHECK(ran.json()["verdict"] == "undecided");
}

TEST_CASE("a status list past its own time to live is undecided") {
  const Ran ran = run_json(papers(fixture("ada.bundle")), {.now = kNow + 2 * kDay});
  CHECK(ran.code == 3);
  CHECK(ran.outcome("checkpoint.age") == "valid");
  CHECK(ran.outcome("status.age") == "undecided");
}

TEST_CASE("an expired license is invalid") {
  const Ran ran = run_json(papers(fixture("ada.bundle")), {.now = kNow + 366 * kDay});
  CHECK(ran.code == 1);
  CHECK(ran.outcome("license.dates") == "invalid");
}

TEST_CASE("a clock that lies before the log's own proves nothing about dates") {
  const Ran ran = run_json(papers(fixture("ada.bundle")), {.now = kFixtureTime - 5 * 365 * kDay});
  CHECK(ran.code == 3);
  CHECK(ran.outcome("checkpoint.age") == "undecided");
  CHECK(ran.outcome("license.dates") == "undecided");
  CHECK(ran.detail("license.dates").find("this clock lies behind the log's checkpoint") == 0);
}

TEST_CASE("an owner whom the policy does not name is undecided") {
  const TempFolder folder;
  REQUIRE(run({"policy", "init", "--log", fixture("home/log.vkey"), "--owner", "stranger=" + fixture("stranger/owner.pub"),
               "--max-age", "30d", "--out", folder.file("policy")})
              .code == 0);
  const Ran ran = run_json(with_policy(folder.file("policy")));
  CHECK(ran.code == 3);
  CHECK(ran.outcome("registration.issuer") == "undecided");
  CHECK(ran.outcome("checkpoint.signature") == "valid");
}

TEST_CASE("a log that the policy does not name is undecided") {
  const Ran ran = run_json(with_policy(fixture("stranger/trust.policy")));
  CHECK(ran.code == 3);
  CHECK(ran.outcome("checkpoint.signature") == "undecided");
}

TEST_CASE("a policy that trusts nobody decides nothing") {
  const TempFolder folder;
  const Ran ran = run_json(with_policy(folder.write("policy", "# nobody\n")));
  CHECK(ran.code == 3);
  CHECK(ran.json()["verdict"] == "undecided");
}

TEST_CASE("without a greatest age freshness is undecided") {
  const TempFolder folder;
  const Ran ran = run_json(with_policy(folder.write("policy", changed_policy("max-age", ""))));
  CHECK(ran.code == 3);
  CHECK(ran.outcome("checkpoint.age") == "undecided");
}

TEST_CASE("a policy that is missing or a folder is a matter of files") {
  const TempFolder folder;
  require_refused(with_policy(folder.file("missing")), {4}, folder);
  require_refused(with_policy(folder.path().string()), {4}, folder);
}

TEST_CASE("a policy that does not read is refused with its line") {
  const TempFolder folder;
  require_bad_files_refused(with_policy(kFile),
                            {{"empty", folder.write("empty", "")},
                             {"with an unknown word", folder.write("word", changed_policy("", "trust everybody\n"))},
                             {"with a broken key", folder.write("key", "log tests.example/log+00000000+AQAA\n")},
                             {"binary", fixture("ada.bundle")},
                             {"oversized", bad_files(folder, fixture("trust.policy"), kSmallFile).back().path}},
                            {2}, folder);
}

TEST_CASE("a check that the policy demands and nobody made is undecided") {
  const TempFolder folder;
  const Ran ran = run_json(with_policy(folder.write("policy", changed_policy("", "require model.digest\n"))));
  CHECK(ran.code == 3);
  CHECK(ran.outcome("policy.required") == "undecided");
  CHECK(ran.detail("policy.required").find("model.digest") != std::string::npos);
}

TEST_CASE("a demanded check that was made does not stand in the way") {
  const TempFolder folder;
  const Ran ran = run_json(with_policy(folder.write("policy", changed_policy("", "require license.status\n"))));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("policy.required") == "");
}

TEST_CASE("the holder's answer to the nonce is valid") {
  const Ran ran = run_json(presented(fixture("ada.presentation")));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("holder.possession") == "valid");
}

TEST_CASE("an answer to another nonce is invalid") {
  const Ran ran = run_json(presented(fixture("ada.presentation"), "inspector", "00112234"));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("holder.possession") == "invalid");
}

TEST_CASE("an answer for another audience is invalid") {
  const Ran ran = run_json(presented(fixture("ada.presentation"), "somebody else"));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("holder.possession") == "invalid");
}

TEST_CASE("the answer of another licensee's key is invalid") {
  const Ran ran = run_json(presented(fixture("bob.presentation")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("holder.possession") == "invalid");
}

TEST_CASE("an answer given ten minutes ago is stale") {
  const Ran ran = run_json(presented(fixture("ada.presentation")), {.now = kFixtureTime + 700});
  CHECK(ran.code == 3);
  CHECK(ran.outcome("holder.possession") == "undecided");
}

TEST_CASE("a damaged presentation is invalid and a missing one a matter of files") {
  const TempFolder folder;
  for (const BadFile& file : bad_files(folder, fixture("ada.presentation"), kSmallFile)) {
    INFO(file.kind);
    const Ran ran = run_json(presented(file.path));
    if (file.kind == "missing" || file.kind == "folder") {
      CHECK(ran.code == 4);
    } else {
      CHECK(ran.code == 1);
      CHECK(ran.outcome("holder.possession") == "invalid");
    }
  }
}

TEST_CASE("presentation, audience and nonce go together and the nonce is hexadecimal") {
  const TempFolder folder;
  const std::string bundle = fixture("ada.bundle"), presentation = fixture("ada.presentation");
  require_refused(papers(bundle, {"--nonce", "00112233"}), {2}, folder);
  require_refused(papers(bundle, {"--presentation", presentation}), {2}, folder);
  require_refused(papers(bundle, {"--presentation", presentation, "--audience", "inspector"}), {2}, folder);
  require_refused(presented(presentation, "inspector", "0x11"), {2}, folder);
  require_refused(presented(presentation, "inspector", std::string(130, '0')), {2}, folder);
}

TEST_CASE("a verifier's memory refuses an older bundle than the last") {
  const TempFolder folder;
  const Args memory{"--memory", folder.file("memory")};
  CHECK(run_json(papers(fixture("ada.bundle"), memory)).code == 0);
  CHECK(folder.files() == std::vector<std::string>{"memory"});
  CHECK(run_json(papers(fixture("revoked.bundle"), memory)).code == 1);
  const std::string kept = read_text(folder.file("memory"));
  const Ran older = run_json(papers(fixture("ada.bundle"), memory));
  CHECK(older.code == 3);
  CHECK(older.outcome("checkpoint.memory") == "undecided");
  CHECK(read_text(folder.file("memory")) == kept);
}

TEST_CASE("an unreadable bundle leaves the memory as it is") {
  const TempFolder folder;
  const Args memory{"--memory", folder.file("memory")};
  REQUIRE(run_json(papers(fixture("ada.bundle"), memory)).code == 0);
  const std::string kept = read_text(folder.file("memory"));
  CHECK(run_json(papers(folder.write("empty", ""), memory)).code == 1);
  CHECK(run_json(papers(fixture("trust.policy"), memory)).code == 1);
  CHECK(read_text(folder.file("memory")) == kept);
}

TEST_CASE("a memory that does not read is refused and left alone") {
  const TempFolder folder;
  REQUIRE(run_json(papers(fixture("ada.bundle"), {"--memory", folder.file("good")})).code == 0);
  for (const BadFile& file : bad_files(folder, folder.file("good"), kSmallFile)) {
    if (file.kind == "missing") continue;
    INFO(file.kind);
    require_refused(papers(fixture("ada.bundle"), {"--memory", file.path}), {2, 4}, folder);
  }
  require_refused(papers(fixture("ada.bundle"), {"--memory", folder.file("absent/memory")}), {4}, folder);
}

TEST_CASE("a memory that cannot be written withholds the verdict") {
  const TempFolder folder;
  const Ran ran = run(papers(fixture("ada.bundle"), {"--memory", folder.file("memory")}), {.max_file_bytes = 16});
  CHECK(ran.code == 4);
  CHECK(ran.err.find("stegpass: cannot write") == 0);
  CHECK(folder.files().empty());
}

TEST_CASE("verification of papers does not load LibTorch") {
  const Ran ran = run(papers(fixture("ada.bundle")), {.environment = {{"LD_DEBUG", "files"}}});
  CHECK(ran.code == 0);
  CHECK(ran.err.find("libcrypto") != std::string::npos);
  CHECK(ran.err.find("libtorch") == std::string::npos);
  CHECK(ran.err.find("libopencv") == std::string::npos);
}

TEST_CASE("wrong arguments are usage errors in text and as JSON") {
  const TempFolder folder;
  require_refused({"verify"}, {2}, folder);
  require_refused({"verify", "--bundle", fixture("ada.bundle")}, {2}, folder);
  require_refused(papers(fixture("ada.bundle"), {"--unknown"}), {2}, folder);
  require_refused({"frobnicate"}, {2}, folder);
  require_refused({}, {2}, folder);
}

TEST_CASE("the help of each command shows an example") {
  const std::vector<Args> commands{{"init"},
                                   {"key", "new"},
                                   {"key", "show"},
                                   {"vault", "check"},
                                   {"vault", "backup"},
                                   {"vault", "list"},
                                   {"data", "list"},
                                   {"data", "check"},
                                   {"data", "import"},
                                   {"data", "draw"},
                                   {"isn", "train"},
                                   {"isn", "evaluate"},
                                   {"passport", "new"},
                                   {"passport", "train"},
                                   {"passport", "evaluate"},
                                   {"passport", "mint"},
                                   {"passport", "verify"},
                                   {"model", "register"},
                                   {"license", "request"},
                                   {"license", "issue"},
                                   {"license", "open"},
                                   {"license", "present"},
                                   {"license", "revoke"},
                                   {"license", "status"},
                                   {"license", "list"},
                                   {"ledger", "show"},
                                   {"ledger", "entry"},
                                   {"ledger", "receipt"},
                                   {"ledger", "checkpoint"},
                                   {"policy", "init"},
                                   {"policy", "explain"},
                                   {"bundle"},
                                   {"verify"},
                                   {"audit"},
                                   {"inspect"}};
  for (Args command : commands) {
    command.push_back("--help");
    const Ran ran = run(command);
    INFO(command[0] << " " << command[1]);
    CHECK(ran.code == 0);
    CHECK(ran.out.find("Example: stegpass " + command[0]) != std::string::npos);
  }
}
