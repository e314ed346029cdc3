// Each write, sync, rename and open of an append and of an export made to fail, one after another. What was acknowledged has to
// be there, nothing half, and the same work done again has to come to the same log.
// The tables are printed; docs/results/ledger-faults.md shows them.
#include <cerrno>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>

#include <stegpass/ledger/tiles.hpp>

#include "child.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kSeries = 3;  // appends of one child
constexpr int kMostCalls = 400;       // far over what a child makes

struct FaultKind {
  std::string name, call, error;
  bool lasting = false;
};

std::vector<FaultKind> kinds() {
  const auto code = [](int number) { return std::to_string(number); };
  return {{"a write fails", "write", code(EIO)},
          {"the disk is full from a write on", "write", code(ENOSPC), true},
          {"a write is torn, and the disk full", "write", "short", true},
          {"a sync fails", "sync", code(EIO)},
          {"every sync from one on fails", "sync", code(EIO), true},
          {"a rename fails", "rename", code(EIO)},
          {"an open fails", "open", code(EIO)},
          {"file descriptors run out at an open", "open", code(EMFILE), true},
          {"permission is lost at an open", "open", code(EACCES), true},
          {"the disk is read-only from a change on", "change", code(EROFS), true}};
}

struct Count {
  int tried = 0, refused = 0,
      lost = 0;  // refused: of those tried, the ones that ended in an error; the others did all their work
};

/// Runs the writer under one fault; none when `at` is 0.
struct Faulty {
  TempFolder temp;
  std::vector<std::string> lines;
  int code = -1;
  bool reached = false;

  void run(const FaultKind* kind, int at, std::vector<std::string> arguments, const std::string& under) {
    lines.clear();
    const auto report = temp / "report";
    std::map<std::string, std::string> environment;
    if (kind)
      environment = {{"LD_PRELOAD", LEDGER_FAULT_SHIM}, {"FAULT_UNDER", under},
                     {"FAULT_CALL", kind->call},        {"FAULT_AT", std::to_string(at)},
                     {"FAULT_ERRNO", kind->error},      {"FAULT_LASTING", kind->lasting ? "1" : "0"},
                     {"FAULT_REPORT", report.string()}};
    Child child(std::move(arguments), log_key(), owner(), environment);
    for (auto line = child.read_line(); !line.empty(); line = child.read_line()) lines.push_back(line);
    code = child.wait();
    reached = fs::exists(report);
    fs::remove(report);
  }
  bool failed() const { return !lines.empty() && lines.back().starts_with("error "); }
};

std::vector<Bytes> entries_of(const fs::path& folder) {
  const auto log = Ledger::open(folder, Ledger::Mode::read);
  std::vector<Bytes> out;
  for (std::uint64_t i = 0; log && i < log->size(); ++i) out.push_back(*log->entry(i));
  return out;
}

std::string audit_fault(const Result<AuditReport>& report) {
  if (!report) return report.error().detail;
  return report->verdict.outcome() == Outcome::valid ? "" : first_fault(report->verdict);
}

/// What is wrong after a child died of a fault; empty when nothing is.
std::string append_fault(Faulty& faulty, const fs::path& folder, const std::vector<Bytes>& truth) {
  std::uint64_t acknowledged = 0;
  for (const auto& line : faulty.lines)
    if (line != "open" && !line.starts_with("error ")) ++acknowledged;
  if (faulty.code < 0) return "the program died of a signal";
  if (faulty.code == 0 && acknowledged != kSeries) return "ended well with " + std::to_string(acknowledged) + " answers";
  if (faulty.code != 0 && !faulty.failed()) return "ended badly without a word";
  const auto there = entries_of(folder);
  if (there.size() < 2 + acknowledged)
    return std::to_string(acknowledged) + " acknowledged, " + std::to_string(there.size()) + " entries there";
  if (!std::equal(there.begin(), there.end(), truth.begin())) return "other entries than were given";
  if (const auto fault = audit_fault(audit_folder(folder)); !fault.empty()) return fault;
  faulty.run(nullptr, 0, {"series", folder.string(), std::to_string(kSeries)}, "");
  if (faulty.code != 0) return "does not go on: " + (faulty.lines.empty() ? "" : faulty.lines.back());
  if (entries_of(folder) != truth) return "another log after doing it again";
  return audit_fault(audit_folder(folder));
}

std::string export_fault(Faulty& faulty, const fs::path& log, const fs::path& tiles, const Bytes& checkpoint) {
  if (faulty.code < 0) return "the program died of a signal";
  if (faulty.code != 0 && !faulty.failed()) return "ended badly without a word";
  if (const auto fault = fs::exists(tiles / "checkpoint") ? audit_fault(audit_tiles(tiles, {})) : ""; !fault.empty())
    return fault;
  if (faulty.code == 0 && read_file(tiles / "checkpoint") != checkpoint) return "ended well without its checkpoint";
  faulty.run(nullptr, 0, {"export", log.string(), tiles.string()}, "");
  if (faulty.code != 0) return "does not go on: " + (faulty.lines.empty() ? "" : faulty.lines.back());
  if (read_file(tiles / "checkpoint") != checkpoint) return "another checkpoint after doing it again";
  return audit_fault(audit_tiles(tiles, {}));
}

