#include <signal.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include <stegpass/ledger/ledger.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

std::string ada() { return read_text(fixture("ada.id")).substr(0, 32); }

/// What a home holds, as its own commands tell it: the log, and the vault's bytes.
std::string state_of(const std::string& home) {
  return run_json({"ledger", "show", "--home", home}).out + read_text(home + "/vault");
}

std::vector<std::string> unfinished(const TempFolder& folder) {
  std::vector<std::string> out;
  for (const std::string& name : folder.files()) {
    if (name.find(".tmp.") != std::string::npos || name.find(".stegpass-init") != std::string::npos) out.push_back(name);
  }
  return out;
}

Args issue(const std::string& home, const std::string& out) {
  return with_passphrase(
      {"license", "issue", "--home", home, "--request", fixture("ada.request"), "--passport", fixture("ada.png"), "--out", out});
}

void sleep_ms(int milliseconds) { std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds)); }

/// After an interrupted issue: all of it happened, or none of it.
void require_all_or_nothing(const TempFolder& folder, const std::string& home, const Ran& ran) {
  INFO("exit " << ran.code << ": " << ran.out << ran.err);
  const Json log = run_json({"ledger", "show", "--home", home}).json();
  const std::size_t licenses = log["registrations"][0]["licenses"].size();
  const bool delivered = fs::exists(folder.file("delivery"));
  CHECK(licenses <= 1);
  CHECK(unfinished(folder).empty());
  if (ran.code == 0) CHECK((licenses == 1 && delivered));
  if (delivered) CHECK(licenses == 1);
  CHECK(run({"audit", home + "/ledger"}).code == 0);
  // What was stopped can be done again, or is there and can be delivered again.
  if (licenses == 0)
    CHECK(run(issue(home, folder.file("delivery"))).code == 0);
  else
    CHECK(run(with_passphrase({"vault", "check", "--home", home})).code == 0);
}

}  // namespace

TEST_CASE("a full disk makes no half home") {
  const TempFolder folder;
  const Ran ran = run(with_passphrase({"init", folder.file("home")}), {.max_file_bytes = 64});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(folder.files().empty());
  CHECK_FALSE(fs::exists(folder.file("home")));
}

TEST_CASE("a full disk makes no half key") {
  const TempFolder folder;
  const Ran ran = run(with_passphrase({"key", "new", "--out", folder.file("a.key")}), {.max_file_bytes = 16});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(folder.files().empty());
}

TEST_CASE("a full disk opens no half delivery") {
  const TempFolder folder;
  const Ran ran = run(with_passphrase({"license", "open", "--key", fixture("ada.key"), "--delivery", fixture("ada.delivery"),
                                       "--out", folder.file("ada")}),
                      {.max_file_bytes = 4096});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(folder.files().empty());
}

TEST_CASE("a full disk mints nothing and loses nothing of the vault") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered"), before = state_of(home);
  const Ran ran = run(
      with_passphrase({"passport", "mint", "--home", home, "--request", fixture("ada.request"), "--out", folder.file("out.png")}),
      {.max_file_bytes = 4096});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK_FALSE(fs::exists(folder.file("out.png")));
  CHECK(state_of(home) == before);
  CHECK(unfinished(folder).empty());
}

TEST_CASE("a full disk issues nothing and loses nothing of the vault") {
  const TempFolder folder;
  const std::string home = folder.copy("home-minted"), before = state_of(home);
  const Ran ran = run(issue(home, folder.file("delivery")), {.max_file_bytes = 4096});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK_FALSE(fs::exists(folder.file("delivery")));
  CHECK(state_of(home) == before);
  CHECK(unfinished(folder).empty());
}

TEST_CASE("a license that reached the ledger before something failed is kept in the vault, and can be delivered") {
  const TempFolder folder;
  const std::string home = folder.copy("home-minted");
  fs::create_directory(home + "/ledger/checkpoint.new");  // so that the checkpoint's file cannot be replaced
  const Ran ran = run(issue(home, folder.file("delivery")));
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  fs::remove(home + "/ledger/checkpoint.new");
  const Json license = run_json({"license", "list", "--home", home}).json()["licenses"][0];
  CHECK(run(with_passphrase({"vault", "check", "--home", home})).code == 0);
  CHECK(
      run(with_passphrase({"bundle", "--home", home, "--license", license["id"], "--for", "verifier", "--out", folder.file("b")}))
          .code == 0);
  CHECK(run(issue(home, folder.file("delivery"))).code == 2);  // it is licensed already
  CHECK(run(with_passphrase({"license", "deliver", "--home", home, "--license", license["id"], "--request",
                             fixture("ada.request"), "--passport", fixture("ada.png"), "--out", folder.file("delivery")}))
            .code == 0);
}

