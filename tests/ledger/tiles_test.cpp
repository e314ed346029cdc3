#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/ledger/tiles.hpp>

#include "support.hpp"
#include "tests/support/catch.hpp"
#include "tile.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace fs = std::filesystem;

namespace {

/// A log whose size is 2 + `count`, in commits of up to 100.
Ledger long_log(const fs::path& folder, std::uint64_t count) {
  auto log = make_log(folder, {registration(1)});
  for (std::uint64_t done = 0; done < count; done += 100) {
    std::vector<credential::Statement> some;
    for (auto i = done; i < std::min(done + 100, count); ++i) some.push_back(license(1000 + i, 1, i));
    REQUIRE(log.append(some, log_key(), kNow + static_cast<std::int64_t>(done)));
  }
  return log;
}

std::string must_fail(const Result<TileReport>& result, Errc code) {
  REQUIRE_FALSE(result.ok());
  CHECK(result.error().code == code);
  return result.error().detail;
}

std::string first_invalid(const fs::path& tiles) {
  const auto report = audit_tiles(tiles, {});
  return report ? invalid_checks(report->verdict) : "error: " + report.error().detail;
}

credential::NoteVerifier verifier() { return {kOrigin, log_key().public_key()}; }

}  // namespace

TEST_CASE("tiles have the paths of the C2SP text") {
  CHECK(tile::path("tile/0", 0, 256) == "tile/0/000");
  CHECK(tile::path("tile/0", 999, 256) == "tile/0/999");
  CHECK(tile::path("tile/0", 1000, 256) == "tile/0/x001/000");
  CHECK(tile::path("tile/0", 1234067, 256) == "tile/0/x001/x234/067");
  CHECK(tile::path("tile/1", 5, 17) == "tile/1/005.p/17");
  CHECK(tile::path("tile/63", 0, 1) == "tile/63/000.p/1");
  CHECK(tile::path(tile::kEntries, 1234067, 256) == "tile/entries/x001/x234/067");
  CHECK(tile::width(70000, 273) == 112);
  CHECK(tile::width(70000, 274) == 0);
  CHECK(tile::width(256, 0) == 256);
  CHECK(tile::width(256, 1) == 0);
}

TEST_CASE("a log goes out as tiles, comes back as a ledger, and is the same log") {
  TempFolder temp;
  std::string checkpoint;
  {
    const auto log = long_log(temp / "log", 600);
    const auto out = export_tiles(log, temp / "tiles");
    REQUIRE(out);
    CHECK(out->from == 0);
    CHECK(out->size == 602);
    CHECK(out->files == 3 + 3 + 1 + 3 + 1);  // bundles, two levels of hashes, commits, checkpoint
    checkpoint = *log.checkpoint();
  }
  for (const char* name :
       {"tile/entries/000", "tile/entries/002.p/90", "tile/0/001", "tile/0/002.p/90", "tile/1/000.p/2", "commits/002.p/90"})
    CHECK(fs::is_regular_file(temp / "tiles" / name));
  CHECK(read_file(temp / "tiles/checkpoint") == to_bytes(checkpoint));

  const auto audited = audit_tiles(temp / "tiles", verifier());
  REQUIRE(audited);
  CHECK(audited->verdict.outcome() == Outcome::valid);
  CHECK(audited->checkpoint.tree_size == 602);
  CHECK(audited->state.registrations().begin()->second.licenses.size() == 600);

  const auto in = import_tiles(temp / "tiles", temp / "copy", verifier());
  INFO((in ? "" : in.error().detail));
  REQUIRE(in);
  CHECK(in->size == 602);
  auto copy = Ledger::open(temp / "copy", Ledger::Mode::write);
  REQUIRE(copy);
  const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
  CHECK(*copy->checkpoint() == checkpoint);
  CHECK(*copy->receipt(300) == *log->receipt(300));
  CHECK(*copy->consistency_receipt(102, 502) == *log->consistency_receipt(102, 502));
  CHECK(audit(*copy, verifier())->verdict.outcome() == Outcome::valid);
  append_one(*copy, license(9000, 1, 9000), kNow + 700);
}

