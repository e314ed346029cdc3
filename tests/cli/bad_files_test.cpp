#include <filesystem>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

/// Key, request, license, ... that are no secret to the program: a missing or unreadable path is 4, unusable content 2, a secret
/// that does not open 4.
constexpr std::initializer_list<int> kRefused = {2, 4};

Args home(const std::string& folder, Args args) {
  args.insert(args.end(), {"--home", folder});
  return with_passphrase(args);
}

}  // namespace

TEST_CASE("key show refuses bad key files") {
  const TempFolder folder;
  require_bad_files_refused({"key", "show", kFile}, bad_files(folder, fixture("home/owner.pub"), kSmallFile), kRefused, folder);
}

TEST_CASE("key show refuses a truncated encrypted key and a wrong passphrase") {
  const TempFolder folder;
  const std::string key = read_text(fixture("ada.key"));
  require_refused(with_passphrase({"key", "show", folder.write("half.key", key.substr(0, key.size() / 2))}), kRefused, folder);
  require_refused({"key", "show", fixture("ada.key"), "--passphrase-file", fixture("wrong-passphrase")}, {4}, folder);
}

TEST_CASE("license request refuses bad keys") {
  const TempFolder folder;
  require_bad_files_refused(with_passphrase({"license", "request", "--key", kFile, "--registration", fixture("registration.cose"),
                                             "--name", "ada", "--draw", "--out", folder.file("out")}),
                            bad_files(folder, fixture("ada.key"), kSmallFile), kRefused, folder);
}

TEST_CASE("license request refuses bad registrations") {
  const TempFolder folder;
  require_bad_files_refused(with_passphrase({"license", "request", "--key", fixture("ada.key"), "--registration", kFile, "--name",
                                             "ada", "--draw", "--out", folder.file("out")}),
                            bad_files(folder, fixture("registration.cose"), kSmallFile), kRefused, folder);
}

TEST_CASE("license request refuses bad identity pictures") {
  const TempFolder folder;
  require_bad_files_refused(
      with_passphrase({"license", "request", "--key", fixture("ada.key"), "--registration", fixture("registration.cose"),
                       "--name", "ada", "--identity", kFile, "--out", folder.file("out")}),
      bad_files(folder, fixture("ada.png"), 4u << 20), kRefused, folder);
}

TEST_CASE("license open refuses bad deliveries and another's") {
  const TempFolder folder;
  auto files = bad_files(folder, fixture("ada.delivery"), kPictureFile);
  files.push_back({"another's", fixture("bob.delivery")});
  require_bad_files_refused(
      with_passphrase({"license", "open", "--key", fixture("ada.key"), "--delivery", kFile, "--out", folder.file("out")}), files,
      kRefused, folder);
}

TEST_CASE("license open refuses a wrong passphrase and leaves what is there") {
  const TempFolder folder;
  require_refused({"license", "open", "--key", fixture("ada.key"), "--delivery", fixture("ada.delivery"), "--out",
                   folder.file("out"), "--passphrase-file", fixture("wrong-passphrase")},
                  {4}, folder);
  fs::create_directory(folder.file("ada"));
  folder.write("ada/license.cose", "mine");
  require_refused(with_passphrase({"license", "open", "--key", fixture("ada.key"), "--delivery", fixture("ada.delivery"), "--out",
                                   folder.file("ada")}),
                  {2}, folder);
  CHECK(read_text(folder.file("ada/license.cose")) == "mine");
}

TEST_CASE("license present refuses bad licenses and another's") {
  const TempFolder folder;
  auto files = bad_files(folder, fixture("ada/license.cose"), kSmallFile);
  files.push_back({"a registration", fixture("registration.cose")});
  files.push_back({"another's", fixture("bob/license.cose")});
  require_bad_files_refused(with_passphrase({"license", "present", "--key", fixture("ada.key"), "--license", kFile, "--audience",
                                             "inspector", "--nonce", "0011", "--out", folder.file("out")}),
                            files, kRefused, folder);
}

