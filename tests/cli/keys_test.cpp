// Keys that come from other programs and go to them, and what a holder of a P-256 key can do with one.
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key_formats.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/secret_file.hpp>
#include <stegpass/credential/statement.hpp>

#include "program.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using credential::KeyType;
using credential::PrivateKey;
using credential::SecretBytes;

namespace {

constexpr const char *kFirst = "correct horse", *kSecond = "battery staple";

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

class Bench {
 public:
  Bench() {
    folder.write("first", std::string(kFirst) + "\n");
    folder.write("second", std::string(kSecond) + "\n");
  }
  std::string file(const std::string& name) const { return folder.file(name); }
  Ran command(Args args) const {
    args.insert(args.end(), {"--passphrase-file", file("first")});
    return run_json(std::move(args));
  }
  void must(Args args) const {
    const Ran ran = command(std::move(args));
    INFO(ran.out << ran.err);
    REQUIRE(ran.code == 0);
  }
  PrivateKey key(const std::string& name, const char* passphrase = kFirst) const {
    auto opened = credential::decode_key_file(to_bytes(read_text(file(name))), secret(passphrase));
    REQUIRE(opened);
    return std::move(*opened);
  }
  TempFolder folder;
};

credential::PassphraseCost cost_of(const std::string& path) {
  const auto info = credential::read_secret_file_info(to_bytes(read_text(path)));
  REQUIRE(info);
  return info->cost;
}

}  // namespace

TEST_CASE("a key goes out as encrypted PKCS#8 and comes back as the same signing key") {
  for (const char* type : {"ed25519", "p256"}) {
    const Bench bench;
    bench.must({"key", "new", "--out", bench.file("a.key"), "--type", type});
    bench.must({"key", "export", bench.file("a.key"), "--private", "--out", bench.file("a.pem"), "--new-passphrase-file",
                bench.file("second")});
    CHECK(read_text(bench.file("a.pem")).starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    CHECK((std::filesystem::status(bench.file("a.pem")).permissions() & std::filesystem::perms(0077)) ==
          std::filesystem::perms::none);
    bench.must({"key", "import", "--from", bench.file("a.pem"), "--out", bench.file("b.key"), "--source-passphrase-file",
                bench.file("second")});
    CHECK(bench.key("b.key").signing_secret() == bench.key("a.key").signing_secret());
    CHECK(read_text(bench.file("b.pub")) == read_text(bench.file("a.pub")));
  }
}

TEST_CASE("a wrong passphrase imports nothing and writes nothing") {
  const Bench bench;
  bench.folder.write("a.pem", export_private_key(PrivateKey::generate(KeyType::p256), secret(kSecond)));
  const Ran ran = bench.command({"key", "import", "--from", bench.file("a.pem"), "--out", bench.file("b.key"),
                                 "--source-passphrase-file", bench.file("first")});
  CHECK(ran.code == 4);
  CHECK(json_fault(ran) == "");
  CHECK(bench.folder.files() == std::vector<std::string>{"a.pem", "first", "second"});
}

TEST_CASE("a file that is no private key imports nothing and writes nothing") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  const auto before = bench.folder.files();
  for (const std::string& file : {std::string("first"), std::string("a.key"), std::string("a.pub")}) {
    const Ran ran = bench.command({"key", "import", "--from", bench.file(file), "--out", bench.file("b.key")});
    CHECK(ran.code == 2);
    CHECK(json_fault(ran) == "");
  }
  CHECK(bench.folder.files() == before);
}

TEST_CASE("the public half is printed for SSH and PEM without a passphrase, and a private key never is") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  const PrivateKey key = bench.key("a.key");
  CHECK(run({"key", "export", bench.file("a.pub"), "--comment", "ada"}).out == ssh_public_key(key.public_key(), "ada") + "\n");
  CHECK(run({"key", "export", bench.file("a.pub"), "--format", "pem"}).out == pem_public_key(key.public_key()));
  CHECK(run({"key", "export", bench.file("a.pub"), "--format", "cose"}).code == 2);
  CHECK(bench.command({"key", "export", bench.file("a.key"), "--private"}).code == 2);
  bench.must({"key", "export", bench.file("a.key"), "--format", "cose", "--out", bench.file("a.cose")});
  CHECK(read_text(bench.file("a.cose")) == read_text(bench.file("a.pub")));
}

TEST_CASE("the cost of a key can be raised, not lowered, and the key stays the same") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  const PrivateKey before = bench.key("a.key");
  bench.must({"key", "protect", bench.file("a.key"), "--passes", "4", "--memory-mib", "65"});
  CHECK(cost_of(bench.file("a.key")) == credential::PassphraseCost{4, 65 * 1024});
  CHECK(bench.key("a.key").signing_secret() == before.signing_secret());
  CHECK(bench.key("a.key").sealing_secret() == before.sealing_secret());
  const std::string file = read_text(bench.file("a.key"));
  CHECK(bench.command({"key", "protect", bench.file("a.key"), "--passes", "3"}).code == 2);
  CHECK(bench.command({"key", "protect", bench.file("a.key")}).code == 2);
  CHECK(read_text(bench.file("a.key")) == file);
}

