#include <stegpass/ledger/tiles.hpp>
#include <stegpass/ledger/witness.hpp>

#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;
using credential::NoteKind, credential::NoteSignature, credential::NoteVerifier, credential::VerifierMemory;

namespace fs = std::filesystem;

namespace {

constexpr const char* kWitness = "witness.example/w1";

NoteVerifier log_verifier() { return {kOrigin, log_key().public_key()}; }
NoteVerifier witness() { return {kWitness, owner().public_key(), NoteKind::witness}; }

/// What the witness, who has the owner's key here, answers; keeps what it remembers.
std::vector<NoteSignature> ask(const credential::WitnessRequest& request, VerifierMemory& memory) {
  const auto answer = answer_witness_request(request, {log_verifier()}, memory, kWitness, owner(), kNow);
  if (answer.verdict.outcome() != Outcome::valid) return {};
  memory = answer.memory;
  return {answer.cosignature};
}

bool cosigned(const std::string& note) { return verify_cosignature(credential::parse_note(note).value(), witness()).ok(); }

}  // namespace

TEST_CASE("a witness follows a ledger's growth by its requests as by its exported tiles") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  VerifierMemory by_request, by_tiles;
  std::uint64_t seen = 0;
  for (std::uint64_t i = 0; i < 12; ++i) {
    append_one(log, license(1000 + i, 1, i));
    if (i % 3 == 1) continue;
    REQUIRE_FALSE(ask(*witness_request(log, seen), by_request).empty());
    REQUIRE(export_tiles(log, temp / "tiles"));
    REQUIRE_FALSE(ask(*witness_request(temp / "tiles", by_tiles), by_tiles).empty());
    seen = log.size();
  }
  CHECK(by_request.newest == by_tiles.newest);
  CHECK(witness_request(log, 99).error().code == Errc::usage);
}

TEST_CASE("cosignatures lie beside the checkpoint, and go out with the tiles, alone if need be") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(3));
  REQUIRE(export_tiles(log, temp / "tiles"));
  VerifierMemory memory;
  const auto note = add_cosignatures(log, ask(*witness_request(log, 0), memory), {witness()});
  REQUIRE(note);
  CHECK(cosigned(*note));
  CHECK(*cosigned_checkpoint(log) == *note);
  CHECK(read_file(temp / "log/cosigned") == to_bytes(*note));
  const auto again = export_tiles(log, temp / "tiles");
  REQUIRE(again);
  CHECK(again->files == 1);
  CHECK(read_file(temp / "tiles/checkpoint") == to_bytes(*note));
  CHECK(export_tiles(log, temp / "tiles")->files == 0);
  CHECK(audit_tiles(temp / "tiles", log_verifier())->verdict.outcome() == Outcome::valid);
  REQUIRE(import_tiles(temp / "tiles", temp / "copy", log_verifier()));
  CHECK(*cosigned_checkpoint(*Ledger::open(temp / "copy", Ledger::Mode::read)) == *note);

  append_one(log, license(5000, 1, 50));
  CHECK_FALSE(cosigned(*cosigned_checkpoint(log)));
  CHECK(*cosigned_checkpoint(log) == *log.checkpoint());
  REQUIRE(ask(*witness_request(log, 5), memory).size() == 1);
}

TEST_CASE("a cosignature that is bad, unknown or of an older checkpoint is refused, and nothing is kept") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(3));
  VerifierMemory memory;
  const auto lines = ask(*witness_request(log, 0), memory);
  const auto refused = [&](const std::vector<NoteSignature>& given, const std::vector<NoteVerifier>& known) {
    const auto note = add_cosignatures(log, given, known);
    REQUIRE_FALSE(note.ok());
    CHECK(note.error().code == Errc::refused);
    CHECK_FALSE(fs::exists(temp / "log/cosigned"));
    return note.error().detail;
  };
  CHECK_THAT(refused(lines, {}), Contains("whose key was not given"));
  auto bad = lines;
  bad[0].signature[30] ^= 1;
  CHECK_THAT(refused(bad, {witness()}), Contains("does not fit"));
  append_one(log, license(5000, 1, 50));
  CHECK_THAT(refused(lines, {witness()}), Contains("has grown since"));
}

TEST_CASE("a second cosignature by the same witness takes the first one's place") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(1));
  for (int i = 0; i < 3; ++i) {
    VerifierMemory memory;
    REQUIRE(add_cosignatures(log, ask(*witness_request(log, 0), memory), {witness()}));
  }
  CHECK(credential::parse_note(*cosigned_checkpoint(log))->signatures.size() == 2);
}

TEST_CASE("a database older than the cosigned checkpoint beside it does not open, and a damaged one neither") {
  TempFolder temp;
  {
    auto log = make_log(temp / "log", some_statements(3));
    copy_folder(temp / "log", temp / "old");
    append_one(log, license(5000, 1, 50));
    VerifierMemory memory;
    REQUIRE(add_cosignatures(log, ask(*witness_request(log, 0), memory), {witness()}));
  }
  fs::copy_file(temp / "log/cosigned", temp / "old/cosigned");
  const auto old = Ledger::open(temp / "old", Ledger::Mode::read);
  REQUIRE_FALSE(old.ok());
  CHECK_THAT(old.error().detail, Contains("cosigned") && Contains("rolled back"));
  write_file(temp / "log/cosigned", as_bytes("no note"));
  CHECK(Ledger::open(temp / "log", Ledger::Mode::read).error().code == Errc::malformed);
}

TEST_CASE("a witness follows the tessera log from size to size over its tiles, and not back") {
  const fs::path folder = fs::path(STEGPASS_SHARED_DIR) / "vectors/c2sp/tessera-log";
  if (!fs::exists(folder)) return;
  auto vkey = std::string(as_text(read_file(folder / "log.vkey")));
  vkey.erase(vkey.find_last_not_of('\n') + 1);
  const std::vector<NoteVerifier> logs{NoteVerifier::parse(vkey).value()};
  TempFolder temp;
  copy_folder(folder, temp / "tiles");
  VerifierMemory memory;
  const auto ask_at = [&](int size) {
    write_file(temp / "tiles/checkpoint", read_file(folder / ("checkpoint." + std::to_string(size))));
    auto answer = answer_witness_request(*witness_request(temp / "tiles", memory), logs, memory, kWitness, owner(), kNow);
    memory = answer.memory;
    return answer.verdict;
  };
  for (int size = 1; size <= 15; ++size) CHECK(ask_at(size).outcome() == Outcome::valid);
  CHECK(invalid_checks(ask_at(9)) == "witness.rollback");
  CHECK(ask_at(15).outcome() == Outcome::valid);
}
