#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stegpass/credential/receipt.hpp>

#include "layout.hpp"
#include "node_tile.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace {

/// Neither way of opening works, with this code and this in the sentence.
void does_not_open(const std::filesystem::path& folder, Errc code, const std::string& words) {
  for (const auto mode : {Ledger::Mode::read, Ledger::Mode::write}) {
    const auto log = Ledger::open(folder, mode);
    REQUIRE_FALSE(log.ok());
    CHECK(log.error().code == code);
    CHECK_THAT(log.error().detail, Contains(words) && Contains(folder.string()));
  }
}

}  // namespace

TEST_CASE("a missing folder is not found") {
  TempFolder temp;
  does_not_open(temp / "none", Errc::not_found, "no such folder");
  CHECK_FALSE(std::filesystem::exists(temp / "none"));
}

TEST_CASE("a file is no ledger") {
  TempFolder temp;
  write_file(temp / "file", as_bytes("text"));
  does_not_open(temp / "file", Errc::io, "not a folder");
}

TEST_CASE("an empty folder is no ledger, and stays empty") {
  TempFolder temp;
  std::filesystem::create_directory(temp / "empty");
  does_not_open(temp / "empty", Errc::not_found, "no ledger here");
  CHECK(std::filesystem::is_empty(temp / "empty"));
}

TEST_CASE("another program's RocksDB database is no ledger") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  tamper_put(temp / "log", layout::format(), to_bytes("something.else"));
  const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
  REQUIRE_FALSE(log.ok());
  CHECK(log.error().code == Errc::unsupported);
}

TEST_CASE("a ledger without the checkpoint beside its database does not open") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  std::filesystem::remove(temp / "log/checkpoint");
  does_not_open(temp / "log", Errc::malformed, "absent");
}

TEST_CASE("a checkpoint file that is not a checkpoint does not open") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(2)); }
  const auto good = read_file(temp / "log/checkpoint");
  auto cut = good, flipped = good;
  cut.resize(cut.size() / 2);
  flipped[flipped.size() / 4] ^= 4;
  for (const auto& bad : {Bytes{}, to_bytes("text"), cut, flipped, Bytes(100'000, 'x')}) {
    write_file(temp / "log/checkpoint", bad);
    const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
    REQUIRE_FALSE(log.ok());
    CHECK(log.error().code == Errc::malformed);
  }
}

TEST_CASE("a checkpoint file signed by another log does not open") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  {
    const auto other = Ledger::create(temp / "other", "other.example/log", owner(), kNow);
    REQUIRE(other);
  }
  std::filesystem::copy_file(temp / "other/checkpoint", temp / "log/checkpoint",
                             std::filesystem::copy_options::overwrite_existing);
  does_not_open(temp / "log", Errc::malformed, "checkpoint");
}

TEST_CASE("a rolled-back database is noticed") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  copy_folder(temp / "log/db", temp / "old-db");
  {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(2000, 1, 50));
  }
  copy_folder(temp / "old-db", temp / "log/db");
  does_not_open(temp / "log", Errc::malformed, "rolled back");
}

TEST_CASE("a forked database of the same size is noticed") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  copy_folder(temp / "log", temp / "fork");
  for (const auto* name : {"log", "fork"}) {
    auto log = Ledger::open(temp / name, Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(std::string(name) == "log" ? 2000 : 2001, 1, 50));
  }
  copy_folder(temp / "fork/db", temp / "log/db");
  does_not_open(temp / "log", Errc::malformed, "forked");
}

TEST_CASE("a forked database that has grown past the checkpoint is noticed") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  copy_folder(temp / "log", temp / "fork");
  {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(2000, 1, 50));
    auto fork = Ledger::open(temp / "fork", Ledger::Mode::write);
    REQUIRE(fork);
    for (std::uint64_t i = 1; i < 6; ++i) append_one(*fork, license(2000 + i, 1, 50 + i));
  }
  copy_folder(temp / "fork/db", temp / "log/db");
  does_not_open(temp / "log", Errc::malformed, "forked");
}