TEST_CASE("license present refuses a nonce that is none") {
  const TempFolder folder;
  for (const std::string& nonce : {std::string(), std::string("xyz"), std::string("001"), std::string(200, '0')}) {
    INFO(nonce);
    require_refused(with_passphrase({"license", "present", "--key", fixture("ada.key"), "--license", fixture("ada/license.cose"),
                                     "--audience", "inspector", "--nonce", nonce, "--out", folder.file("out")}),
                    {2}, folder);
  }
}

TEST_CASE("passport mint refuses bad requests") {
  const TempFolder folder;
  require_bad_files_refused(
      home(fixture("home-registered"), {"passport", "mint", "--request", kFile, "--out", folder.file("out")}),
      bad_files(folder, fixture("ada.request"), kPictureFile), kRefused, folder);
}

TEST_CASE("passport mint refuses other ISN weights than the registered ones") {
  const TempFolder folder;
  require_refused(home(fixture("home-registered"), {"passport", "mint", "--request", fixture("ada.request"), "--out",
                                                    folder.file("out"), "--isn", fixture("release.safetensors")}),
                  kRefused, folder);
  require_refused(home(fixture("home-registered"), {"passport", "mint", "--request", fixture("ada.request"), "--out",
                                                    folder.file("out"), "--isn", folder.file("missing")}),
                  {4}, folder);
}

TEST_CASE("passport mint keeps an output that exists") {
  const TempFolder folder;
  folder.write("out", "mine");
  require_refused(
      home(fixture("home-registered"), {"passport", "mint", "--request", fixture("ada.request"), "--out", folder.file("out")}),
      {2}, folder);
  CHECK(read_text(folder.file("out")) == "mine");
}

TEST_CASE("license issue refuses bad requests") {
  const TempFolder folder;
  require_bad_files_refused(home(fixture("home-minted"), {"license", "issue", "--request", kFile, "--passport",
                                                          fixture("ada.png"), "--out", folder.file("out")}),
                            bad_files(folder, fixture("ada.request"), kPictureFile), kRefused, folder);
}

TEST_CASE("license issue refuses bad passports and those that were not minted for the request") {
  const TempFolder folder;
  auto files = bad_files(folder, fixture("ada.png"), kPictureFile);
  files.push_back({"another's", fixture("bob.png")});
  require_bad_files_refused(home(fixture("home-minted"), {"license", "issue", "--request", fixture("ada.request"), "--passport",
                                                          kFile, "--out", folder.file("out")}),
                            files, kRefused, folder);
}

TEST_CASE("license issue refuses senseless dates") {
  const TempFolder folder;
  const Args issue{"license",          "issue", "--request",       fixture("ada.request"), "--passport",
                   fixture("ada.png"), "--out", folder.file("out")};
  for (const Args& dates :
       {Args{"--expires", "2020-01-01"}, Args{"--expires", "soon"}, Args{"--not-before", "+400d"}, Args{"--expires", "+1x"}}) {
    Args args = issue;
    args.insert(args.end(), dates.begin(), dates.end());
    require_refused(home(fixture("home-minted"), args), {2}, folder);
  }
}

TEST_CASE("a wrong passphrase opens no home, whatever the command") {
  const TempFolder folder;
  const std::string out = folder.file("out");
  const std::vector<Args> commands{
      {"vault", "check"},
      {"vault", "list"},
      {"vault", "backup", "--out", out},
      {"passport", "new", "--draw", "--force"},
      {"passport", "train", "--data", "drawn", "--out", out},
      {"passport", "mint", "--request", fixture("ada.request"), "--out", out},
      {"model", "register", "--models", fixture("trained"), "--out", out},
      {"license", "issue", "--request", fixture("ada.request"), "--passport", fixture("ada.png"), "--out", out},
      {"license", "status"},
      {"license", "revoke", "--license", read_text(fixture("ada.id")).substr(0, 32), "--reason", "none"}};
  const std::string copy = folder.copy("home-minted");
  for (Args command : commands) {
    command.insert(command.end(), {"--home", copy, "--passphrase-file", fixture("wrong-passphrase")});
    require_refused(command, {4}, folder);
  }
}

