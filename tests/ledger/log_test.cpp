#include <stegpass/ledger/ledger.hpp>

#include <algorithm>
#include <string>

#include <stegpass/credential/receipt.hpp>

#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using Catch::Matchers::Contains;

namespace {

credential::Checkpoint newest_checkpoint(const Ledger& log) {
  const auto note = credential::parse_note(*log.checkpoint());
  REQUIRE(note);
  REQUIRE(verify_note(*note, {log.origin(), log.log_key()}));
  const auto checkpoint = credential::parse_checkpoint(note->text);
  REQUIRE(checkpoint);
  return *checkpoint;
}

}  // namespace

TEST_CASE("a new log holds its policy as entry 0, and a signed checkpoint of size 1") {
  TempFolder temp;
  const auto log = make_log(temp / "log");
  CHECK(log.size() == 1);
  CHECK(log.origin() == kOrigin);
  CHECK(log.log_key() == log_key().public_key());
  const auto first = credential::Statement::decode(*log.entry(0));
  REQUIRE(first);
  CHECK(first->kind() == credential::StatementKind::ledger_policy);
  const auto record = credential::index_record({credential::IndexKind::issuer, log_key().public_key().thumbprint()}, 0);
  CHECK(newest_checkpoint(log) == credential::Checkpoint{kOrigin, 1, credential::merkle_leaf(*log.entry(0)), kNow,
                                                         credential::index_root(1, {credential::index_block({record})})});
}

TEST_CASE("a log takes an empty folder, and makes its parents") {
  TempFolder temp;
  std::filesystem::create_directory(temp / "empty");
  CHECK(Ledger::create(temp / "empty", kOrigin, log_key(), kNow));
  CHECK(Ledger::create(temp / "a/b/c/", kOrigin, log_key(), kNow));
}

TEST_CASE("a log is not made over what is there") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  write_file(temp / "file", as_bytes("text"));
  for (const auto* name : {"log", "file"}) {
    const auto again = Ledger::create(temp / name, kOrigin, log_key(), kNow);
    REQUIRE_FALSE(again.ok());
    CHECK(again.error().code == Errc::exists);
  }
  CHECK(Ledger::open(temp / "log", Ledger::Mode::read));
}

TEST_CASE("a log that cannot be made leaves nothing behind") {
  TempFolder temp;
  write_file(temp / "file", as_bytes("text"));
  const auto log = Ledger::create(temp / "file/log", kOrigin, log_key(), kNow);
  REQUIRE_FALSE(log.ok());
  CHECK(std::distance(std::filesystem::directory_iterator(temp.path()), {}) == 1);
}

TEST_CASE("a log's name that would break its notes is refused") {
  TempFolder temp;
  for (const auto* origin : {"", "two words", "a+b", "line\nfeed", "t\xc3\xa4g"}) {
    const auto log = Ledger::create(temp / "log", origin, log_key(), kNow);
    REQUIRE_FALSE(log.ok());
    CHECK(log.error().code == Errc::usage);
  }
}

TEST_CASE("a log's key must be Ed25519") {
  TempFolder temp;
  const auto log = Ledger::create(temp / "log", kOrigin, stranger(), kNow);
  REQUIRE_FALSE(log.ok());
  CHECK(log.error().code == Errc::usage);
}

TEST_CASE("statements get the next indices, and come back octet by octet") {
  TempFolder temp;
  const auto statements = some_statements(5);
  auto log = make_log(temp / "log");
  for (std::uint64_t i = 0; i < statements.size(); ++i) CHECK(append_one(log, statements[i]) == i + 1);
  for (std::uint64_t i = 0; i < statements.size(); ++i) {
    CHECK(*log.entry(i + 1) == statements[i].entry());
    CHECK(*log.find(statements[i].entry()) == i + 1);
  }
}

