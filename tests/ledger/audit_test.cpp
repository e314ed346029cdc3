#include <stegpass/ledger/audit.hpp>

#include <stegpass/credential/receipt.hpp>

#include "growth.hpp"
#include "layout.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace {

const std::vector<std::string> kCodes{"audit.entries",    "audit.signatures",         "audit.policy", "audit.tree",
                                      "audit.checkpoint", "audit.outside-checkpoint", "audit.index",  "audit.memory"};

/// A closed log of 12 entries: policy, registration 1, ten licenses (entry i + 2 has id 1000 + i).
void make_closed(const std::filesystem::path& folder) { const auto log = make_log(folder, some_statements(10)); }

/// The report of a log that still opens, where the code given is invalid and names the entry.
AuditReport finds(const std::filesystem::path& folder, const std::string& code, const std::string& words) {
  auto report = audit_folder(folder);
  REQUIRE(report);
  CHECK(report->verdict.outcome() == Outcome::invalid);
  REQUIRE(report->verdict.find(code));
  CHECK(report->verdict.find(code)->outcome == Outcome::invalid);
  CHECK_THAT(detail_of(report->verdict, code), Contains(words));
  return std::move(*report);
}

/// Writes a log's database anew with other entries, nodes and indices that fit together, all but the signatures of the log.
void rewrite(const std::filesystem::path& folder, const std::vector<Bytes>& entries) {
  Growth growth;
  WriteSet writes;
  for (const auto& entry : entries) growth.add({entry, credential::merkle_leaf(entry), {}}, writes);
  put_tiles(growth.tiles, writes);
  for (const auto& [key, value] : writes)
    if (key[0] != 'x') tamper_put(folder, key, value);
}

/// Signs the present tree of `entries` again with the log's key, as somebody who holds it can.
void sign_again(const std::filesystem::path& folder, const std::vector<Bytes>& entries) {
  std::vector<Digest32> leaves;
  for (const auto& entry : entries) leaves.push_back(credential::merkle_leaf(entry));
  const auto root = credential::merkle_root(leaves);
  credential::Note note{credential::encode_checkpoint({kOrigin, entries.size(), root, kNow}), {}};
  sign_note(note, kOrigin, log_key());
  tamper_put(folder, layout::checkpoint(entries.size()), to_bytes(encode_note(note)));
  tamper_put(folder, layout::signed_root(entries.size()),
             credential::encode_sign1(credential::sign_tree_root(log_key(), kOrigin, root)));
  write_file(folder / "checkpoint", as_bytes(encode_note(note)));
}

/// A log whose holder, with the log's key, put `entry` at its end past all rules.
void forge_end(const std::filesystem::path& folder, const std::vector<credential::Statement>& honest, const Bytes& entry) {
  std::vector<Bytes> entries;
  {
    const auto log = make_log(folder, honest);
    for (std::uint64_t i = 0; i < log.size(); ++i) entries.push_back(*log.entry(i));
  }
  entries.push_back(entry);
  rewrite(folder, entries);
  sign_again(folder, entries);
}

Bytes with_broken_signature(const credential::Statement& statement) {
  auto message = statement.message();
  message.signature[3] ^= 1;
  return encode_sign1(message);
}

}  // namespace

TEST_CASE("a whole log passes every check, in order") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto report = audit_folder(temp / "log");
  REQUIRE(report);
  REQUIRE(report->verdict.checks().size() == kCodes.size());
  for (std::size_t i = 0; i < kCodes.size(); ++i) {
    CHECK(report->verdict.checks()[i].code == kCodes[i]);
    CHECK(report->verdict.checks()[i].outcome == Outcome::valid);
  }
  CHECK(report->checkpoint.tree_size == 12);
  CHECK(report->state.registration(id(1))->licenses.size() == 10);
}

TEST_CASE("a log of its policy alone passes") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  CHECK(audit_folder(temp / "log")->verdict.outcome() == Outcome::valid);
}

