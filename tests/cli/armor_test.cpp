#include <random>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

Ran verify(const std::string& bundle) { return run_json({"verify", "--bundle", bundle, "--policy", fixture("trust.policy")}); }

std::string armored(const TempFolder& folder) {
  const std::string file = folder.file("ada.txt");
  const Ran ran = run({"bundle", "--home", fixture("home"), "--license", read_text(fixture("ada.id")).substr(0, 32), "--for",
                       "public", "--armor", "--out", file});
  INFO(ran.err);
  REQUIRE(ran.code == 0);
  return file;
}

}  // namespace

TEST_CASE("a bundle as text for mail is judged and shown as the binary one is") {
  const TempFolder folder;
  const std::string text = armored(folder);
  CHECK(read_text(text).starts_with("-----BEGIN STEGPASS BUNDLE-----\n"));
  const Json binary = verify(fixture("public.bundle")).json(), mailed = verify(text).json();
  CHECK(mailed["checks"] == binary["checks"]);
  const Ran shown = run_json({"inspect", text});
  CHECK(shown.code == 0);
  CHECK(shown.json()["kind"] == "stegpass.bundle.v1, armored");
  CHECK(shown.json()["bundle_sha256"] == run_json({"inspect", fixture("public.bundle")}).json()["sha256"]);
}

TEST_CASE("a bundle as text that was changed or cut anywhere is invalid") {
  const TempFolder folder;
  const std::string whole = read_text(armored(folder));
  std::mt19937_64 random(20261127);
  for (int round = 0; round < 20; ++round) {
    std::string changed = whole;
    const std::size_t at = 32 + random() % (whole.size() - 32);
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    if (round % 4 == 0) changed = whole.substr(0, at);
    INFO(round << ": " << at);
    const Ran ran = verify(folder.write("changed", changed));
    CHECK(ran.code == 1);
    CHECK(ran.outcome("bundle.bytes") == "invalid");
  }
}
