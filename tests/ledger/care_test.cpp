#include <atomic>
#include <thread>

#include <stegpass/ledger/care.hpp>

#include "layout.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

std::string newest(const Ledger& log) { return log.checkpoint().value(); }

template <class T>
std::string must_fail(const Result<T>& result, Errc code) {
  REQUIRE_FALSE(result.ok());
  INFO(result.error().detail);
  CHECK(result.error().code == code);
  return result.error().detail;
}

std::string invalid_of(const fs::path& folder) {
  const auto log = Ledger::open(folder, Ledger::Mode::read);
  if (!log) return "does not open";
  const auto verdict = check(*log);
  return verdict ? invalid_checks(*verdict) : "error: " + verdict.error().detail;
}

}  // namespace

TEST_CASE("a backup made while four threads append holds all that was acknowledged before it, and audits") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> next = 0;
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i)
    writers.emplace_back([&] {
      while (!stop) {
        const auto number = next++;
        if (!log.append({license(1000 + number, 1, number)}, log_key(), kNow)) return;
      }
    });
  for (int i = 0; i < 5; ++i) {
    const auto before = log.size();
    const auto made = backup(log, temp / ("backup" + std::to_string(i)));
    INFO((made ? "" : made.error().detail));
    REQUIRE(made);
    CHECK(made->size >= before);
  }
  stop = true;
  writers.clear();
  for (int i = 0; i < 5; ++i) {
    const auto report = audit_folder(temp / ("backup" + std::to_string(i)));
    REQUIRE(report);
    CHECK(report->verdict.outcome() == Outcome::valid);
  }
}

TEST_CASE("a backup is whole or not there, and is not made over anything, nor by a reader") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(3));
  write_file(temp / "file", as_bytes("mine"));
  must_fail(backup(log, temp / "file"), Errc::exists);
  must_fail(backup(log, temp / "log"), Errc::exists);
  must_fail(backup(log, "/proc/no/such"), Errc::io);
  fs::create_directory(temp / "sub");
  must_fail(backup(log, temp / "file/below"), Errc::io);
  CHECK(std::distance(fs::directory_iterator(temp.path()), {}) == 3);
}

TEST_CASE("a reader makes no backup") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  must_fail(backup(*Ledger::open(temp / "log", Ledger::Mode::read), temp / "backup"), Errc::usage);
  CHECK_FALSE(fs::exists(temp / "backup"));
}

TEST_CASE("a restored ledger is the same ledger, goes on growing, and leaves its backup alone") {
  TempFolder temp;
  std::string seen;
  {
    auto log = make_log(temp / "log", some_statements(5));
    REQUIRE(backup(log, temp / "backup"));
    seen = newest(log);
  }
  const auto report = restore(temp / "backup", temp / "back", seen, credential::NoteVerifier{kOrigin, log_key().public_key()});
  INFO((report ? "" : report.error().detail));
  REQUIRE(report);
  CHECK(report->size == 7);
  {
    auto back = Ledger::open(temp / "back", Ledger::Mode::write);
    REQUIRE(back);
    CHECK(newest(*back) == seen);
    append_one(*back, license(5000, 1, 50));
  }
  CHECK(audit_folder(temp / "back")->verdict.outcome() == Outcome::valid);
  CHECK(audit_folder(temp / "backup")->checkpoint.tree_size == 7);
  CHECK(invalid_of(temp / "backup").empty());
}

