#include <algorithm>
#include <random>

#include <stegpass/credential/index_proof.hpp>

#include "index.hpp"
#include "layout.hpp"
#include "support.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using namespace stegpass::credential;
using Catch::Matchers::Contains;

namespace {

const IndexKey kModel{IndexKind::model, sha256(id(1))};
IndexKey licensee() { return {IndexKind::licensee, stranger().public_key().thumbprint()}; }
IndexKey issuer() { return {IndexKind::issuer, owner().public_key().thumbprint()}; }
NoteVerifier verifier() { return {kOrigin, log_key().public_key()}; }

using Entries = std::vector<std::uint64_t>;

Entries listed(const Ledger& log, const IndexKey& key, std::uint64_t size) {
  const auto entries = log.list(key, size);
  REQUIRE(entries);
  return *entries;
}

Entries numbers(const IndexAnswer& answer) {
  Entries out;
  for (const auto& [index, octets] : answer.entries) out.push_back(index);
  return out;
}

IndexProof must_prove(const Ledger& log, const IndexKey& key, std::uint64_t size) {
  auto proof = log.prove_list(key, size);
  if (!proof) throw std::runtime_error(proof.error().detail);
  return std::move(*proof);
}

/// A log with statements of every kind of key: two models of two owners, licenses to two people, changes of them.
std::vector<Statement> mixed() {
  return {
      registration(1),      registration(2, stranger(), 5),  license(1000, 1, 0),  license_to(owner().public_key(), 1001, 1, 1),
      suspension(50, 1000), license(1002, 2, 0, stranger()), revocation(51, 1001), status_list(1, {2, 1})};
}

/// Refused by the verifier, in words that hold `why`.
void refused(const IndexProof& proof, const std::string& why) {
  const auto answer = verify_index_proof(proof, verifier());
  REQUIRE_FALSE(answer.ok());
  CHECK_THAT(answer.error().detail, Contains(why));
}

}  // namespace

TEST_CASE("statements are listed by model, licensee and issuer, changes of a license with it") {
  TempFolder temp;
  const auto log = make_log(temp / "log", mixed());
  CHECK(listed(log, kModel, 9) == Entries{1, 3, 4, 5, 7, 8});
  CHECK(listed(log, {IndexKind::model, sha256(id(5))}, 9) == Entries{2, 6});
  CHECK(listed(log, licensee(), 9) == Entries{3, 5, 6});
  CHECK(listed(log, {IndexKind::licensee, owner().public_key().thumbprint()}, 9) == Entries{4, 7});
  CHECK(listed(log, issuer(), 9) == Entries{1, 3, 4, 5, 7, 8});
  CHECK(listed(log, {IndexKind::issuer, log_key().public_key().thumbprint()}, 9) == Entries{0});
  CHECK(listed(log, {IndexKind::issuer, Digest32{}}, 9).empty());
}

TEST_CASE("what a list shows of an older size is what it showed then") {
  TempFolder temp;
  const auto log = make_log(temp / "log", mixed());
  for (std::uint64_t size = 1; size <= 9; ++size) {
    auto expected = listed(log, kModel, 9);
    std::erase_if(expected, [&](std::uint64_t index) { return index >= size; });
    CHECK(listed(log, kModel, size) == expected);
    const auto answer = verify_index_proof(must_prove(log, kModel, size), verifier());
    REQUIRE(answer);
    CHECK(numbers(*answer) == expected);
  }
}

TEST_CASE("a key rotation is about the models that changed hands") {
  TempFolder temp;
  const auto next = PrivateKey::generate(KeyType::ed25519);
  const auto log = make_log(temp / "log", {registration(1), registration(2, owner(), 5), rotation(50, owner(), next)});
  CHECK(listed(log, kModel, 4) == Entries{1, 3});
  CHECK(listed(log, {IndexKind::model, sha256(id(5))}, 4) == Entries{2, 3});
}

TEST_CASE("a proof goes through its file and verifies without the ledger, for keys with many entries and with none") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  std::vector<Statement> many;
  for (std::uint64_t i = 0; i < 700; ++i) many.push_back(license(1000 + i, 1, i));
  REQUIRE(log.append(many, log_key(), kNow));
  for (const auto& key :
       {kModel, licensee(), issuer(), IndexKey{IndexKind::model, Digest32{1}}, IndexKey{IndexKind::issuer, Digest32{255}}}) {
    const auto read = decode_index_proof(encode_index_proof(must_prove(log, key, log.size())));
    REQUIRE(read);
    CHECK(read->blocks.size() == 3);
    const auto answer = verify_index_proof(*read, verifier());
    REQUIRE(answer);
    CHECK(numbers(*answer) == listed(log, key, log.size()));
  }
}

