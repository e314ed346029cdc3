// The dispute grid of docs/disputes.md, run as an arbiter would; findings, replay, and what is refused.
#include <algorithm>
#include <ctime>
#include <set>
#include <sstream>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;

namespace {

struct Row {
  std::string name, arguments, outcome, right, exit, said;
};

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(' '), end = text.find_last_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream cells(line.substr(1));
  for (std::string cell; std::getline(cells, cell, '|');) out.push_back(trimmed(cell));
  return out;
}

/// The rows of the grid on its page.
std::vector<Row> grid() {
  std::istringstream page(read_text(STEGPASS_SOURCE_DIR "/docs/disputes.md"));
  std::vector<Row> out;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind("| ", 0) != 0) continue;
    const auto cells = cells_of(line);
    REQUIRE(cells.size() == 7);
    if (cells[0] != "case") out.push_back({cells[0], cells[2], cells[3], cells[4], cells[5], cells[6]});
  }
  return out;
}

/// Arguments as a shell would split them, with the fixture's folder before every file.
Args case_args(const std::string& text) {
  Args out;
  bool policy = false;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const auto dot = word.find('.');
    const auto equals = word.find('=');
    if (dot != std::string::npos && equals != std::string::npos)
      word = word.substr(0, equals + 1) + fixture(word.substr(equals + 1));
    else if (dot != std::string::npos)
      word = fixture(word);
    policy = policy || word == "--policy";
    out.push_back(word);
  }
  if (!policy) out.insert(out.begin(), {"--policy", fixture("arbiter.policy")});
  return out;
}

/// Timestamps are of the day on which the fixture was made, so what has some is judged by a clock that is not before them.
std::int64_t clock_of(const Args& args) {
  const bool stamped = std::find(args.begin(), args.end(), fixture("stamped.policy")) != args.end();
  return stamped ? std::max<std::int64_t>(kNow, std::time(nullptr) + 60) : kNow;
}

Ran dispute(const std::string& command, const Args& of_case, const Args& more = {}) {
  Args args{"dispute", command};
  args.insert(args.end(), of_case.begin(), of_case.end());
  args.insert(args.end(), more.begin(), more.end());
  return run_json(args, {.now = clock_of(args)});
}

const std::string kOverwriter =
    "--party acme=acme.bundle --party rival=rival.bundle --model release=acme.safetensors --model product=over.safetensors";

void check_row(const Row& row) {
  const Ran ran = dispute("judge", case_args(row.arguments));
  INFO(row.name << "\n" << ran.out << ran.err);
  const Json json = ran.json();
  REQUIRE(json.is_object());
  CHECK(json["outcome"] == row.outcome);
  CHECK((json["for"].is_null() ? "-" : json["for"].get<std::string>()) == row.right);
  CHECK(std::to_string(ran.code) == row.exit);
  const auto colon = row.said.find(": ");
  bool said = false;
  for (const Json& check : json["checks"]) {
    const bool code = check["code"] == row.said.substr(0, colon);
    said = said || (code && check["detail"].get<std::string>().find(row.said.substr(colon + 2)) != std::string::npos);
  }
  CHECK(said);
  CHECK(json["errors"].size() >= 3);
  CHECK_FALSE(json["would_change"].empty());
  for (const Json& mark : json["marks"]) {
    if (mark["state"] == "present") CHECK(mark["log10_p_corrected"].get<double>() <= -45);
  }
}

/// Every `of`-th row from `first`, so that the grid runs in parts side by side.
void check_rows(std::size_t first, std::size_t of) {
  const auto rows = grid();
  for (std::size_t i = first; i < rows.size(); i += of) check_row(rows[i]);
}

Args judge_and_sign(const TempFolder& folder, const std::string& name) {
  return with_passphrase(
      {"--key", fixture("arbiter.key"), "--out", folder.file(name + ".cose"), "--report", folder.file(name + ".txt")});
}

}  // namespace

