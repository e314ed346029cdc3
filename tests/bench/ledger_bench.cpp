// Synced appends beside RocksDB writing as many bytes under as many keys, synced as often, on the same disk.

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/db.h>

#include <stegpass/credential/cose.hpp>
#include <stegpass/ledger/audit.hpp>

#include "commit.hpp"
#include "growth.hpp"
#include "layout.hpp"
#include "ledger_statements.hpp"
#include "memory.hpp"
#include "stored.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::bench;
using namespace stegpass::credential;
using namespace stegpass::ledger;

// A license's append writes the entry, its hash, what it goes by in the index, and the rules' memory of its id and status index;
// a commit adds checkpoint and signed root, and the tile at the right edge, half full on average (ledger/src/commit.cpp).
constexpr std::size_t kKeysPerEntry = 5, kBytesBesideEntry = 9 + (33 + 8) + (9 + 99) + (17 + 56) + (25 + 8);
constexpr std::size_t kKeysPerCommit = 3, kBytesPerCommit = 2 * 9 + 600 + 10 + 8160;
constexpr int kCommits = 40;

class Folder {
 public:
  Folder() { fs::remove_all(path_); }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_ = STEGPASS_BENCH_FOLDER;
};

/// As many batches as there are commits, cut before anything is timed.
std::vector<std::vector<Statement>> license_batches(std::size_t batch) {
  const auto all = licenses(batch * kCommits);
  std::vector<std::vector<Statement>> batches;
  for (auto first = all.begin(); first != all.end(); first += static_cast<std::ptrdiff_t>(batch))
    batches.emplace_back(first, first + static_cast<std::ptrdiff_t>(batch));
  return batches;
}

void append_ours(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto batches = license_batches(batch);
  const Folder folder;
  auto log = new_log(folder.path());
  std::size_t next = 0;
  for (auto _ : state)
    if (const auto done = log.append(batches[next++], signer(), kNow); !done)
      return state.SkipWithError(done.error().detail.c_str());
  state.SetItemsProcessed(static_cast<std::int64_t>(next * batch));
}

/// All that an append does but checking the statements' signatures, by the functions that it does it with.
class Unchecked {
 public:
  explicit Unchecked(const fs::path& folder) {
    { const auto log = new_log(folder); }
    database_.emplace(Database::open(folder / "db", Database::Mode::write).value());
    rules_ = first_state(*database_).value();
    growth_ = Growth::load(*database_, 2).value();
  }

  Status append(const std::vector<Statement>& statements) {
    std::vector<TakenEntry> entries;
    WriteSet memory;
    for (const auto& statement : statements) {
      auto octets = statement.entry();
      const auto leaf = merkle_leaf(octets);
      const auto index = growth_.tree.size() + entries.size();
      STEGPASS_TRY(known, database_->get(layout::index_of(leaf)));
      if (known) return {Errc::exists, "a statement came twice"};
      STEGPASS_CHECK_OK(RulesMemory::recall(*database_, statement, rules_));
      STEGPASS_TRY(key, rules_.accept_unverified(statement, index, kNow));
      static_cast<void>(key);
      RulesMemory::remember(rules_, statement, index, memory);
      entries.push_back({std::move(octets), leaf, index_keys(rules_, statement, index)});
    }
    auto commit = prepare_commit(growth_, entries, "log.example/bench", signer(), kNow);
    std::ranges::move(memory, std::back_inserter(commit.writes));
    STEGPASS_CHECK_OK(database_->write(commit.writes));
    RulesMemory::trim(rules_);
    return Done{};
  }

 private:
  std::optional<Database> database_;
  RegistrationPolicy rules_;
  Growth growth_;
};

void append_unchecked(benchmark::State& state) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto batches = license_batches(batch);
  const Folder folder;
  Unchecked log(folder.path());
  std::size_t next = 0;
  for (auto _ : state)
    if (const auto done = log.append(batches[next++]); !done) return state.SkipWithError(done.error().detail.c_str());
  state.SetItemsProcessed(static_cast<std::int64_t>(next * batch));
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

