// No key and vault command leaves a passphrase, key or salt where somebody could find it: in what it writes anywhere, in its
// arguments, or in memory at its end, which is all that a core dump could hold. Seen from outside with ptrace, on the program as
// it is shipped.
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/secret_file.hpp>

#include "tests/support/catch.hpp"
#include "traced.hpp"
#include "vault.hpp"
#ifdef STEGPASS_WITH_LEDGER
#include "workspace_ledger.hpp"
#endif

using namespace stegpass;
using namespace stegpass::test;
using credential::SecretBytes;

namespace {

constexpr const char* kPassphrase = "a-passphrase-that-is-nowhere-else";
constexpr const char* kOther = "another-one-for-what-goes-out";

using Secrets = std::map<std::string, std::string>;

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

SecretBytes as_secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

/// A folder with passphrase files, and the commands in it.
class Desk {
 public:
  Desk() {
    folder_.write("passphrase", std::string(kPassphrase) + "\n");
    folder_.write("other", std::string(kOther) + "\n");
  }
  std::string file(const std::string& name) const { return folder_.file(name); }
  Args with_secret(Args args) const {
    args.insert(args.end(), {"--passphrase-file", file("passphrase")});
    return args;
  }
  Traced traced(Args args) const { return run_traced(with_secret(std::move(args))); }
  void must(Args args) const {
    const Ran ran = run(with_secret(std::move(args)));
    INFO(ran.err);
    REQUIRE(ran.code == 0);
  }
  /// Passphrases and the two secrets of a key.
  Secrets secrets_of(const std::string& key) const {
    const auto file = to_bytes(read_text(this->file(key)));
    const auto opened = credential::decode_key_file(file, as_secret(kPassphrase));
    REQUIRE(opened);
    return {{"passphrase", kPassphrase},
            {"other passphrase", kOther},
            {"signing key", text_of(opened->signing_secret().expose())},
            {"sealing key", text_of(opened->sealing_secret().expose())}};
  }

