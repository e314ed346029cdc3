// The evil ledger kit: logs whose owner, with the log's key, shows what he should not, and proofs that were tampered with. Each
// case says who refuses it and by which code; the cases together are the table in docs/results/ledger-faults.md, which is
// compared here.
#include <fstream>
#include <functional>
#include <iostream>
#include <sstream>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/verification.hpp>
#include <stegpass/credential/witness.hpp>
#include <stegpass/ledger/tiles.hpp>

#include "support.hpp"
#include "tests/support/catch.hpp"
#include "tile.hpp"
#include "tree.hpp"

using namespace stegpass;
using namespace stegpass::ledger;
using namespace stegpass::ledger::test;
using credential::InclusionProof, credential::KeyType, credential::NoteKind, credential::NoteVerifier, credential::PrivateKey,
    credential::Statement, credential::VerifierMemory, credential::WitnessRequest;

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kHonest = 8;  // entries of the honest log: policy, registration, five licenses, status list

const PrivateKey& other_key() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}

/// A log as its owner pleases: entries, one commit each, under a key. Past all rules; whatever it says is well formed and well
/// signed.
struct EvilLog {
  const PrivateKey* key = &log_key();
  std::vector<Bytes> entries;
  std::vector<std::int64_t> times;  // of the commits

  void add(const Statement& statement, std::int64_t time = kNow) { insert(entries.size(), statement, time); }
  void insert(std::size_t at, const Statement& statement, std::int64_t time = kNow) {
    entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(at), statement.entry());
    times.insert(times.begin() + static_cast<std::ptrdiff_t>(at), time);
  }
  void drop(std::size_t at) {
    entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(at));
    times.erase(times.begin() + static_cast<std::ptrdiff_t>(at));
  }
  void grow() { add(license(7000 + entries.size(), 1, 70 + entries.size())); }

  std::uint64_t size() const { return entries.size(); }
  std::vector<Digest32> leaves(std::uint64_t count) const {
    std::vector<Digest32> out;
    for (std::uint64_t i = 0; i < count; ++i) out.push_back(credential::merkle_leaf(entries[i]));
    return out;
  }
  Digest32 root(std::uint64_t count) const { return credential::merkle_root(leaves(count)); }
  std::string checkpoint(std::uint64_t count) const {
    credential::Note note{credential::encode_checkpoint({kOrigin, count, root(count), times[count - 1]}), {}};
    sign_note(note, kOrigin, *key);
    return encode_note(note);
  }
  std::string checkpoint() const { return checkpoint(size()); }
  NodeReader nodes() const {
    return [this](int level, std::uint64_t index) -> Result<Digest32> {
      const auto all = leaves(size());
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(index << level);
      return credential::merkle_root({first, first + (std::ptrdiff_t{1} << level)});
    };
  }
  /// With a true proof where the log has grown, whatever it was before.
  WitnessRequest request(std::uint64_t old_size) const {
    WitnessRequest out{old_size, {}, checkpoint()};
    if (old_size > 0 && old_size < size()) out.proof = consistency_path(nodes(), old_size, size()).value();
    return out;
  }
  InclusionProof proof(std::uint64_t index) const { return {size(), index, inclusion_path(nodes(), index, size()).value()}; }
  Bytes receipt(const InclusionProof& of) const {
    return encode_receipt(credential::sign_tree_root(*key, kOrigin, root(size())), of);
  }

  /// As exported files; at most 255 entries, so every tile is partial.
  void write_tiles(const fs::path& folder) const {
    Bytes bundle, hashes, commits;
    for (std::uint64_t i = 0; i < size(); ++i) {
      tile::append_item(bundle, entries[i]);
      append(hashes, credential::merkle_leaf(entries[i]));
      tile::append_item(commits, as_bytes(checkpoint(i + 1)));
      tile::append_item(commits, encode_sign1(credential::sign_tree_root(*key, kOrigin, root(i + 1))));
    }
    put(folder / tile::path(tile::kEntries, 0, size()), bundle);
    put(folder / tile::path(tile::hashes(0), 0, size()), hashes);
    put(folder / tile::path(tile::kCommits, 0, size()), commits);
    put(folder / "checkpoint", as_bytes(checkpoint()));
  }

 private:
  static void put(const fs::path& path, ByteView content) {
    fs::create_directories(path.parent_path());
    write_file(path, content);
  }
};