TEST_CASE("model register refuses folders without a whole training") {
  const TempFolder folder;
  const Args command{"model", "register", "--models", folder.file("trained"), "--out", folder.file("out")};
  require_refused(home(fixture("home-registered"), command), {4}, folder);
  for (const char* name : {"training.json", "owner.safetensors", "release.safetensors"}) {
    INFO(name);
    fs::remove_all(folder.file("trained"));
    folder.copy("trained");
    const std::string content = read_text(folder.file("trained") + "/" + name);
    folder.write("trained/" + std::string(name), content.substr(0, content.size() / 2));
    require_refused(home(fixture("home-registered"), command), kRefused, folder);
    fs::remove(folder.file("trained") + "/" + name);
    require_refused(home(fixture("home-registered"), command), {4}, folder);
  }
}

TEST_CASE("passport evaluate and verify refuse bad models") {
  const TempFolder folder;
  const auto files = bad_files(folder, fixture("release.safetensors"), 0);
  require_bad_files_refused({"passport", "evaluate", "--model", kFile, "--data", "drawn"}, files, kRefused, folder);
  require_bad_files_refused(home(fixture("home"), {"passport", "verify", "--model", kFile}), files, kRefused, folder);
}

TEST_CASE("training refuses data that are not there or not images") {
  const TempFolder folder;
  fs::create_directory(folder.file("data"));
  const std::string copy = folder.copy("home-registered");
  const Args command{"passport", "train", "--data", folder.file("data"), "--out", folder.file("out")};
  require_refused(home(copy, command), kRefused, folder);
  for (const char* name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    folder.write("data/" + std::string(name), "no images");
  }
  require_refused(home(copy, command), kRefused, folder);
  require_refused(home(copy, {"passport", "train", "--data", folder.file("absent"), "--out", folder.file("out")}), kRefused,
                  folder);
}

TEST_CASE("passports need six readable pictures") {
  const TempFolder folder;
  REQUIRE(run(with_passphrase({"init", folder.file("home")})).code == 0);
  fs::create_directory(folder.file("pictures"));
  const Args command{"passport", "new", "--pictures", folder.file("pictures")};
  require_refused(home(folder.file("home"), command), kRefused, folder);
  for (int i = 0; i < 6; ++i) folder.write("pictures/" + std::to_string(i) + ".png", "no picture");
  require_refused(home(folder.file("home"), command), kRefused, folder);
  require_refused(home(folder.file("home"), {"passport", "new", "--pictures", folder.file("absent")}), {4}, folder);
  require_refused(home(folder.file("home"), {"passport", "new", "--draw", "--pictures", folder.file("pictures")}), {2}, folder);
}

TEST_CASE("isn evaluate refuses folders without pictures and files that are no weights") {
  const TempFolder folder;
  fs::create_directory(folder.file("pictures"));
  require_refused({"isn", "evaluate", "--images", folder.file("pictures")}, kRefused, folder);
  require_refused({"isn", "evaluate", "--images", folder.file("absent")}, kRefused, folder);
  REQUIRE(run({"data", "draw", "--count", "2", "--size", "64", "--out", folder.file("drawn")}).code == 0);
  require_bad_files_refused({"isn", "evaluate", "--images", folder.file("drawn"), "--size", "64", "--weights", kFile},
                            bad_files(folder, fixture("release.safetensors"), kPictureFile), kRefused, folder);
}

TEST_CASE("passport convert refuses files that hold no weights, and outputs that are there or contradict each other") {
  const TempFolder folder;
  const std::string out = folder.file("out.safetensors"), good = fixture("release.safetensors");
  require_bad_files_refused({"passport", "convert", "--from", kFile, "--out", out}, bad_files(folder, good, 0), kRefused, folder);
  require_bad_files_refused({"passport", "convert", "--from", kFile, "--list"}, bad_files(folder, good, 0), kRefused, folder);
  require_bad_files_refused({"passport", "convert", "--from", good, "--out", out, "--map", kFile},
                            bad_files(folder, folder.write("map", "{\"a\": 1}"), kSmallFile), kRefused, folder);
  require_refused({"passport", "convert", "--from", good}, {2}, folder);
  require_refused({"passport", "convert", "--from", good, "--out", out, "--list"}, {2}, folder);
  folder.write("there", "mine");
  require_refused({"passport", "convert", "--from", good, "--out", folder.file("there")}, {2}, folder);
}

