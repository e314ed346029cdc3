#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/crypto.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::test;

TEST_CASE("a safetensors refusal is one short line, whatever the names hold") {
  const std::string broken = "{\"a\\nb\": 1}   ", wide = "{\"" + std::string(5000, 'n') + "\": 1}";
  for (const std::string& text : {broken, wide}) {
    Bytes file;
    for (int i = 0; i < 8; ++i) file.push_back(static_cast<std::uint8_t>(text.size() >> (8 * i)));
    append(file, as_bytes(text));
    const auto refused = parse_safetensors(file);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::malformed);
    CHECK(refused.error().detail.find('\n') == std::string::npos);
    CHECK(refused.error().detail.size() < 400);
  }
}

TEST_CASE("hexadecimal comes back as it went, in lower case") {
  const Bytes bytes = sample_bytes("hex", 300);
  CHECK(require_ok(parse_hex(to_hex(bytes))) == bytes);
  CHECK(to_hex(Bytes{0x00, 0x0f, 0xab, 0xff}) == "000fabff");
  CHECK(require_ok(parse_hex("ABcd")) == Bytes{0xab, 0xcd});
}

TEST_CASE("hexadecimal of odd length or with a foreign character is refused") {
  check_refused(parse_hex("abc"), Errc::malformed, "odd");
  check_refused(parse_hex("0g"), Errc::malformed, "foreign");
  check_refused(parse_hex("0x"), Errc::malformed, "foreign");
}

TEST_CASE("base64 gives the examples of RFC 4648") {
  const char* rows[][2] = {{"", ""},
                           {"f", "Zg=="},
                           {"fo", "Zm8="},
                           {"foo", "Zm9v"},
                           {"foob", "Zm9vYg=="},
                           {"fooba", "Zm9vYmE="},
                           {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : rows) {
    CHECK(to_base64(as_bytes(plain)) == encoded);
    CHECK(require_ok(parse_base64(encoded)) == to_bytes(std::string_view(plain)));
  }
}

TEST_CASE("base64 of every length comes back as it went, in both alphabets") {
  for (std::size_t size = 0; size < 70; ++size) {
    const Bytes bytes = sample_bytes("base64", size);
    CHECK(require_ok(parse_base64(to_base64(bytes))) == bytes);
    CHECK(require_ok(parse_base64url(to_base64url(bytes))) == bytes);
  }
}

TEST_CASE("base64 is refused in any other than its one form") {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z g=", "Zm9v\n", "Zm-v", "====", "Z===", "Zg==Zg=="}) {
    INFO(text);
    check_refused(parse_base64(text), Errc::malformed, "base64");
  }
}

TEST_CASE("base64 for urls is refused when padded, in the other alphabet, or with unused bits set") {
  for (const char* text : {"Zg==", "Zh", "Zm9+", "Z", "Zm9vZ"}) {
    INFO(text);
    check_refused(parse_base64url(text), Errc::malformed, "base64");
  }
  CHECK(to_base64url(Bytes{0xfb, 0xff}) == "-_8");
}

TEST_CASE("SHA-512 gives the examples of FIPS 180") {
  CHECK(to_hex(sha512({})) ==
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327a"
        "f927da3e");
  CHECK(to_hex(sha512(as_bytes("abc"))) ==
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94f"
        "a54ca49f");
}

TEST_CASE("SHA-256 gives the examples of FIPS 180") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(as_bytes("abc"))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256(Bytes(1000000, 'a'))) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 of core and of OpenSSL agree at every length around the block") {
  for (std::size_t size = 0; size < 260; ++size) {
    const Bytes bytes = sample_bytes("lengths", size);
    CHECK(sha256(bytes) == credential::fast_sha256(bytes));
  }
}

TEST_CASE("SHA-512 does not depend on how its input is cut") {
  const Bytes bytes = sample_bytes("pieces", 1000);
  for (std::size_t piece : {1u, 7u, 64u, 127u, 128u, 129u, 999u}) {
    Sha512 hash;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      hash.update(ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    }
    CHECK(hash.finish() == sha512(bytes));
  }
}

TEST_CASE("expanded bytes are SHA-512 of domain, seed, label and counter, and shorter ones are their start") {
  const Bytes seed = {1, 2, 3};
  Bytes input = to_bytes(std::string_view("domain\0\1\2\3\0label\0", 17));
  append_big_endian(input, 1, 8);
  const Bytes long_bytes = expand("domain", seed, "label", 200), short_bytes = expand("domain", seed, "label", 70);
  CHECK(std::equal(short_bytes.begin(), short_bytes.end(), long_bytes.begin()));
  const Digest64 second = sha512(input);
  CHECK(std::equal(second.begin(), second.end(), long_bytes.begin() + 64));
  CHECK(expand("domain", seed, "other", 70) != short_bytes);
  CHECK(expand("other", seed, "label", 70) != short_bytes);
}

TEST_CASE("eight digests at once are those of one at a time, whatever came before the counter") {
  Bytes input;
  for (std::size_t length = 0; length <= 300; ++length, input.push_back(static_cast<std::uint8_t>(length))) {
    const std::uint64_t first = 0xfffffffc + length;  // some counters have a fifth byte
    const auto eight = Sha512().update(input).finish_eight(first);
    for (std::uint64_t i = 0; i < 8; ++i) CHECK(eight[i] == Sha512().update(input).update_u64(first + i).finish());
  }
}

TEST_CASE("a verdict with nothing checked is undecided") {
  Verdict verdict;
  CHECK(verdict.outcome() == Outcome::undecided);
  verdict.add("model.digest", Outcome::not_checked, "no model given");
  CHECK(verdict.outcome() == Outcome::undecided);
}

TEST_CASE("one invalid check outweighs everything, one undecided check all that is valid") {
  Verdict verdict;
  verdict.add("bundle.digest", Outcome::valid, "matches");
  verdict.add("model.digest", Outcome::not_checked, "no model given");
  CHECK(verdict.outcome() == Outcome::valid);
  verdict.add("status.age", Outcome::undecided, "no maximal age");
  CHECK(verdict.outcome() == Outcome::undecided);
  verdict.add("license.signature", Outcome::invalid, "does not verify");
  CHECK(verdict.outcome() == Outcome::invalid);
}

TEST_CASE("checks are found by their code, and verdicts join in order") {
  Verdict first, second;
  first.add("a", Outcome::valid, "one");
  second.add("b", Outcome::invalid, "two");
  first.append(second);
  REQUIRE(first.find("b") != nullptr);
  CHECK(first.find("b")->detail == "two");
  CHECK(first.find("c") == nullptr);
  CHECK(first.checks().size() == 2);
  CHECK(first.outcome() == Outcome::invalid);
}

TEST_CASE("big-endian integers take the width they are given") {
  Bytes bytes;
  append_big_endian(bytes, 0x0102030405060708, 8);
  append_big_endian(bytes, 0xffee, 2);
  CHECK(to_hex(bytes) == "0102030405060708ffee");
}

TEST_CASE("constant-time comparison tells length and content apart") {
  CHECK(equal_constant_time(Bytes{1, 2}, Bytes{1, 2}));
  CHECK_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 3}));
  CHECK_FALSE(equal_constant_time(Bytes{1, 2}, Bytes{1, 2, 3}));
  CHECK(equal_constant_time({}, {}));
}
