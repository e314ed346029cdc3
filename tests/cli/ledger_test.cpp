#include <fstream>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/statement.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
using namespace stegpass::credential;
using stegpass::as_bytes;

namespace {

Args ledger(const std::string& command, Args more = {}) {
  Args args{"ledger", command, "--home", fixture("home")};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Args audit(const std::string& folder, Args more = {}) {
  Args args{"audit", folder};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

NoteVerifier log_verifier() {
  std::string line = read_text(fixture("home/log.vkey"));
  line.pop_back();
  return *NoteVerifier::parse(line);
}

/// Changes one byte in the first place under `folder` that holds `wanted`; false when no file does.
bool alter(const std::filesystem::path& folder, const std::string& wanted) {
  for (const auto& [name, content] : contents_of(folder)) {
    const std::size_t at = content.find(wanted);
    if (at == std::string::npos) continue;
    std::fstream file(folder / name, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at + wanted.size() / 2));
    file.put(static_cast<char>(wanted[wanted.size() / 2] ^ 1));
    return file.good();
  }
  return false;
}

}  // namespace

TEST_CASE("ledger show lists the model and its licenses") {
  const Ran ran = run_json(ledger("show"));
  CHECK(ran.code == 0);
  const Json object = ran.json();
  CHECK(object["origin"] == "tests.example/log");
  CHECK(object["size"] == 6);
  REQUIRE(object["registrations"].size() == 1);
  CHECK(object["registrations"][0]["model"] == "release.safetensors");
  CHECK(object["registrations"][0]["contested"] == false);
  CHECK(object["registrations"][0]["licenses"].size() == 2);
  const Ran text = run(ledger("show"));
  CHECK(text.out.find("license " + read_text(fixture("ada.id")).substr(0, 32)) != std::string::npos);
}

TEST_CASE("ledger show says what is revoked") {
  const Ran ran = run({"ledger", "show", "--home", fixture("home-revoked")});
  CHECK(ran.code == 0);
  CHECK(ran.out.find("revoked by entry 6") != std::string::npos);
}

TEST_CASE("ledger entry writes the statement's octets") {
  const TempFolder folder;
  const Ran ran = run_json(ledger("entry", {"1", "--out", folder.file("entry")}));
  CHECK(ran.code == 0);
  CHECK(ran.json()["kind"] == "registration");
  const std::string entry = read_text(folder.file("entry"));
  auto statement = Statement::decode(as_bytes(entry));
  REQUIRE(statement.ok());
  CHECK(statement->kind() == StatementKind::registration);
  CHECK(statement->receipts().empty());
}

TEST_CASE("an entry that the ledger does not have is refused") {
  const TempFolder folder;
  require_refused(ledger("entry", {"6"}), {2}, folder);
  require_refused(ledger("receipt", {"6", "--out", folder.file("a")}), {2}, folder);
  require_refused(ledger("entry", {"-1"}), {2}, folder);
  require_refused(ledger("entry", {"first"}), {2}, folder);
  require_refused(ledger("entry"), {2}, folder);
}

TEST_CASE("ledger receipt writes a receipt that verifies with the log's key") {
  const TempFolder folder;
  REQUIRE(run(ledger("entry", {"2", "--out", folder.file("entry")})).code == 0);
  REQUIRE(run(ledger("receipt", {"2", "--out", folder.file("receipt")})).code == 0);
  const std::string entry = read_text(folder.file("entry")), receipt = read_text(folder.file("receipt"));
  auto checked = verify_receipt(as_bytes(receipt), as_bytes(entry), log_verifier().key);
  REQUIRE(checked.ok());
  CHECK(checked->origin == "tests.example/log");
  CHECK(checked->proof.leaf_index == 2);
  CHECK(checked->proof.tree_size == 6);
}

TEST_CASE("ledger consistency writes a receipt that leads from the older root to the newest") {
  const TempFolder folder;
  REQUIRE(run(ledger("consistency", {"3", "--out", folder.file("receipt")})).code == 0);
  std::vector<stegpass::Digest32> leaves;
  for (const char* index : {"0", "1", "2"}) {
    REQUIRE(run(ledger("entry", {index, "--out", folder.file("entry"), "--force"})).code == 0);
    leaves.push_back(merkle_leaf(as_bytes(read_text(folder.file("entry")))));
  }
  const std::string receipt = read_text(folder.file("receipt"));
  auto checked = verify_consistency_receipt(as_bytes(receipt), merkle_root(leaves), log_verifier().key);
  REQUIRE(checked.ok());
  CHECK(stegpass::to_hex(checked->root) == run_json(ledger("show")).json()["root"]);
  require_refused(ledger("consistency", {"0"}), {2}, folder);
  require_refused(ledger("consistency", {"7"}), {2}, folder);
  require_refused(ledger("consistency", {"3", "2"}), {2}, folder);
}

TEST_CASE("ledger checkpoint prints a note that the log signed") {
  const Ran ran = run(ledger("checkpoint"));
  CHECK(ran.code == 0);
  auto note = parse_note(ran.out);
  REQUIRE(note.ok());
  CHECK(verify_note(*note, log_verifier()).ok());
  CHECK(parse_checkpoint(note->text)->tree_size == 6);
}

TEST_CASE("ledger outputs that exist are left alone without --force") {
  const TempFolder folder;
  const std::string there = folder.write("there", "mine");
  require_refused(ledger("entry", {"1", "--out", there}), {2}, folder);
  require_refused(ledger("receipt", {"1", "--out", there}), {2}, folder);
  require_refused(ledger("checkpoint", {"--out", there}), {2}, folder);
  CHECK(read_text(there) == "mine");
  CHECK(run(ledger("checkpoint", {"--out", there, "--force"})).code == 0);
}

TEST_CASE("a folder without a ledger cannot be shown") {
  const TempFolder folder;
  require_refused({"ledger", "show", "--home", folder.path().string()}, {4}, folder);
  require_refused({"ledger", "checkpoint", "--home", folder.file("absent")}, {4}, folder);
}

TEST_CASE("ledger list shows what a licensee, an issuer and a model have, and its proof verifies without the ledger") {
  const TempFolder folder;
  const Json shown = run_json(ledger("show")).json()["registrations"][0];
  const std::string owner = shown["owner"], licensee = shown["licenses"][0]["licensee"];
  const Ran by_owner = run_json(ledger("list", {"--issuer", owner, "--prove", folder.file("owner.proof")}));
  INFO(by_owner.out << by_owner.err);
  CHECK(by_owner.code == 0);
  CHECK(by_owner.json()["entries"].size() == 5);
  const Ran to_licensee = run_json(ledger("list", {"--licensee", licensee}));
  REQUIRE(to_licensee.json()["entries"].size() == 1);
  CHECK(to_licensee.json()["entries"][0]["kind"] == "license");
  CHECK(run_json(ledger("list", {"--model", std::string(64, '0')})).json()["entries"].empty());

  const Args verify{"verify", "--list", folder.file("owner.proof"), "--policy", fixture("trust.policy")};
  const Ran checked = run_json(verify);
  INFO(checked.out << checked.err);
  CHECK(checked.code == 0);
  CHECK(checked.json()["entries"].size() == 5);
  CHECK(checked.outcome("list.complete") == "valid");
  CHECK(run_json({"verify", "--list", folder.file("owner.proof"), "--policy", fixture("stranger/trust.policy")}).code == 3);

  Args impatient{"policy",    "init", "--log", fixture("home/log.vkey"),       "--owner", fixture("home/owner.pub"),
                 "--max-age", "1s",   "--out", folder.file("impatient.policy")};
  REQUIRE(run(impatient).code == 0);
  const Ran stale = run_json({"verify", "--list", folder.file("owner.proof"), "--policy", folder.file("impatient.policy")});
  CHECK(stale.code == 3);
  CHECK(stale.outcome("checkpoint.age") == "undecided");
  require_refused({"verify", "--list", folder.file("owner.proof"), "--policy", fixture("trust.policy"), "--model",
                   fixture("release.safetensors")},
                  {2}, folder);

  std::string proof = read_text(folder.file("owner.proof"));
  proof[proof.size() / 2] = static_cast<char>(proof[proof.size() / 2] ^ 1);
  CHECK(run_json({"verify", "--list", folder.write("altered.proof", proof), "--policy", fixture("trust.policy")}).code == 1);
  CHECK(
      run_json({"verify", "--list", folder.write("cut.proof", proof.substr(0, 99)), "--policy", fixture("trust.policy")}).code ==
      1);
}

TEST_CASE("an older proof than the remembered checkpoint hides nothing") {
  const TempFolder folder;
  const std::string owner = run_json(ledger("show")).json()["registrations"][0]["owner"];
  REQUIRE(run(ledger("list", {"--issuer", owner, "--prove", folder.file("new.proof")})).code == 0);
  REQUIRE(run(ledger("list", {"--issuer", owner, "--at", "2", "--prove", folder.file("old.proof")})).code == 0);
  const auto judged = [&](const std::string& proof) {
    return run_json(
        {"verify", "--list", folder.file(proof), "--policy", fixture("trust.policy"), "--memory", folder.file("seen")});
  };
  CHECK(judged("old.proof").code == 0);
  CHECK(judged("new.proof").code == 0);
  const Ran older = judged("old.proof");
  CHECK(older.code == 3);
  CHECK(older.outcome("checkpoint.memory") == "undecided");
}

TEST_CASE("ledger list of an older size shows what was there then, and refuses what cannot be") {
  const TempFolder folder;
  const std::string owner = run_json(ledger("show")).json()["registrations"][0]["owner"];
  CHECK(run_json(ledger("list", {"--issuer", owner, "--at", "2"})).json()["entries"].size() == 1);
  require_refused(ledger("list", {"--issuer", owner, "--at", "99", "--prove", folder.file("p")}), {2}, folder);
  require_refused(ledger("list", {"--issuer", "me", "--prove", folder.file("p")}), {2}, folder);
  require_refused(ledger("list", {"--prove", folder.file("p")}), {2}, folder);
  require_refused({"verify", "--policy", fixture("trust.policy")}, {2}, folder);
}

TEST_CASE("an audit goes on from the checkpoint of an earlier one, and refuses another log's") {
  const TempFolder folder;
  const std::string note = run(ledger("checkpoint")).out;
  const Ran ran = run_json(audit(fixture("home/ledger"), {"--since", folder.write("since", note)}));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.outcome("audit.since") == "valid");
  require_refused(audit(fixture("home/ledger"), {"--since", folder.write("no-note", "text")}), {2, 4}, folder);
}