TEST_CASE("a passphrase is changed for all files or, where one does not open, for none") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  bench.must({"key", "new", "--out", bench.file("b.key")});
  bench.folder.write("c.key", "no key");
  const Args change{"--change-passphrase", "--new-passphrase-file", bench.file("second")};
  Args broken{"key", "protect", bench.file("a.key"), bench.file("b.key"), bench.file("c.key")};
  broken.insert(broken.end(), change.begin(), change.end());
  CHECK(bench.command(broken).code == 2);
  bench.key("a.key"), bench.key("b.key");
  Args whole{"key", "protect", bench.file("a.key"), bench.file("b.key")};
  whole.insert(whole.end(), change.begin(), change.end());
  bench.must(whole);
  bench.key("a.key", kSecond), bench.key("b.key", kSecond);
}

TEST_CASE("a full disk while a key is encrypted anew leaves the key as it was") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  const auto before = contents_of(bench.folder.path());
  const Ran ran = run({"key", "protect", bench.file("a.key"), "--passes", "4", "--passphrase-file", bench.file("first")},
                      {.max_file_bytes = 20});
  CHECK(ran.code == 4);
  CHECK(contents_of(bench.folder.path()) == before);
}

TEST_CASE("a holder of an imported P-256 key asks for a license, opens what is sealed to him and proves possession") {
  const Bench bench;
  bench.folder.write("bob.pem", export_private_key(PrivateKey::generate(KeyType::p256), secret(kSecond)));
  bench.must({"key", "import", "--from", bench.file("bob.pem"), "--out", bench.file("bob.key"), "--source-passphrase-file",
              bench.file("second")});
  // A copy of the program finds no model part beside it, and leaves pictures as they are.
  std::filesystem::copy(program_path(), bench.file("stegpass"));
  const auto alone = [&](Args args) {
    args.insert(args.begin(), bench.file("stegpass"));
    args.insert(args.end(), {"--passphrase-file", bench.file("first")});
    const Ran ran = run_program(args);
    INFO(ran.out << ran.err);
    REQUIRE(ran.code == 0);
  };
  const PrivateKey owner = PrivateKey::generate(KeyType::ed25519);
  credential::Registration registration{.owner = owner.public_key(), .id = Bytes(16, 1)};
  registration.model_name = "release.safetensors";
  registration.tensor_count = 1;
  registration.mark = {.architecture = "none", .layers = {"features.4"}, .bits = 256, .picture_size = 64, .reserves = {{}, {}}};
  bench.folder.write("registration.cose", std::string(as_text(credential::sign_statement(owner, registration, kNow)->entry())));
  bench.folder.write("bob.png", "\x89PNG\r\n\x1a\n and a picture");
  alone({"license", "request", "--key", bench.file("bob.key"), "--registration", bench.file("registration.cose"), "--name", "Bob",
         "--identity", bench.file("bob.png"), "--out", bench.file("bob.request")});
  const auto request = credential::decode_license_request(to_bytes(read_text(bench.file("bob.request"))));
  REQUIRE(request);
  CHECK(request->licensee.type() == KeyType::p256);
  credential::License license{.id = Bytes(16, 2),
                              .registration_id = Bytes(16, 1),
                              .licensee = request->licensee,
                              .not_before = kNow,
                              .expires = kNow + kDay};
  license.reveal_bar_mdb = 30000;
  license.terms = {.scope = "inference", .territory = "worldwide"};
  const auto statement = credential::sign_statement(owner, license, kNow);
  REQUIRE(statement);
  const Bytes sealed = credential::seal_license_delivery(request->sealing_key,
                                                         {statement->entry(), to_bytes(std::string_view("the user passport"))});
  bench.folder.write("delivery", std::string(as_text(sealed)));
  alone({"license", "open", "--key", bench.file("bob.key"), "--delivery", bench.file("delivery"), "--out", bench.file("bob")});
  CHECK(read_text(bench.file("bob/user-passport.png")) == "the user passport");
  alone({"license", "present", "--key", bench.file("bob.key"), "--license", bench.file("bob/license.cose"), "--audience",
         "inspector", "--nonce", "0011", "--out", bench.file("bob.presentation")});
  CHECK(credential::verify_presentation(to_bytes(read_text(bench.file("bob.presentation"))), request->licensee));
}

TEST_CASE("what is mistyped is named, and not what is missing because of it") {
  CHECK(run({"license", "isue"}).err.find("unknown command or argument 'isue'") != std::string::npos);
  CHECK(run({"verify", "--bundel", "x"}).err.find("unknown option '--bundel'") != std::string::npos);
  CHECK(run({"verify", "--bundle", "x"}).err.find("--policy") != std::string::npos);
  CHECK(run({"license", "isue"}).code == 2);
}

TEST_CASE("a file that is no encrypted key is refused before a passphrase is asked for") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  const std::string none = bench.folder.write("none.key", "no key");
  for (const Args& args : {Args{"key", "show", none}, Args{"key", "show", bench.file("absent")}}) {
    const Ran ran = run(args);
    CHECK(ran.code != 0);
    CHECK(ran.err.find("passphrase") == std::string::npos);
  }
}

TEST_CASE("an output that cannot be written is said, with the environment's exit code") {
  const Bench bench;
  bench.must({"key", "new", "--out", bench.file("a.key")});
  for (const std::string& command :
       {"key show " + bench.file("a.pub"), std::string("--help"), "key show --json " + bench.file("a.pub")}) {
    const int status = std::system((STEGPASS_PROGRAM " " + command + " >/dev/full 2>" + bench.file("err")).c_str());
    CHECK(WEXITSTATUS(status) == 4);
    CHECK(read_text(bench.file("err")).find("cannot write to standard output") != std::string::npos);
  }
}
