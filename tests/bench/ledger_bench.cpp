// Synced appends beside RocksDB writing as many bytes under as many keys, synced as often, on the same disk.

#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/db.h>

#include <stegpass/credential/cose.hpp>
#include <stegpass/ledger/audit.hpp>

#include "ledger_statements.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::bench;
using namespace stegpass::credential;

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

#define STEGPASS_APPEND_ROW(batch, words)                                                                               \
  BENCHMARK(append_ours)->Name("statements, " words " a commit/ours")->Arg(batch)->Iterations(kCommits)->UseRealTime(); \
  BENCHMARK(append_peer)                                                                                                \
      ->Name("statements, " words " a commit/peer=RocksDB, synced batch of as many bytes and keys")                     \
      ->Arg(batch)                                                                                                      \
      ->Iterations(kCommits)                                                                                            \
      ->UseRealTime()

STEGPASS_APPEND_ROW(1, "one");
STEGPASS_APPEND_ROW(16, "16");
STEGPASS_APPEND_ROW(64, "64");
STEGPASS_APPEND_ROW(256, "256");
STEGPASS_APPEND_ROW(1024, "1024");

// Large batches are bound by their signatures: what all cores can verify in the same time, and nothing else.
void verify_peer(benchmark::State& state) {
  std::vector<Sign1> messages;
  for (const auto& statement : licenses(1024 * 4)) messages.push_back(*decode_sign1(statement.entry()));
  const std::size_t threads = std::thread::hardware_concurrency();
  for (auto _ : state) {
    std::vector<std::jthread> workers;
    for (std::size_t t = 0; t < threads; ++t)
      workers.emplace_back([&, t] {
        for (std::size_t i = t; i < messages.size(); i += threads)
          benchmark::DoNotOptimize(verify_sign1(messages[i], signer().public_key()));
      });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * messages.size()));
}
BENCHMARK(append_ours)
    ->Name("statements with their signatures, 1024 a commit/ours")
    ->Arg(1024)
    ->Iterations(kCommits)
    ->UseRealTime();
BENCHMARK(verify_peer)
    ->Name("statements with their signatures, 1024 a commit/peer=Ed25519 on all cores, nothing written")
    ->UseRealTime();

// Each of 64 threads appends one statement at a time.
void group_ours(benchmark::State& state) {
  constexpr std::size_t kThreads = 64, kEach = 32;
  const auto all = licenses(kThreads * kEach);
  for (auto _ : state) {
    state.PauseTiming();
    const Folder folder;
    auto log = new_log(folder.path());
    state.ResumeTiming();
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        for (std::size_t i = 0; i < kEach; ++i) log.append({all[t * kEach + i]}, signer(), kNow).value();
      });
    threads.clear();
    state.PauseTiming();
    if (log.size() != 2 + all.size()) return state.SkipWithError("statements were lost");
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * all.size()));
}
BENCHMARK(group_ours)->Name("statements from 64 threads/ours")->UseRealTime();
BENCHMARK(append_peer)
    ->Name("statements from 64 threads/peer=RocksDB, one thread, synced batches of 64")
    ->Arg(64)
    ->Iterations(kCommits)
    ->UseRealTime();

void audit_ours(benchmark::State& state) {
  const Folder folder;
  auto log = new_log(folder.path());
  if (const auto done = log.append(licenses(2000), signer(), kNow); !done)
    return state.SkipWithError(done.error().detail.c_str());
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
      if (!verify_sign1(*decode_sign1(entry), signer().public_key())) return state.SkipWithError("a license does not verify");
  state.SetItemsProcessed(state.iterations() * 2000);
}
BENCHMARK(audit_ours)->Name("entries audited/ours")->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(audit_peer)
    ->Name("entries audited/peer=one thread that only verifies the signatures")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