TEST_CASE("a good ledger passes its audit under the auditor's policy") {
  const Ran ran = run_json(audit(fixture("home/ledger"), {"--policy", fixture("trust.policy")}));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  for (const char* code : {"audit.entries", "audit.signatures", "audit.policy", "audit.tree", "audit.checkpoint",
                           "audit.outside-checkpoint", "audit.index", "audit.memory"}) {
    CHECK(ran.outcome(code) == "valid");
  }
  const Json object = ran.json();
  CHECK(object["size"] == 6);
  CHECK(object["registrations"][0]["licenses"].size() == 2);
}

TEST_CASE("a good ledger passes its audit under the log's key file") {
  const Ran ran = run(audit(fixture("home/ledger"), {"--log-key", fixture("home/log.vkey")}));
  CHECK(ran.code == 0);
  CHECK(ran.out.find("verdict: valid") != std::string::npos);
  CHECK(ran.err.find("6 entries, 1 models, 2 licenses") != std::string::npos);
}

TEST_CASE("an audit without a key says that it took the log's own word for it") {
  const Ran ran = run_json(audit(fixture("home/ledger")));
  CHECK(ran.code == 0);
  CHECK(ran.detail("audit.checkpoint").find("named none") != std::string::npos);
}

TEST_CASE("two audits of one log give the same bytes") {
  const TempFolder folder;
  const std::string copy = folder.copy("home/ledger");
  CHECK(run_json(audit(fixture("home/ledger"))).out == run_json(audit(copy), {.now = kNow + 5 * kDay}).out);
}