/// Fails every call of a kind in turn; `attempt` runs one and says what is wrong after it.
Count fail_in_turn(const FaultKind& kind, Faulty& faulty, const std::function<std::string(int at)>& attempt) {
  Count count;
  for (int at = 1;; ++at) {
    REQUIRE(at < kMostCalls);
    const auto fault = attempt(at);
    INFO(kind.name << ", call " << at << ": " << fault);
    CHECK(fault.empty());
    if (!faulty.reached) return count;
    ++count.tried;
    count.lost += !fault.empty();
  }
}

void print(const std::string& title, const FaultKind& kind, const Count& count) {
  std::cout << "| " << title << ": " << kind.name << " | " << count.tried << " | " << count.tried - count.lost << " | "
            << count.lost << " |\n";
}

}  // namespace

TEST_CASE("an append survives the failure of each of its writes, syncs, renames and opens") {
  Faulty faulty;
  const auto base = faulty.temp / "base", work = faulty.temp / "work", log = work / "log";
  { const auto made = make_log(base, {registration(1)}); }
  fs::create_directory(work);
  copy_folder(base, log);
  faulty.run(nullptr, 0, {"series", log.string(), std::to_string(kSeries)}, "");
  REQUIRE(faulty.code == 0);
  const auto truth = entries_of(log);
  REQUIRE(truth.size() == 2 + kSeries);
  for (const auto& kind : kinds()) {
    bool reached = false;
    const auto count = fail_in_turn(kind, faulty, [&](int at) {
      copy_folder(base, log);
      faulty.run(&kind, at, {"series", log.string(), std::to_string(kSeries)}, work.string());
      reached = faulty.reached;
      auto fault = append_fault(faulty, log, truth);
      faulty.reached = reached;
      return fault;
    });
    CHECK(count.tried > 0);
    print("append", kind, count);
  }
}

TEST_CASE("an export survives the failure of each of its writes, syncs, renames and opens") {
  Faulty faulty;
  const auto log = faulty.temp / "log", work = faulty.temp / "work", older = faulty.temp / "older", tiles = work / "tiles";
  fs::create_directory(work);
  Bytes checkpoint;
  {
    auto made = make_log(log, some_statements(3));
    REQUIRE(export_tiles(made, older));
    append_one(made, license(5000, 1, 50));
    checkpoint = to_bytes(*made.checkpoint());
  }
  for (const auto& kind : kinds()) {
    const auto count = fail_in_turn(kind, faulty, [&](int at) {
      copy_folder(older, tiles);
      faulty.run(&kind, at, {"export", log.string(), tiles.string()}, work.string());
      const bool reached = faulty.reached;
      auto fault = export_fault(faulty, log, tiles, checkpoint);
      faulty.reached = reached;
      return fault;
    });
    CHECK(count.tried > 0);
    print("export", kind, count);
  }
}

TEST_CASE("a last write torn at any byte is recovered where it was not acknowledged, and said where it was") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(2)); }
  const auto older_note = read_file(temp / "log/checkpoint");
  fs::path wal;
  std::uintmax_t before = 0;
  {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(5000, 1, 50));
    for (const auto& file : fs::directory_iterator(temp / "log/db"))
      if (file.path().extension() == ".log" && file.file_size() > 0) wal = file.path().filename(), before = file.file_size();
    append_one(*log, license(5001, 1, 51));
  }
  const auto truth = entries_of(temp / "log");
  REQUIRE(truth.size() == 6);
  const auto size = fs::file_size(temp / "log/db" / wal);
  REQUIRE(size > before);
  int tried = 0, lost = 0;
  const auto older = truth.size() - 1;
  for (auto length = before; length < size; length += 1 + (size - before) / 200, ++tried) {
    copy_folder(temp / "log", temp / "torn");
    fs::resize_file(temp / "torn/db" / wal, length);
    const auto acknowledged = Ledger::open(temp / "torn", Ledger::Mode::read);  // its checkpoint is outside
    const bool said = !acknowledged && acknowledged.error().code == Errc::malformed;
    write_file(temp / "torn/checkpoint", older_note);  // as if the power had gone before that
    auto recovered = Ledger::open(temp / "torn", Ledger::Mode::write);
    bool whole = recovered && recovered->size() == older && recovered->append({license(5001, 1, 51)}, log_key(), kNow).ok();
    recovered = Error{Errc::io, "closed"};
    whole = whole && entries_of(temp / "torn") == truth && audit_fault(audit_folder(temp / "torn")).empty();
    INFO("at byte " << length << " of " << size << ", said " << said << ", whole " << whole);
    CHECK((said && whole));
    lost += !(said && whole);
  }
  std::cout << "| the last write torn at a byte | " << tried << " | " << tried - lost << " | " << lost << " |\n";
}

TEST_CASE("a clock that goes backwards stops appends until it is right, and loses nothing") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  int tried = 0, lost = 0;
  append_one(log, license(1000, 1, 0), kNow + 100'000);
  for (std::int64_t back = 301; back < 90'000; back *= 2, ++tried) {
    const auto refused = log.append({license(5000, 1, 50)}, log_key(), kNow + 100'000 - back);
    const bool held = !refused && refused.error().code == Errc::refused && log.size() == 3;
    CHECK(held);
    lost += !held;
  }
  append_one(log, license(5000, 1, 50), kNow + 100'000 - 200);  // within the skew: time stands still
  append_one(log, license(5001, 1, 51), kNow + 100'001);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
  std::cout << "| the clock goes backwards by more than the skew | " << tried << " | " << tried - lost << " | " << lost << " |\n";
}
