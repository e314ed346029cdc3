#include <filesystem>

#include "html_check.hpp"
#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

Ran make_card(const std::string& bundle, const std::string& out) {
  return run_json({"license", "card", "--bundle", bundle, "--out", out});
}
Ran check(const std::string& bundle, const std::string& card) {
  return run_json({"verify", "--bundle", bundle, "--policy", fixture("trust.policy"), "--card", card});
}

}  // namespace

TEST_CASE("a card's code reads back and names license and bundle") {
  const TempFolder folder;
  const Ran made = make_card(fixture("ada.bundle"), folder.file("card.png"));
  INFO(made.out << made.err);
  REQUIRE(made.code == 0);
  CHECK(made.json()["license"].get<std::string>() + "\n" == read_text(fixture("ada.id")));
  CHECK(made.json()["code"].get<std::string>().starts_with("stegpass:card:1:" + made.json()["license"].get<std::string>() + ":"));
  const Ran ran = check(fixture("ada.bundle"), folder.file("card.png"));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("card.license") == "valid");
  CHECK(ran.outcome("card.bundle") == "valid");
  CHECK(ran.detail("card.bundle").find(made.json()["bundle_sha256"].get<std::string>()) != std::string::npos);
}

TEST_CASE("a card of another license is invalid, one of another bundle of this license undecided") {
  const TempFolder folder;
  REQUIRE(make_card(fixture("bob.bundle"), folder.file("bob.png")).code == 0);
  const Ran other = check(fixture("ada.bundle"), folder.file("bob.png"));
  CHECK(other.code == 1);
  CHECK(other.outcome("card.license") == "invalid");
  REQUIRE(make_card(fixture("public.bundle"), folder.file("public.png")).code == 0);
  const Ran older = check(fixture("ada.bundle"), folder.file("public.png"));
  CHECK(older.code == 3);
  CHECK(older.outcome("card.license") == "valid");
  CHECK(older.outcome("card.bundle") == "undecided");
}

TEST_CASE("a policy can demand a card, and bundles without one are then undecided") {
  const TempFolder folder;
  REQUIRE(make_card(fixture("ada.bundle"), folder.file("card.png")).code == 0);
  REQUIRE(run({"policy", "init", "--log", fixture("home/log.vkey"), "--owner", fixture("home/owner.pub"), "--max-age", "30d",
               "--require", "card.license", "--require", "card.bundle", "--out", folder.file("policy")})
              .code == 0);
  CHECK(run_json({"policy", "explain", folder.file("policy")}).json()["never_met"].empty());
  const Args verify{"verify", "--bundle", fixture("ada.bundle"), "--policy", folder.file("policy")};
  Args with_card = verify;
  with_card.insert(with_card.end(), {"--card", folder.file("card.png")});
  CHECK(run(with_card).code == 0);
  CHECK(run(verify).code == 3);
}

TEST_CASE("a picture without a code is undecided and no picture at all invalid") {
  const TempFolder folder;
  const Ran blank = check(fixture("ada.bundle"), fixture("ada.png"));
  CHECK(blank.code == 3);
  CHECK(blank.outcome("card.license") == "undecided");
  for (const BadFile& file : bad_files(folder, fixture("ada.png"), 0)) {
    if (file.kind == "missing" || file.kind == "folder") continue;
    INFO(file.kind);
    const Ran ran = check(fixture("ada.bundle"), file.path);
    CHECK(ran.code == 1);
    CHECK(ran.outcome("card.license") == "invalid");
  }
  CHECK(check(fixture("ada.bundle"), folder.file("missing")).code == 4);
}

TEST_CASE("a card as a page holds the code as a drawing and loads nothing") {
  const TempFolder folder;
  const Ran made = make_card(fixture("ada.bundle"), folder.file("card.html"));
  REQUIRE(made.code == 0);
  const PageRead page = read_page(read_text(folder.file("card.html")));
  CHECK(page_fault(page) == "");
  CHECK(page.text().find(made.json()["code"].get<std::string>()) != std::string::npos);
  CHECK(page.all("svg").size() == 1);
}

TEST_CASE("a card is refused for what is no bundle, another ending, or a name that is taken") {
  const TempFolder folder;
  const std::string out = folder.file("card.png");
  require_refused({"license", "card", "--bundle", fixture("ada.bundle"), "--out", folder.file("card.gif")}, {2}, folder);
  require_refused({"license", "card", "--bundle", fixture("ada.bundle"), "--out", folder.write("taken.png", "mine")}, {2},
                  folder);
  for (const BadFile& file : bad_files(folder, fixture("ada.bundle"), 0)) {
    INFO(file.kind);
    require_refused({"license", "card", "--bundle", file.path, "--out", out}, {1, 2, 4}, folder);
  }
}