 private:
  TempFolder folder_;
};

/// What of the secrets was found, and where.
std::vector<std::string> found_in(const Traced& ran, const Secrets& secrets) {
  std::vector<std::string> out;
  for (const auto& [name, bytes] : secrets) {
    if (ran.written.find(bytes) != std::string::npos) out.push_back(name + " was written");
    if (ran.arguments.find(bytes) != std::string::npos) out.push_back(name + " is an argument");
    std::size_t copies = 0;
    for (std::size_t at = ran.memory.find(bytes); at != std::string::npos; at = ran.memory.find(bytes, at + 1)) ++copies;
    if (copies != 0) out.push_back(name + " stays in memory, " + std::to_string(copies) + " times");
  }
  return out;
}

void check_clean(const Traced& ran, const Secrets& secrets) {
  INFO(ran.written.substr(0, 2000));
  REQUIRE(ran.code == 0);
  REQUIRE(ran.memory.size() > 100'000);  // else nothing was seen: tracing needs the rights of root
  REQUIRE_FALSE(ran.written.empty());
  CHECK(found_in(ran, secrets) == std::vector<std::string>());
}

}  // namespace

TEST_CASE("what a program leaves in memory and writes is seen by the trace") {
  const Desk desk;
  const Traced ran = run_traced({"inspect", desk.file("passphrase"), "--json"});
  CHECK(ran.arguments.find("inspect") != std::string::npos);
  CHECK(ran.memory.find("inspect") != std::string::npos);
  CHECK(ran.written.find("is none of our files") != std::string::npos);
}

TEST_CASE("making a key leaves none of its secrets behind, of either type") {
  for (const char* type : {"ed25519", "p256"}) {
    const Desk desk;
    const Traced ran = desk.traced({"key", "new", "--out", desk.file("a.key"), "--type", type});
    check_clean(ran, desk.secrets_of("a.key"));
  }
}

TEST_CASE("showing, exporting and protecting a key leave none of its secrets behind, of either type") {
  for (const char* type : {"ed25519", "p256"}) {
    const Desk desk;
    desk.must({"key", "new", "--out", desk.file("a.key"), "--type", type});
    const Secrets secrets = desk.secrets_of("a.key");
    check_clean(desk.traced({"key", "show", desk.file("a.key")}), secrets);
    check_clean(desk.traced({"key", "export", desk.file("a.key"), "--format", "pem"}), secrets);
    check_clean(desk.traced({"key", "export", desk.file("a.key"), "--private", "--out", desk.file("a.pem"),
                             "--new-passphrase-file", desk.file("other")}),
                secrets);
    check_clean(desk.traced({"key", "import", "--from", desk.file("a.pem"), "--out", desk.file("b.key"),
                             "--source-passphrase-file", desk.file("other")}),
                secrets);
    check_clean(desk.traced({"key", "protect", desk.file("a.key"), "--passes", "4"}), secrets);
  }
}

TEST_CASE("a licensee's commands leave none of the key's secrets behind") {
  const Desk desk;
  desk.must({"key", "new", "--out", desk.file("a.key"), "--type", "p256"});
  const Secrets secrets = desk.secrets_of("a.key");
  const Traced ran = desk.traced(
      {"license", "open", "--key", desk.file("a.key"), "--delivery", desk.file("passphrase"), "--out", desk.file("x")});
  CHECK(ran.code != 0);  // the delivery is none; the key was opened all the same
  REQUIRE(ran.memory.size() > 100'000);
  CHECK(found_in(ran, secrets) == std::vector<std::string>());
}

#ifdef STEGPASS_WITH_LEDGER
namespace {

/// Enters a model into the ledger, so that there is something for a key to hand over.
void register_model(const Desk& desk) {
  const auto signers = cli::read_signers({desk.file("home")}, as_secret(kPassphrase));
  REQUIRE(signers);
  credential::Registration body{.owner = signers->owner.public_key(), .id = Bytes(16, 4)};
  body.model_name = "release.safetensors";
  body.tensor_count = 1;
  body.mark = {.architecture = "none", .layers = {"features.4"}, .bits = 256, .picture_size = 64, .reserves = {{}, {}}};
  auto log = ledger::Ledger::open({desk.file("home/ledger")}, ledger::Ledger::Mode::write);
  REQUIRE(log);
  REQUIRE(log->append({credential::sign_statement(signers->owner, body, kFixtureTime).value()}, signers->log, kFixtureTime));
}

/// A home whose vault holds passports and licenses, and all that is secret in it.
Secrets fill_home(const Desk& desk) {
  desk.must({"init", desk.file("home"), "--origin", "secrets.example/log", "--name", "owner"});
  const std::string path = desk.file("home/vault");
  auto vault = cli::open_vault(to_bytes(read_text(path)), as_secret(kPassphrase));
  REQUIRE(vault);
  Secrets out = desk.secrets_of("home/owner.key");
  for (const auto& [name, bytes] : desk.secrets_of("home/log.key")) out["log's " + name] = bytes;
  out["vault secret"] = text_of(vault->secret.expose());
  const auto random = [&](const std::string& name, std::size_t size) {
    const Bytes bytes = credential::random_bytes(size);
    out[name] = text_of(bytes);
    return bytes;
  };
  for (const char* role : {"cover", "reserve-1", "reserve-2"}) {
    const std::string of = std::string(" of ") + role;
    vault->passports.push_back({role, random("picture" + of, 5000), random("seed salt" + of, 32), random("seed" + of, 64),
                                random("commitment salt" + of, 32)});
  }
  vault->registrations.push_back({Bytes(16, 4), random("owner model's salt", 32), Digest32{6}, Digest32{7}, Digest32{8}});
  vault->licenses.push_back({.registration_id = Bytes(16, 4),
                             .licensee = Digest32{9},
                             .license_id = Bytes(16, 10),
                             .identity = random("identity", 3000),
                             .identity_salt = random("identity's salt", 32),
                             .isn_key_salt = random("ISN key's salt", 32)});
  register_model(desk);
  std::filesystem::remove(path);
  const Bytes sealed = cli::seal_vault(*vault, as_secret(kPassphrase));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(sealed.data()), static_cast<std::streamsize>(sealed.size()));
  return out;
}

}  // namespace

TEST_CASE("vault commands and the rotation of a key leave nothing of vault and keys behind") {
  const Desk desk;
  const Secrets secrets = fill_home(desk);
  check_clean(desk.traced({"vault", "list", "--home", desk.file("home")}), secrets);
  check_clean(desk.traced({"vault", "backup", "--home", desk.file("home"), "--out", desk.file("backup")}), secrets);
  check_clean(desk.traced({"key", "protect", desk.file("home/vault"), "--passes", "4"}), secrets);
  const Traced check = desk.traced({"vault", "check", "--home", desk.file("home")});  // its pictures are none, and it says so
  REQUIRE(check.memory.size() > 100'000);
  CHECK(found_in(check, secrets) == std::vector<std::string>());
  check_clean(desk.traced({"key", "rotate", "--home", desk.file("home"), "--reason", "planned"}), secrets);
}

TEST_CASE("making a home leaves nothing of its keys and vault behind") {
  const Desk desk;
  const Traced ran = desk.traced({"init", desk.file("home"), "--origin", "secrets.example/log", "--name", "owner"});
  Secrets secrets = desk.secrets_of("home/owner.key");
  const auto vault = cli::open_vault(to_bytes(read_text(desk.file("home/vault"))), as_secret(kPassphrase));
  REQUIRE(vault);
  secrets["vault secret"] = text_of(vault->secret.expose());
  check_clean(ran, secrets);
}
#endif

TEST_CASE("once a passphrase was read the program leaves no core, whatever ends it") {
  const Desk desk;
  desk.must({"key", "new", "--out", desk.file("a.key")});
  int pipe[2];
  REQUIRE(::pipe(pipe) == 0);
  if (!dumps_core_while_reading({"/bin/sh", "-c", "read line <&" + std::to_string(pipe[0])}, 0)) {
    WARN("this system dumps no cores at all, so nothing was shown");
    return;
  }
  const Args waiting{program_path(),
                     "key",
                     "export",
                     desk.file("a.key"),
                     "--private",
                     "--out",
                     desk.file("a.pem"),
                     "--new-passphrase-fd",
                     std::to_string(pipe[0])};
  CHECK_FALSE(dumps_core_while_reading(desk.with_secret(waiting), pipe[0]));
  ::close(pipe[0]), ::close(pipe[1]);
}