TEST_CASE("the dispute grid has at least forty cases, each with a name of its own") {
  std::set<std::string> names;
  for (const Row& row : grid()) names.insert(row.name);
  CHECK(names.size() == grid().size());
  CHECK(names.size() >= 40);
}
TEST_CASE("the dispute grid comes out as its page says, first quarter") { check_rows(0, 4); }
TEST_CASE("the dispute grid comes out as its page says, second quarter") { check_rows(1, 4); }
TEST_CASE("the dispute grid comes out as its page says, third quarter") { check_rows(2, 4); }
TEST_CASE("the dispute grid comes out as its page says, fourth quarter") { check_rows(3, 4); }

TEST_CASE("a finding is signed, the same bytes each time, read by inspect, and replayed") {
  const TempFolder folder;
  const Args of_case = case_args(kOverwriter);
  const Ran one = dispute("judge", of_case, judge_and_sign(folder, "one")),
            two = dispute("judge", of_case, judge_and_sign(folder, "two"));
  INFO(one.out << one.err);
  REQUIRE(one.code == 0);
  CHECK(two.code == 0);
  CHECK(read_text(folder.file("one.cose")) == read_text(folder.file("two.cose")));
  CHECK(read_text(folder.file("one.txt")) == read_text(folder.file("two.txt")));
  const std::string text = read_text(folder.file("one.cose")), report = read_text(folder.file("one.txt"));
  const auto statement = credential::Statement::decode(as_bytes(text)).value();
  const auto& finding = *statement.as<credential::DisputeFinding>();
  CHECK(finding.outcome == credential::DisputeOutcome::upheld);
  CHECK_THAT(finding.reason, Contains(to_hex(credential::fast_sha256(as_bytes(report)))));
  CHECK_THAT(report, Contains("stegpass dispute report v1\nas of 2027-01-15T08:05:00Z\noutcome: descends"));
  CHECK(one.json()["finding"]["outcome"] == "upheld");

  const Ran shown = run_json({"inspect", folder.file("one.cose")});
  CHECK(shown.json()["outcome"] == "upheld");
  CHECK_THAT(shown.json()["reason"].get<std::string>(), Contains("descends: "));

  const Ran again = dispute("replay", of_case, {"--finding", folder.file("one.cose"), "--arbiter", statement.issuer()});
  INFO(again.out << again.err);
  CHECK(again.code == 0);
  const Ran other_arbiter = dispute("replay", of_case, {"--finding", folder.file("one.cose"), "--arbiter", "urn:other"});
  CHECK(other_arbiter.code == 1);
  CHECK(other_arbiter.outcome("finding.arbiter") == "invalid");
  const Ran less =
      dispute("replay", case_args("--party acme=acme.bundle --party rival=rival.bundle --model product=over.safetensors"),
              {"--finding", folder.file("one.cose")});
  CHECK(less.code == 1);
  CHECK(less.outcome("finding.report") == "invalid");
  CHECK(less.outcome("finding.outcome") == "invalid");
}

TEST_CASE("who accuses wrongly has his claim rejected") {
  const TempFolder folder;
  const Args of_case = case_args(
      "--party rival=rival.bundle --party acme=acme.bundle --model product=over.safetensors --model release=acme.safetensors");
  const Ran ran = dispute("judge", of_case, judge_and_sign(folder, "one"));
  CHECK(ran.code == 0);
  CHECK(ran.json()["finding"]["outcome"] == "rejected");
}