TEST_CASE("an audit shows the revocation") {
  const Json object = run_json(audit(fixture("home-revoked/ledger"))).json();
  CHECK(object["verdict"] == "valid");
  int revoked = 0;
  for (const Json& license : object["registrations"][0]["licenses"]) revoked += license["revoked_by"].is_null() ? 0 : 1;
  CHECK(revoked == 1);
}

TEST_CASE("a ledger with an altered entry fails its audit") {
  const TempFolder folder;
  const std::string copy = folder.copy("home/ledger");
  const std::string key = Statement::decode(as_bytes(read_text(fixture("ada/license.cose"))))->issuer();
  REQUIRE(alter(copy, key));
  const Ran ran = run_json(audit(copy));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.json()["verdict"] == "invalid");
}

TEST_CASE("a ledger that was rolled back fails its audit") {
  const TempFolder folder;
  const std::string copy = folder.copy("home/ledger");
  for (const auto& [name, content] : contents_of(fixture("home-revoked/ledger"))) {
    if (name.find('/') == std::string::npos && content.starts_with("tests.example/log\n"))
      folder.write("ledger/" + name, content);
  }
  const Ran ran = run_json(audit(copy));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.out.find("rolled back") != std::string::npos);
}

TEST_CASE("an audit under another log's key is invalid or undecided, never good") {
  const TempFolder folder;
  CHECK(run_json(audit(fixture("home/ledger"), {"--policy", fixture("stranger/trust.policy")})).code == 3);
  NoteVerifier forged = log_verifier();
  forged.key = PrivateKey::generate(KeyType::ed25519).public_key();
  const Ran ran = run_json(audit(fixture("home/ledger"), {"--log-key", folder.write("log.vkey", forged.to_vkey() + "\n")}));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("audit.checkpoint") == "invalid");
}

