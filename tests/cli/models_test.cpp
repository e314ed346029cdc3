// Models that are hashed, signed and judged by their files, and single tensors that are proved, as a user would.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "program.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

/// A model of a few files, a P-256 key and its public half in PEM.
class Studio {
 public:
  Studio() {
    fs::create_directories(folder.path() / "model/deep");
    fs::create_directories(folder.path() / "model/.git");
    write("model/a.bin", "first"), write("model/deep/b.bin", "second"), write("model/empty", ""), write("model/.git/config", "x");
    write("secret", "correct horse\n");
    REQUIRE(run({"key", "new", "--type", "p256", "--out", file("a.key"), "--passphrase-file", file("secret")}).code == 0);
    REQUIRE(run({"key", "export", file("a.pub"), "--format", "pem", "--out", file("a.pem")}).code == 0);
  }
  std::string file(const std::string& name) const { return folder.file(name); }
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(folder.path() / name, std::ios::binary) << content;
  }
  Ran sign(Args more = {}) const {
    Args args{"model",       "sign", file("model"), "--key", file("a.key"), "--out", file("model.sig"), "--passphrase-file",
              file("secret")};
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  }
  Ran verify(Args more = {}) const {
    Args args{"model", "verify", file("model"), "--signature", file("model.sig"), "--public-key", file("a.pem")};
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  }
  TempFolder folder;
};

}  // namespace

TEST_CASE("a signed model is valid, in files and in shards, with either hash") {
  for (const Args& form : {Args{}, Args{"--shard-bytes", "3"}, Args{"--hash", "blake2b"}}) {
    const Studio studio;
    REQUIRE(studio.sign(form).code == 0);
    const Ran ran = studio.verify();
    CHECK(ran.code == 0);
    CHECK(ran.outcome("signature.key") == "valid");
    CHECK(ran.outcome("model.files") == "valid");
  }
}

TEST_CASE("a model with a byte changed, a file more or a file less is invalid, and says which") {
  const Studio studio;
  REQUIRE(studio.sign().code == 0);
  studio.write("model/deep/b.bin", "Second");
  CHECK(studio.verify().code == 1);
  CHECK(studio.verify().detail("model.files").find("changed: deep/b.bin") != std::string::npos);
  fs::remove(studio.file("model/deep/b.bin"));
  CHECK(studio.verify().detail("model.files").find("missing: deep/b.bin") != std::string::npos);
  studio.write("model/deep/b.bin", "second");
  studio.write("model/more", "1");
  CHECK(studio.verify().detail("model.files").find("not signed: more") != std::string::npos);
  CHECK(studio.verify({"--ignore-unsigned"}).code == 0);
}

TEST_CASE("a model signed by another key is undecided, and nothing of its files is believed") {
  const Studio studio;
  REQUIRE(studio.sign().code == 0);
  REQUIRE(run({"key", "new", "--type", "p256", "--out", studio.file("b.key"), "--passphrase-file", studio.file("secret")}).code ==
          0);
  REQUIRE(run({"key", "export", studio.file("b.pub"), "--format", "pem", "--out", studio.file("a.pem"), "--force"}).code == 0);
  const Ran ran = studio.verify();
  CHECK(ran.code == 3);
  CHECK(ran.outcome("model.files") == "");
}

TEST_CASE("a signature that is no bundle is invalid, and a key that is none is a mistake of usage") {
  const Studio studio;
  REQUIRE(studio.sign().code == 0);
  CHECK(studio.verify({"--root", studio.file("a.pem")}).code == 2);
  studio.write("a.pem", "no key");
  CHECK(studio.verify().code == 2);
  studio.write("model.sig", "{}");
  CHECK(studio.verify().code == 1);
}

TEST_CASE("a symbolic link in a model is refused and signs nothing") {
  const Studio studio;
  fs::create_symlink("/etc/hostname", studio.file("model/link"));
  const Ran ran = studio.sign();
  CHECK(ran.code == 2);
  CHECK(ran.json()["detail"].get<std::string>().find("symbolic link") != std::string::npos);
  CHECK_FALSE(fs::exists(studio.file("model.sig")));
}

TEST_CASE("an Ed25519 key signs no models, and says what does") {
  const Studio studio;
  REQUIRE(run({"key", "new", "--out", studio.file("a.key"), "--force", "--passphrase-file", studio.file("secret")}).code == 0);
  const Ran ran = studio.sign();
  CHECK(ran.code == 2);
  CHECK(ran.json()["detail"].get<std::string>().find("--type p256") != std::string::npos);
  CHECK_FALSE(fs::exists(studio.file("model.sig")));
}

TEST_CASE("the digest of one file is what a registration calls the model's root") {
  const Studio studio;
  const Ran ran = run_json({"model", "digest", studio.file("model/a.bin")});
  REQUIRE(ran.code == 0);
  const Digest32 digest = credential::fast_sha256(as_bytes("first"));
  CHECK(ran.json()["root"] == to_hex(credential::oms_root_of_file(digest)));
}

#ifndef __SANITIZE_ADDRESS__  // which takes more addresses than any limit
TEST_CASE("hashing a file of 600 MB takes no more memory than a small one") {
  const Studio studio;
  fs::resize_file(studio.file("model/a.bin"), 600u << 20);
  // Half a gigabyte of address space less than the file: it cannot have been read whole.
  const Ran ran = run_json({"model", "digest", studio.file("model"), "--shard-bytes", "100000000"},
                           {.before = {"prlimit", "--as=400000000"}});
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
}
#endif

TEST_CASE("one tensor is proved against a registration, and in another model's file") {
  const TempFolder folder;
  const Bytes a{1, 2}, b{3, 4}, c{5, 6};
  const auto write = [&](const std::string& name, const Bytes& second) {
    return folder.write(
        name, std::string(as_text(encode_safetensors({{"a", "U8", {2}, a}, {"b", "U8", {2}, second}, {"c", "U8", {2}, c}}, {}))));
  };
  const std::string model = write("model", b), fine_tuned = write("other", c);
  const auto owner = credential::PrivateKey::generate(credential::KeyType::ed25519);
  credential::Registration registration{.owner = owner.public_key(), .id = Bytes(16, 1)};
  registration.model_name = "release.safetensors";
  registration.mark = {.architecture = "none", .layers = {"features.4"}, .bits = 256, .picture_size = 64, .reserves = {{}, {}}};
  const auto tree = credential::tensor_tree(to_bytes(read_text(model)));
  registration.tensor_root = tree->root;
  registration.tensor_count = 3;
  folder.write("registration", std::string(as_text(credential::sign_statement(owner, registration, kNow)->entry())));
  registration.tensor_count = 4;
  folder.write("registration-4", std::string(as_text(credential::sign_statement(owner, registration, kNow)->entry())));
  REQUIRE(run({"model", "tensor", "prove", "--model", model, "--name", "b", "--out", folder.file("proof")}).code == 0);
  const auto verify = [&](const std::string& statement, Args more) {
    Args args{"model", "tensor", "verify", "--proof", folder.file("proof"), "--registration", folder.file(statement)};
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  };
  CHECK(verify("registration", {}).code == 0);
  CHECK(verify("registration", {"--model", model}).code == 0);
  CHECK(verify("registration", {"--model", fine_tuned}).outcome("tensor.data") == "invalid");
  CHECK(verify("registration-4", {}).outcome("tensor.proof") == "invalid");
  CHECK(run({"model", "tensor", "prove", "--model", model, "--name", "d", "--out", folder.file("none")}).code == 4);
  CHECK_FALSE(fs::exists(folder.file("none")));
}
