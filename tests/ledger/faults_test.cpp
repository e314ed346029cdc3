#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <thread>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/receipt.hpp>

#include "child.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

constexpr unsigned kSeed = 20240617;

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& file : fs::recursive_directory_iterator(folder))
    if (file.is_regular_file() && file.file_size() > 0) out.push_back(file.path());
  std::sort(out.begin(), out.end());
  return out;
}

/// All entries of a log that is known to be whole.
std::vector<Bytes> entries_of(const fs::path& folder) {
  const auto log = Ledger::open(folder, Ledger::Mode::read);
  REQUIRE(log);
  std::vector<Bytes> out;
  for (std::uint64_t i = 0; i < log->size(); ++i) out.push_back(*log->entry(i));
  return out;
}

/// Either the damage is said (error, or an invalid audit), or nothing at all has changed.
enum class Seen { said, unchanged, silently_wrong };
Seen judge(const fs::path& folder, const std::vector<Bytes>& truth) {
  const auto log = Ledger::open(folder, Ledger::Mode::read);
  if (!log) return Seen::said;
  const auto report = audit(*log, {});
  if (!report || report->verdict.outcome() != Outcome::valid) return Seen::said;
  if (log->size() != truth.size()) return Seen::silently_wrong;
  for (std::uint64_t i = 0; i < truth.size(); ++i)
    if (const auto entry = log->entry(i); !entry || *entry != truth[i]) return Seen::silently_wrong;
  return Seen::unchanged;
}

/// Damages a copy of the log many times over, and counts what came of it; prints a row of the table of faults.
template <class Damage>
std::pair<int, int> damage_often(const std::string& title, const fs::path& log, const fs::path& copy, int times,
                                 const std::string& extension, const Damage& damage) {
  const auto truth = entries_of(log);
  std::mt19937 random(kSeed);
  int said = 0, wrong = 0;
  for (int i = 0; i < times; ++i) {
    copy_folder(log, copy);
    auto files = files_below(copy);
    std::erase_if(files, [&](const fs::path& file) { return !extension.empty() && file.extension() != extension; });
    REQUIRE_FALSE(files.empty());
    const auto& file = files[random() % files.size()];
    auto bytes = read_file(file);
    damage(bytes, random);
    write_file(file, bytes);
    const auto seen = judge(copy, truth);
    INFO(file << " in round " << i);
    CHECK(seen != Seen::silently_wrong);
    said += seen == Seen::said;
    wrong += seen == Seen::silently_wrong;
  }
  std::cout << "| " << title << " | " << times << " | " << times - wrong << " | " << wrong << " |\n";
  return {said, wrong};
}

void flip(Bytes& bytes, std::mt19937& random) { bytes[random() % bytes.size()] ^= static_cast<std::uint8_t>(1u << random() % 8); }

/// A log whose entries lie in sorted files: every opening for writing moves the write-ahead log there.
void make_sorted(const fs::path& folder) {
  { const auto log = make_log(folder, some_statements(8)); }
  for (std::uint64_t i = 0; i < 2; ++i) {
    auto log = Ledger::open(folder, Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(2000 + i, 1, 50 + i));
  }
}

/// Kills a process that appends, at `rounds` instants, half of them while it opens or shortly after; what it acknowledged has to
/// be there.
void kill_often(int rounds, unsigned seed, const std::string& job) {
  TempFolder temp;
  { const auto log = make_log(temp / "log", {registration(1)}); }
  std::mt19937 random(seed);
  std::uint64_t acknowledged = 1;
  for (int round = 0; round < rounds; ++round) {
    Child child({job, (temp / "log").string(), "1000000"}, log_key(), owner());
    if (round % 2) CHECK(child.read_line() == "open");
    if (round % 4 == 3) acknowledged = std::stoull(child.read_line());  // so that something is, however slow the machine
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
    child.kill();
    for (auto line = child.read_line(); !line.empty(); line = child.read_line())
      if (line != "open") acknowledged = std::stoull(line);
    const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
    INFO("round " << round << ", acknowledged up to " << acknowledged);
    REQUIRE(log);
    CHECK(log->size() > acknowledged);
    const auto report = audit(*log, {});
    REQUIRE(report);
    CHECK(invalid_checks(report->verdict).empty());
    CHECK(credential::verify_receipt(*log->receipt(acknowledged), *log->entry(acknowledged), log_key().public_key()));
  }
  CHECK(acknowledged > 1);
  CHECK(Ledger::open(temp / "log", Ledger::Mode::write));
}

}  // namespace