TEST_CASE("a claim, evidence of both sides and the finding on them go into the ledger in which the registration stands") {
  const TempFolder folder;
  const std::string home = folder.copy("rival");
  const auto sign = [&](Args args, const std::string& out) {
    args.insert(args.end(), {"--out", folder.file(out)});
    const Ran ran = run_json(with_passphrase(args));
    INFO(ran.out << ran.err);
    REQUIRE(ran.code == 0);
    return ran.json();
  };
  const std::string claim = folder.file("claim.cose");
  sign({"dispute", "claim", "--key", fixture("acme/owner.key"), "--registration", fixture("rival.cose"), "--statement",
        "trained on from our release", "--arbiter", fixture("arbiter.pub")},
       "claim.cose");
  sign({"dispute", "evidence", "--key", fixture("acme/owner.key"), "--claim", claim, "--file", fixture("acme.bundle"), "--note",
        "opens reserve 1"},
       "one.cose");
  sign({"dispute", "evidence", "--key", home + "/owner.key", "--claim", claim, "--file", fixture("control.safetensors"), "--note",
        "another model"},
       "two.cose");
  Args more = judge_and_sign(folder, "finding");
  more.insert(more.end(), {"--claim", claim, "--evidence", folder.file("one.cose"), "--evidence", folder.file("two.cose")});
  const Ran judged = dispute("judge", case_args(kOverwriter), more);
  INFO(judged.out << judged.err);
  REQUIRE(judged.code == 0);
  CHECK(judged.outcome("evidence.statement") == "valid");
  CHECK_THAT(judged.detail("evidence.statement"), Contains("bundle of acme"));
  CHECK(judged.json()["checks"].back()["outcome"] == "not checked");  // the second names a file that nobody brought
  Args again = case_args(kOverwriter);
  again.insert(again.end(), {"--claim", claim, "--evidence", folder.file("one.cose"), "--evidence", folder.file("two.cose"),
                             "--finding", folder.file("finding.cose")});
  CHECK(dispute("replay", again).code == 0);

  const auto enter = [&](const std::string& file) {
    return run_json(with_passphrase({"dispute", "enter", folder.file(file), "--home", home}));
  };
  CHECK(enter("finding.cose").code == 2);  // before its claim
  for (const char* file : {"claim.cose", "one.cose", "two.cose", "finding.cose"}) {
    const Ran entered = enter(file);
    INFO(entered.out << entered.err);
    CHECK(entered.code == 0);
  }
  const Ran shown = run_json({"ledger", "show", "--home", home});
  const Json registrations = shown.json()["registrations"];  // in the order of their ids, which are drawn
  const auto disputed =
      std::find_if(registrations.begin(), registrations.end(), [](const Json& one) { return !one["disputes"].empty(); });
  REQUIRE(disputed != registrations.end());
  CHECK((*disputed)["disputes"][0]["outcome"] == "upheld");
  CHECK(run_json(with_passphrase({"dispute", "enter", fixture("rival.cose"), "--home", home})).code == 2);

  Args other = case_args("--party rival=rival.bundle --party acme=acme.bundle --model product=over.safetensors");
  other.insert(other.end(), {"--claim", claim});
  const Ran refused = dispute("judge", other);  // the claimant comes first
  CHECK(refused.code == 2);
  CHECK(json_fault(refused).empty());
  Args arbiter = judge_and_sign(folder, "other");
  arbiter[1] = fixture("bob.key");
  arbiter.insert(arbiter.end(), {"--claim", claim});
  const Ran not_named = dispute("judge", case_args(kOverwriter), arbiter);
  CHECK(not_named.code == 2);
  CHECK_THAT(not_named.json()["detail"].get<std::string>(), Contains("the claim names arbiter"));
  CHECK_FALSE(std::filesystem::exists(folder.file("other.cose")));
}

TEST_CASE("nothing is written when the arbiter is a party, the passphrase is wrong, or a file is there") {
  const TempFolder folder;
  const std::string wrong = folder.write("wrong", "no\n"), there = folder.write("there.txt", "kept");
  const auto refuse = [&](const Args& more, int code, const std::string& part) {
    const Ran ran = dispute("judge", case_args(kOverwriter), more);
    INFO(ran.out << ran.err);
    CHECK(ran.code == code);
    CHECK(json_fault(ran).empty());
    CHECK_THAT(ran.json()["detail"].get<std::string>(), Contains(part));
    CHECK(folder.files() == std::vector<std::string>{"there.txt", "wrong"});
  };
  const std::string out = folder.file("finding.cose");
  refuse(with_passphrase({"--key", fixture("rival.key"), "--out", out, "--report", folder.file("report")}), 2,
         "that of party rival");
  refuse({"--key", fixture("arbiter.key"), "--out", out, "--passphrase-file", wrong}, 4, "passphrase");
  refuse(with_passphrase({"--key", fixture("arbiter.key"), "--out", out, "--report", there}), 2, "exists");
  refuse(with_passphrase({"--key", fixture("arbiter.key")}), 2, "--key and --out go together");
  CHECK(read_text(there) == "kept");
}