TEST_CASE("a file system without space leaves no half bundle") {
  const TempFolder folder;
  fs::create_directory(folder.file("small"));
  const std::string script = "mount -t tmpfs -o size=16k tmpfs " + folder.file("small") + " || exit 77\n'" + program_path() +
                             "' bundle --home " + fixture("home") + " --license " + ada() + " --for verifier --passphrase-file " +
                             fixture("passphrase") + " --out " + folder.file("small/a") + "\ncode=$?\nls -A " +
                             folder.file("small") + " >" + folder.file("listing") + "\nexit $code\n";
  const Ran ran = run_program({"unshare", "-rm", "sh", "-c", script});
  if (ran.code == 77 || ran.err.find("unshare") == 0) {
    WARN("this system does not allow a mount of one's own: the limit on file sizes stands for it in the other cases");
    return;
  }
  CHECK(ran.code == 4);
  CHECK(ran.err.find("No space left on device") != std::string::npos);
  CHECK(read_text(folder.file("listing")) == "");
}

TEST_CASE("an output device is not replaced by a file") {
  const TempFolder folder;
  fs::create_symlink("/dev/full", folder.file("link"));
  require_refused({"bundle", "--home", fixture("home"), "--license", ada(), "--out", "/dev/full"}, {2}, folder);
  require_refused({"bundle", "--home", fixture("home"), "--license", ada(), "--force", "--out", "/dev/full"}, {2}, folder);
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("a second writer of the ledger is refused and the first goes on") {
  const TempFolder folder;
  const std::string home = folder.copy("home"), before = state_of(home);
  {
    auto first = stegpass::ledger::Ledger::open(home + "/ledger", stegpass::ledger::Ledger::Mode::write);
    REQUIRE(first.ok());
    const TempFolder elsewhere;  // RocksDB tidies the first writer's folder in its own time
    require_refused(with_passphrase({"license", "revoke", "--home", home, "--license", ada(), "--reason", "none"}), {4},
                    elsewhere);
    require_refused(with_passphrase({"license", "status", "--home", home}), {4}, elsewhere);
    CHECK(first->size() == 6);
  }
  CHECK(state_of(home) == before);
  CHECK(run(with_passphrase({"license", "status", "--home", home})).code == 0);
}

TEST_CASE("a reader works beside a writer of the ledger") {
  const TempFolder folder;
  const std::string home = folder.copy("home");
  auto writer = stegpass::ledger::Ledger::open(home + "/ledger", stegpass::ledger::Ledger::Mode::write);
  REQUIRE(writer.ok());
  CHECK(run({"audit", home + "/ledger"}).code == 0);
  CHECK(run({"bundle", "--home", home, "--license", ada(), "--out", folder.file("a")}).code == 0);
  CHECK(read_text(folder.file("a")) == read_text(fixture("public.bundle")));
}

TEST_CASE("Ctrl-C in the middle of training leaves no half model") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered");
  const std::string vault = read_text(home + "/vault");
  Running training(with_passphrase({"passport", "train", "--home", home, "--data", "drawn", "--images", "2000", "--epochs",
                                    "1000", "--out", folder.file("out")}));
  sleep_ms(6000);
  REQUIRE_FALSE(training.ended());
  training.signal(SIGINT);
  const Ran ran = training.wait();
  INFO(ran.err);
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(unfinished(folder).empty());
  for (const char* name : {"owner.safetensors", "release.safetensors", "training.json"})
    CHECK_FALSE(fs::exists(folder.file("out") + "/" + name));
  CHECK(read_text(home + "/vault") == vault);
}

TEST_CASE("SIGTERM in the middle of training leaves no half file") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered");
  Running training(with_passphrase({"passport", "train", "--home", home, "--data", "drawn", "--images", "2000", "--epochs",
                                    "1000", "--out", folder.file("out")}));
  sleep_ms(3000);
  training.signal(SIGTERM);
  const Ran ran = training.wait();
  CHECK(ran.code != 0);
  CHECK(unfinished(folder).empty());
  for (const char* name : {"owner.safetensors", "release.safetensors", "training.json"})
    CHECK_FALSE(fs::exists(folder.file("out") + "/" + name));
}

TEST_CASE("Ctrl-C at any moment of issuing leaves all of a license or none") {
  for (const int after_ms : {5, 100, 300, 700, 1200}) {
    INFO("after " << after_ms << " ms");
    const TempFolder folder;
    const std::string home = folder.copy("home-minted");
    Running running(issue(home, folder.file("delivery")));
    sleep_ms(after_ms);
    running.signal(SIGINT);
    require_all_or_nothing(folder, home, running.wait());
  }
}

TEST_CASE("a kill at any moment of issuing leaves a ledger that audits") {
  for (const int after_ms : {50, 400, 900}) {
    INFO("after " << after_ms << " ms");
    const TempFolder folder;
    const std::string home = folder.copy("home-minted");
    Running running(issue(home, folder.file("delivery")));
    sleep_ms(after_ms);
    running.signal(SIGKILL);
    running.wait();
    CHECK(run({"audit", home + "/ledger"}).code == 0);
    const Json log = run_json({"ledger", "show", "--home", home}).json();
    const std::size_t licenses = log["registrations"][0]["licenses"].size();
    CHECK(licenses <= 1);
    if (fs::exists(folder.file("delivery"))) CHECK(licenses == 1);
    if (licenses == 0) CHECK(run(issue(home, folder.file("delivery"))).code == 0);
  }
}
