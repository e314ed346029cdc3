#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

Json inspect(const std::string& file) {
  const Ran ran = run_json({"inspect", file});
  INFO(file << ": " << ran.out << ran.err);
  CHECK(ran.code == 0);
  return ran.json();
}

}  // namespace

TEST_CASE("inspect names every kind of file") {
  const TempFolder folder;
  REQUIRE(run({"ledger", "checkpoint", "--home", fixture("home"), "--out", folder.file("checkpoint")}).code == 0);
  REQUIRE(run({"ledger", "receipt", "1", "--home", fixture("home"), "--out", folder.file("receipt")}).code == 0);
  const std::vector<std::pair<std::string, std::string>> kinds{{fixture("ada.bundle"), "stegpass.bundle.v1"},
                                                               {fixture("ada.delivery"), "stegpass.license-delivery.v1"},
                                                               {fixture("ada.key"), "stegpass.secret.v1"},
                                                               {fixture("home/vault"), "stegpass.secret.v1"},
                                                               {fixture("home/owner.pub"), "public key (COSE_Key)"},
                                                               {fixture("home/log.vkey"), "log verifier key"},
                                                               {fixture("trust.policy"), "trust policy"},
                                                               {fixture("trained/training.json"), "training record"},
                                                               {fixture("ada.png"), "PNG picture"},
                                                               {fixture("release.safetensors"), "safetensors"},
                                                               {folder.file("checkpoint"), "checkpoint"},
                                                               {folder.file("receipt"), "receipt (COSE_Sign1)"}};
  for (const auto& [file, kind] : kinds) CHECK(inspect(file)["kind"] == kind);
}

TEST_CASE("inspect names statements by their type") {
  CHECK(inspect(fixture("registration.cose"))["statement"] == "registration");
  CHECK(inspect(fixture("ada/license.cose"))["statement"] == "license");
  CHECK(inspect(fixture("ada/license.cose"))["receipts"] == 1);
  CHECK(inspect(fixture("ada.presentation"))["kind"].get<std::string>().find("presentation") != std::string::npos);
  CHECK(inspect(fixture("ada.request"))["kind"].get<std::string>().find("license-request") != std::string::npos);
}

TEST_CASE("inspect names labels and opens what is embedded") {
  const Ran ran = run({"inspect", fixture("ada/license.cose")});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("18([\n") != std::string::npos);
  CHECK(ran.out.find("/ protected / << {") != std::string::npos);
  CHECK(ran.out.find("/ alg / 1: -19") != std::string::npos);
  CHECK(ran.out.find("/ exp / 4: 1831536000 / 2028-01-15T08:00:00Z /") != std::string::npos);
  CHECK(ran.out.find("\"stegpass.license\"") != std::string::npos);
  CHECK(ran.out.find("/ receipts / 394") != std::string::npos);
}

TEST_CASE("inspect of an encrypted file shows its cost and no content") {
  const Ran ran = run({"inspect", fixture("home/vault")});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("\"vault\"") != std::string::npos);
  CHECK(ran.out.size() < 2000);
}

TEST_CASE("inspect lists the tensors of a model") {
  const Json object = inspect(fixture("release.safetensors"));
  CHECK(object["tensors"].size() > 5);
  CHECK(object["tensor_root"].get<std::string>().size() == 64);
}

TEST_CASE("inspect refuses what is damaged or none of ours") {
  const TempFolder folder;
  require_bad_files_refused({"inspect", kFile}, bad_files(folder, fixture("ada.bundle"), 0), {2, 4}, folder);
  require_refused({"inspect"}, {2}, folder);
}

TEST_CASE("inspect keeps control characters away from the terminal") {
  const TempFolder folder;
  const Ran ran = run({"inspect", folder.write("policy", read_text(fixture("trust.policy")) + "# \033[31mred\n")});
  CHECK(ran.out.find('\033') == std::string::npos);
  CHECK(ran.err.find('\033') == std::string::npos);
}

TEST_CASE("somebody else's text steers no terminal: controls of both sets and turned directions are spelled out") {
  const TempFolder folder;
  const std::string name = "tests.example/\u202egol\u009b2K";
  REQUIRE(run({"ledger", "checkpoint", "--home", fixture("home"), "--out", folder.file("checkpoint")}).code == 0);
  std::string note = read_text(folder.file("checkpoint"));
  note.replace(0, note.find('\n'), name);
  const Ran shown = run({"inspect", folder.write("turned", note)});
  INFO(shown.out << shown.err);
  CHECK(shown.code == 0);
  CHECK(shown.out.find("\\u{202e}gol\\u{9b}2K") != std::string::npos);
  CHECK(shown.out.find("\u202e") == std::string::npos);
  CHECK(shown.out.find("\u009b") == std::string::npos);
}