TEST_CASE("a policy without a log trusts none, and of two keys for one log the one that signed counts") {
  const TempFolder folder;
  const std::string good = read_text(fixture("trust.policy"));
  const std::size_t at = good.find("\nlog ") + 1, end = good.find('\n', at) + 1;
  const std::string none = folder.write("none", good.substr(0, at) + good.substr(end));
  CHECK(run_json(audit(fixture("home/ledger"), {"--policy", none})).outcome("audit.log-key") == "undecided");
  NoteVerifier other = log_verifier();
  other.key = PrivateKey::generate(KeyType::ed25519).public_key();
  const std::string line = "log " + other.to_vkey() + "\n";
  const std::string both = folder.write("both", good.substr(0, at) + line + good.substr(at));
  const std::string stranger = folder.write("stranger", good.substr(0, at) + line + good.substr(end));
  CHECK(run_json(audit(fixture("home/ledger"), {"--policy", both})).code == 0);

  const std::string owner = run_json(ledger("show")).json()["registrations"][0]["owner"];
  REQUIRE(run(ledger("list", {"--issuer", owner, "--prove", folder.file("all.proof")})).code == 0);
  const auto listed = [&](const std::string& policy) {
    return run_json({"verify", "--list", folder.file("all.proof"), "--policy", policy}).code;
  };
  CHECK(listed(both) == 0);
  CHECK(listed(stranger) == 3);
}

TEST_CASE("bad key and policy files stop an audit") {
  const TempFolder folder;
  const auto keys = bad_files(folder, fixture("home/log.vkey"), kSmallFile);
  require_bad_files_refused(audit(fixture("home/ledger"), {"--log-key", kFile}), keys, {2, 4}, folder);
  require_refused(audit(fixture("home/ledger"), {"--policy", folder.file("missing")}), {4}, folder);
  require_refused(audit(fixture("home/ledger"), {"--log-key", fixture("home/log.vkey"), "--policy", fixture("trust.policy")}),
                  {2}, folder);
}

TEST_CASE("what is no ledger cannot be audited") {
  const TempFolder folder;
  require_refused(audit(folder.file("absent")), {4}, folder);
  require_refused(audit(folder.path().string()), {4}, folder);
  require_refused(audit(fixture("ada.bundle")), {4}, folder);
}

TEST_CASE("an audit does not change the ledger") {
  const TempFolder folder;
  const std::string copy = folder.copy("home/ledger");
  const auto before = contents_of(copy);
  CHECK(run(audit(copy)).code == 0);
  CHECK(contents_of(copy) == before);
}

TEST_CASE("a ledger goes out as tiles, is audited from them, and comes back") {
  const TempFolder folder;
  const Ran out = run_json(ledger("export", {folder.file("tiles")}));
  CHECK(out.code == 0);
  CHECK(out.json()["size"] == 6);
  CHECK(run_json(ledger("export", {folder.file("tiles")})).json()["files"] == 0);
  const Ran ran = run_json({"audit", "--tiles", folder.file("tiles"), "--policy", fixture("trust.policy")});
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.json()["registrations"] == run_json(audit(fixture("home/ledger"))).json()["registrations"]);
  CHECK(run({"audit", "--tiles", folder.file("tiles"), "--policy", fixture("stranger/trust.policy")}).code == 3);
  REQUIRE(
      run({"ledger", "import", folder.file("tiles"), "--out", folder.file("copy"), "--log-key", fixture("home/log.vkey")}).code ==
      0);
  CHECK(run_json(audit(folder.file("copy"))).out == run_json(audit(fixture("home/ledger"))).out);
}

TEST_CASE("altered tiles are proved false, and nothing is imported from them") {
  const TempFolder folder;
  REQUIRE(run(ledger("export", {folder.file("tiles")})).code == 0);
  REQUIRE(alter(folder.file("tiles/tile/entries"), "release.safetensors"));
  CHECK(run_json({"audit", "--tiles", folder.file("tiles")}).code == 1);
  CHECK(run({"ledger", "import", folder.file("tiles"), "--out", folder.file("copy")}).code != 0);
  CHECK_FALSE(std::filesystem::exists(folder.file("copy")));
}

TEST_CASE("audit and import without tiles are refused") {
  const TempFolder folder;
  require_refused({"audit"}, {2}, folder);
  require_refused({"audit", fixture("home/ledger"), "--tiles", folder.path().string()}, {2}, folder);
  require_refused({"audit", "--tiles", folder.file("absent")}, {4}, folder);
  require_refused({"ledger", "import", folder.file("absent"), "--out", folder.file("copy")}, {4}, folder);
  require_refused({"ledger", "export", folder.file("tiles"), "--home", folder.file("absent")}, {4}, folder);
}
