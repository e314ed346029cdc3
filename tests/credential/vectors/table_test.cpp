// The table of published vectors in libcredential/README.md, counted anew: credential_vectors_test "the table*" -s prints it.
#include <functional>
#include <iostream>
#include <map>
#include <sstream>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::test;

namespace {

std::size_t files_in(const std::string& folder, const std::string& suffix = "") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vector_path(folder))) {
    count += entry.is_regular_file() && (suffix.empty() || entry.path().extension() == suffix);
  }
  return count;
}

std::size_t wycheproof_count(const std::string& name) {
  return read_json(vector_path("wycheproof/" + name)).at("numberOfTests").get<std::size_t>();
}

/// How many vectors a row of the table stands for, by its first cell.
std::size_t counted(const std::string& row) {
  if (row.starts_with("wycheproof/")) return wycheproof_count(row.substr(11));
  if (row == "cctv-ed25519") return read_json(vector_path("cctv-ed25519/ed25519vectors.json")).size();
  if (row == "cbor/appendix_a.json") return read_json(vector_path(row)).size();
  if (row == "cbor/dcbor-numeric.json")
    return read_json(vector_path(row)).at("valid").size() + read_json(vector_path(row)).at("invalid_for_dcbor").size();
  if (row == "cose-key-thumbprint")
    return read_json(vector_path("cose-key-thumbprint/thumbprints.json")).at("thumbprints").size();
  if (row == "token-status-list, lists") {
    const Json vectors = read_json(vector_path("token-status-list/vectors.json"));
    return vectors.at("lists").size() + vectors.at("small_lists").size();
  }
  if (row == "token-status-list, tokens") return 2;
  if (row == "c2sp/tessera-log, checkpoints") return 16;
  const bool json = row.starts_with("cose-wg-examples") || row.starts_with("merkle/") || row == "mldsa-cose";
  return files_in(row, json ? ".json" : row == "cose-receipts-draft-examples" || row == "sd-cwt" ? ".cbor" : "");
}

}  // namespace

TEST_CASE("the table of vectors in the README counts what the files hold") {
  std::ifstream readme(STEGPASS_SOURCE_DIR "/libcredential/README.md");
  std::string line;
  std::size_t rows = 0, total = 0;
  while (std::getline(readme, line)) {
    std::istringstream cells(line);
    std::string name, count, rest;
    if (!line.starts_with("| vectors: ") || !std::getline(cells, name, '|') || !std::getline(cells, name, '|') ||
        !std::getline(cells, count, '|'))
      continue;
    name = name.substr(name.find('`') + 1, name.rfind('`') - name.find('`') - 1);
    INFO(line);
    CHECK(counted(name) == std::stoul(count));
    std::getline(cells, rest);
    std::cout << counted(name) << "\t" << name << "\t" << rest.substr(0, rest.find('|')) << "\n";
    ++rows, total += counted(name);
  }
  std::cout << total << "\tin " << rows << " sets\n";
  CHECK(rows == 22);
}
