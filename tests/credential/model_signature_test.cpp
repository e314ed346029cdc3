#include <stegpass/credential/model_signature.hpp>

#include <fstream>
#include <iterator>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key_formats.hpp>
#include <stegpass/credential/statement.hpp>

#include "helpers.hpp"
#include "json.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

ModelManifest sample() {
  ModelManifest manifest{.model_name = "model"};
  manifest.ignore_paths = {".git", "model.sig"};
  manifest.resources = {{"a.bin", to_bytes(ByteView(sha256(as_bytes("a"))))},
                        {"d/b \"quoted\" \xc3\xa9.bin", to_bytes(ByteView(sha256(as_bytes("b"))))}};
  return manifest;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

PrivateKey signer() {
  return require_ok(PrivateKey::create(KeyType::p256, SecretBytes::copy_of(Bytes(32, 5)), SecretBytes::copy_of(Bytes(32, 6))));
}

}  // namespace

TEST_CASE("JSON is read as RFC 8259 has it") {
  const Cbor read =
      require_ok(parse_json(" { \"a\" : [ 1 , -2.0, true, false, null, \"x\\n\\u00e9\\ud83d\\ude00/\" ] , \"b\":{} } "));
  CHECK(encode_json(read) == "{\"a\":[1,-2,true,false,null,\"x\\u000a\xc3\xa9\xf0\x9f\x98\x80/\"],\"b\":{}}");
  CHECK(encode_json(require_ok(parse_json(encode_json(read)))) == encode_json(read));
}

TEST_CASE("JSON that is not exact is refused in one line") {
  for (const std::string text : {"",
                                 " ",
                                 "{",
                                 "[1,]",
                                 "{\"a\":1,}",
                                 "{\"a\" 1}",
                                 "{1:2}",
                                 "01",
                                 "-",
                                 "1.5",
                                 "1.",
                                 "1.01",
                                 "-.0",
                                 "1e3",
                                 "NaN",
                                 "Infinity",
                                 "9223372036854775808",
                                 "truex",
                                 "[1] 2",
                                 "\"a",
                                 "\"\\x\"",
                                 "\"\\u12\"",
                                 "\"\\ud800\"",
                                 "\"\\ud800\\u0041\"",
                                 "\"\\udc00\"",
                                 "\"\x01\"",
                                 "\"\xff\"",
                                 "\"\xc0\x80\"",
                                 "{\"a\":1,\"a\":2}",
                                 "'a'",
                                 "\xef\xbb\xbf{}"}) {
    CAPTURE(text);
    check_refused(parse_json(text), Errc::malformed);
  }
  check_refused(parse_json(std::string(1'000'000, '[')), Errc::malformed, "nesting");
}

TEST_CASE("a model manifest comes back as it was written, and its subject is its root") {
  ModelManifest wrote = sample();
  for (int form = 0; form < 3; ++form) {
    if (form == 1) wrote.shard_bytes = 1000;
    if (form == 2) {
      wrote.hash = StreamHash::Algorithm::blake2b;
      for (ModelResource& resource : wrote.resources) resource.digest = Bytes(64, 1);
    }
    const std::string text = encode_model_manifest(wrote);
    const ModelManifest read = require_ok(decode_model_manifest(as_bytes(text)));
    CHECK(read.resources == wrote.resources);
    CHECK(read.ignore_paths == wrote.ignore_paths);
    CHECK(read.shard_bytes == wrote.shard_bytes);
    CHECK(read.hash == wrote.hash);
    CHECK(text.find(to_hex(wrote.root())) != std::string::npos);
  }
}

TEST_CASE("the root of one file is what a registration calls the model's root") {
  ModelManifest manifest{.model_name = "m"};
  const Digest32 digest = sha256(as_bytes("content"));
  manifest.resources = {{"m", to_bytes(ByteView(digest))}};
  CHECK(manifest.root() == oms_root_of_file(digest));
}