TEST_CASE("an export goes on where the last one ended, and reads well after every step") {
  TempFolder temp;
  auto log = long_log(temp / "log", 250);  // 252
  REQUIRE(export_tiles(log, temp / "tiles"));
  for (std::uint64_t i = 0; i < 6; ++i) {
    append_one(log, license(5000 + i, 1, 5000 + i), kNow + 300);
    const auto more = export_tiles(log, temp / "tiles");
    REQUIRE(more);
    CHECK(more->from == 252 + i);
    CHECK(more->size == 253 + i);
    CHECK(more->files <= 7);
    const auto audited = audit_tiles(temp / "tiles", verifier());
    REQUIRE(audited);
    CHECK(audited->verdict.outcome() == Outcome::valid);
    CHECK(audited->checkpoint.tree_size == 253 + i);
  }
  const auto none = export_tiles(log, temp / "tiles");
  REQUIRE(none);
  CHECK(none->files == 0);
  fs::remove_all(temp / "tiles/tile/entries/000.p");  // partial tiles of older sizes may go
  CHECK(first_invalid(temp / "tiles").empty());
}

TEST_CASE("an export cut short at any file leaves the older checkpoint readable, and the next export makes it good") {
  TempFolder temp;
  auto log = long_log(temp / "log", 250);
  REQUIRE(export_tiles(log, temp / "tiles"));
  const auto older = read_file(temp / "tiles/checkpoint");
  for (std::uint64_t i = 0; i < 10; ++i) append_one(log, license(5000 + i, 1, 5000 + i), kNow + 300);
  copy_folder(temp / "tiles", temp / "whole");
  REQUIRE(export_tiles(log, temp / "whole"));
  std::vector<std::string> added;
  for (const auto& file : fs::recursive_directory_iterator(temp / "whole"))
    if (file.is_regular_file() && !fs::exists(temp / "tiles" / fs::relative(file.path(), temp / "whole").string()))
      added.push_back(fs::relative(file.path(), temp / "whole").string());
  CHECK(added.size() == 7);
  for (const auto& name : added) {  // one more file each time, and never the checkpoint
    fs::create_directories((temp / "tiles" / name).parent_path());
    fs::copy_file(temp / "whole" / name, temp / "tiles" / name);
    CHECK(read_file(temp / "tiles/checkpoint") == older);
    CHECK(first_invalid(temp / "tiles").empty());
  }
  REQUIRE(export_tiles(log, temp / "tiles"));
  CHECK(audit_tiles(temp / "tiles", verifier())->checkpoint.tree_size == 262);
}

TEST_CASE("a file that cannot be written ends an export, and the checkpoint stays the old one") {
  TempFolder temp;
  auto log = long_log(temp / "log", 10);
  REQUIRE(export_tiles(log, temp / "tiles"));
  const auto older = read_file(temp / "tiles/checkpoint");
  append_one(log, license(5000, 1, 5000), kNow + 300);
  fs::create_directories(temp / "tiles/commits/000.p/13.new");  // where the temporary file goes
  CHECK_THAT(must_fail(export_tiles(log, temp / "tiles"), Errc::io), Contains("000.p/13.new"));
  CHECK(read_file(temp / "tiles/checkpoint") == older);
  CHECK(first_invalid(temp / "tiles").empty());
}

TEST_CASE("an export refuses a folder of another log, of another history, and of a newer state") {
  TempFolder temp;
  const auto log = long_log(temp / "log", 10);
  REQUIRE(export_tiles(log, temp / "tiles"));
  const auto rolled_back = make_log(temp / "short", {registration(1)});
  CHECK_THAT(must_fail(export_tiles(rolled_back, temp / "tiles"), Errc::malformed), Contains("rolled back"));
  const auto forked = long_log(temp / "fork", 20);  // other signatures' ids, and so other entries
  write_file(temp / "tiles/checkpoint", as_bytes(*make_log(temp / "third", {registration(2), registration(3)}).checkpoint()));
  CHECK_THAT(must_fail(export_tiles(forked, temp / "tiles"), Errc::malformed), Contains("another history"));
  write_file(temp / "tiles/checkpoint", as_bytes("no checkpoint"));
  CHECK_THAT(must_fail(export_tiles(log, temp / "tiles"), Errc::malformed), Contains("checkpoint"));
}

