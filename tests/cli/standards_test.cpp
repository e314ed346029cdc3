// Messages of other people's tools, and timestamps of an authority that openssl plays, with the program's own commands.
#include <ctime>
#include <filesystem>
#include <optional>

#include <stegpass/credential/bundle_armor.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/trust_policy.hpp>

#include "program.hpp"
#include "tests/credential/papers_fixture.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::test;
using namespace stegpass::credential;
using Catch::Matchers::Contains;
using credential::testing::Office;

namespace {

const std::string kCertificates = STEGPASS_SOURCE_DIR "/tests/credential/certificates/";

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

/// An authority of time, and papers as old as this machine's clock, since openssl knows no other.
struct Authority {
  TempFolder folder;
  std::int64_t now = std::time(nullptr);
  std::string policy = folder.file("trust.policy"), bundle = folder.file("license.bundle");

  Authority() {
    Office office;
    office.checkpoint_at = now - 60;
    folder.write("license.bundle", text_of(encode_bundle(office.issue())));
    folder.write("log.vkey", office.log.verifier().to_vkey() + "\n");
    folder.write("owner.pub", text_of(office.owner.public_key().encode()));
    REQUIRE(command({"policy", "init", "--log", folder.file("log.vkey"), "--owner", folder.file("owner.pub"), "--time",
                     "test=" + kCertificates + "root.pem", "--out", policy})
                .code == 0);
  }
  Ran command(Args args) const { return run_json(std::move(args), {.now = now}); }
  /// Request, response and attached token for a subject such as {"--bundle", FILE}.
  Ran stamp(const Args& subject, const std::string& out) const {
    Args ask{"time", "request"}, attach{"time", "attach"};
    ask.insert(ask.end(), subject.begin(), subject.end());
    attach.insert(attach.end(), subject.begin(), subject.end());
    ask.insert(ask.end(), {"--out", folder.file("q.tsq"), "--force"});
    REQUIRE(command(ask).code == 0);
    answer();
    attach.insert(attach.end(), {"--request", folder.file("q.tsq"), "--response", folder.file("q.tsr"), "--out", out});
    return command(attach);
  }
  void answer() const {
    const Ran made =
        run_program({STEGPASS_SOURCE_DIR "/tests/support/timestamp_authority.sh", folder.file("q.tsq"), folder.file("q.tsr")});
    INFO(made.err);
    REQUIRE(made.code == 0);
  }
};

}  // namespace

TEST_CASE("a bundle takes the timestamp of its checkpoint, and verify lists it under the policy's authority") {
  const Authority authority;
  const std::string stamped = authority.folder.file("stamped.bundle");
  REQUIRE(authority.stamp({"--bundle", authority.bundle}, stamped).code == 0);
  const Ran judged = authority.command({"verify", "--bundle", stamped, "--policy", authority.policy});
  CHECK(judged.outcome("checkpoint.time") == "valid");
  CHECK_THAT(judged.detail("checkpoint.time"), Contains("CN=test time under root test"));
  CHECK(authority.command({"time", "check", "--bundle", stamped, "--policy", authority.policy}).code == 0);
}

