// Proofs from a tree of a million leaves in the ledger's database, beside RocksDB giving the values that a path lies in; and a
// tree in memory beside SHA-256. The database is made once, in a folder of the build tree, of entries of 512 bytes that are no
// statements: proofs do not look into them.

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/merkle.hpp>

#include "database.hpp"
#include "layout.hpp"
#include "node_tile.hpp"
#include "stored.hpp"
#include "tree.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::ledger;

constexpr std::uint64_t kMillion = 1'000'000, kTogether = 4'096;

void write_leaves(Database& database, std::uint64_t leaves) {
  TreeBuilder tree;
  node_tile::Builder tiles;
  while (tree.size() < leaves) {
    WriteSet writes;
    for (std::uint64_t i = 0; i < kTogether && tree.size() < leaves; ++i) {
      Bytes entry(512, 'e');
      for (int k = 0; k < 8; ++k) entry[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(tree.size() >> 8 * k);
      const auto leaf = credential::merkle_leaf(entry);
      writes.emplace_back(layout::index_of(leaf), layout::number_value(tree.size()));
      writes.emplace_back(layout::entry(tree.size()), std::move(entry));
      tree.append(leaf, [&](const TreeNode& node) { tiles.add(node); });
    }
    put_tiles(tiles, writes);
    if (tree.size() == leaves) writes.emplace_back(layout::format(), to_bytes(layout::kFormat));
    if (!database.write(writes)) std::abort();
  }
}

// Opened for reading, as proofs are given from; made first where it is not whole.
const Database& tree_of(std::uint64_t leaves) {
  static auto& made = *new std::map<std::uint64_t, Database>;  // outlives what RocksDB takes down at the end
  if (const auto found = made.find(leaves); found != made.end()) return found->second;
  const fs::path folder = STEGPASS_BENCH_FOLDER "-" + std::to_string(leaves);
  auto there = Database::open(folder, Database::Mode::read);
  if (!there || !check_format(*there)) {
    there = Error{};  // closes it
    fs::remove_all(folder);
    auto making = Database::open(folder, Database::Mode::create).value();
    write_leaves(making, leaves);
  }
  return made.emplace(leaves, Database::open(folder, Database::Mode::read).value()).first->second;
}

void inclusion_ours(benchmark::State& state) {
  const auto leaves = static_cast<std::uint64_t>(state.range(0));
  const auto& database = tree_of(leaves);
  std::mt19937_64 random(1);
  for (auto _ : state)
    if (auto path = inclusion_path(node_reader(database), random() % leaves, leaves); !path)
      return state.SkipWithError(path.error().detail.c_str());
}
void consistency_ours(benchmark::State& state) {
  const auto leaves = static_cast<std::uint64_t>(state.range(0));
  const auto& database = tree_of(leaves);
  std::mt19937_64 random(1);
  for (auto _ : state)
    if (auto path = consistency_path(node_reader(database), 1 + random() % leaves, leaves); !path)
      return state.SkipWithError(path.error().detail.c_str());
}
// One value of the database for each tile that a path goes through, read and not looked into.
void tiles_peer(benchmark::State& state) {
  const auto leaves = static_cast<std::uint64_t>(state.range(0));
  const auto& database = tree_of(leaves);
  std::mt19937_64 random(1);
  for (auto _ : state) {
    const auto leaf = random() % leaves;
    for (int level = 0; leaves >> (8 * level) > 0; ++level)
      benchmark::DoNotOptimize(database.pin(layout::tile(level, leaf >> (8 * level + 8))));
  }
}

#define STEGPASS_PROOF_ROW(kind, function, words, leaves)                                              \
  BENCHMARK(function)->Name(kind " proof " words "/ours")->Arg(leaves)->Unit(benchmark::kMicrosecond); \
  BENCHMARK(tiles_peer)                                                                                \
      ->Name(kind " proof " words "/peer=RocksDB, one value for each tile of a path")                  \
      ->Arg(leaves)                                                                                    \
      ->Unit(benchmark::kMicrosecond)

STEGPASS_PROOF_ROW("inclusion", inclusion_ours, "at a million", kMillion);
STEGPASS_PROOF_ROW("consistency", consistency_ours, "to a million", kMillion);

// Ten million take a few minutes to make and 8 GB, so they are measured only where the environment asks for it.
const bool kTenMillion = [] {
  if (!std::getenv("STEGPASS_BENCH_TEN_MILLION")) return false;
  STEGPASS_PROOF_ROW("inclusion", inclusion_ours, "at ten million", 10 * kMillion);
  STEGPASS_PROOF_ROW("consistency", consistency_ours, "to ten million", 10 * kMillion);
  return true;
}();

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