TEST_CASE("an altered list is refused: omitted, added, reordered, of another key, of another size") {
  TempFolder temp;
  const auto log = make_log(temp / "log", mixed());
  const auto proof = must_prove(log, kModel, 9);
  REQUIRE(verify_index_proof(proof, verifier()));

  auto omitted = proof;
  omitted.entries.pop_back();
  refused(omitted, "5 entries, expected 6");
  auto added = proof;
  added.entries.push_back(added.entries.back());
  refused(added, "7 entries, expected 6");
  auto reordered = proof;
  std::swap(reordered.entries[0], reordered.entries[1]);
  refused(reordered, "is not in the checkpoint's tree");
  auto other_key = proof;
  other_key.key = issuer();
  refused(other_key, "index proof");
  auto other_size = proof;
  other_size.checkpoint = must_prove(log, kModel, 8).checkpoint;
  refused(other_size, "index proof");
  auto forged = proof;
  forged.checkpoint[30] ^= 1;
  refused(forged, "");
}

TEST_CASE("a record left out of a block is refused, at its edges as in its middle, and with hashes made for it") {
  TempFolder temp;
  const auto log = make_log(temp / "log", mixed());
  const auto proof = must_prove(log, kModel, 9);
  for (std::size_t i = 0; i < proof.blocks[0].shown.size(); ++i) {
    auto less = proof;
    less.blocks[0].shown.erase(less.blocks[0].shown.begin() + static_cast<std::ptrdiff_t>(i));
    CHECK_FALSE(verify_index_proof(less, verifier()).ok());
    --less.blocks[0].records;
    CHECK_FALSE(verify_index_proof(less, verifier()).ok());
  }
  // The same block, told honestly but for a part of the key's records alone.
  auto part = proof;
  part.entries.resize(2);
  auto& range = part.blocks[0];
  const auto hidden = range.shown.back(), cut = range.shown[range.shown.size() - 2];
  range.shown.pop_back();
  range.hashes.insert(range.hashes.begin() + (range.first > 0 ? 1 : 0), merkle_leaf(hidden));
  CHECK_FALSE(verify_index_proof(part, verifier()).ok());
  CHECK(compare(cut, kModel) == 0);
}

TEST_CASE("every changed octet of a proof's file is refused or shows the same list") {
  TempFolder temp;
  const auto log = make_log(temp / "log", mixed());
  const auto bytes = encode_index_proof(must_prove(log, licensee(), 9));
  const auto honest = listed(log, licensee(), 9);
  std::mt19937 random(7);
  for (int i = 0; i < 2'000; ++i) {
    auto changed = bytes;
    changed[random() % changed.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
    const auto proof = decode_index_proof(changed);
    const auto answer = proof ? verify_index_proof(*proof, verifier()) : Result<IndexAnswer>(proof.error());
    if (answer) CHECK((numbers(*answer) == honest && answer->key == licensee()));
  }
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    CHECK_FALSE(decode_index_proof(ByteView(bytes).subspan(0, size)).ok());
}

TEST_CASE("a proof is refused where no commit ended") {
  TempFolder temp;
  auto log = make_log(temp / "log", {registration(1)});
  REQUIRE(log.append({license(1000, 1, 0), license(1001, 1, 1)}, log_key(), kNow));
  CHECK(log.prove_list(kModel, 3).error().code == Errc::usage);
  CHECK(log.list(kModel, 9).error().code == Errc::usage);
}

TEST_CASE("blocks made entry by entry, loaded at any size, and searched on the disk agree with plain sorting") {
  TempFolder temp;
  auto database = Database::open(temp / "db", Database::Mode::create);
  REQUIRE(database);
  IndexBuilder builder;
  std::mt19937_64 random(3);
  std::vector<IndexKey> pool;
  for (std::uint8_t i = 0; i < 40; ++i) pool.push_back({static_cast<IndexKind>(1 + i % 3), sha256(Bytes{i})});
  std::map<IndexKey, Entries> truth;
  WriteSet writes;
  const std::uint64_t size = kLargeBlock + 2 * kSmallBlock + 77;
  for (std::uint64_t i = 0; i < size; ++i) {
    std::vector<IndexKey> keys{pool[random() % 20], pool[20 + random() % 20]};
    std::ranges::sort(keys);
    for (const auto& key : keys) truth[key].push_back(i);
    builder.add(keys, writes);
  }
  REQUIRE(database->write(writes));
  const auto loaded = IndexBuilder::load(*database, size);
  REQUIRE(loaded);
  CHECK(loaded->root() == builder.root());
  pool.push_back({IndexKind::model, Digest32{}});
  pool.push_back({IndexKind::issuer, Digest32{255}});
  for (const auto& key : pool) {
    CHECK(*find_in_index(*database, key, size) == truth[key]);
    const auto ranges = prove_in_index(*database, key, size);
    REQUIRE(ranges);
    std::vector<IndexBlock> blocks;
    for (const auto& range : *ranges) blocks.push_back({range.records, *root_of_range(range)});
    CHECK(index_root(size, blocks) == builder.root());
  }
}

TEST_CASE("an index that leaves out an entry is found by the audit, though the log signed it") {
  TempFolder temp;
  { const auto log = make_log(temp / "log", mixed()); }
  auto keys = tamper_get(temp / "log", layout::index_entry(4));
  keys.resize(keys.size() - 33);
  tamper_put(temp / "log", layout::index_entry(4), keys);
  const auto report = audit_folder(temp / "log");
  REQUIRE(report);
  CHECK(invalid_checks(report->verdict) == "audit.index");
}