TEST_CASE("every damaged or missing tile is found, and nothing is imported from it") {
  TempFolder temp;
  { REQUIRE(export_tiles(long_log(temp / "log", 300), temp / "tiles")); }  // 302
  const std::vector<std::string> needed{"tile/entries/000", "tile/entries/001.p/46", "tile/0/000",       "tile/0/001.p/46",
                                        "tile/1/000.p/1",   "commits/000",           "commits/001.p/46", "checkpoint"};
  for (const auto& name : needed)
    for (const std::string how : {"missing", "cut", "flipped", "longer"}) {
      copy_folder(temp / "tiles", temp / "bad");
      auto content = read_file(temp / "bad" / name);
      if (how == "cut") content.pop_back();
      if (how == "flipped") content[content.size() / 2] ^= 1;
      if (how == "longer") content.insert(content.end(), 40'000'000, 0);
      if (how == "missing")
        fs::remove(temp / "bad" / name);
      else
        write_file(temp / "bad" / name, content);
      INFO(name << " " << how);
      CHECK_FALSE(first_invalid(temp / "bad").empty());
      CHECK_FALSE(import_tiles(temp / "bad", temp / "from-bad", {}).ok());
      CHECK_FALSE(fs::exists(temp / "from-bad"));
    }
}

TEST_CASE("tiles under another key than the auditor's are neither audited as good nor imported") {
  TempFolder temp;
  REQUIRE(export_tiles(make_log(temp / "log", {registration(1)}), temp / "tiles"));
  const credential::NoteVerifier other{kOrigin, owner().public_key()};
  CHECK(invalid_checks(audit_tiles(temp / "tiles", other)->verdict) == "audit.checkpoint");
  CHECK_THAT(must_fail(import_tiles(temp / "tiles", temp / "copy", other), Errc::refused), Contains("the auditor trusts"));
  CHECK_FALSE(fs::exists(temp / "copy"));
}

TEST_CASE("tiles without commits are audited as of their checkpoint, and not imported") {
  TempFolder temp;
  REQUIRE(export_tiles(long_log(temp / "log", 20), temp / "tiles"));
  fs::remove_all(temp / "tiles/commits");
  const auto report = audit_tiles(temp / "tiles", verifier());
  REQUIRE(report);
  CHECK(report->verdict.outcome() == Outcome::valid);
  CHECK_THAT(detail_of(report->verdict, "audit.checkpoint"), Contains("no commits"));
  must_fail(import_tiles(temp / "tiles", temp / "copy", {}), Errc::unsupported);
}

TEST_CASE("the tessera log's tree and checkpoint pass, and its entries are no statements") {
  const fs::path folder = fs::path(STEGPASS_SHARED_DIR) / "vectors/c2sp/tessera-log";
  if (!fs::exists(folder)) return;
  auto vkey = std::string(as_text(read_file(folder / "log.vkey")));
  vkey.erase(vkey.find_last_not_of('\n') + 1);
  const auto key = credential::NoteVerifier::parse(vkey);
  REQUIRE(key);
  const auto report = audit_tiles(folder, *key);
  REQUIRE(report);
  CHECK(report->checkpoint.tree_size == 15);
  CHECK(report->verdict.find("audit.tree")->outcome == Outcome::valid);
  CHECK(report->verdict.find("audit.checkpoint")->outcome == Outcome::valid);
  CHECK(invalid_checks(report->verdict) == "audit.entries");
  CHECK_THAT(detail_of(report->verdict, "audit.entries"), Contains("entry 0"));
  CHECK(audit_tiles(folder, {})->verdict.find("audit.checkpoint")->outcome == Outcome::undecided);
}
