#include <stegpass/credential/cose.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

constexpr KeyType kTypes[] = {KeyType::ed25519, KeyType::p256};

Sign1 sample_message(const PrivateKey& key, bool detached = false) {
  return sign_sign1(key, {{num(cose::kKid), bin(Bytes{1, 2})}, {num(cose::kTyp), txt("application/example+cwt")}},
                    {{num(cose::kReceipts), Cbor::array({bin(Bytes{7})})}}, as_bytes("payload"), detached);
}

// A message put together part by part; the signature is of the right length and wrong.
Bytes assemble(const Bytes& protected_bytes, Cbor unprotected, Cbor payload = bin(Bytes{1}), Cbor signature = bin(Bytes(64))) {
  return encode_cbor(
      Cbor::tag(18, Cbor::array({bin(protected_bytes), std::move(unprotected), std::move(payload), std::move(signature)})));
}

Bytes header(CborMap pairs) { return encode_cbor(Cbor::map(std::move(pairs))); }

// A message signed over a protected header of the test's own making.
Sign1 signed_with_header(const PrivateKey& key, Cbor protected_header) {
  Sign1 message;
  message.protected_bytes = encode_cbor(protected_header);
  message.protected_header = std::move(protected_header);
  message.unprotected = Cbor::map({});
  message.payload = to_bytes(std::string_view("payload"));
  message.signature = key.sign(sig_structure(message, *message.payload));
  return message;
}

}  // namespace

TEST_CASE("a signed message comes back from its bytes and verifies under its key") {
  for (KeyType type : kTypes) {
    const PrivateKey key = fixed_key("signer", type);
    const Bytes bytes = encode_sign1(sample_message(key));
    const Sign1 message = require_ok(decode_sign1(bytes));
    CHECK(encode_sign1(message) == bytes);
    CHECK(bytes[0] == 0xd2);
    CHECK(verify_sign1(message, key.public_key()).ok());
    CHECK(*message.payload == to_bytes(std::string_view("payload")));
    CHECK(*message.protected_header.find(cose::kAlg) == num(type == KeyType::ed25519 ? -19 : -9));
    check_refused(verify_sign1(message, fixed_key("other", type).public_key()), Errc::malformed, "signature");
  }
}

TEST_CASE("a change to the signed parts of a message is noticed") {
  const PrivateKey key = fixed_key("signer");
  const Sign1 good = sample_message(key);
  Sign1 changed = good;
  changed.payload->front() ^= 1;
  check_refused(verify_sign1(changed, key.public_key()), Errc::malformed, "signature");
  changed = good;
  changed.protected_bytes.back() ^= 1;
  check_refused(verify_sign1(changed, key.public_key()), Errc::malformed, "signature");
  changed = good;
  changed.unprotected = Cbor::map({});
  CHECK(verify_sign1(changed, key.public_key()).ok());
}

TEST_CASE("every flipped bit of a message outside its unprotected header is refused or does not verify") {
  const PrivateKey key = fixed_key("signer");
  const Sign1 message = sign_sign1(key, {{num(cose::kKid), bin(Bytes{1, 2})}}, {}, as_bytes("payload"));
  for_each_bit_flip(encode_sign1(message), [&](const Bytes& changed, std::size_t bit) {
    INFO("bit " << bit);
    const auto read = decode_sign1(changed);
    CHECK_FALSE((read.ok() && verify_sign1(*read, key.public_key()).ok()));
  });
}

TEST_CASE("every truncation of a message is refused, and so is a byte more") {
  Bytes bytes = encode_sign1(sample_message(fixed_key("signer")));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    check_refused(decode_sign1(ByteView(bytes).first(size)), Errc::malformed);
  bytes.push_back(0);
  check_refused(decode_sign1(bytes), Errc::malformed, "follow");
}

TEST_CASE("a detached payload verifies when it is handed in, and only then") {
  const PrivateKey key = fixed_key("signer");
  const Sign1 message = require_ok(decode_sign1(encode_sign1(sample_message(key, true))));
  CHECK_FALSE(message.payload.has_value());
  CHECK(verify_sign1(message, key.public_key(), as_bytes("payload")).ok());
  check_refused(verify_sign1(message, key.public_key(), as_bytes("another")), Errc::malformed, "signature");
  check_refused(verify_sign1(message, key.public_key()), Errc::malformed, "neither");
}

