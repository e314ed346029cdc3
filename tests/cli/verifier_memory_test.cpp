#include "cli/verifier_memory.hpp"

#include <cstdlib>
#include <filesystem>

#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::cli;
using credential::VerifierMemory;

namespace {

/// A memory file in a folder of its own.
class MemoryFile {
 public:
  MemoryFile() {
    std::string name = (std::filesystem::temp_directory_path() / "stegpass-test-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~MemoryFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ / "memory"; }
  std::uint64_t size() const { return read_memory(path())->newest.at("log.example").tree_size; }

 private:
  std::filesystem::path folder_;
};

VerifierMemory seen(std::uint64_t size) {
  VerifierMemory out;
  out.newest["log.example"] = {.origin = "log.example", .tree_size = size, .root = {}};
  return out;
}

}  // namespace

TEST_CASE("a run that began before another does not put its older memory over the other's") {
  const MemoryFile file;
  REQUIRE(keep_memory(file.path(), {}, seen(6)).ok());
  REQUIRE(keep_memory(file.path(), seen(6), seen(8)).ok());
  const Status late = keep_memory(file.path(), {}, seen(6));
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == Errc::busy);
  CHECK(file.size() == 8);
  CHECK(keep_memory(file.path(), {}, seen(8)).ok());  // both saw the same
  CHECK(keep_memory(file.path(), seen(8), seen(9)).ok());
  CHECK(file.size() == 9);
}