EvilLog honest() {
  EvilLog log;
  log.add(policy_statement({.origin = kOrigin, .log_key = log_key().public_key()}));
  for (const auto& statement : some_statements(5)) log.add(statement);
  log.add(status_list(1, {0, 0, 0, 0, 0}));
  return log;
}

NoteVerifier trusted() { return {kOrigin, log_key().public_key()}; }
NoteVerifier witness() { return {"witness.example/w1", other_key().public_key(), NoteKind::witness}; }

/// The first check that keeps a verdict from being valid, with its outcome where that is not invalid; "nobody" when there is
/// none.
std::string refusal(const Verdict& verdict) {
  for (const auto& check : verdict.checks()) {
    if (check.outcome == Outcome::invalid) return check.code;
    if (check.outcome == Outcome::undecided && verdict.outcome() == Outcome::undecided) return check.code + " (undecided)";
  }
  return "nobody";
}

/// What a witness who saw the honest log says.
std::string ask_witness(const WitnessRequest& request) {
  VerifierMemory memory;
  memory.newest[kOrigin] = {kOrigin, kHonest, honest().root(kHonest), kNow};
  const auto answer = answer_witness_request(request, {trusted()}, memory, witness().name, other_key(), kNow);
  CHECK(answer.cosignature.signature.empty() == (answer.verdict.outcome() != Outcome::valid));
  return refusal(answer.verdict);
}

std::string ask_auditor(const EvilLog& log, const std::function<void(const fs::path&)>& tamper = {}) {
  TempFolder temp;
  log.write_tiles(temp / "tiles");
  if (tamper) tamper(temp / "tiles");
  const auto report = audit_tiles(temp / "tiles", trusted());
  return report ? refusal(report->verdict) : "error: " + report.error().detail;
}

/// A bundle on the first license; `edit` may change each statement's receipt.
using ReceiptEdit = std::function<Bytes(std::uint64_t index, Bytes receipt)>;
credential::Bundle bundle_of(const EvilLog& log, const ReceiptEdit& edit = {}) {
  credential::Bundle out{.checkpoint = log.checkpoint()};
  for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{2}, kHonest - 1}) {
    auto receipt = log.receipt(log.proof(index));
    if (edit) receipt = edit(index, std::move(receipt));
    out.statements.push_back(Statement::decode(log.entries[index])->with_receipts({receipt}));
  }
  return out;
}

std::string ask_verifier(const credential::Bundle& bundle, bool with_witness = false, const VerifierMemory& memory = {}) {
  credential::TrustPolicy policy;
  policy.logs = {trusted()};
  policy.issuers = {{"owner", owner().public_key().thumbprint()}};
  policy.max_age_s = 86'400;
  if (with_witness) {
    policy.witnesses = {{"w1", witness()}};
    policy.quorum = "w1";
  }
  return refusal(verify_papers(encode_bundle(bundle), policy, {.now = kNow + 60, .memory = memory}).verdict);
}

/// The license's receipt with another proof.
std::string ask_verifier_of_proof(const std::function<void(InclusionProof&)>& forge) {
  const auto log = honest();
  return ask_verifier(bundle_of(log, [&](std::uint64_t index, Bytes receipt) {
    if (index != 2) return receipt;
    auto proof = log.proof(index);
    forge(proof);
    return log.receipt(proof);
  }));
}

/// The code that all of several variants are refused by; a list of them when they differ.
std::string all_of(std::size_t count, const std::function<std::string(std::size_t)>& ask) {
  std::string code;
  for (std::size_t i = 0; i < count; ++i)
    if (const auto one = ask(i); i == 0)
      code = one;
    else if (one != code)
      code += ", " + one;
  return code;
}

Statement signed_by(const PrivateKey& key, const Statement& statement) {
  return sign_statement(key, *statement.as<credential::License>(), statement.issued_at()).value();
}

struct Row {
  std::string what, who, code;
  std::string line() const { return "| " + what + " | " + who + " | `" + code + "` |"; }
};