TEST_CASE("a payload both in the message and beside it is refused") {
  const PrivateKey key = fixed_key("signer");
  check_refused(verify_sign1(sample_message(key), key.public_key(), as_bytes("payload")), Errc::malformed, "beside");
}

TEST_CASE("external data is part of what is signed") {
  const PrivateKey key = fixed_key("signer");
  Sign1 message = sample_message(key);
  message.signature = key.sign(sig_structure(message, *message.payload, as_bytes("context")));
  CHECK(verify_sign1(message, key.public_key(), {}, as_bytes("context")).ok());
  check_refused(verify_sign1(message, key.public_key()), Errc::malformed, "signature");
}

TEST_CASE("the older and the newer number of an algorithm mean the same, and those of another key are refused") {
  for (KeyType type : kTypes) {
    const PrivateKey key = fixed_key("signer", type);
    for (std::int64_t alg : {cose::kEd25519, cose::kEdDsa, cose::kEsp256, cose::kEs256, std::int64_t{-35}}) {
      const Sign1 message = signed_with_header(key, Cbor::map({{num(cose::kAlg), num(alg)}}));
      const bool ed25519 = alg == cose::kEd25519 || alg == cose::kEdDsa, p256 = alg == cose::kEsp256 || alg == cose::kEs256;
      const Status status = verify_sign1(message, key.public_key());
      INFO(alg);
      CHECK(status.ok() == (type == KeyType::ed25519 ? ed25519 : p256));
      if (!status.ok()) check_error(status.error(), Errc::refused, "algorithm");
    }
  }
}

TEST_CASE("an algorithm that is absent or only in the unprotected header is refused") {
  const PrivateKey key = fixed_key("signer");
  Sign1 message = signed_with_header(key, Cbor::map({{num(cose::kKid), bin(Bytes{1})}}));
  check_refused(verify_sign1(message, key.public_key()), Errc::malformed, "no alg");
  message.unprotected = Cbor::map({{num(cose::kAlg), num(cose::kEd25519)}});
  check_refused(verify_sign1(message, key.public_key()), Errc::malformed, "no alg");
}

TEST_CASE("an algorithm named in text is refused") {
  const PrivateKey key = fixed_key("signer");
  const Sign1 message = signed_with_header(key, Cbor::map({{num(cose::kAlg), txt("EdDSA")}}));
  check_refused(verify_sign1(message, key.public_key()), Errc::refused, "EdDSA");
}

TEST_CASE("a label in both headers is refused") {
  const Bytes bytes = assemble(header({{num(1), num(-19)}, {num(4), bin(Bytes{1})}}), Cbor::map({{num(4), bin(Bytes{2})}}));
  check_refused(decode_sign1(bytes), Errc::malformed, "label 4 in both");
  check_refused(decode_foreign_sign1(bytes), Errc::malformed, "both");
}

TEST_CASE("a header of more than 64 labels is refused unread, since nothing is known to be signed yet") {
  CborMap labels;
  for (int i = 0; i < 65; ++i) labels.emplace_back(num(1000 + i), num(0));
  const Bytes full = assemble(header({{num(1), num(-19)}}), Cbor::map({labels.begin(), labels.end() - 1}));
  CHECK(decode_sign1(full).ok());
  check_refused(decode_sign1(assemble(header({{num(1), num(-19)}}), Cbor::map(labels))), Errc::malformed, "over 64 labels");
  labels.emplace_back(num(1), num(-19));
  check_refused(decode_foreign_sign1(assemble(header(labels), Cbor::map({}))), Errc::malformed, "over 64 labels");
}

TEST_CASE("a label twice in one header is refused") {
  check_refused(decode_sign1(assemble(from_hex("a2011201"
                                               "12"),
                                      Cbor::map({}))),
                Errc::malformed, "twice");
}

TEST_CASE("labels are integers or text") {
  check_refused(decode_sign1(assemble(header({{bin(Bytes{1}), num(1)}}), Cbor::map({}))), Errc::malformed, "label");
  check_refused(decode_sign1(assemble({}, Cbor::map({{Cbor::boolean(true), num(1)}}))), Errc::malformed, "label");
  CHECK(decode_sign1(assemble(header({{txt("com.example.x"), num(1)}}), Cbor::map({}))).ok());
}

TEST_CASE("crit that names what we process is accepted") {
  const Bytes protected_bytes = header({{num(1), num(-19)}, {num(2), Cbor::array({num(16)})}, {num(16), txt("a/b")}});
  CHECK(decode_sign1(assemble(protected_bytes, Cbor::map({}))).ok());
}

