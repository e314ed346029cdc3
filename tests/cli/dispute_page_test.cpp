// The page that dispute judge writes for people: what has to be on it, whatever was decided, and that nothing of anybody's
// becomes markup.
#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "html_check.hpp"
#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;

namespace {

struct Written {
  Ran ran;
  std::string html;
  PageRead page;
};

/// Runs dispute judge with --page and reads the page.
Written judge_page(const TempFolder& folder, const Args& of_case, const Args& more = {}) {
  const std::string file = folder.file("page.html");
  Args args{"dispute", "judge", "--policy", fixture("arbiter.policy"), "--page", file, "--force"};
  args.insert(args.end(), of_case.begin(), of_case.end());
  args.insert(args.end(), more.begin(), more.end());
  Written out{run_json(args), {}, {}};
  INFO(out.ran.out << out.ran.err);
  REQUIRE(std::filesystem::exists(file));
  out.html = read_text(file);
  out.page = read_page(out.html);
  return out;
}

void check_page(const Written& written, const std::string& word) {
  CHECK(page_fault(written.page) == "");
  CHECK(written.html.find("http://") == std::string::npos);
  CHECK(written.html.find("<script") == std::string::npos);
  const std::size_t verdict = written.html.find("<p class=\"word ");
  REQUIRE(verdict < written.html.find("<h2>"));
  CHECK(written.html.substr(verdict, 900).find(word) != std::string::npos);
  const std::string text = written.page.text();
  const Json json = written.ran.json();
  for (const Json& check : json["checks"]) {
    INFO(check.dump());
    CHECK(text.find(check["code"].get<std::string>()) != std::string::npos);
    CHECK(text.find(check["detail"].get<std::string>()) != std::string::npos);
  }
  for (const char* list : {"assumptions", "errors", "would_change"})
    for (const Json& sentence : json[list]) CHECK_THAT(text, Contains(sentence.get<std::string>()));
  for (const Json& input : json["inputs"]) CHECK_THAT(text, Contains(input["sha256"].get<std::string>()));
  CHECK_THAT(text, Contains(json["report_sha256"].get<std::string>()));
}

Args overwriter() {
  return {"--party", "acme=" + fixture("acme.bundle"),         "--party", "rival=" + fixture("rival.bundle"),
          "--model", "release=" + fixture("acme.safetensors"), "--model", "product=" + fixture("over.safetensors")};
}

}  // namespace

TEST_CASE("the page of a dispute shows every check, marks beside chance, both sides and the way to repeat it") {
  const TempFolder folder;
  const Args signed_by = with_passphrase(
      {"--key", fixture("arbiter.key"), "--out", folder.file("finding.cose"), "--report", folder.file("report.txt")});
  const Written written = judge_page(folder, overwriter(), signed_by);
  CHECK(written.ran.code == 0);
  check_page(written, "Descends, for acme");
  const std::string text = written.page.text();
  CHECK_THAT(text, Contains(to_hex(credential::fast_sha256(as_bytes(read_text(folder.file("report.txt")))))));
  CHECK_THAT(text, Contains("264 of 264 bits"));
  CHECK_THAT(text, Contains("STEGPASS_NOW=1800000300 stegpass dispute judge --policy "));
  CHECK_THAT(text, !Contains("arbiter.key"));  // what is to be written, and by whom, is no part of judging
  CHECK(written.page.all("svg").size() > 3);
  CHECK_THAT(written.html, Contains("Exact binomial distribution"));
  CHECK(judge_page(folder, overwriter()).html == written.html);
}

TEST_CASE("the page of an undecided dispute, without a passport opened and with controls, is whole too") {
  const TempFolder folder;
  const Written unopened = judge_page(folder, {"--party", "acme=" + fixture("acme-verifier.bundle"), "--party", "thief",
                                               "--model", "release=" + fixture("acme.safetensors")});
  CHECK(unopened.ran.code == 3);
  check_page(unopened, "Undecided");
  CHECK_THAT(unopened.page.text(), Contains("No party opened a passport"));
  const Written controlled =
      judge_page(folder, {"--party", "acme=" + fixture("acme.bundle"), "--party", "indie", "--model",
                          "release=" + fixture("acme.safetensors"), "--model", "product=" + fixture("indie.safetensors"),
                          "--taken", "product=indie", "--control", "other=" + fixture("control.safetensors")});
  CHECK(controlled.ran.code == 0);
  check_page(controlled, "Not-descended, for acme");
  CHECK_THAT(controlled.page.text(), Contains("models that no party had a hand in"));
}

TEST_CASE("names on a dispute's page are text, whatever is in them") {
  const TempFolder folder;
  const Written written = judge_page(folder, {"--party", "Zoë <b>&\"=" + fixture("acme.bundle"), "--party", "näher", "--model",
                                              "<script>=" + fixture("acme.safetensors")});
  CHECK(written.ran.code == 3);
  check_page(written, "Undecided");
  CHECK_THAT(written.html, Contains("Zoë &lt;b&gt;&amp;&quot;"));
  CHECK_THAT(written.html, !Contains("<b>"));
}

TEST_CASE("a dispute's page that is there is kept, and nothing else is written") {
  const TempFolder folder;
  const std::string there = folder.write("there.html", "kept");
  Args args = overwriter();
  args.insert(args.begin(), {"dispute", "judge", "--policy", fixture("arbiter.policy"), "--page", there, "--report",
                             folder.file("report.txt")});
  const Ran ran = run_json(args);
  CHECK(ran.code == 2);
  CHECK(json_fault(ran).empty());
  CHECK_THAT(ran.json()["detail"].get<std::string>(), Contains("exists"));
  CHECK(read_text(there) == "kept");
  CHECK(folder.files() == std::vector<std::string>{"there.html"});
}