std::vector<Row> views() {
  std::vector<Row> rows;
  const auto witnessed = [&](const std::string& what, EvilLog log) {
    const auto request = log.request(kHonest);
    rows.push_back({what, "witness", ask_witness(request)});
  };
  auto log = honest();
  log.drop(7);
  log.grow();
  witnessed("split view: another last entry at the size that was seen", log);
  log.grow();
  witnessed("split view that has grown", log);
  log = honest();
  log.drop(7);
  witnessed("rollback", log);
  log = honest();
  std::swap(log.entries[3], log.entries[4]);
  log.grow();
  witnessed("entries reordered as the rules allow", log);
  log = honest();
  log.drop(4);
  log.grow();
  log.grow();
  witnessed("an entry dropped and the rest signed again", log);
  log = honest();
  log.insert(3, license(7000, 1, 70));
  witnessed("an entry put in among older ones", log);
  log = honest();
  log.entries[3] = signed_by(other_key(), license(1001, 1, 1)).entry();
  log.grow();
  witnessed("an entry signed again by another key", log);
  log = honest();
  log.key = &other_key();
  log.grow();
  witnessed("another log key", log);
  return rows;
}

std::vector<Row> growth_proofs() {
  auto log = honest();
  for (int i = 0; i < 5; ++i) log.grow();
  const auto good = log.request(kHonest);
  CHECK(ask_witness(good) == "nobody");
  const auto forged = [&](const std::function<void(WitnessRequest&)>& forge) {
    auto request = good;
    forge(request);
    return ask_witness(request);
  };
  std::vector<Row> rows;
  rows.push_back({"consistency proof, each hash changed", "witness", all_of(good.proof.size(), [&](std::size_t i) {
                    return forged([&](auto& request) { request.proof[i][9] ^= 1; });
                  })});
  rows.push_back({"consistency proof, one hash too many", "witness",
                  forged([](auto& request) { request.proof.push_back(request.proof[0]); })});
  rows.push_back({"consistency proof, one hash too few", "witness", forged([](auto& request) { request.proof.pop_back(); })});
  rows.push_back({"consistency proof of another size", "witness", forged([](auto& request) { --request.old_size; })});
  return rows;
}