TEST_CASE("the audit of a log that is being written to passes, too") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(3));
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
}

TEST_CASE("two audits of one log say the same") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(3));
  const auto a = audit(log, {}), b = audit_folder(temp / "log");
  REQUIRE(a);
  REQUIRE(b);
  REQUIRE(a->verdict.checks().size() == b->verdict.checks().size());
  for (std::size_t i = 0; i < a->verdict.checks().size(); ++i) {
    CHECK(a->verdict.checks()[i].outcome == b->verdict.checks()[i].outcome);
    CHECK(a->verdict.checks()[i].detail == b->verdict.checks()[i].detail);
  }
}

TEST_CASE("the auditor's own key is named when he gives it, and missed when he does not") {
  TempFolder temp;
  const auto log = make_log(temp / "log");
  CHECK_THAT(detail_of(audit(log, {})->verdict, "audit.checkpoint"), Contains("the auditor named none"));
  CHECK_THAT(detail_of(audit(log, credential::NoteVerifier{kOrigin, log_key().public_key()})->verdict, "audit.checkpoint"),
             Contains("the auditor trusts"));
}

TEST_CASE("a log by another key than the auditor's is invalid") {
  TempFolder temp;
  const auto log = make_log(temp / "log");
  CHECK(invalid_checks(audit(log, credential::NoteVerifier{kOrigin, owner().public_key()})->verdict) == "audit.checkpoint");
  CHECK(invalid_checks(audit(log, credential::NoteVerifier{"other.example", log_key().public_key()})->verdict) ==
        "audit.checkpoint");
}

TEST_CASE("progress ends at the whole") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(3));
  std::uint64_t last = 0, whole = 0;
  REQUIRE(audit(log, {}, [&](std::uint64_t done, std::uint64_t total) { last = done, whole = total; }));
  CHECK(last == 5);
  CHECK(whole == 5);
}

TEST_CASE("an edited entry is found by its index") {
  TempFolder temp;
  make_closed(temp / "log");
  auto entry = tamper_get(temp / "log", layout::entry(7));
  entry[entry.size() - 5] ^= 1;  // in the signature
  tamper_put(temp / "log", layout::entry(7), entry);
  finds(temp / "log", "audit.signatures", "entry 7");
  finds(temp / "log", "audit.tree", "entry 7");
}

TEST_CASE("an entry replaced by another valid statement is found by its index") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_put(temp / "log", layout::entry(7), license(1005, 1, 99).entry());
  const auto report = finds(temp / "log", "audit.tree", "entry 7");
  CHECK(invalid_checks(report.verdict) == "audit.tree audit.checkpoint audit.memory");
}

TEST_CASE("an entry that is no statement is found by its index, and the state ends before it") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_put(temp / "log", layout::entry(5), to_bytes("not cbor"));
  const auto report = finds(temp / "log", "audit.entries", "entry 5");
  CHECK(report.state.registration(id(1))->licenses.size() == 3);
  CHECK(report.verdict.find("audit.signatures")->outcome == Outcome::not_checked);
}

TEST_CASE("a deleted entry is found by its index") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_delete(temp / "log", layout::entry(6));
  finds(temp / "log", "audit.entries", "entry 6 is missing");
  finds(temp / "log", "audit.tree", "entry 6 is missing");
}

TEST_CASE("a deleted last entry is found by its index") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_delete(temp / "log", layout::entry(11));
  finds(temp / "log", "audit.entries", "entry 11 is missing");
}

TEST_CASE("an entry beyond the newest checkpoint is found by its index") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_put(temp / "log", layout::entry(12), license(3000, 1, 99).entry());
  finds(temp / "log", "audit.entries", "entry 12 lies beyond");
}