TEST_CASE("a log says the same after being opened again, for reading and for writing") {
  TempFolder temp;
  const auto statements = some_statements(3);
  const auto before = *make_log(temp / "log", statements).checkpoint();
  for (const auto mode : {Ledger::Mode::read, Ledger::Mode::write}) {
    const auto log = Ledger::open(temp / "log", mode);
    REQUIRE(log);
    CHECK(log->size() == 5);
    CHECK(*log->checkpoint() == before);
    CHECK(*log->entry(2) == statements[1].entry());
  }
}

TEST_CASE("the same statement again gets the same index, and makes no commit") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(2));
  const auto before = *log.checkpoint();
  const auto again = log.append({some_statements(2)[1]}, log_key(), kNow + 50);
  REQUIRE(again);
  // Ed25519 signatures are deterministic, so that this is the same statement.
  CHECK(again->at(0).index == 2);
  CHECK(again->at(0).was_there);
  CHECK(*log.checkpoint() == before);
}

TEST_CASE("a statement with a receipt on it is the same entry") {
  TempFolder temp;
  const auto statement = registration(1);
  auto log = make_log(temp / "log", {statement});
  const auto transparent = credential::Statement::decode(statement.with_receipts({*log.receipt(1)}));
  REQUIRE(transparent);
  const auto again = log.append({*transparent}, log_key(), kNow);
  REQUIRE(again);
  CHECK(again->at(0).was_there);
}

TEST_CASE("a statement twice in one call is one entry") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto appended = log.append({registration(1), registration(1), license(1000, 1, 0)}, log_key(), kNow);
  REQUIRE(appended);
  CHECK(appended->at(0).index == 1);
  CHECK(appended->at(1).index == 1);
  CHECK(appended->at(1).was_there);
  CHECK(appended->at(2).index == 2);
  CHECK(log.size() == 3);
}

TEST_CASE("statements of one call make one commit, and may refer to each other") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  REQUIRE(log.append(some_statements(6), log_key(), kNow));
  CHECK(newest_checkpoint(log).tree_size == 8);
  const auto report = audit(log, {});
  CHECK_THAT(detail_of(report->verdict, "audit.checkpoint"), Contains("2 checkpoints"));
}

TEST_CASE("of a call with one bad statement nothing is kept, and the bad one is named") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto before = *log.checkpoint();
  const auto refused = log.append({registration(1), license(1000, 1, 0), license(1001, 1, 0)}, log_key(), kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::refused);
  CHECK_THAT(refused.error().detail, Contains("statement 3 of 3") && Contains("rule status-index"));
  CHECK(log.size() == 1);
  CHECK(*log.checkpoint() == before);
  CHECK(log.find(registration(1).entry()).error().code == Errc::not_found);
  CHECK(log.append({registration(1), license(1001, 1, 0)}, log_key(), kNow));  // nor kept in the rules' memory
}

TEST_CASE("a refused statement leaves size, checkpoint and files as they were") {
  TempFolder temp;
  { const auto made = make_log(temp / "log", some_statements(1)); }
  auto log = std::move(*Ledger::open(temp / "log", Ledger::Mode::write));
  const auto before = *log.checkpoint();
  credential::LedgerPolicy other_policy{kOrigin, log_key().public_key()};
  other_policy.clock_skew_s = 500;
  const std::vector<credential::Statement> bad{license(1, 1, 7),
                                               license(1001, 2, 0),
                                               license(1001, 1, 0),
                                               revocation(50, 77),
                                               license(1001, 1, 1, stranger()),
                                               status_list(9, {0}),
                                               policy_statement(other_policy),
                                               registration(1, stranger(), 2),
                                               registration(5, owner(), 5, kNow + 1000)};
  for (const auto& statement : bad) {
    const auto refused = log.append({statement}, log_key(), kNow);
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().code == Errc::refused);
    CHECK_THAT(refused.error().detail, Catch::Matchers::StartsWith("rule "));
  }
  CHECK(log.size() == 3);
  CHECK(*log.checkpoint() == before);
  CHECK(to_bytes(before) == read_file(temp / "log/checkpoint"));
}

