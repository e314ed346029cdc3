#include <stegpass/credential/merkle.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// A hash of a vector. Some are of another length ("don't care"), which our types cannot hold and decoders refuse before; bytes
// expanded from them stand for them: it equals what they equal, and nothing else.
Digest32 hash(const Json& value) {
  const Bytes bytes = value.is_null() ? Bytes{} : base64_any(value.get<std::string>());
  return bytes.size() == 32 ? digest_from(bytes) : digest_from(expand("stand-in", bytes, "hash", 32));
}

std::vector<Digest32> hashes(const Json& list) {
  std::vector<Digest32> out;
  for (const Json& item : list) out.push_back(hash(item));  // none in null
  return out;
}

bool includes(const Json& row) {
  if (row.at("root").is_null() || base64_any(row.at("root").get<std::string>()).size() != 32) return false;
  const InclusionProof proof{row.at("treeSize"), row.at("leafIdx"), hashes(row.at("proof"))};
  const auto found = root_from_inclusion(hash(row.at("leafHash")), proof);
  return found.ok() && *found == hash(row.at("root"));
}

bool consistent(const Json& row) {
  const ConsistencyProof proof{row.at("size1"), row.at("size2"), hashes(row.at("proof"))};
  return verify_consistency(hash(row.at("root1")), hash(row.at("root2")), proof).ok();
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
