// Synced appends beside RocksDB writing as many bytes under as many keys, synced as often, on the same disk.

#include <filesystem>
#include <memory>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/db.h>

#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/audit.hpp>
#include <stegpass/ledger/ledger.hpp>

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::credential;

constexpr std::int64_t kNow = 1'800'000'000;

// An append writes the entry, its hash, about two nodes; a commit adds checkpoint and signed root (ledger/src/commit.cpp).
constexpr std::size_t kKeysPerEntry = 4, kBytesBesideEntry = 33 + 8 + 2 * (10 + 32) + 9;
constexpr std::size_t kKeysPerCommit = 2, kBytesPerCommit = 2 * 9 + 500;
constexpr int kCommits = 40;

class Folder {
 public:
  Folder() { fs::remove_all(path_); }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_ = STEGPASS_BENCH_FOLDER;
};

const PrivateKey& signer() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}

Bytes id(std::uint64_t number) {
  Bytes out(8, 0);
  append_big_endian(out, number, 8);
  return out;
}

Statement registration() {
  Registration body{.owner = signer().public_key(), .id = id(1)};
  body.model_name = "release.safetensors";
  body.tensor_count = 3;
  body.mark.architecture = "alexnet";
  body.mark.layers = {"features.8"};
  body.mark.bits = 256;
  body.mark.picture_size = 256;
  body.mark.reserves = {Digest32{}, Digest32{1}};
  return sign_statement(signer(), body, kNow).value();
}

Statement license(std::uint64_t number) {
  License body{.id = id(1000 + number), .registration_id = id(1), .licensee = signer().public_key()};
  body.not_before = kNow;
  body.expires = kNow + 1'000'000;
  body.status_index = number;
  body.reveal_bar_mdb = 30'000;
  body.terms = {"inference", "worldwide", 1};
  return sign_statement(signer(), body, kNow).value();
}

std::vector<Statement> licenses(std::size_t count) {
  static std::vector<Statement> made;
  while (made.size() < count) made.push_back(license(made.size()));
  return {made.begin(), made.begin() + static_cast<std::ptrdiff_t>(count)};
}

// A log that holds its policy and one registration.
ledger::Ledger new_log(const fs::path& folder) {
  auto log = ledger::Ledger::create(folder, "log.example/bench", signer(), kNow).value();
  log.append({registration()}, signer(), kNow).value();
  return log;
}

void append_ours(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto all = licenses(batch * kCommits);
  const Folder folder;
  auto log = new_log(folder.path());
  std::size_t next = 0;
  for (auto _ : state) {
    const std::vector<Statement> some(all.begin() + next, all.begin() + next + batch);
    next += batch;
    if (const auto done = log.append(some, signer(), kNow); !done) return state.SkipWithError(done.error().detail.c_str());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(next));
}

void append_peer(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const std::size_t entry_bytes = licenses(1)[0].entry().size();
  const Folder folder;
  fs::create_directories(folder.path());
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* opened = nullptr;
  if (const auto status = rocksdb::DB::Open(options, folder.path().string(), &opened); !status.ok())
    return state.SkipWithError(status.ToString().c_str());
  const std::unique_ptr<rocksdb::DB> db(opened);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  const std::size_t keys = batch * kKeysPerEntry + kKeysPerCommit;
  const std::string value((batch * (entry_bytes + kBytesBesideEntry) + kBytesPerCommit) / keys - 9, 'v');
  std::uint64_t next = 0;
  for (auto _ : state) {
    rocksdb::WriteBatch writes;
    for (std::size_t i = 0; i < keys; ++i) writes.Put("k" + std::to_string(10'000'000 + next++), value);
    if (const auto status = db->Write(synced, &writes); !status.ok()) return state.SkipWithError(status.ToString().c_str());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * batch));
}

BENCHMARK(append_ours)->Name("statements, one a commit/ours")->Arg(1)->Iterations(kCommits)->UseRealTime();
BENCHMARK(append_peer)->Name("statements, one a commit/peer=RocksDB, synced batch of as many bytes and keys")->Arg(1)->Iterations(kCommits)->UseRealTime();
BENCHMARK(append_ours)->Name("statements, 64 a commit/ours")->Arg(64)->Iterations(kCommits)->UseRealTime();
BENCHMARK(append_peer)->Name("statements, 64 a commit/peer=RocksDB, synced batch of as many bytes and keys")->Arg(64)->Iterations(kCommits)->UseRealTime();

void audit_ours(benchmark::State& state) {
  const Folder folder;
  auto log = new_log(folder.path());
  if (const auto done = log.append(licenses(2000), signer(), kNow); !done) return state.SkipWithError(done.error().detail.c_str());
  for (auto _ : state)
    if (const auto report = ledger::audit(log, {}); !report) return state.SkipWithError(report.error().detail.c_str());
  state.SetItemsProcessed(state.iterations() * 2002);
}
// One thread, nothing but the signatures that the audit has to check.
void audit_peer(benchmark::State& state) {
  std::vector<Bytes> entries;
  for (const auto& statement : licenses(2000)) entries.push_back(statement.entry());
  for (auto _ : state)
    for (const auto& entry : entries)
      if (!verify_sign1(*decode_sign1(entry), signer().public_key()))
        return state.SkipWithError("a license does not verify");
  state.SetItemsProcessed(state.iterations() * 2000);
}
BENCHMARK(audit_ours)->Name("entries audited/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(audit_peer)->Name("entries audited/peer=one thread that only verifies the signatures")->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