TEST_CASE("a call with no statements does nothing") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto none = log.append({}, log_key(), kNow);
  REQUIRE(none);
  CHECK(none->empty());
  CHECK(log.size() == 1);
}

TEST_CASE("an entry that no tile could hold is refused") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  credential::Registration body = *registration(1).as<credential::Registration>();
  for (int i = 0; i < 600; ++i) body.mark.layers.push_back(std::string(120, 'x') + std::to_string(i));
  const auto large = sign_statement(owner(), body, kNow);
  REQUIRE(large);
  const auto refused = log.append({*large}, log_key(), kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(refused.error().detail, Contains("rule entry-size"));
}

TEST_CASE("only the log's own key appends") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto refused = log.append({registration(1)}, owner(), kNow);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::usage);
  CHECK(log.size() == 1);
}

TEST_CASE("nothing is appended in read mode") {
  TempFolder temp;
  { const auto log = make_log(temp / "log"); }
  auto log = Ledger::open(temp / "log", Ledger::Mode::read);
  REQUIRE(log);
  CHECK(log->append({registration(1)}, log_key(), kNow).error().code == Errc::usage);
}

TEST_CASE("rules hold over what was appended before the log was opened again") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", some_statements(2)); }
  auto log = Ledger::open(temp / "log", Ledger::Mode::write);
  REQUIRE(log);
  CHECK_THAT(log->append({license(1009, 1, 1)}, log_key(), kNow).error().detail, Contains("rule status-index"));
  CHECK(append_one(*log, license(1009, 1, 2)) == 4);
}

TEST_CASE("a clock that went back a little does not make the log's time fall") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  append_one(log, registration(1), kNow - 200);
  CHECK(newest_checkpoint(log).time == kNow);
  append_one(log, license(1000, 1, 0), kNow + 10);
  CHECK(newest_checkpoint(log).time == kNow + 10);
}

TEST_CASE("a clock that went back further than the skew stops appends") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  const auto refused = log.append({registration(1, owner(), 1, kNow - 500)}, log_key(), kNow - 301);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::refused);
  CHECK_THAT(refused.error().detail, Contains("clock"));
  CHECK(log.size() == 1);
}

TEST_CASE("entries and proofs out of range are errors") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(2));
  CHECK(log.entry(4).error().code == Errc::not_found);
  CHECK(log.receipt(4).error().code == Errc::not_found);
  CHECK(log.entry(~std::uint64_t{0}).error().code == Errc::not_found);
  CHECK(log.inclusion_proof(4, 4).error().code == Errc::usage);
  CHECK(log.inclusion_proof(0, 0).error().code == Errc::usage);
  CHECK(log.inclusion_proof(0, 5).error().code == Errc::usage);
  CHECK(log.consistency_proof(0, 3).error().code == Errc::usage);
  CHECK(log.consistency_proof(3, 2).error().code == Errc::usage);
  CHECK(log.consistency_proof(3, 5).error().code == Errc::usage);
}

TEST_CASE("an entry that was never registered is not found") {
  TempFolder temp;
  const auto log = make_log(temp / "log");
  CHECK(log.find(registration(1).entry()).error().code == Errc::not_found);
  CHECK(log.find({}).error().code == Errc::not_found);
}

TEST_CASE("a receipt verifies for every entry at every size") {
  TempFolder temp;
  const auto statements = some_statements(11);
  auto log = make_log(temp / "log");
  for (const auto& statement : statements) {
    append_one(log, statement);
    for (std::uint64_t index = 0; index < log.size(); ++index) {
      const auto receipt = credential::verify_receipt(*log.receipt(index), *log.entry(index), log.log_key());
      REQUIRE(receipt);
      CHECK(receipt->origin == kOrigin);
      CHECK(receipt->proof.leaf_index == index);
      CHECK(receipt->proof.tree_size == log.size());
      CHECK(receipt->root == newest_checkpoint(log).root);
    }
  }
}