#define STEGPASS_APPEND_ROW(batch, words)                                                                                    \
  BENCHMARK(append_unchecked)                                                                                                \
      ->Name("statements without signature checks, " words " a commit/ours")                                                 \
      ->Arg(batch)                                                                                                           \
      ->Iterations(kCommits)                                                                                                 \
      ->UseRealTime();                                                                                                       \
  BENCHMARK(append_peer)                                                                                                     \
      ->Name("statements without signature checks, " words " a commit/peer=RocksDB, synced batch of as many bytes and keys") \
      ->Arg(batch)                                                                                                           \
      ->Iterations(kCommits)                                                                                                 \
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

// Rows of several threads measure the processor time of the whole process; on a machine with other work it says more than the
// rate. As many callers as keep the cores at work while one waits for the disk.
void append_from_callers(benchmark::State& state) {
  constexpr std::size_t kCallers = 4;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const std::size_t calls = 16'384 / batch;
  const auto all = licenses(calls * batch);
  for (auto _ : state) {
    state.PauseTiming();
    const Folder folder;
    auto log = new_log(folder.path());
    state.ResumeTiming();
    std::vector<std::jthread> callers;
    for (std::size_t c = 0; c < kCallers; ++c)
      callers.emplace_back([&, c] {
        for (std::size_t call = c; call < calls; call += kCallers) {
          const auto first = all.begin() + static_cast<std::ptrdiff_t>(call * batch);
          log.append({first, first + static_cast<std::ptrdiff_t>(batch)}, signer(), kNow).value();
        }
      });
    callers.clear();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * all.size()));
}

#define STEGPASS_SIGNED_ROW(batch, words)                                                              \
  BENCHMARK(append_from_callers)                                                                       \
      ->Name("statements, " words " a call from 4 callers/ours")                                       \
      ->Arg(batch)                                                                                     \
      ->MeasureProcessCPUTime()                                                                        \
      ->UseRealTime();                                                                                 \
  BENCHMARK(verify_peer)                                                                               \
      ->Name("statements, " words " a call from 4 callers/peer=Ed25519 on all cores, nothing written") \
      ->MeasureProcessCPUTime()                                                                        \
      ->UseRealTime()

STEGPASS_SIGNED_ROW(64, "64");
STEGPASS_SIGNED_ROW(256, "256");
STEGPASS_SIGNED_ROW(1024, "1,024");
BENCHMARK(append_ours)->Name("statements, one a commit, alone/ours")->Arg(1)->Iterations(kCommits)->UseRealTime();
BENCHMARK(append_peer)
    ->Name("statements, one a commit, alone/peer=RocksDB, synced batch of as many bytes and keys")
    ->Arg(1)
    ->Iterations(kCommits)
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
BENCHMARK(group_ours)->Name("statements from 64 threads/ours")->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(append_peer)
    ->Name("statements from 64 threads/peer=RocksDB, one thread, synced batches of 64")
    ->Arg(64)
    ->Iterations(kCommits)
    ->UseRealTime();

void audit_ours(benchmark::State& state) {
  const Folder folder;
  auto log = new_log(folder.path());
  if (const auto done = log.append(licenses(16'384), signer(), kNow); !done)
    return state.SkipWithError(done.error().detail.c_str());
  for (auto _ : state)
    if (const auto report = ledger::audit(log, {}); !report) return state.SkipWithError(report.error().detail.c_str());
  state.SetItemsProcessed(state.iterations() * 16'386);
}
BENCHMARK(audit_ours)->Name("entries audited/ours")->Unit(benchmark::kMillisecond)->MeasureProcessCPUTime()->UseRealTime();
BENCHMARK(verify_peer)
    ->Name("entries audited/peer=Ed25519 on all cores")
    ->Unit(benchmark::kMillisecond)
    ->MeasureProcessCPUTime()
    ->UseRealTime();

}  // namespace