TEST_CASE("a backup that ends before the newest checkpoint, or has another history, is not restored") {
  TempFolder temp;
  std::string seen;
  {
    auto log = make_log(temp / "log", some_statements(3));
    REQUIRE(backup(log, temp / "backup"));
    append_one(log, license(5000, 1, 50));
    seen = newest(log);
    CHECK_THAT(must_fail(restore(temp / "backup", temp / "back", seen, {}), Errc::refused), Contains("rolled back"));
    REQUIRE(backup(log, temp / "newer"));
  }
  std::string other;
  {
    auto fork = Ledger::open(temp / "backup", Ledger::Mode::write);
    REQUIRE(fork);
    append_one(*fork, license(6000, 1, 60));
    other = newest(*fork);
  }
  CHECK_THAT(must_fail(restore(temp / "newer", temp / "back", other, {}), Errc::refused), Contains("forked"));
  CHECK_THAT(must_fail(restore(temp / "newer", temp / "back", "no checkpoint", {}), Errc::refused), Contains("note"));
  const credential::NoteVerifier wrong{kOrigin, owner().public_key()};
  CHECK_THAT(must_fail(restore(temp / "newer", temp / "back", seen, wrong), Errc::refused), Contains("the auditor trusts"));
  CHECK_FALSE(fs::exists(temp / "back"));
  CHECK(restore(temp / "newer", temp / "back", seen, {}));
}

TEST_CASE("a damaged backup is not restored") {
  TempFolder temp;
  std::string seen;
  {
    auto log = make_log(temp / "log", some_statements(3));
    REQUIRE(backup(log, temp / "backup"));
    seen = newest(log);
  }
  tamper_put(temp / "backup", layout::entry(3), license(1001, 1, 77).entry());
  CHECK_THAT(must_fail(restore(temp / "backup", temp / "back", seen, {}), Errc::refused), Contains("audit."));
  CHECK_FALSE(fs::exists(temp / "back"));
}

TEST_CASE("the check passes a good ledger, beside its writer, and names what is wrong with another") {
  TempFolder temp;
  {
    auto log = make_log(temp / "log", some_statements(5));
    CHECK(invalid_of(temp / "log").empty());
    const auto verdict = check(log);
    REQUIRE(verdict);
    CHECK(verdict->outcome() == Outcome::valid);
    CHECK(verdict->checks().size() == 5);
  }
  const auto after = [&](const auto& damage) {
    copy_folder(temp / "log", temp / "bad");
    damage();
    return invalid_of(temp / "bad");
  };
  CHECK(after([&] { tamper_put(temp / "bad", layout::entry(3), license(1001, 1, 77).entry()); }) == "check.entries");
  CHECK(after([&] { tamper_delete(temp / "bad", layout::entry(2)); }) == "check.entries");
  CHECK(after([&] { tamper_delete(temp / "bad", layout::index_of(credential::merkle_leaf(some_statements(1)[0].entry()))); }) ==
        "check.entries");
  CHECK(after([&] { tamper_put(temp / "bad", layout::checkpoint(4), tamper_get(temp / "bad", layout::checkpoint(3))); }) ==
        "check.commits");
}

TEST_CASE("the statistics count what is there") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(5));
  const auto found = stats(log);
  REQUIRE(found);
  CHECK(found->entries == 7);
  CHECK(found->commits == 7);
  CHECK(found->kinds.at("license") == 5);
  CHECK(found->kinds.at("registration") == 1);
  CHECK(found->first_time == kNow);
  CHECK(found->last_time == kNow);
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < 7; ++i) bytes += log.entry(i)->size();
  CHECK(found->entry_bytes == bytes);
  CHECK(found->file_bytes > bytes);
}

TEST_CASE("every entry comes once, in order, with the time of its commit") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  REQUIRE(log.append({license(1000, 1, 0), license(1001, 1, 1)}, log_key(), kNow + 60));
  std::vector<std::pair<std::uint64_t, std::int64_t>> seen;
  const auto visit = [&](std::uint64_t index, std::int64_t time, ByteView octets) -> Status {
    CHECK(std::ranges::equal(octets, *log.entry(index)));
    seen.emplace_back(index, time);
    return Done{};
  };
  REQUIRE(for_each_entry(log, 1, visit));
  CHECK(seen == std::vector<std::pair<std::uint64_t, std::int64_t>>{{1, kNow}, {2, kNow + 60}, {3, kNow + 60}});
}