TEST_CASE("a receipt does not verify for another entry") {
  TempFolder temp;
  const auto log = make_log(temp / "log", some_statements(4));
  CHECK_FALSE(credential::verify_receipt(*log.receipt(2), *log.entry(3), log.log_key()).ok());
}

TEST_CASE("receipts from a log opened for reading are the same octets") {
  TempFolder temp;
  std::vector<Bytes> before;
  {
    const auto log = make_log(temp / "log", some_statements(4));
    for (std::uint64_t i = 0; i < log.size(); ++i) before.push_back(*log.receipt(i));
  }
  const auto log = Ledger::open(temp / "log", Ledger::Mode::read);
  REQUIRE(log);
  for (std::uint64_t i = 0; i < log->size(); ++i) CHECK(*log->receipt(i) == before[i]);
}

TEST_CASE("every tree starts with every older one, from size 1 to 20") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  std::vector<Digest32> roots{newest_checkpoint(log).root};
  for (const auto& statement : some_statements(18)) {
    append_one(log, statement);
    roots.push_back(newest_checkpoint(log).root);
  }
  REQUIRE(roots.size() == 20);
  for (std::uint64_t old_size = 1; old_size <= 20; ++old_size)
    for (std::uint64_t new_size = old_size; new_size <= 20; ++new_size)
      CHECK(verify_consistency(roots[old_size - 1], roots[new_size - 1], *log.consistency_proof(old_size, new_size)));
}

TEST_CASE("a consistency receipt is given from every size to every size at which a commit ended, and to no other") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(5));                                                     // sizes 1 to 7
  REQUIRE(log.append({license(2000, 1, 50), license(2001, 1, 51), license(2002, 1, 52)}, log_key(), kNow));  // 10
  std::vector<Digest32> leaves;
  for (std::uint64_t i = 0; i < log.size(); ++i) leaves.push_back(credential::merkle_leaf(*log.entry(i)));
  const auto root = [&](std::uint64_t size) {
    return credential::merkle_root({leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(size)});
  };
  for (std::uint64_t newer : {1, 2, 3, 4, 5, 6, 7, 10})
    for (std::uint64_t older = 1; older <= newer; ++older) {
      const auto receipt = log.consistency_receipt(older, newer);
      REQUIRE(receipt);
      const auto checked = credential::verify_consistency_receipt(*receipt, root(older), log_key().public_key());
      REQUIRE(checked);
      CHECK(checked->root == root(newer));
      CHECK(checked->origin == kOrigin);
    }
  CHECK(log.consistency_receipt(3, 8).error().code == Errc::usage);
  CHECK(log.consistency_receipt(0, 7).error().code == Errc::usage);
  CHECK(log.consistency_receipt(7, 11).error().code == Errc::usage);
}

TEST_CASE("inclusion proofs for every entry in every tree lead to that tree's root") {
  TempFolder temp;
  auto log = make_log(temp / "log");
  std::vector<Digest32> roots{newest_checkpoint(log).root};
  for (const auto& statement : some_statements(12)) {
    append_one(log, statement);
    roots.push_back(newest_checkpoint(log).root);
  }
  for (std::uint64_t size = 1; size <= log.size(); ++size)
    for (std::uint64_t index = 0; index < size; ++index)
      CHECK(*root_from_inclusion(credential::merkle_leaf(*log.entry(index)), *log.inclusion_proof(index, size)) ==
            roots[size - 1]);
}

TEST_CASE("a log that was moved from leaves the other whole") {
  TempFolder temp;
  auto log = make_log(temp / "log", some_statements(1));
  auto moved = std::move(log);
  CHECK(moved.size() == 3);
  CHECK(append_one(moved, license(1005, 1, 5)) == 3);
}