TEST_CASE("a changed inner node is found") {
  TempFolder temp;
  make_closed(temp / "log");
  auto tile = tamper_get(temp / "log", layout::tile(0, 0));
  tile[32 * node_tile::place_of(1, 2).position] ^= 1;
  tamper_put(temp / "log", layout::tile(0, 0), tile);
  finds(temp / "log", "audit.tree", "level 1, index 2");
}

TEST_CASE("a tile with a hash beyond the log is found") {
  TempFolder temp;
  make_closed(temp / "log");
  auto tile = tamper_get(temp / "log", layout::tile(0, 0));
  tile.insert(tile.end(), 32, 7);
  tamper_put(temp / "log", layout::tile(0, 0), tile);
  finds(temp / "log", "audit.tree", "hashes are stored beyond");
}

TEST_CASE("an index that points elsewhere is found") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto leaf = credential::merkle_leaf(tamper_get(temp / "log", layout::entry(4)));
  tamper_put(temp / "log", layout::index_of(leaf), layout::number_value(3));
  finds(temp / "log", "audit.tree", "entry 4");
}

TEST_CASE("an index planted for an entry that was never registered is not believed") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto planted = license(3000, 1, 99);
  tamper_put(temp / "log", layout::index_of(credential::merkle_leaf(planted.entry())), layout::number_value(4));
  auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE(log);
  CHECK(log->find(planted.entry()).error().code == Errc::malformed);
  REQUIRE(log->append({planted}, log_key(), kNow));
  const auto found = log->find(planted.entry());
  INFO((found ? "" : found.error().detail));
  REQUIRE(found.ok());
  CHECK(*found == 12);
}

TEST_CASE("an older checkpoint with another root is found by its size") {
  TempFolder temp;
  make_closed(temp / "log");
  credential::Note note{credential::encode_checkpoint({kOrigin, 5, Digest32{}, kNow}), {}};
  sign_note(note, kOrigin, log_key());
  tamper_put(temp / "log", layout::checkpoint(5), to_bytes(encode_note(note)));
  finds(temp / "log", "audit.checkpoint", "size 5");
}

TEST_CASE("an older checkpoint that somebody else signed is found by its size") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto note = credential::parse_note(as_text(tamper_get(temp / "log", layout::checkpoint(5))));
  REQUIRE(note);
  credential::Note other{note->text, {}};
  sign_note(other, kOrigin, owner());
  tamper_put(temp / "log", layout::checkpoint(5), to_bytes(encode_note(other)));
  finds(temp / "log", "audit.checkpoint", "size 5");
}

TEST_CASE("an unreadable older checkpoint is found by its size") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_put(temp / "log", layout::checkpoint(5), to_bytes("text"));
  finds(temp / "log", "audit.checkpoint", "size 5");
}

TEST_CASE("a signed root of another tree is found by its size") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_put(temp / "log", layout::signed_root(5), tamper_get(temp / "log", layout::signed_root(6)));
  finds(temp / "log", "audit.checkpoint", "size 5");
}

TEST_CASE("a missing signed root is found by its size") {
  TempFolder temp;
  make_closed(temp / "log");
  tamper_delete(temp / "log", layout::signed_root(8));
  finds(temp / "log", "audit.checkpoint", "size 8");
}

TEST_CASE("checkpoints whose time falls are found") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto note = credential::parse_note(as_text(tamper_get(temp / "log", layout::checkpoint(5))));
  auto checkpoint = *credential::parse_checkpoint(note->text);
  checkpoint.time = kNow + 5;
  credential::Note later{encode_checkpoint(checkpoint), {}};
  sign_note(later, kOrigin, log_key());
  tamper_put(temp / "log", layout::checkpoint(5), to_bytes(encode_note(later)));
  finds(temp / "log", "audit.checkpoint", "size 6: its time lies before");
}