TEST_CASE("a crash between the batch and the checkpoint file is repaired by the next writer, and harms no reader") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  const auto older = read_file(temp / "log/checkpoint");
  {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(2000, 1, 50));
  }
  const auto newer = read_file(temp / "log/checkpoint");
  write_file(temp / "log/checkpoint", older);
  {
    const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
    REQUIRE(log);
    CHECK(log->size() == 6);
    const auto report = audit(*log, {});
    CHECK_THAT(detail_of(report->verdict, "audit.outside-checkpoint"), Contains("size 5 of 6"));
  }
  CHECK(read_file(temp / "log/checkpoint") == older);
  REQUIRE(Ledger::open(temp / "log", Ledger::Mode::write));
  CHECK(read_file(temp / "log/checkpoint") == newer);
}

TEST_CASE("a log that may only be read is read, and refuses a writer") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  const auto pid = ::fork();
  if (pid == 0) {
    ::chmod(temp.path().c_str(), 0755);
    for (const auto& file : std::filesystem::recursive_directory_iterator(temp / "log"))
      ::chmod(file.path().c_str(), file.is_directory() ? 0555 : 0444);
    ::chmod((temp / "log").c_str(), 0555);
    if (::getuid() == 0 && ::setuid(65534) != 0) ::_exit(9);  // the system lets root write anywhere
    const auto reader = Ledger::open(temp / "log", Ledger::Mode::read);
    if (!reader || reader->size() != 5 || !reader->receipt(3)) ::_exit(1);
    if (audit(*reader, {})->verdict.outcome() != Outcome::valid) ::_exit(2);
    const auto writer = Ledger::open(temp / "log", Ledger::Mode::write);
    if (writer) ::_exit(3);
    ::_exit(writer.error().code == Errc::io ? 0 : 4);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  ::chmod((temp / "log").c_str(), 0755);
  ::chmod((temp / "log/db").c_str(), 0755);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("reading leaves every file as it was") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(3)); }
  const auto files = [&] {
    std::map<std::string, Bytes> out;
    for (const auto& file : std::filesystem::recursive_directory_iterator(temp / "log"))
      if (file.is_regular_file()) out[file.path().string()] = read_file(file.path());
    return out;
  };
  const auto before = files();
  REQUIRE(audit_folder(temp / "log"));
  CHECK(files() == before);
}

TEST_CASE("RocksDB keeps no diary in the log's folder") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  CHECK_FALSE(std::filesystem::exists(temp / "log/db/LOG"));
}

TEST_CASE("a log opened for writing many times stays small and whole") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", {registration(1)}); }
  for (std::uint64_t i = 0; i < 40; ++i) {
    auto log = Ledger::open(temp / "log", Ledger::Mode::write);
    REQUIRE(log);
    append_one(*log, license(1000 + i, 1, i));
  }
  const auto report = audit_folder(temp / "log");
  REQUIRE(report);
  CHECK(report->verdict.outcome() == Outcome::valid);
  CHECK(report->checkpoint.tree_size == 42);
  CHECK(std::distance(std::filesystem::directory_iterator(temp / "log/db"), {}) < 40);
}

TEST_CASE("a damaged tree is not built upon") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(4)); }
  auto tile = tamper_get(temp / "log", layout::tile(0, 0));
  tile[32 * node_tile::place_of(2, 0).position] ^= 1;
  tamper_put(temp / "log", layout::tile(0, 0), tile);
  const auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE_FALSE(log.ok());
  CHECK(log.error().code == Errc::malformed);
  CHECK_THAT(log.error().detail, Contains("the stored tree has root"));
}

TEST_CASE("a damaged index is not built upon") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(4)); }
  auto keys = tamper_get(temp / "log", layout::index_entry(3));
  keys[5] ^= 1;
  tamper_put(temp / "log", layout::index_entry(3), keys);
  const auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE_FALSE(log.ok());
  CHECK_THAT(log.error().detail, Contains("the stored index has another root"));
}

TEST_CASE("a database of the first format is refused by its name, to readers and writers") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  replace_by_first_format(temp / "log");
  for (const auto mode : {Ledger::Mode::read, Ledger::Mode::write}) {
    const auto log = Ledger::open(temp / "log", mode);
    REQUIRE_FALSE(log.ok());
    CHECK(log.error().code == Errc::unsupported);
    CHECK_THAT(log.error().detail, Contains("stegpass.ledger.v1"));
  }
}
