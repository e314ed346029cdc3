#include <atomic>
#include <map>
#include <set>
#include <thread>

#include <stegpass/credential/receipt.hpp>

#include "ledger_parts.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace {

/// Runs job(t) on `count` threads that begin together.
template <class Job>
void together(std::size_t count, const Job& job) {
  std::atomic<std::size_t> ready = 0;
  std::vector<std::jthread> threads;
  for (std::size_t t = 0; t < count; ++t)
    threads.emplace_back([&, t] {
      for (++ready; ready < count;) std::this_thread::yield();
      job(t);
    });
}

std::size_t commits_of(const Ledger& log) { return read_commits(LedgerParts::of(log).database)->size(); }

}  // namespace

TEST_CASE("statements that arrive together share commits") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  constexpr std::size_t kThreads = 16, kEach = 8;
  std::vector<credential::Statement> ready;
  for (std::uint64_t i = 0; i < kThreads * kEach; ++i) ready.push_back(license(1000 + i, 1, i));
  const auto before = commits_of(log);
  std::vector<std::map<std::size_t, std::uint64_t>> indices(kThreads);
  together(kThreads, [&](std::size_t t) {
    for (std::size_t i = 0; i < kEach; ++i)
      if (auto appended = log.append({ready[t * kEach + i]}, log_key(), kNow)) indices[t][t * kEach + i] = appended->at(0).index;
  });
  std::set<std::uint64_t> all;
  for (const auto& some : indices)
    for (const auto& [number, index] : some) {
      CHECK(*log.entry(index) == ready[number].entry());
      all.insert(index);
    }
  CHECK(all.size() == kThreads * kEach);
  CHECK(commits_of(log) - before < kThreads * kEach / 2);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
}

TEST_CASE("one statement from many threads becomes one entry, and all get its index") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  const auto statement = license(1000, 1, 0);
  std::vector<std::optional<Appended>> answers(8);
  together(answers.size(), [&](std::size_t t) {
    if (auto appended = log.append({statement}, log_key(), kNow)) answers[t] = appended->at(0);
  });
  int first = 0;
  for (const auto& answer : answers) {
    REQUIRE(answer);
    CHECK(answer->index == 2);
    first += !answer->was_there;
  }
  CHECK(first == 1);
  CHECK(log.size() == 3);
}

TEST_CASE("a bad statement from one thread takes nothing from the others") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  std::vector<std::string> refusals(12);
  std::atomic<int> taken = 0;
  std::vector<std::vector<credential::Statement>> calls;
  for (std::uint64_t t = 0; t < refusals.size(); ++t) {
    calls.push_back({license(1000 + t, 1, t), license(2000 + t, 1, 100 + t)});
    if (t % 3 == 0) calls.back()[1] = license(2000 + t, 1, 100 + t, stranger());  // after a good one of the same call
  }
  together(refusals.size(), [&](std::size_t t) {
    if (const auto appended = log.append(calls[t], log_key(), kNow))
      ++taken;
    else
      refusals[t] = appended.error().detail;
  });
  for (std::size_t t = 0; t < refusals.size(); ++t) {
    if (t % 3 == 0)
      CHECK_THAT(refusals[t], Contains("new statement 2 of 2: rule issuer"));
    else
      CHECK(refusals[t].empty());
  }
  CHECK(taken == 8);
  CHECK(log.size() == 2 + 16);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
  append_one(log, license(1000, 1, 0));  // the good half of a refused call is still free to come
}

TEST_CASE("an audit beside appends sees a whole log") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  std::atomic<int> valid = 0;
  together(5, [&](std::size_t t) {
    for (std::uint64_t i = 0; i < 10; ++i) {
      if (t == 0)
        valid += audit(log, {})->verdict.outcome() == Outcome::valid;
      else
        ignore_result(log.append({license(1000 + 100 * t + i, 1, 100 * t + i)}, log_key(), kNow));
    }
  });
  CHECK(valid == 10);
  CHECK(log.size() == 2 + 40);
}

TEST_CASE("the checkpoint file is as new as the log once the log is closed, however fast it grew") {
  TempFolder temp;
  std::string newest;
  {
    auto log = make_log(temp / "log", {registration(1)});
    for (std::uint64_t i = 0; i < 20; ++i) append_one(log, license(1000 + i, 1, i));
    newest = *log.checkpoint();
  }
  CHECK(read_file(temp / "log/checkpoint") == to_bytes(newest));
}

TEST_CASE("the checkpoint file follows a log that stays open") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  for (std::uint64_t i = 0; i < 5; ++i) append_one(log, license(1000 + i, 1, i));
  const auto newest = to_bytes(*log.checkpoint());
  for (int look = 0; look < 200 && read_file(temp / "log/checkpoint") != newest; ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  CHECK(read_file(temp / "log/checkpoint") == newest);
}

TEST_CASE("an entry of 65,535 bytes is taken, and one of 65,536 is refused") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto of_size = [](std::size_t bytes) {
    credential::Registration body = *registration(7).as<credential::Registration>();
    const auto sign = [&] { return *credential::sign_statement(owner(), body, kNow); };
    for (int i = 100'000; sign().entry().size() + 150 < bytes; ++i)
      body.mark.layers.push_back(std::string(100, 'x') + std::to_string(i));
    body.mark.layers.insert(body.mark.layers.end(), {std::string(30, 'y'), std::string(30, 'z')});
    for (; sign().entry().size() < bytes; body.mark.layers.back() += 'z') continue;
    return sign();
  };
  const auto largest = of_size(65'535), beyond = of_size(65'536);
  REQUIRE(largest.entry().size() == 65'535);
  REQUIRE(beyond.entry().size() == 65'536);
  const auto refused = log.append({beyond}, log_key(), kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().detail == "rule entry-size: an entry of 65536 bytes, expected at most 65535");
  append_one(log, largest);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
}
