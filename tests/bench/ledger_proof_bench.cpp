// Proofs from a tree of a million leaves in the ledger's database, beside RocksDB giving as many of its nodes; and a tree in
// memory beside SHA-256. The database is made once, in a folder of the build tree, of entries of 512 bytes that are no
// statements: proofs do not look into them.

#include <filesystem>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/merkle.hpp>

#include "database.hpp"
#include "layout.hpp"
#include "stored.hpp"
#include "tree.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::ledger;

constexpr std::uint64_t kLeaves = 1'000'000, kTogether = 4'096;

void write_leaves(Database& database) {
  TreeBuilder tree;
  while (tree.size() < kLeaves) {
    WriteSet writes;
    for (std::uint64_t i = 0; i < kTogether && tree.size() < kLeaves; ++i) {
      Bytes entry(512, 'e');
      for (int k = 0; k < 8; ++k) entry[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(tree.size() >> 8 * k);
      const auto leaf = credential::merkle_leaf(entry);
      writes.emplace_back(layout::index_of(leaf), layout::number_value(tree.size()));
      writes.emplace_back(layout::entry(tree.size()), std::move(entry));
      tree.append(leaf,
                  [&](const TreeNode& node) { writes.emplace_back(layout::node(node.level, node.index), to_bytes(node.hash)); });
    }
    if (tree.size() == kLeaves) writes.emplace_back(layout::format(), to_bytes(layout::kFormat));
    if (!database.write(writes)) std::abort();
  }
}

// Opened for reading, as proofs are given from; made first where it is not whole.
const Database& million() {
  static const Database database = [] {
    const fs::path folder = STEGPASS_BENCH_FOLDER "-million";
    if (auto made = Database::open(folder, Database::Mode::read); made && check_format(*made)) return std::move(*made);
    fs::remove_all(folder);
    {
      auto making = Database::open(folder, Database::Mode::create).value();
      write_leaves(making);
    }
    return std::move(Database::open(folder, Database::Mode::read).value());
  }();
  return database;
}

void inclusion_ours(benchmark::State& state) {
  const auto read = node_reader(million());
  std::mt19937_64 random(1);
  for (auto _ : state)
    if (auto path = inclusion_path(read, random() % kLeaves, kLeaves); !path)
      return state.SkipWithError(path.error().detail.c_str());
}
void consistency_ours(benchmark::State& state) {
  const auto read = node_reader(million());
  std::mt19937_64 random(1);
  for (auto _ : state)
    if (auto path = consistency_path(read, 1 + random() % kLeaves, kLeaves); !path)
      return state.SkipWithError(path.error().detail.c_str());
}
// The nodes of one path, one on each level that is complete over the leaf.
void nodes_peer(benchmark::State& state) {
  const auto& database = million();
  std::mt19937_64 random(1);
  for (auto _ : state) {
    const auto leaf = random() % kLeaves;
    for (int level = 0; level < 20; ++level) benchmark::DoNotOptimize(database.get(layout::node(level, (leaf >> level) ^ 1)));
  }
}
BENCHMARK(inclusion_ours)->Name("inclusion proof at a million/ours")->Unit(benchmark::kMicrosecond);
BENCHMARK(nodes_peer)->Name("inclusion proof at a million/peer=RocksDB, 20 nodes of the path")->Unit(benchmark::kMicrosecond);
BENCHMARK(consistency_ours)->Name("consistency proof to a million/ours")->Unit(benchmark::kMicrosecond);
BENCHMARK(nodes_peer)->Name("consistency proof to a million/peer=RocksDB, 20 nodes of a path")->Unit(benchmark::kMicrosecond);

void tree_ours(benchmark::State& state) {
  TreeBuilder tree;
  Digest32 leaf{};
  for (auto _ : state) {
    leaf[0] = static_cast<std::uint8_t>(tree.size());
    tree.append(leaf, [](const TreeNode& node) { benchmark::DoNotOptimize(node.hash); });
  }
  state.SetItemsProcessed(state.iterations());
}
// A leaf costs one inner node on average.
void tree_peer(benchmark::State& state) {
  Bytes node(65, 1);
  for (auto _ : state) {
    ++node[1];
    benchmark::DoNotOptimize(credential::fast_sha256(node));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(tree_ours)->Name("leaves into a tree in memory/ours");
BENCHMARK(tree_peer)->Name("leaves into a tree in memory/peer=SHA-256 of one inner node each");

}  // namespace
