#include <set>
#include <thread>

#include <stegpass/credential/receipt.hpp>

#include "child.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

TEST_CASE("a second writer in the same process is told that the ledger is busy") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto second = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Errc::busy);
  CHECK_THAT(second.error().detail, Contains("another writer has this ledger open"));
  append_one(log, registration(1));  // the first is not disturbed
}

TEST_CASE("a second writer in another process is told that the ledger is busy") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  Child child({"hold", (temp / "log").string()});
  REQUIRE(child.read_line() == "open");
  const auto second = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().code == Errc::busy);
}

TEST_CASE("the next writer enters when the first is killed") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  {
    Child child({"hold", (temp / "log").string()});
    REQUIRE(child.read_line() == "open");
    child.kill();
  }
  CHECK(Ledger::open(temp / "log", Ledger::Mode::write));
}

TEST_CASE("the next writer enters when the first is done") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  CHECK(Ledger::open(temp / "log", Ledger::Mode::write));
  CHECK(Ledger::open(temp / "log", Ledger::Mode::write));
}

TEST_CASE("a reader beside a writer sees what was written when it opened") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(2));
  const auto reader = Ledger::open(temp / "log", Ledger::Mode::read);
  REQUIRE(reader);
  append_one(log, license(2000, 1, 50));
  CHECK(reader->size() == 4);
  CHECK(credential::verify_receipt(*reader->receipt(3), *reader->entry(3), log_key().public_key()));
  CHECK(audit(*reader, {})->verdict.outcome() == Outcome::valid);
  const auto later = Ledger::open(temp / "log", Ledger::Mode::read);
  REQUIRE(later);
  CHECK(later->size() == 5);
}

TEST_CASE("readers that open while another process appends always find a whole log") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", {registration(1)}); }
  Child child({"append", (temp / "log").string(), "400"}, log_key(), owner());
  REQUIRE(child.read_line() == "open");
  std::uint64_t size = 0;
  for (int i = 0; i < 25; ++i) {
    const auto acknowledged = child.read_line();  // keeps this loop beside the appends
    const auto reader = Ledger::open(temp / "log", Ledger::Mode::read);
    INFO((reader ? "" : reader.error().detail));
    REQUIRE(reader);
    CHECK(reader->size() >= size);
    if (!acknowledged.empty()) CHECK(reader->size() > std::stoull(acknowledged));
    size = reader->size();
    CHECK(audit(*reader, {})->verdict.outcome() == Outcome::valid);
  }
}

TEST_CASE("appends from several threads each get an index of their own") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  std::vector<std::vector<std::uint64_t>> indices(4);
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < indices.size(); ++t)
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < 8; ++i) {
        const auto appended = log.append({license(1000 + 8 * t + i, 1, 8 * t + i)}, log_key(), kNow);
        if (appended) indices[t].push_back(appended->at(0).index);
        ignore_result(log.receipt(log.size() - 1));
      }
    });
  threads.clear();
  std::set<std::uint64_t> all;
  for (const auto& some : indices) all.insert(some.begin(), some.end());
  CHECK(all.size() == 32);
  CHECK(log.size() == 34);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
}
