#include <filesystem>
#include <fstream>
#include <set>

#include "html_check.hpp"
#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

struct Written {
  Ran ran;
  std::string html;
  PageRead page;
};

/// Runs verify with --json and --report and reads the page.
Written report(const TempFolder& folder, Args args, std::int64_t now = kNow) {
  const std::string file = folder.file("report.html");
  args.insert(args.begin(), "verify");
  args.insert(args.end(), {"--report", file, "--force"});
  Written out{run_json(args, {.now = now}), {}, {}};
  INFO(out.ran.out << out.ran.err);
  REQUIRE(std::filesystem::exists(file));
  out.html = read_text(file);
  out.page = read_page(out.html);
  return out;
}

Args papers(const std::string& bundle, Args more = {}) {
  Args args{"--bundle", bundle, "--policy", fixture("trust.policy")};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

/// What every report has to be, whatever it says.
void check_report(const Written& written, const std::string& word) {
  CHECK(page_fault(written.page) == "");
  CHECK(written.html.find("http://") == std::string::npos);
  CHECK(written.html.find("https://") == std::string::npos);
  CHECK(written.html.find("<script") == std::string::npos);
  const std::string text = written.page.text();
  // The verdict comes before every section, and every check is there with its sentence.
  const std::size_t verdict = written.html.find("<p class=\"word ");
  REQUIRE(verdict != std::string::npos);
  CHECK(verdict < written.html.find("<h2>"));
  CHECK(written.html.substr(verdict, 900).find("<span>" + word + "</span>") != std::string::npos);
  const Json checks = written.ran.json()["checks"];
  CHECK(checks.size() > 0);
  for (const Json& check : checks) {
    INFO(check.dump());
    CHECK(text.find(check["code"].get<std::string>()) != std::string::npos);
    CHECK(text.find(check["detail"].get<std::string>()) != std::string::npos);
  }
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

}  // namespace

TEST_CASE("the report of a valid verdict shows mark, pictures, chain and commands") {
  const TempFolder folder;
  const Args args =
      papers(fixture("arbiter.bundle"), {"--model", fixture("release.safetensors"), "--passport", fixture("ada.png")});
  const Written written = report(folder, args);
  CHECK(written.ran.code == 0);
  check_report(written, "Valid");
  const std::string text = written.page.text();
  for (const char* part :
       {"As of", "2027-01-15T08:00:00Z", "The chain from the weights to the witnesses", "The owner's mark in the weights",
        "Not checked", "Commands that repeat it", "STEGPASS_NOW=1800000300 stegpass verify --bundle"})
    CHECK(text.find(part) != std::string::npos);
  std::set<std::string> pictures;
  for (const Tag& picture : written.page.all("img")) pictures.insert(picture.attributes.at("alt").substr(0, 16));
  CHECK(pictures == std::set<std::string>{"Identity reveale", "Owner&#39;s pass", "The identity: as", "The user passpor"});
  CHECK(written.html.find("Exact binomial distribution") != std::string::npos);
  // The same evidence under the same clock gives the same bytes.
  CHECK(report(folder, args).html == written.html);
}

TEST_CASE("an opened cover is shown with its difference from the user passport") {
  const TempFolder folder;
  const std::string bundle = folder.file("cover.bundle");
  require_refused({"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--report",
                   folder.file("absent/report.html")},
                  {4}, folder);
  REQUIRE(run(with_passphrase({"bundle", "--home", fixture("home"), "--license", read_text(fixture("ada.id")).substr(0, 32),
                               "--for", "arbiter", "--open", "cover", "--out", bundle}))
              .code == 0);
  const Written written = report(folder, papers(bundle, {"--passport", fixture("ada.png")}));
  CHECK(written.html.find("alt=\"Difference × 20") != std::string::npos);
  CHECK(written.html.find("alt=\"Owner&#39;s passport: cover") != std::string::npos);
}

TEST_CASE("the report of a revoked license leads with what was proved false") {
  const TempFolder folder;
  const Written written = report(folder, papers(fixture("revoked.bundle")));
  CHECK(written.ran.code == 1);
  check_report(written, "Invalid");
  const std::string text = written.page.text();
  CHECK(text.find("Something was proved false") < text.find("What was judged"));
  CHECK(text.find("the tests take it back") != std::string::npos);
}

TEST_CASE("the report of stale papers says what is missing") {
  const TempFolder folder;
  const Written written = report(folder, papers(fixture("public.bundle")), kNow + 31 * kDay);
  CHECK(written.ran.code == 3);
  check_report(written, "Undecided");
  const Json all_missing = written.ran.json()["missing"];
  CHECK(all_missing.size() > 0);
  for (const Json& missing : all_missing) CHECK(count_of(written.page.text(), missing["needed"].get<std::string>()) >= 2);
}

TEST_CASE("a report is written also of what is no bundle at all") {
  const TempFolder folder;
  const Written written = report(folder, papers(folder.write("noise.bundle", "no bundle <b>at all</b>")));
  CHECK(written.ran.code == 1);
  check_report(written, "Invalid");
}

TEST_CASE("hostile names of files reach a report only as text") {
  const TempFolder folder;
  const std::string name = "<img src=x onerror=alert(1)>\"'&\xe2\x80\xae \xff\x01" + std::string(180, 'n');
  std::filesystem::path deep = folder.path();
  for (int i = 0; i < 8; ++i) deep /= name;
  std::filesystem::create_directories(deep);
  const auto bundle = deep / "<script>alert(2)<!--.bundle", model = deep / "--><svg onload=alert(3)>.safetensors";
  std::filesystem::copy_file(fixture("ada.bundle"), bundle);
  std::ofstream(model) << "no model";
  const Written written = report(folder, papers(bundle.string(), {"--model", model.string()}));
  CHECK(written.ran.code == 1);
  CHECK(page_fault(written.page) == "");
  CHECK(written.page.all("img").size() == 1);  // the opened identity
  CHECK(written.html.find("onerror=alert(1)>") == std::string::npos);
  CHECK(written.html.find("\xe2\x80\xae") == std::string::npos);
  CHECK(written.page.text().find("[U+202E]") != std::string::npos);
}

TEST_CASE("a report never replaces a file unless told to, and then whole") {
  const TempFolder folder;
  const std::string file = folder.write("report.html", "mine");
  require_refused({"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--report", file}, {2},
                  folder);
  CHECK(read_text(file) == "mine");
  const Ran full =
      run({"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--report", file, "--force"},
          {.max_file_bytes = 4096});
  CHECK(full.code == 4);
  CHECK(read_text(file) == "mine");
  CHECK(folder.files() == std::vector<std::string>{"report.html"});
}

TEST_CASE("a report on papers alone does not load LibTorch") {
  const TempFolder folder;
  const Ran ran =
      run({"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--report", folder.file("r.html")},
          {.environment = {{"LD_DEBUG", "files"}}});
  CHECK(ran.code == 0);
  CHECK(ran.err.find("libtorch") == std::string::npos);
}

TEST_CASE("the commands that a report names are taken by a shell as they were meant") {
  const TempFolder folder;
  std::filesystem::create_directory(folder.path() / "it's a $HOME `folder`");
  const std::string bundle = folder.file("it's a $HOME `folder`/ada.bundle");
  std::filesystem::copy_file(fixture("ada.bundle"), bundle);
  const Written written = report(folder, papers(bundle));
  const std::string text = written.page.text(), start = "STEGPASS_NOW=1800000300 stegpass verify ";
  const std::size_t at = text.find(start);
  REQUIRE(at != std::string::npos);
  std::string line = text.substr(at, text.find("trust.policy", at) + 12 - at);
  line.replace(line.find("stegpass verify"), 8, program_path());
  const Ran ran = run_program({"sh", "-c", line});
  CHECK(ran.code == 0);
  CHECK(ran.out.ends_with("verdict: valid, as of 2027-01-15T08:00:00Z\n"));
}