TEST_CASE("a writer killed at any instant has lost nothing that it acknowledged, first series") { kill_often(12, 1, "append"); }
TEST_CASE("a writer killed at any instant has lost nothing that it acknowledged, second series") { kill_often(12, 2, "append"); }
TEST_CASE("a writer killed at any instant has lost nothing that it acknowledged, third series") { kill_often(12, 3, "append"); }
TEST_CASE("a writer killed at any instant has lost nothing that it acknowledged, fourth series") { kill_often(12, 4, "append"); }

/// Kills a process with four writer threads as often as STEGPASS_KILLS says (10 if it does not), in logs of up to 50 kills each,
/// since every opening replays the log. What was acknowledged has to be there under its index, and the root has to be that of a
/// shadow log of the same entries.
TEST_CASE("four writers killed at any instant have lost nothing that they acknowledged") {
  const char* asked = std::getenv("STEGPASS_KILLS");
  const int kills = asked ? std::atoi(asked) : 10;
  std::mt19937 random(asked ? std::random_device{}() : kSeed);
  std::uint64_t acknowledged = 0, unacknowledged = 0;
  for (int done = 0; done < kills;) {
    TempFolder temp;
    { const auto log = make_log(temp / "log", {registration(1)}); }
    std::map<std::uint64_t, std::string> told;
    std::vector<Digest32> shadow;
    for (int in_this_log = 0; in_this_log < 50 && done < kills; ++in_this_log, ++done) {
      Child child({"group", (temp / "log").string(), "1000000"}, log_key(), owner());
      const auto hear = [&](const std::string& line) {
        INFO(line);
        REQUIRE(line.rfind("error", 0) != 0);
        if (line != "open") CHECK(told.emplace(std::stoull(line), line.substr(line.find(' ') + 1)).second);
      };
      if (done % 4) CHECK(child.read_line() == "open");
      if (done % 4 == 3) hear(child.read_line());  // so that something is acknowledged, however slow the machine
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 60'000));
      child.kill();
      for (auto line = child.read_line(); !line.empty(); line = child.read_line()) hear(line);
      const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
      INFO("kill " << done << ": " << (log ? "" : log.error().detail));
      REQUIRE(log);
      const auto report = audit(*log, {});
      REQUIRE(report);
      CHECK(invalid_checks(report->verdict).empty());
      for (auto i = shadow.size(); i < log->size(); ++i) shadow.push_back(credential::merkle_leaf(*log->entry(i)));
      CHECK(shadow.size() == log->size());  // never shorter than before
      CHECK(report->checkpoint.root == credential::merkle_root(shadow));
      for (const auto& [index, leaf] : told) {
        REQUIRE(index < shadow.size());
        CHECK(to_hex(shadow[index]) == leaf);
      }
    }
    acknowledged += told.size();
    unacknowledged += shadow.size() - 2 - told.size();
  }
  CHECK(acknowledged > 0);
  std::cout << kills << " kills: " << acknowledged << " statements acknowledged, 0 lost; " << unacknowledged
            << " kept that no one was told of\n";
}

TEST_CASE("a flipped bit in the write-ahead log is never silently wrong") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(8)); }
  const auto [said, wrong] = damage_often("a bit flipped in the write-ahead log", temp / "log", temp / "copy", 60, ".log", flip);
  CHECK(wrong == 0);
  CHECK(said > 50);
}

