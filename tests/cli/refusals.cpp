#include "refusals.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

namespace stegpass::test {
namespace {

namespace fs = std::filesystem;

/// A sparse file: large, without taking space.
std::string oversized(const TempFolder& folder, std::uint64_t bytes) {
  const std::string path = folder.write("oversized", "");
  fs::resize_file(path, bytes);
  return path;
}

std::map<std::string, std::uintmax_t> sizes_of(const TempFolder& folder) {
  std::map<std::string, std::uintmax_t> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    out[entry.path().string()] = entry.is_regular_file() ? entry.file_size() : 0;
  }
  return out;
}

bool among(int code, std::initializer_list<int> codes) { return std::find(codes.begin(), codes.end(), code) != codes.end(); }

}  // namespace

std::vector<BadFile> bad_files(const TempFolder& folder, const std::string& good, std::uint64_t limit) {
  const std::string content = read_text(good);
  REQUIRE(content.size() > 1);
  fs::create_directory(folder.path() / "folder");
  std::vector<BadFile> out{{"missing", folder.file("missing")},
                           {"empty", folder.write("empty", "")},
                           {"folder", folder.file("folder")},
                           {"truncated", folder.write("truncated", content.substr(0, content.size() / 2))},
                           {"another type", folder.write("another", "a shopping list: bread, milk\n")}};
  if (limit > 0) out.push_back({"oversized", oversized(folder, limit + 1)});
  return out;
}

void require_refused(const Args& args, std::initializer_list<int> codes, const TempFolder& folder) {
  std::string line;
  for (const std::string& argument : args) line += argument + " ";
  INFO("stegpass " << line);
  const auto before = sizes_of(folder);
  const Ran plain = run(args);
  INFO(plain.out << plain.err);
  CHECK(among(plain.code, codes));
  CHECK(message_fault(plain) == "");
  const Ran json = run_json(args);
  CHECK(json.code == plain.code);
  CHECK(json_fault(json) == "");
  CHECK(sizes_of(folder) == before);
}

void require_bad_files_refused(const Args& args, const std::vector<BadFile>& files, std::initializer_list<int> codes,
                               const TempFolder& folder) {
  for (const BadFile& file : files) {
    INFO("the file is " << file.kind);
    Args filled = args;
    std::replace(filled.begin(), filled.end(), std::string(kFile), file.path);
    require_refused(filled, codes, folder);
  }
}

}  // namespace stegpass::test
