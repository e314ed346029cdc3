#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

std::string ada() { return read_text(fixture("ada.id")).substr(0, 32); }

Args bundle(const std::string& purpose, const std::string& out, Args more = {}) {
  Args args{"bundle", "--home", fixture("home"), "--license", ada(), "--for", purpose, "--out", out};
  args.insert(args.end(), more.begin(), more.end());
  return purpose == "public" ? args : with_passphrase(args);
}

}  // namespace

TEST_CASE("a public bundle needs no passphrase and the same ledger gives the same bytes") {
  const TempFolder folder;
  const Ran ran = run_json(bundle("public", folder.file("a")));
  CHECK(ran.code == 0);
  CHECK(ran.json()["ok"] == true);
  CHECK(ran.json()["purpose"] == "public");
  CHECK(ran.json()["statements"] == 4);
  CHECK(read_text(folder.file("a")) == read_text(fixture("public.bundle")));
}

TEST_CASE("a verifier's bundle has the same bytes again") {
  const TempFolder folder;
  CHECK(run(bundle("verifier", folder.file("a"))).code == 0);
  CHECK(read_text(folder.file("a")) == read_text(fixture("ada.bundle")));
}

TEST_CASE("a license is named by its URN or its file as well") {
  const TempFolder folder;
  CHECK(
      run({"bundle", "--home", fixture("home"), "--license", "urn:stegpass:license:" + ada(), "--out", folder.file("a")}).code ==
      0);
  CHECK(run({"bundle", "--home", fixture("home"), "--license", fixture("ada/license.cose"), "--out", folder.file("b")}).code ==
        0);
  CHECK(read_text(folder.file("a")) == read_text(fixture("public.bundle")));
  CHECK(read_text(folder.file("b")) == read_text(fixture("public.bundle")));
}

TEST_CASE("a bundle that exists is left alone without --force") {
  const TempFolder folder;
  folder.write("there", "mine");
  require_refused(bundle("verifier", folder.file("there")), {2}, folder);
  CHECK(read_text(folder.file("there")) == "mine");
  CHECK(run(bundle("public", folder.file("there"), {"--force"})).code == 0);
  CHECK(read_text(folder.file("there")) == read_text(fixture("public.bundle")));
}

TEST_CASE("a bundle into a folder that is not there is refused") {
  const TempFolder folder;
  require_refused(bundle("public", folder.file("absent/bundle")), {4}, folder);
}

TEST_CASE("a wrong passphrase makes no bundle") {
  const TempFolder folder;
  require_refused({"bundle", "--home", fixture("home"), "--license", ada(), "--for", "verifier", "--out", folder.file("a"),
                   "--passphrase-file", fixture("wrong-passphrase")},
                  {4}, folder);
}

TEST_CASE("without a terminal and a passphrase source a verifier's bundle is refused") {
  const TempFolder folder;
  require_refused({"bundle", "--home", fixture("home"), "--license", ada(), "--for", "verifier", "--out", folder.file("a")}, {2},
                  folder);
}

TEST_CASE("bad passphrase files are refused") {
  const TempFolder folder;
  Args args = bundle("verifier", folder.file("a"));
  args.back() = kFile;
  require_bad_files_refused(args,
                            {{"missing", folder.file("missing")},
                             {"empty", folder.write("empty", "")},
                             {"long", folder.write("long", std::string(5000, 'x'))},
                             {"folder", folder.path().string()}},
                            {2, 4}, folder);
}

TEST_CASE("a license that the ledger does not have makes no bundle") {
  const TempFolder folder;
  const std::string out = folder.file("a");
  require_refused({"bundle", "--home", fixture("home"), "--license", std::string(32, '0'), "--out", out}, {4}, folder);
  require_refused({"bundle", "--home", fixture("home"), "--license", "ada", "--out", out}, {2}, folder);
  require_refused({"bundle", "--home", fixture("home"), "--license", fixture("registration.cose"), "--out", out}, {2}, folder);
  require_refused({"bundle", "--home", fixture("stranger"), "--license", ada(), "--out", out}, {4}, folder);
}

TEST_CASE("an arbiter's bundle opens at least one passport and at most one reserve") {
  const TempFolder folder;
  const std::string out = folder.file("a");
  require_refused(bundle("arbiter", out), {2}, folder);
  require_refused(bundle("arbiter", out, {"--open", "reserve-1", "--open", "reserve-2"}), {2}, folder);
  require_refused(bundle("arbiter", out, {"--open", "cover", "--open", "cover"}), {2}, folder);
  require_refused(bundle("arbiter", out, {"--open", "reserve-9"}), {2}, folder);
  require_refused(bundle("verifier", out, {"--open", "reserve-1"}), {2}, folder);
  require_refused(bundle("public", out, {"--open", "cover"}), {2}, folder);
  require_refused(bundle("everybody", out), {2}, folder);
}

TEST_CASE("cover and one reserve can be opened together") {
  const TempFolder folder;
  REQUIRE(run(bundle("arbiter", folder.file("a"), {"--open", "cover", "--open", "reserve-2"})).code == 0);
  CHECK((std::filesystem::status(folder.file("a")).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
  const Ran ran = run_json({"verify", "--bundle", folder.file("a"), "--policy", fixture("trust.policy")});
  CHECK(ran.code == 0);
  CHECK(ran.outcome("opening.seed-cover") == "valid");
  CHECK(ran.outcome("opening.seed-reserve-2") == "valid");
}

TEST_CASE("a folder that is no home makes no bundle") {
  const TempFolder folder;
  require_refused({"bundle", "--home", folder.path().string(), "--license", ada(), "--out", folder.file("a")}, {4}, folder);
  require_refused({"bundle", "--home", folder.file("absent"), "--license", ada(), "--out", folder.file("a")}, {4}, folder);
}

TEST_CASE("a damaged vault makes no bundle") {
  const TempFolder folder;
  const std::string home = folder.copy("home");
  const std::string vault = read_text(home + "/vault");
  for (const std::size_t length : {std::size_t{0}, std::size_t{20}, vault.size() / 2, vault.size() - 1}) {
    folder.write("home/vault", vault.substr(0, length));
    require_refused(
        with_passphrase({"bundle", "--home", home, "--license", ada(), "--for", "verifier", "--out", folder.file("a")}), {2, 4},
        folder);
  }
}

TEST_CASE("a full disk leaves no half bundle") {
  const TempFolder folder;
  const Ran ran = run(bundle("verifier", folder.file("a")), {.max_file_bytes = 4096});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(folder.files().empty());
}