TEST_CASE("crit that names what we do not process is unsupported") {
  for (const Cbor& label : {num(-70001), txt("com.example.must"), num(13)}) {
    const Bytes protected_bytes = header({{num(2), Cbor::array({label})}, {label, num(0)}});
    check_refused(decode_sign1(assemble(protected_bytes, Cbor::map({}))), Errc::unsupported, "crit");
    check_refused(decode_foreign_sign1(assemble(protected_bytes, Cbor::map({}))), Errc::unsupported, "crit");
  }
}

TEST_CASE("crit that is empty, no list, unprotected or names an absent label is malformed") {
  for (const Cbor& crit : {Cbor::array({}), num(16), Cbor::array({num(16)}), Cbor::array({Cbor::null()})}) {
    check_refused(decode_sign1(assemble(header({{num(2), crit}}), Cbor::map({}))), Errc::malformed, "crit");
  }
  check_refused(decode_sign1(assemble({}, Cbor::map({{num(2), Cbor::array({num(1)})}}))), Errc::malformed, "crit");
}

TEST_CASE("the empty protected header is an empty string, and 41 a0 only in foreign messages") {
  const Bytes bytes = assemble(from_hex("a0"), Cbor::map({}));
  check_refused(decode_sign1(bytes), Errc::malformed, "empty");
  const Sign1 message = require_ok(decode_foreign_sign1(bytes));
  CHECK(message.protected_bytes.empty());
  CHECK(to_hex(sig_structure(message, Bytes{1})) == "846a5369676e61747572653140404101");
  CHECK(decode_sign1(assemble({}, Cbor::map({}))).ok());
}

TEST_CASE("a message without tag 18 or with another tag is refused; foreign ones may leave it out") {
  const Sign1 message = sample_message(fixed_key("signer"));
  const Bytes bytes = encode_sign1(message), untagged(bytes.begin() + 1, bytes.end());
  check_refused(decode_sign1(untagged), Errc::malformed, "tag");
  CHECK(require_ok(decode_foreign_sign1(untagged)).signature == message.signature);
  Bytes other = bytes;
  other[0] = 0xd1;
  check_refused(decode_sign1(other), Errc::malformed, "tag 17");
  check_refused(decode_foreign_sign1(other), Errc::malformed, "tag 17");
}

TEST_CASE("a message of another shape is refused") {
  const Bytes none;
  check_refused(decode_sign1(encode_cbor(Cbor::tag(18, Cbor::array({bin(none), Cbor::map({}), bin(none)})))), Errc::malformed,
                "four");
  check_refused(decode_sign1(encode_cbor(Cbor::tag(18, Cbor::map({})))), Errc::malformed, "four");
  check_refused(decode_sign1(assemble({}, Cbor::array({}))), Errc::malformed, "unprotected");
  check_refused(decode_sign1(assemble({}, Cbor::map({}), txt("payload"))), Errc::malformed, "payload");
  check_refused(decode_sign1(assemble({}, Cbor::map({}), bin(none), Cbor::null())), Errc::malformed, "signature");
  check_refused(decode_sign1(assemble(from_hex("80"), Cbor::map({}))), Errc::malformed, "protected header is not a map");
  check_refused(decode_sign1(assemble(from_hex("a1"), Cbor::map({}))), Errc::malformed, "cbor");
}

TEST_CASE("protected bytes in another than the deterministic encoding are refused, and kept verbatim from foreign messages") {
  const PrivateKey key = fixed_key("signer");
  Sign1 message;
  message.protected_bytes = from_hex(
      "a2044101"
      "0132");
  message.payload = Bytes{1};
  message.unprotected = Cbor::map({});
  message.signature = key.sign(sig_structure(message, *message.payload));
  const Bytes bytes = encode_sign1(message);
  check_refused(decode_sign1(bytes), Errc::malformed, "deterministic");
  CHECK(verify_sign1(require_ok(decode_foreign_sign1(bytes)), key.public_key()).ok());
}

TEST_CASE("the signed octets are the array of RFC 9052") {
  const Sign1 message = require_ok(decode_sign1(assemble(header({{num(1), num(-19)}}), Cbor::map({}))));
  CHECK(to_hex(sig_structure(message, Bytes{0xaa}, Bytes{0xbb})) == "846a5369676e61747572653143a1013241bb41aa");
}