TEST_CASE("passport convert keeps the tensors of our own models by name, shape and type") {
  const TempFolder folder;
  const Ran ran =
      run_json({"passport", "convert", "--from", fixture("trained/owner.safetensors"), "--out", folder.file("out.safetensors")});
  REQUIRE(ran.code == 0);
  CHECK(ran.json()["network"] == "alexnet-cifar");
  CHECK(ran.json()["left_out"].empty());
  const Ran before = run_json({"passport", "convert", "--from", fixture("trained/owner.safetensors"), "--list"});
  const Ran after = run_json({"passport", "convert", "--from", folder.file("out.safetensors"), "--list"});
  CHECK(before.json()["tensors"] == after.json()["tensors"]);
}

TEST_CASE("a folder that is or was a home is not made one again") {
  const TempFolder folder;
  const std::string copy = folder.copy("stranger");
  require_refused(with_passphrase({"init", copy}), {2}, folder);
  fs::remove(copy + "/vault");
  require_refused(with_passphrase({"init", copy}), {2}, folder);
}

TEST_CASE("init refuses an origin that cannot stand in a checkpoint and an empty passphrase") {
  const TempFolder folder;
  require_refused(with_passphrase({"init", folder.file("home"), "--origin", "two words"}), {2}, folder);
  require_refused({"init", folder.file("home"), "--passphrase-file", folder.write("empty", "\n")}, {2}, folder);
  require_refused({"init", folder.file("home")}, {2}, folder);
}

TEST_CASE("a damaged home is refused by the commands that read it") {
  const TempFolder folder;
  const std::string copy = folder.copy("home");
  for (const char* name : {"owner.key", "log.key", "vault"}) {
    const std::string path = copy + "/" + name, whole = read_text(path);
    for (const std::size_t length : {std::size_t{0}, whole.size() / 2, whole.size() - 1}) {
      INFO(name << " cut to " << length);
      folder.write("home/" + std::string(name), whole.substr(0, length));
      const bool vault = name == std::string("vault");  // which the status of licenses does not need
      require_refused(home(copy, vault ? Args{"vault", "check"} : Args{"license", "status"}), kRefused, folder);
    }
    folder.write("home/" + std::string(name), whole);
  }
}

TEST_CASE("vault backup keeps what exists and vault check refuses bad copies") {
  const TempFolder folder;
  folder.write("there", "mine");
  require_refused(home(fixture("home"), {"vault", "backup", "--out", folder.file("there")}), {2}, folder);
  CHECK(read_text(folder.file("there")) == "mine");
  REQUIRE(run(home(fixture("home"), {"vault", "backup", "--out", folder.file("copy")})).code == 0);
  CHECK(run(home(fixture("home"), {"vault", "check", "--file", folder.file("copy")})).code == 0);
  require_bad_files_refused(home(fixture("home"), {"vault", "check", "--file", kFile}),
                            bad_files(folder, folder.file("copy"), kPictureFile), {1, 2, 4}, folder);
}

TEST_CASE("a license is revoked once and for good") {
  const TempFolder folder;
  const std::string copy = folder.copy("home-revoked"), ada = read_text(fixture("ada.id")).substr(0, 32);
  const std::string before = run_json({"ledger", "show", "--home", copy}).out;
  CHECK(run(home(copy, {"license", "revoke", "--license", ada, "--reason", "again"})).code != 0);
  CHECK(run_json({"ledger", "show", "--home", copy}).out == before);
}

TEST_CASE("a license is issued once for a minted passport") {
  const TempFolder folder;
  const std::string copy = folder.copy("home");
  const std::string before = run_json({"ledger", "show", "--home", copy}).out;
  const Ran ran = run(home(copy, {"license", "issue", "--request", fixture("ada.request"), "--passport", fixture("ada.png"),
                                  "--out", folder.file("out")}));
  CHECK(ran.code == 2);
  CHECK(message_fault(ran) == "");
  CHECK(run_json({"ledger", "show", "--home", copy}).out == before);
}