TEST_CASE("whoever holds the log's key cannot make the audit accept a bad signature") {
  TempFolder temp;
  forge_end(temp / "log", some_statements(3), with_broken_signature(license(3000, 1, 99)));
  const auto report = finds(temp / "log", "audit.signatures", "entry 5");
  CHECK(invalid_checks(report.verdict) == "audit.signatures");
  CHECK(report.state.registration(id(1))->licenses.size() == 3);
}

TEST_CASE("whoever holds the log's key cannot make the audit accept what the rules refuse") {
  TempFolder temp;
  forge_end(temp / "log", some_statements(3), license(3000, 1, 0).entry());
  const auto report = finds(temp / "log", "audit.policy", "entry 5: rule status-index");
  CHECK(invalid_checks(report.verdict) == "audit.policy");
}

TEST_CASE("an entry with an unprotected header is not in the form that the ledger keeps") {
  TempFolder temp;
  const auto statement = license(3000, 1, 99);
  forge_end(temp / "log", some_statements(3), statement.with_receipts({to_bytes("x")}));
  finds(temp / "log", "audit.entries", "entry 5");
}

TEST_CASE("the state of an audit shows contested, licensed and revoked") {
  TempFolder temp;
  const auto log = make_log(temp / "log", {registration(1), registration(2, stranger()), license(1000, 1, 0),
                                           revocation(50, 1000), status_list(1, {credential::StatusList::revoked})});
  const auto report = audit(log, {});
  REQUIRE(report);
  const auto* state = report->state.registration(id(1));
  REQUIRE(state);
  CHECK(state->contested);
  CHECK(state->licenses.at("000000000000000000000000000003e8").revoked_by == 4u);
  CHECK(state->newest_status == 5u);
}

TEST_CASE("the rules are replayed at the time of each commit, not at the auditor's") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  append_one(log, registration(1, owner(), 1, kNow + 1'000), kNow + 900);
  CHECK(audit(log, {})->verdict.outcome() == Outcome::valid);
}

TEST_CASE("an audit since an earlier checkpoint checks what is new, and that the old is what was audited") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(3));
  const auto earlier = log.checkpoint();
  REQUIRE(earlier);
  for (std::uint64_t i = 3; i < 6; ++i) append_one(log, license(1000 + i, 1, i));
  const auto whole = audit(log, {}), resumed = audit(log, {}, {}, *earlier);
  REQUIRE(whole);
  REQUIRE(resumed);
  CHECK(resumed->verdict.outcome() == Outcome::valid);
  CHECK_THAT(detail_of(resumed->verdict, "audit.since"), Contains("before entry 5"));
  CHECK(resumed->state.registration(id(1))->licenses.size() == 6);

  const auto other = make_log(temp / "other", {registration(1), license(1000, 1, 9)});
  CHECK(invalid_checks(audit(log, {}, {}, *other.checkpoint())->verdict) == "audit.since");
  TempFolder older;
  const auto small = make_log(older / "log");
  CHECK(invalid_checks(audit(small, {}, {}, *earlier)->verdict) == "audit.since");
}

TEST_CASE("an audit since a checkpoint finds a bad signature after it, and an altered entry before it") {
  TempFolder temp;
  make_closed(temp / "log");
  const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
  const auto note = tamper_get(temp / "log", layout::checkpoint(6));
  const std::string since(as_text(note));
  const auto report = [&] { return audit(*Ledger::open(temp / "log", Ledger::Mode::read), {}, {}, since)->verdict; };
  auto entry = tamper_get(temp / "log", layout::entry(8));
  auto broken = entry;
  broken.back() ^= 1;
  tamper_put(temp / "log", layout::entry(8), broken);
  CHECK_THAT(invalid_checks(report()), Contains("audit.signatures"));
  tamper_put(temp / "log", layout::entry(8), entry);
  entry = tamper_get(temp / "log", layout::entry(4));
  entry.back() ^= 1;
  tamper_put(temp / "log", layout::entry(4), entry);
  CHECK_THAT(invalid_checks(report()), Contains("audit.since"));
}