TEST_CASE("a flipped bit in a sorted file is never silently wrong") {
  TempFolder temp;
  make_sorted(temp / "log");
  const auto [said, wrong] = damage_often("a bit flipped in a sorted file", temp / "log", temp / "copy", 60, ".sst", flip);
  CHECK(wrong == 0);
  CHECK(said > 30);
}

TEST_CASE("a flipped bit in any file of the ledger is never silently wrong") {
  TempFolder temp;
  make_sorted(temp / "log");
  CHECK(damage_often("a bit flipped in any file", temp / "log", temp / "copy", 80, "", flip).second == 0);
}

TEST_CASE("a file of the ledger cut anywhere is never silently wrong") {
  TempFolder temp;
  make_sorted(temp / "log");
  const auto cut = [](Bytes& bytes, std::mt19937& random) { bytes.resize(random() % bytes.size()); };
  CHECK(damage_often("a file cut anywhere", temp / "log", temp / "copy", 60, "", cut).second == 0);
}

TEST_CASE("a file of the ledger with a page of zeros is never silently wrong") {
  TempFolder temp;
  make_sorted(temp / "log");
  const auto blank = [](Bytes& bytes, std::mt19937& random) {
    const auto start = random() % bytes.size();
    std::fill(bytes.begin() + static_cast<long>(start), bytes.begin() + static_cast<long>(std::min(bytes.size(), start + 512)),
              0);
  };
  CHECK(damage_often("a page of zeros in a file", temp / "log", temp / "copy", 60, "", blank).second == 0);
}

TEST_CASE("any one file of the ledger taken away is never silently wrong") {
  TempFolder temp;
  make_sorted(temp / "log");
  const auto truth = entries_of(temp / "log");
  for (const auto& file : files_below(temp / "log")) {
    copy_folder(temp / "log", temp / "copy");
    fs::remove(temp / "copy" / fs::relative(file, temp / "log").string());
    INFO(file);
    CHECK(judge(temp / "copy", truth) != Seen::silently_wrong);
  }
}

TEST_CASE("damage to the write-ahead log is still there for a second look after a writer was refused") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(8)); }
  for (const auto& file : files_below(temp / "log/db"))
    if (file.extension() == ".log") {
      auto bytes = read_file(file);
      bytes[bytes.size() / 2] ^= 1;
      write_file(file, bytes);
    }
  const auto before = files_below(temp / "log");
  REQUIRE_FALSE(Ledger::open(temp / "log", Ledger::Mode::write).ok());
  CHECK(files_below(temp / "log") == before);
}

TEST_CASE("a full disk is an error, and takes nothing that was acknowledged") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", {registration(1)}); }
  Child child({"fill", (temp / "log").string(), "5000"}, log_key(), owner());
  std::uint64_t acknowledged = 0;
  REQUIRE(child.read_line() == "open");
  std::string line = child.read_line();
  for (; !line.empty() && line.rfind("full", 0) != 0; line = child.read_line()) acknowledged = std::stoull(line);
  CHECK_THAT(line, Contains("full") && Contains((temp / "log").string()));
  CHECK(child.wait() == 0);
  CHECK(acknowledged > 10);
  const auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  INFO((log ? "" : log.error().detail));
  REQUIRE(log);
  CHECK(log->size() > acknowledged);
  CHECK(audit(*log, {})->verdict.outcome() == Outcome::valid);
}

TEST_CASE("an append whose checkpoint file cannot be replaced says so, and is made good by the next") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  fs::create_directory(temp / "log/checkpoint.new");  // stands where the temporary file goes
  const auto behind = log.append({registration(1)}, log_key(), kNow);
  REQUIRE_FALSE(behind.ok());
  CHECK(behind.error().code == Errc::io);
  CHECK_THAT(behind.error().detail, Contains("registered, but"));
  fs::remove(temp / "log/checkpoint.new");
  const auto again = log.append({registration(1)}, log_key(), kNow);
  REQUIRE(again);
  CHECK(again->at(0).was_there);
  CHECK(read_file(temp / "log/checkpoint") == to_bytes(*log.checkpoint()));
}