TEST_CASE("a model manifest whose paths leave the model, or which names a file twice, is malformed") {
  for (const char* name : {"/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "", "a/./b"}) {
    ModelManifest manifest = sample();
    manifest.resources[0].name = name;
    CAPTURE(name);
    check_refused(decode_model_manifest(as_bytes(encode_model_manifest(manifest))), Errc::malformed);
  }
  ModelManifest twice = sample();
  twice.resources[1].name = twice.resources[0].name;
  check_refused(decode_model_manifest(as_bytes(encode_model_manifest(twice))), Errc::malformed, "twice");
}

TEST_CASE("a model manifest is refused for what it says, by name") {
  const std::string text = encode_model_manifest(sample());
  const auto refusal = [&](const std::string& from, const std::string& to) {
    return decode_model_manifest(as_bytes(replaced(text, from, to))).error();
  };
  CHECK(refusal("Statement/v1", "Statement/v2").code == Errc::malformed);
  CHECK(refusal("signature/v1.0", "signature/v2.0").code == Errc::unsupported);
  CHECK(refusal("\"hash_type\":\"sha256\"", "\"hash_type\":\"blake3\"").code == Errc::unsupported);
  CHECK(refusal("\"method\":\"files\"", "\"method\":\"lines\"").code == Errc::malformed);
  CHECK(refusal("\"method\":\"files\"", "\"method\":\"shards\"").code == Errc::malformed);
  CHECK(refusal("\"algorithm\":\"sha256\"", "\"algorithm\":\"blake2b\"").code == Errc::malformed);
  CHECK(refusal(to_hex(sample().root()), std::string(64, '0')).detail.find("root") != std::string::npos);
  CHECK(refusal(to_hex(sample().resources[0].digest), std::string(64, 'A')).code == Errc::malformed);
}

TEST_CASE("a signed model verifies under its key, and its bundle comes back") {
  const ModelSignature made = require_ok(sign_model(signer(), sample()));
  const ModelSignature read = require_ok(decode_model_signature(as_bytes(encode_model_signature(made))));
  CHECK(read.payload == made.payload);
  CHECK(read.signature == made.signature);
  CHECK(read.key_hint == made.key_hint);
  CHECK(verify_model_signature(read, pem_public_key(signer().public_key())));
  CHECK(require_ok(decode_model_manifest(read.payload)).resources == sample().resources);
}

TEST_CASE("a signed model with any byte of payload or signature changed does not verify") {
  const ModelSignature made = require_ok(sign_model(signer(), sample()));
  const std::string key = pem_public_key(signer().public_key());
  for (std::size_t at = 0; at < made.payload.size(); at += 7) {
    ModelSignature changed = made;
    changed.payload[at] ^= 1;
    CHECK(verify_model_signature(changed, key).error().code == Errc::malformed);
  }
  for (std::size_t at = 0; at < made.signature.size(); ++at) {
    ModelSignature changed = made;
    changed.signature[at] ^= 1;
    CHECK(verify_model_signature(changed, key).error().code == Errc::malformed);
  }
}

TEST_CASE("a model signature by another key is refused by its hint, and without one by the signature") {
  ModelSignature made = require_ok(sign_model(signer(), sample()));
  const std::string other = pem_public_key(PrivateKey::generate(KeyType::p256).public_key());
  CHECK(verify_model_signature(made, other).error().code == Errc::refused);
  made.key_hint.clear();
  CHECK(verify_model_signature(made, other).error().code == Errc::malformed);
  CHECK(verify_model_signature(made, pem_public_key(PrivateKey::generate(KeyType::ed25519).public_key())).error().code ==
        Errc::unsupported);
  CHECK(verify_model_signature(made, "no key").error().code == Errc::malformed);
}

TEST_CASE("Ed25519 does not sign models: the standard has no such signatures") {
  CHECK(sign_model(PrivateKey::generate(KeyType::ed25519), sample()).error().code == Errc::unsupported);
}

TEST_CASE("every truncation of a model signature is refused") {
  const std::string bundle = encode_model_signature(require_ok(sign_model(signer(), sample())));
  for (std::size_t size = 0; size < bundle.size(); ++size)
    CHECK_FALSE(decode_model_signature(as_bytes(bundle.substr(0, size))).ok());
}

TEST_CASE("a bundle needs exactly one signature, one way to its key, and nothing unknown") {
  const std::string bundle = encode_model_signature(require_ok(sign_model(signer(), sample())));
  const auto refused = [&](const std::string& from, const std::string& to) {
    return !decode_model_signature(as_bytes(replaced(bundle, from, to))).ok();
  };
  CHECK(refused("\"signatures\":[{", "\"signatures\":[{\"sig\":\"AAAA\"},{"));
  CHECK(refused("\"publicKey\":{", "\"x509CertificateChain\":{\"certificates\":[{\"rawBytes\":\"AAAA\"}]},\"publicKey\":{"));
  CHECK(refused("\"publicKey\"", "\"publicKeys\""));
  CHECK(refused("vnd.dev.sigstore.bundle", "vnd.dev.other"));
  CHECK(refused("in-toto+json", "other+json"));
  CHECK(refused("{\"mediaType\"", "{\"more\":1,\"mediaType\""));
}

TEST_CASE("bytes that come piece by piece hash like the whole") {
  for (const auto algorithm : {StreamHash::Algorithm::sha256, StreamHash::Algorithm::blake2b}) {
    StreamHash whole(algorithm), pieces(algorithm);
    whole.update(as_bytes("abcdef"));
    pieces.update(as_bytes("abc")), pieces.update({}), pieces.update(as_bytes("def"));
    CHECK(whole.finish() == pieces.finish());
  }
  StreamHash hash(StreamHash::Algorithm::sha256);
  hash.update(as_bytes("abc"));
  CHECK(hash.finish() == to_bytes(ByteView(sha256(as_bytes("abc")))));
}

TEST_CASE("the example of a model signature is real") {
  std::ifstream file(std::string(STEGPASS_SOURCE_DIR) + "/schemas/model-signature.md");
  const std::string page(std::istreambuf_iterator<char>(file), {}), fence = "```json\n";
  const auto block = [&](std::size_t from) {
    const std::size_t begin = page.find(fence, from) + fence.size();
    std::string text = page.substr(begin, page.find("```", begin) - begin);
    std::erase(text, '\n');
    return text;
  };
  const std::string manifest = block(0), bundle = block(page.find(fence) + 1);
  INFO(encode_model_manifest(sample()) << "\n"
                                       << encode_model_signature(require_ok(sign_model(signer(), sample()))) << "\n"
                                       << pem_public_key(signer().public_key()));
  CHECK(manifest == encode_model_manifest(sample()));
  const auto read = decode_model_signature(as_bytes(bundle));
  REQUIRE(read);
  CHECK(as_text(read->payload) == manifest);
  CHECK(encode_model_signature(*read) == bundle);
  CHECK(verify_model_signature(*read, pem_public_key(signer().public_key())));
}