TEST_CASE("a bundle that opens something stays its owner's alone when it takes a timestamp, and text for mail takes one too") {
  const Authority authority;
  Office office;
  office.checkpoint_at = authority.now - 60;
  const Bytes arbiters = encode_bundle(office.issue(Purpose::arbiter));
  const std::string mail = authority.folder.write("mail.txt", armor_bundle(arbiters)), out = authority.folder.file("out.bundle");
  REQUIRE(authority.stamp({"--bundle", mail}, out).code == 0);
  CHECK((std::filesystem::status(out).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("without a trusted authority a timestamp stays undecided, and over another checkpoint it is false") {
  const Authority authority;
  const std::string stamped = authority.folder.file("stamped.bundle");
  REQUIRE(authority.stamp({"--bundle", authority.bundle}, stamped).code == 0);
  const std::string log_alone =
      authority.folder.write("log.policy", read_text(authority.policy).substr(0, read_text(authority.policy).find("time ")));
  CHECK(authority.command({"verify", "--bundle", stamped, "--policy", log_alone}).outcome("checkpoint.time") == "undecided");
  Bundle bundle = *decode_bundle(as_bytes(read_text(stamped)));
  Office other;
  other.checkpoint_at = authority.now - 61;
  bundle.checkpoint = other.issue().checkpoint;
  const std::string moved = authority.folder.write("moved.bundle", text_of(encode_bundle(bundle)));
  const Ran judged = authority.command({"verify", "--bundle", moved, "--policy", authority.policy});
  CHECK(judged.code == 1);
  CHECK(judged.outcome("checkpoint.time") == "invalid");
}

TEST_CASE("a policy that requires a timestamp leaves a bundle without one undecided") {
  const Authority authority;
  const std::string strict = authority.folder.write("strict.policy", read_text(authority.policy) + "require checkpoint.time\n");
  const Ran judged = authority.command({"verify", "--bundle", authority.bundle, "--policy", strict});
  CHECK(judged.outcome("policy.required") == "undecided");
}

TEST_CASE("messages take the timestamp of their signature, files in a file of its own") {
  const Authority authority;
  const std::string statement = authority.folder.write("license.cose", text_of(Office().issue().statements[2]));
  const std::string stamped = authority.folder.file("stamped.cose");
  REQUIRE(authority.stamp({"--message", statement}, stamped).code == 0);
  CHECK(authority.command({"time", "check", "--message", stamped, "--policy", authority.policy}).code == 0);
  const std::string paper = authority.folder.write("paper.txt", "we had it first"), token = authority.folder.file("paper.tst");
  REQUIRE(authority.stamp({"--file", paper}, token).code == 0);
  CHECK(authority.command({"time", "check", "--file", paper, "--token", token, "--policy", authority.policy}).code == 0);
  authority.folder.write("paper.txt", "We had it first");
  CHECK(authority.command({"time", "check", "--file", paper, "--token", token, "--policy", authority.policy}).code == 1);
}

TEST_CASE("a response to another request, one that was denied and one that is none attach nothing") {
  const Authority authority;
  const std::string out = authority.folder.file("out.bundle");
  const auto attach = [&] {
    return authority.command({"time", "attach", "--bundle", authority.bundle, "--request", authority.folder.file("q.tsq"),
                              "--response", authority.folder.file("q.tsr"), "--out", out});
  };
  const std::string paper = authority.folder.write("paper.txt", "something else");
  REQUIRE(authority.command({"time", "request", "--file", paper, "--out", authority.folder.file("q.tsq")}).code == 0);
  authority.answer();
  CHECK(attach().code == 2);  // answers its request, but that was for another subject
  REQUIRE(authority.command({"time", "request", "--bundle", authority.bundle, "--out", authority.folder.file("q.tsq"), "--force"})
              .code == 0);
  CHECK(attach().code == 2);  // another nonce
  authority.folder.write("q.tsr", "no response");
  CHECK(attach().code == 2);
  authority.folder.write("q.tsr", std::string("\x30\x05\x30\x03\x02\x01\x02", 7));
  CHECK_THAT(attach().out, Contains("granted none, status 2"));
  CHECK_FALSE(std::filesystem::exists(out));
  CHECK(authority.command({"time", "request", "--bundle", authority.bundle, "--file", paper, "--out", out}).code == 2);
}

TEST_CASE("cose verify judges other people's messages by key, by certificate and by what a hash envelope is about") {
  const TempFolder folder;
  const auto owner = credential::testing::named_key("owner");
  folder.write("owner.pub", text_of(owner.public_key().encode()));
  folder.write("evidence.bin", "a very large file");
  const std::string secret = folder.write("passphrase", "correct horse\n");
  REQUIRE(run({"key", "new", "--out", folder.file("me.key"), "--passphrase-file", secret}).code == 0);
  REQUIRE(run({"cose", "envelope", folder.file("evidence.bin"), "--key", folder.file("me.key"), "--type", "video/mp4", "--out",
               folder.file("e.cose"), "--passphrase-file", secret})
              .code == 0);
  const Ran good = run_json(
      {"cose", "verify", folder.file("e.cose"), "--key", folder.file("me.pub"), "--content", folder.file("evidence.bin")});
  CHECK(good.code == 0);
  CHECK(good.outcome("envelope.digest") == "valid");
  CHECK(run_json({"cose", "verify", folder.file("e.cose"), "--key", folder.file("me.pub")}).outcome("envelope.digest") ==
        "not checked");
  CHECK(run({"cose", "verify", folder.file("e.cose"), "--key", folder.file("owner.pub")}).code == 1);
  folder.write("other.bin", "another file");
  CHECK(run({"cose", "verify", folder.file("e.cose"), "--key", folder.file("me.pub"), "--content", folder.file("other.bin")})
            .code == 1);
  CHECK(run({"cose", "verify", folder.file("e.cose")}).code == 2);
  CHECK(run({"cose", "verify", folder.file("evidence.bin"), "--key", folder.file("me.pub")}).code == 1);
}

TEST_CASE("cose status calls no list in force whose age is unknown or lies ahead, and says when its name was not asked for") {
  const TempFolder folder;
  const auto issuer = credential::testing::named_key("issuer");
  folder.write("issuer.pub", text_of(issuer.public_key().encode()));
  const Bytes zeros = *parse_hex("789c63000000010001");  // eight states, all valid
  const auto judged = [&](std::int64_t issued_at, std::optional<std::int64_t> ttl, const Args& more) {
    CborMap claims{
        {Cbor::integer(2), Cbor::text("https://example.com/1")},
        {Cbor::integer(6), Cbor::integer(issued_at)},
        {Cbor::integer(65533), Cbor::map({{Cbor::text("bits"), Cbor::integer(1)}, {Cbor::text("lst"), Cbor::bytes(zeros)}})}};
    if (ttl) claims.emplace_back(Cbor::integer(65534), Cbor::integer(*ttl));
    const Sign1 token = sign_sign1(issuer, {{Cbor::integer(16), Cbor::text("application/statuslist+cwt")}}, {},
                                   encode_cbor(Cbor::map(std::move(claims))));
    Args args{"cose",    "status", folder.write("list.cwt", text_of(encode_sign1(token))), "--key", folder.file("issuer.pub"),
              "--index", "3"};
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  };
  const Ran good = judged(kNow - 60, 3600, {"--uri", "https://example.com/1"});
  INFO(good.out);
  CHECK(good.code == 0);
  CHECK(good.outcome("status.uri") == "valid");
  CHECK(judged(kNow - 60, 3600, {}).outcome("status.uri") == "not checked");
  CHECK(judged(kNow - 60, 3600, {"--uri", "https://example.com/2"}).code == 1);
  CHECK(judged(kNow - 3601, 3600, {}).code == 3);
  CHECK(judged(kNow - 60, {}, {}).outcome("status.age") == "undecided");
  CHECK(judged(kNow + 301, 3600, {}).outcome("status.age") == "undecided");
}

TEST_CASE("cose verify takes a detached payload and external data") {
  const TempFolder folder;
  const auto key = credential::testing::named_key("owner");
  Sign1 message = sign_sign1(key, {}, {}, as_bytes("payload"), true);
  folder.write("m.cose", text_of(encode_sign1(message)));
  folder.write("owner.pub", text_of(key.public_key().encode()));
  folder.write("payload", "payload");
  const Args by_key{
      "cose", "verify", folder.file("m.cose"), "--key", folder.file("owner.pub"), "--payload", folder.file("payload")};
  CHECK(run(by_key).code == 0);
  Args with_aad = by_key;
  with_aad.insert(with_aad.end(), {"--aad", "00ff"});
  CHECK(run(with_aad).code == 1);
  folder.write("payload", "Payload");
  CHECK(run(by_key).code == 1);
}

TEST_CASE("cose verify takes a message by its certificate under the policy's root") {
  const TempFolder folder;
  const auto owner = credential::testing::named_key("owner");
  const auto chain = *read_certificates(as_bytes(read_text(kCertificates + "owner-chain.pem")));
  const Sign1 message = sign_sign1(owner, {{Cbor::integer(33), encode_x5chain(chain)}}, {}, as_bytes("payload"));
  folder.write("m.cose", text_of(encode_sign1(message)));
  const auto judged = [&](const std::string& root) {
    TrustPolicy policy;
    policy.certifiers = {{"root", read_certificates(as_bytes(read_text(kCertificates + root)))->front()}};
    folder.write("policy", encode_trust_policy(policy));
    return run_json({"cose", "verify", folder.file("m.cose"), "--policy", folder.file("policy")});
  };
  CHECK(judged("root.pem").outcome("message.certificate") == "valid");
  CHECK(judged("root.pem").code == 0);
  CHECK(judged("other-root.pem").code == 3);
}