std::vector<Row> audits() {
  CHECK(ask_auditor(honest()) == "nobody");
  std::vector<Row> rows;
  const auto audited = [&](const std::string& what, const EvilLog& log, const std::function<void(const fs::path&)>& tamper = {}) {
    rows.push_back({what, "auditor", ask_auditor(log, tamper)});
  };
  auto log = honest();
  std::swap(log.entries[1], log.entries[2]);
  audited("entries reordered: a license before its registration", log);
  log = honest();
  log.drop(1);
  audited("an entry dropped: the registration of later licenses", log);
  log = honest();
  log.insert(7, license(7000, 1, 70, owner(), kNow - 86'400));
  audited("an entry back-dated to before its registration", log);
  log = honest();
  log.times[5] = kNow - 100;  // within the skew of the clock, so that the statements' own times fit
  audited("a commit back-dated to before an older one", log);
  log = honest();
  log.entries[3] = signed_by(other_key(), license(1001, 1, 1)).entry();
  audited("an entry signed again by another key, with its name", log);
  log = honest();
  auto forged = log.entries[3];
  forged.back() ^= 1;
  log.entries[3] = forged;
  audited("an entry whose signature was changed", log);
  log = honest();
  log.insert(4, *Statement::decode(log.entries[3]));
  audited("an entry twice", log);
  log = honest();
  log.key = &other_key();
  audited("another log key for every checkpoint", log);
  audited("files of entries that the checkpoint does not speak of", honest(), [](const fs::path& tiles) {
    auto other = honest();
    std::swap(other.entries[3], other.entries[4]);
    TempFolder temp;
    other.write_tiles(temp / "other");
    fs::copy_file(temp / "other/tile/entries/000.p/8", tiles / "tile/entries/000.p/8", fs::copy_options::overwrite_existing);
  });
  audited("a hash tile that its entries do not give", honest(), [](const fs::path& tiles) {
    auto content = read_file(tiles / "tile/0/000.p/8");
    content[100] ^= 1;
    write_file(tiles / "tile/0/000.p/8", content);
  });
  return rows;
}

std::vector<Row> receipts() {
  const auto log = honest();
  CHECK(ask_verifier(bundle_of(log)) == "nobody");
  const auto hashes = log.proof(2).path.size();
  std::vector<Row> rows;
  const auto forged = [&](const std::string& what, const std::function<void(InclusionProof&)>& forge) {
    rows.push_back({what, "verifier", ask_verifier_of_proof(forge)});
  };
  rows.push_back({"inclusion proof, each hash changed", "verifier", all_of(hashes, [&](std::size_t i) {
                    return ask_verifier_of_proof([&](auto& proof) { proof.path[i][9] ^= 1; });
                  })});
  forged("inclusion proof, one hash too many", [](auto& proof) { proof.path.push_back(proof.path[0]); });
  forged("inclusion proof, one hash too few", [](auto& proof) { proof.path.pop_back(); });
  rows.push_back({"inclusion proof, index shifted to each other", "verifier", all_of(kHonest - 1, [&](std::size_t i) {
                    return ask_verifier_of_proof([&](auto& proof) { proof.leaf_index = (proof.leaf_index + 1 + i) % kHonest; });
                  })});
  forged("inclusion proof, tree size shifted", [](auto& proof) { ++proof.tree_size; });
  rows.push_back(
      {"receipt of another statement", "verifier", ask_verifier(bundle_of(log, [&](std::uint64_t index, Bytes receipt) {
         return index == 2 ? log.receipt(log.proof(3)) : receipt;
       }))});
  auto fork = log;
  std::swap(fork.entries[4], fork.entries[5]);
  rows.push_back({"receipt of another view of the same size", "verifier",
                  ask_verifier(bundle_of(log, [&](std::uint64_t index, Bytes receipt) {
                    return index == 2 ? fork.receipt(fork.proof(2)) : receipt;
                  }))});
  return rows;
}

std::vector<Row> bundles() {
  std::vector<Row> rows;
  auto log = honest();
  const auto honest_bundle = bundle_of(log);
  log.key = &other_key();
  rows.push_back({"another log key for checkpoint and receipts", "verifier", ask_verifier(bundle_of(log))});
  log = honest();
  log.entries[2] = signed_by(other_key(), license(1000, 1, 0)).entry();
  rows.push_back({"a license signed by another than the owner", "verifier", ask_verifier(bundle_of(log))});
  log = honest();
  std::swap(log.entries[4], log.entries[5]);
  VerifierMemory memory;
  memory.newest[kOrigin] = {kOrigin, kHonest, honest().root(kHonest), kNow};
  rows.push_back({"split view, to a verifier who remembers", "verifier", ask_verifier(bundle_of(log), false, memory)});
  memory.newest[kOrigin].tree_size = kHonest + 1;
  rows.push_back({"rollback, to a verifier who remembers", "verifier", ask_verifier(honest_bundle, false, memory)});
  rows.push_back({"split view, which no witness cosigned", "verifier", ask_verifier(bundle_of(log), true)});
  auto note = credential::parse_note(honest_bundle.checkpoint).value();
  cosign_note(note, witness().name, other_key(), kNow);
  auto cosigned = honest_bundle;
  cosigned.checkpoint = encode_note(note);
  CHECK(ask_verifier(cosigned, true) == "nobody");
  auto view = bundle_of(log);
  auto moved = credential::parse_note(view.checkpoint).value();
  moved.signatures.push_back(note.signatures.back());
  view.checkpoint = encode_note(moved);
  rows.push_back({"split view under the cosignature of the other", "verifier", ask_verifier(view, true)});
  return rows;
}

/// The rows of the table under "## Evil ledgers" on the page.
std::vector<std::string> rows_of_page() {
  std::ifstream in(STEGPASS_SOURCE_DIR "/docs/results/ledger-faults.md");
  std::vector<std::string> rows;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) inside = line == "## Evil ledgers";
    if (inside && line.starts_with("| ") && line != "| case | who refuses | code |") rows.push_back(line);
  }
  return rows;
}

}  // namespace

TEST_CASE("every evil ledger and forged proof is refused, by whom and by the code that the published table says") {
  std::vector<std::string> found;
  for (const auto& group : {views(), growth_proofs(), audits(), receipts(), bundles()})
    for (const auto& row : group) {
      CHECK(row.code.find("nobody") == std::string::npos);
      CHECK(row.code.find("error") == std::string::npos);
      found.push_back(row.line());
      std::cout << found.back() << "\n";
    }
  CHECK(found == rows_of_page());
}
