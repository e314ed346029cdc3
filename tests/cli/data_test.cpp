#include <sys/stat.h>

#include <filesystem>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

/// Two classes of drawn pictures: ten scenes and six portraits.
std::string make_tree(const TempFolder& folder) {
  const std::string tree = folder.file("tree");
  fs::create_directory(tree);
  REQUIRE(run({"data", "draw", "--count", "10", "--size", "64", "--out", tree + "/scenes"}).code == 0);
  REQUIRE(run({"data", "draw", "--kind", "portrait", "--count", "6", "--size", "64", "--out", tree + "/portraits"}).code == 0);
  return tree;
}

/// The cache lies in the folder, not in the home of who runs the tests.
RunOptions cached_in(const TempFolder& folder) { return {.environment = {{"XDG_CACHE_HOME", folder.file("cache")}}}; }

Json checked(const std::string& path, const TempFolder& folder) {
  const Ran ran = run_json({"data", "check", path}, cached_in(folder));
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
  return ran.json();
}

std::string cifar10(std::size_t count) {
  std::string records;
  for (std::size_t i = 0; i < count; ++i) {
    records += static_cast<char>(i % 10);
    records += std::string(3072, static_cast<char>(i));
  }
  return records;
}

}  // namespace

TEST_CASE("the kinds of data are listed, and what lies in the cache") {
  const TempFolder folder;
  fs::create_directories(folder.file("cache/stegpass"));
  folder.write("cache/stegpass/pets-32-00.safetensors", "kept");
  const Json listed = run_json({"data", "list"}, cached_in(folder)).json();
  REQUIRE(listed["kinds"].size() == 6);
  bool found = false;
  for (const Json& data : listed["found"]) found = found || data["path"] == folder.file("cache/stegpass/pets-32-00.safetensors");
  CHECK(found);
}

TEST_CASE("a folder a class is checked: kind, counts, labels and digest") {
  const TempFolder folder;
  const Json json = checked(make_tree(folder), folder);
  CHECK(json["kind"] == "class folders");
  CHECK(json["side"] == 32);
  CHECK(json["class_names"] == Json({"portraits", "scenes"}));
  CHECK(json["train"]["per_class"] == Json({5, 8}));
  CHECK(json["test"]["per_class"] == Json({1, 2}));
  CHECK(json["test"]["labels"] == Json({0, 1}));
  CHECK(json["train"]["digest"].get<std::string>().size() == 128);
}

TEST_CASE("the cache is made once, and what it did is said on standard error") {
  const TempFolder folder;
  const std::string tree = make_tree(folder);
  const Ran first = run({"data", "check", tree}, cached_in(folder));
  CHECK(first.err.find("decoded pictures are kept in " + folder.file("cache/stegpass/tree-32-")) != std::string::npos);
  const Ran second = run({"data", "check", tree}, cached_in(folder));
  CHECK(second.err == "");
  CHECK(first.out == second.out);
}

TEST_CASE("an imported data set is one file with the same digests, and takes the folder's place") {
  const TempFolder folder;
  const std::string tree = make_tree(folder), file = folder.file("tree.safetensors");
  REQUIRE(run({"data", "import", tree, "--out", file}, cached_in(folder)).code == 0);
  const Json from_file = checked(file, folder), from_tree = checked(tree, folder);
  CHECK(from_file["kind"] == "data file");
  CHECK(from_file["name"] == from_tree["name"]);
  for (const char* part : {"train", "test"}) CHECK(from_file[part] == from_tree[part]);
  CHECK(run({"data", "import", tree, "--out", file}).code == 2);
  CHECK(run({"data", "import", tree, "--out", file, "--force", "--side", "64"}).code == 0);
  CHECK(checked(file, folder)["side"] == 64);
}

TEST_CASE("CIFAR-10 and drawn shapes are checked by the same command") {
  const TempFolder folder;
  fs::create_directory(folder.file("cifar"));
  folder.write("cifar/data_batch_1.bin", cifar10(25));
  folder.write("cifar/test_batch.bin", cifar10(10));
  const Json json = checked(folder.file("cifar"), folder);
  CHECK(json["kind"] == "CIFAR-10 binary");
  CHECK(json["train"]["images"] == 25);
  CHECK(json["train"]["labels"] == Json({0, 9}));
  CHECK(checked("drawn", folder)["train"]["images"] == 12000);
}

TEST_CASE("a network is trained on a folder a class, with as many outputs as there are classes") {
  const TempFolder folder;
  const std::string tree = make_tree(folder), home = folder.copy("home-registered");
  const Ran trained = run_json(with_passphrase({"passport", "train", "--home", home, "--data", tree, "--images", "32", "--epochs",
                                                "1", "--out", folder.file("out")}),
                               cached_in(folder));
  INFO(trained.err << trained.out);
  CHECK(trained.code == 2);  // thirteen pictures do not fill a batch
  CHECK(trained.out.find("13 training images do not fill one batch") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("out")));
}

