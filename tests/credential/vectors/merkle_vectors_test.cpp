#include <stegpass/credential/merkle.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// Hashes of a proof; nothing when one has not 32 bytes, which our types cannot hold (decoders refuse it before).
std::optional<std::vector<Digest32>> hashes(const Json& list) {
  std::vector<Digest32> out;
  if (list.is_null()) return out;
  for (const Json& item : list) {
    const Bytes bytes = base64_any(item.get<std::string>());
    if (bytes.size() != 32) return std::nullopt;
    out.push_back(digest_from(bytes));
  }
  return out;
}

std::optional<Digest32> hash(const Json& value) {
  const auto one = hashes(value.is_null() ? Json::array() : Json::array({value}));
  return one && one->size() == 1 ? std::optional(one->front()) : std::nullopt;
}

bool includes(const Json& row) {
  const auto leaf = hash(row.at("leafHash")), root = hash(row.at("root"));
  const auto path = hashes(row.at("proof"));
  if (!leaf || !root || !path) return false;
  const auto found =
      root_from_inclusion(*leaf, {row.at("treeSize").get<std::uint64_t>(), row.at("leafIdx").get<std::uint64_t>(), *path});
  return found.ok() && *found == *root;
}

bool consistent(const Json& row) {
  const auto old_root = hash(row.at("root1")), new_root = hash(row.at("root2"));
  const auto path = hashes(row.at("proof"));
  if (!old_root || !new_root || !path) return false;
  return verify_consistency(*old_root, *new_root,
                            {row.at("size1").get<std::uint64_t>(), row.at("size2").get<std::uint64_t>(), *path})
      .ok();
}

template <class Judge>
void run_folder(const char* folder, Judge judge) {
  int cases = 0, accepted = 0;
  for (const auto& path : files_below(vector_path("merkle") / folder, ".json")) {
    const Json row = read_json(path);
    INFO(path.string());
    CHECK(judge(row) == !row.at("wantErr").get<bool>());
    ++cases, accepted += judge(row);
  }
  CHECK(cases == 98);
  CHECK(accepted > 0);
}

}  // namespace

TEST_CASE("all 98 inclusion cases of transparency-dev come out as they should") { run_folder("inclusion", includes); }

TEST_CASE("all 98 consistency cases of transparency-dev come out as they should") { run_folder("consistency", consistent); }

TEST_CASE("the reference tree of Certificate Transparency has our leaf, node and root hashes") {
  const Json tree = read_json(vector_path("merkle/reference-tree.json"));
  std::vector<Digest32> leaves;
  for (const Json& input : tree.at("leaf_inputs_hex")) leaves.push_back(merkle_leaf(from_hex(input.get<std::string>())));
  std::vector<Digest32> level = leaves;
  for (const Json& hashes_of_level : tree.at("node_hashes_hex_by_level")) {
    REQUIRE(hashes_of_level.size() == level.size());
    for (std::size_t i = 0; i < level.size(); ++i) CHECK(to_hex(level[i]) == hashes_of_level[i].get<std::string>());
    std::vector<Digest32> above;
    for (std::size_t i = 0; i + 1 < level.size(); i += 2) above.push_back(merkle_node(level[i], level[i + 1]));
    level = above;
  }
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    const std::vector<Digest32> first(leaves.begin(), leaves.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK(to_hex(merkle_root(first)) == tree.at("root_hash_hex_by_size")[size].get<std::string>());
  }
}