TEST_CASE("wrong arguments are named") {
  const auto refuse = [](const std::string& text, int code, const std::string& part) {
    const Ran ran = dispute("judge", case_args(text));
    INFO(text << "\n" << ran.out << ran.err);
    CHECK(ran.code == code);
    CHECK(json_fault(ran).empty());
    CHECK_THAT(ran.json()["detail"].get<std::string>(), Contains(part));
  };
  const std::string base = "--party acme=acme.bundle --party thief --model release=acme.safetensors ";
  refuse("--party acme=acme.bundle --model release=acme.safetensors", 2, "two parties or more");
  refuse("--party acme=acme.bundle --party acme=rival.bundle --model release=acme.safetensors", 2, "names acme twice");
  refuse(base + "--model release=over.safetensors", 2, "names release twice");
  refuse(base + "--taken found=thief", 2, "no --model is named found");
  refuse(base + "--taken release=bob", 2, "no --party is named bob");
  refuse(base + "--taken release=thief --brought release=acme", 2, "said already");
  refuse(base + "--taken release", 2, "takes NAME=VALUE");
  refuse(base + "--model found=absent.safetensors", 4, "absent.safetensors");
  refuse(base + "--control same=acme.safetensors", 2, "not independent");
  refuse(base + "--presentation thief=ada.presentation", 2, "needs --audience");
  refuse(base + "--earlier acme=rival.bundle", 2, "of another registration than acme's");
  refuse(base + "--earlier acme=acme.bundle", 2, "no time from outside");
  refuse(base + "--time release=acme.bundle", 2, "no timestamp of release");
  refuse(base + "--evidence acme.cose", 2, "registration");
  refuse(base + "--claim acme.cose", 2, "registration");
}

TEST_CASE("names that hide or steer text are refused, and those in other people's files are shown escaped") {
  for (const std::string& name : {std::string("a\x1b[31mb"), std::string("a\nb"),
                                  std::string("a\xe2\x80\xae"
                                              "b"),
                                  std::string("\xff"), std::string(65, 'a')}) {
    const Ran ran = run_json({"dispute", "judge", "--policy", fixture("arbiter.policy"), "--party", name, "--party", "b",
                              "--model", "m=" + fixture("acme.safetensors")});
    INFO(ran.out);
    CHECK(ran.code == 2);
    CHECK(json_fault(ran).empty());
    CHECK_THAT(ran.json()["detail"].get<std::string>(), Contains("name"));
  }
  const Ran fine =
      run_json({"dispute", "judge", "--policy", fixture("arbiter.policy"), "--party", "Zoë <b>&\"=" + fixture("acme.bundle"),
                "--party", "näher", "--model", "<script>=" + fixture("acme.safetensors")});
  CHECK(fine.code == 3);
}

TEST_CASE("evidence that cannot be read is judged as what it is, not crashed on") {
  const TempFolder folder;
  const std::string junk = folder.write("junk", "no bundle and no model"), empty = folder.write("empty", "");
  const Args base = {"--policy", fixture("arbiter.policy"),
                     "--party",  "acme=" + fixture("acme.bundle"),
                     "--model",  "release=" + fixture("acme.safetensors")};
  const auto with = [&](Args more) {
    Args args = base;
    args.insert(args.end(), more.begin(), more.end());
    return dispute("judge", args);
  };
  for (const std::string& file : {junk, empty}) {
    const Ran bundle =
        with({"--party", "thief=" + file, "--model", "found=" + fixture("tuned.safetensors"), "--taken", "found=thief"});
    INFO(bundle.out << bundle.err);
    CHECK(bundle.code == 1);
    CHECK(bundle.json()["outcome"] == "descends");
    const Ran model = with({"--party", "thief", "--model", "found=" + file, "--taken", "found=thief"});
    INFO(model.out << model.err);
    CHECK(model.code == 3);
    const Ran license = with({"--party", "thief", "--taken", "release=thief", "--license", "thief=" + file});
    INFO(license.out << license.err);
    CHECK(license.code == 1);
  }
}