TEST_CASE("data that are none, or damaged, are refused in one line, and nothing is written") {
  const TempFolder folder;
  fs::create_directory(folder.file("cifar"));
  folder.write("cifar/data_batch_1.bin", cifar10(10));
  folder.write("cifar/test_batch.bin", cifar10(10));
  REQUIRE(run({"data", "import", folder.file("cifar"), "--out", folder.file("good.safetensors")}).code == 0);
  const auto files = bad_files(folder, folder.file("good.safetensors"), 0);
  require_bad_files_refused({"data", "check", kFile}, files, {2, 4}, folder);
  require_bad_files_refused({"data", "import", kFile, "--out", folder.file("out.safetensors")}, files, {2, 4}, folder);
  REQUIRE(::mkfifo(folder.file("fifo").c_str(), 0600) == 0);
  require_refused({"data", "check", folder.file("fifo")}, {4}, folder);
  require_refused({"data", "check", folder.file("good.safetensors"), "--side", "64"}, {2}, folder);
  require_refused({"data", "check", "drawn", "--side", "33"}, {2}, folder);
  require_refused({"data", "import", "drawn", "--out", folder.file("no/such/folder.safetensors")}, {2, 4}, folder);
}

TEST_CASE("a torn picture stops an import by its name, and no file appears") {
  const TempFolder folder;
  const std::string tree = make_tree(folder);
  folder.write("tree/scenes/scene-0003.png", "torn");
  const Ran ran = run({"data", "import", tree, "--out", folder.file("out.safetensors")}, cached_in(folder));
  CHECK(ran.code == 2);
  CHECK(message_fault(ran) == "");
  CHECK(ran.err.find("scenes/scene-0003.png") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.file("out.safetensors")));
  CHECK_FALSE(fs::exists(folder.file("cache")));
}

TEST_CASE("a full disk makes no half data file") {
  const TempFolder folder;
  const Ran ran = run({"data", "import", "drawn", "--out", folder.file("out.safetensors")}, {.max_file_bytes = 100'000});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
  CHECK(folder.files().empty());
}

TEST_CASE("a full disk costs the cache, not the data") {
  const TempFolder folder;
  const std::string tree = make_tree(folder);
  RunOptions options = cached_in(folder);
  options.max_file_bytes = 10'000;
  const Ran ran = run({"data", "check", tree}, options);
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.err.find("cannot be kept in") != std::string::npos);
  CHECK(fs::is_empty(folder.file("cache/stegpass")));
}

TEST_CASE("passports are made of six pictures picked from any folder, the same for the same seed") {
  const TempFolder folder;
  const std::string tree = make_tree(folder);
  const auto make = [&](const std::string& name, const Args& more) {
    REQUIRE(run(with_passphrase({"init", folder.file(name)})).code == 0);
    Args args = with_passphrase({"passport", "new", "--home", folder.file(name), "--from", tree, "--size", "64"});
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  };
  const Ran first = make("a", {"--seed", "4"}), second = make("b", {"--seed", "4"}), other = make("c", {"--seed", "5"});
  INFO(first.out << first.err);
  REQUIRE(first.code == 0);
  CHECK(first.json()["source"] == second.json()["source"]);
  CHECK(first.json()["source"] != other.json()["source"]);
  CHECK(first.err.find("for trials only") != std::string::npos);
  CHECK(make("d", {}).err.find("for trials only") == std::string::npos);
}

TEST_CASE("too few different pictures make no passports, and the reasons are counted") {
  const TempFolder folder;
  REQUIRE(run({"data", "draw", "--count", "4", "--size", "64", "--out", folder.file("few")}).code == 0);
  for (const char* copy : {"x.png", "y.png", "z.png"})
    fs::copy_file(folder.file("few/scene-0001.png"), folder.file("few/") + copy);
  folder.write("few/torn.png", "torn");
  REQUIRE(run(with_passphrase({"init", folder.file("home")})).code == 0);
  const std::string vault = read_text(folder.file("home/vault"));
  const Ran ran =
      run(with_passphrase({"passport", "new", "--home", folder.file("home"), "--from", folder.file("few"), "--size", "64"}));
  CHECK(ran.code == 2);
  CHECK(message_fault(ran) == "");
  CHECK(ran.err.find("4 usable pictures among 8, 6 expected (0 flat, 3 like another, 1 unreadable)") != std::string::npos);
  CHECK(read_text(folder.file("home/vault")) == vault);
  CHECK(run(with_passphrase({"passport", "new", "--home", folder.file("home"), "--from", "x", "--draw"})).code == 2);
}
