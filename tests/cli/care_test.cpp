// Care of a ledger with the program's own commands: copies and their return, looks, lines, watching.
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <signal.h>

#include "refusals.hpp"
#include "shop.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

Args at_home(const Shop& shop, Args args, Args more = {}) {
  args.insert(args.end(), {"--home", shop.home()});
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

std::string checkpoint_file(const Shop& shop, const std::string& name) {
  const std::string file = shop.folder().file(name);
  require_done(run(at_home(shop, {"ledger", "checkpoint"}, {"--out", file})));
  return file;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) out.push_back(line);
  return out;
}

}  // namespace

TEST_CASE("a ledger that was lost comes back from its backup, and goes on") {
  const Shop shop;
  const std::string backup = shop.folder().file("backup"), seen = checkpoint_file(shop, "seen");
  const Ran made = run_json(at_home(shop, {"ledger", "backup", backup}));
  require_done(made);
  CHECK(made.json()["size"] == 5);
  fs::remove_all(shop.home() + "/ledger");
  const Ran back = run_json(
      {"ledger", "restore", backup, "--out", shop.home() + "/ledger", "--seen", seen, "--log-key", shop.home() + "/log.vkey"});
  require_done(back);
  CHECK(back.json()["size"] == 5);
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  CHECK(run({"audit", shop.home() + "/ledger"}).code == 0);
  CHECK(run({"audit", backup}).code == 0);
}

TEST_CASE("a backup older than the newest checkpoint is not restored, and nothing is left of the try") {
  const Shop shop;
  const std::string backup = shop.folder().file("backup"), out = shop.folder().file("back");
  require_done(run_json(at_home(shop, {"ledger", "backup", backup})));
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  const std::string seen = checkpoint_file(shop, "seen");
  const Ran ran = run({"ledger", "restore", backup, "--out", out, "--seen", seen});
  CHECK(ran.code == 2);
  CHECK_THAT(ran.err, Contains("rolled back") && Contains("ledger import"));
  CHECK_FALSE(fs::exists(out));
  CHECK(run({"ledger", "restore", backup, "--out", out}).code == 2);  // without having seen any
  CHECK(run({"ledger", "restore", backup, "--out", backup, "--seen", seen}).code == 2);
  CHECK(run(at_home(shop, {"ledger", "backup", backup})).code == 2);
  const TempFolder folder;
  require_bad_files_refused({"ledger", "restore", backup, "--out", folder.file("out"), "--seen", kFile},
                            bad_files(folder, seen, kSmallFile), {2, 4}, folder);
}

TEST_CASE("ledger check passes a good ledger, and proves a damaged one false") {
  const Shop shop;
  const Ran good = run_json(at_home(shop, {"ledger", "check"}));
  INFO(good.out << good.err);
  CHECK(good.code == 0);
  for (const char* code : {"check.files", "check.entries", "check.commits", "check.outside-checkpoint"})
    CHECK(good.outcome(code) == "valid");
  CHECK(good.outcome("check.cosigned") == "not checked");
  for (const auto& file : fs::directory_iterator(shop.home() + "/ledger/db"))
    if (file.path().extension() == ".log" && file.file_size() > 100) fs::resize_file(file.path(), file.file_size() / 2);
  const Ran bad = run_json(at_home(shop, {"ledger", "check"}));
  CHECK(bad.code == 1);
  CHECK(bad.outcome("check.opens") == "invalid");
  CHECK(run({"ledger", "check", "--home", shop.folder().file("absent")}).code == 4);
}

TEST_CASE("ledger stats says what there is") {
  const Shop shop;
  const Json found = run_json(at_home(shop, {"ledger", "stats"})).json();
  CHECK(found["entries"] == 5);
  CHECK(found["commits"] == 2);
  CHECK(found["kinds"]["license"] == 2);
  CHECK(found["first"] == "2027-01-15T08:00:00Z");
  CHECK_THAT(run(at_home(shop, {"ledger", "stats"})).out, Contains("5 entries in 2 commits"));
}

TEST_CASE("the entries come as lines of JSON, one each") {
  const Shop shop;
  const Ran ran = run(at_home(shop, {"ledger", "export", "--jsonl"}));
  CHECK(ran.code == 0);
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 5);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Json entry = Json::parse(lines[i]);
    CHECK(entry["index"] == i);
    CHECK(entry["entry"] == run_json(at_home(shop, {"ledger", "entry", std::to_string(i)})).json()["entry"]);
  }
  CHECK(Json::parse(lines[2])["kind"] == "license");
  CHECK(run(at_home(shop, {"ledger", "export"})).code == 2);
  CHECK(run(at_home(shop, {"ledger", "export", shop.folder().file("tiles"), "--jsonl"})).code == 2);
  CHECK(run_json(at_home(shop, {"ledger", "export", "--jsonl"})).code == 2);
  CHECK_FALSE(fs::exists(shop.folder().file("tiles")));
}

TEST_CASE("the line of the schema page has the members that the program prints") {
  const Shop shop;
  std::ifstream in(STEGPASS_SOURCE_DIR "/schemas/ledger-lines.md");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  const auto start = page.find("```jsonl\n") + 9;
  const Json example = Json::parse(page.substr(start, page.find("\n```", start) - start));
  const Json line = Json::parse(lines_of(run(at_home(shop, {"ledger", "export", "--jsonl"})).out)[0]);
  for (const auto& [name, value] : line.items()) {
    CHECK(example.contains(name));
    CHECK(example[name].type() == value.type());
  }
  CHECK(example.size() == line.size());
}

TEST_CASE("ledger watch says what is new once, or goes on until Ctrl-C") {
  const Shop shop;
  const Ran once = run(at_home(shop, {"ledger", "watch", "--once", "--from", "3"}));
  CHECK(once.code == 0);
  CHECK(lines_of(once.out).size() == 3);  // two entries and the size
  CHECK(run_json(at_home(shop, {"ledger", "watch", "--once", "--from", "0"})).json()["entries"].size() == 5);
  CHECK(run(at_home(shop, {"ledger", "watch", "--once"})).out == "size 5\n");
  CHECK(run(at_home(shop, {"ledger", "watch", "--every", "0"})).code == 2);

  Running watching(at_home(shop, {"ledger", "watch", "--every", "0.2", "--json"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  REQUIRE_FALSE(watching.ended());
  watching.signal(SIGINT);
  const Ran ended = watching.wait();
  CHECK(ended.code == 0);
  CHECK(ended.json()["size"] == 7);
  CHECK(ended.json()["entries"].size() == 2);
}

TEST_CASE("ledger watch ends, proved false, when the ledger is rolled back under it") {
  const Shop shop;
  const std::string ledger = shop.home() + "/ledger", older = shop.folder().file("older"), newer = shop.folder().file("newer");
  fs::copy(ledger, older, fs::copy_options::recursive);
  fs::rename(ledger, newer);
  fs::create_directory_symlink(newer, ledger);
  require_done(shop.license("suspend", kAda, {"--reason", "invoice open"}));
  Running watching(at_home(shop, {"ledger", "watch", "--every", "0.2", "--json"}));
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  fs::create_directory_symlink(older, ledger + ".new");
  fs::rename(ledger + ".new", ledger);  // at one moment, so that no look finds nothing
  for (int i = 0; i < 100 && !watching.ended(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  if (!watching.ended()) watching.signal(SIGINT);
  const Ran ran = watching.wait();
  CHECK(ran.code == 1);
  CHECK_THAT(ran.detail("watch.growth"), Contains("rolled back"));
}
