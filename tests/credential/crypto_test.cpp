#include <stegpass/credential/crypto.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// HMAC as RFC 2104 has it, over core's SHA-512.
Digest64 hmac_by_definition(ByteView key, ByteView message) {
  Bytes block = key.size() > 128 ? to_bytes(sha512(key)) : to_bytes(key);
  block.resize(128, 0);
  Bytes inner, outer;
  for (std::uint8_t byte : block) inner.push_back(byte ^ 0x36), outer.push_back(byte ^ 0x5c);
  return Sha512().update(outer).update(Sha512().update(inner).update(message).finish()).finish();
}

}  // namespace

TEST_CASE("HMAC-SHA-512 gives the examples of RFC 4231") {
  CHECK(to_hex(hmac_sha512(Bytes(20, 0x0b), as_bytes("Hi There"))) ==
        "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c20"
        "3a126854");
  CHECK(to_hex(hmac_sha512(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))) ==
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a"
        "38bce737");
}

TEST_CASE("HMAC of OpenSSL is the definition over core's SHA-512 at every key and message length") {
  for (std::size_t size : {0u, 1u, 32u, 127u, 128u, 129u, 300u}) {
    const Bytes key = sample_bytes("hmac key", size);
    for (std::size_t length : {0u, 1u, 111u, 112u, 128u, 1000u}) {
      const Bytes message = sample_bytes("hmac message", length);
      CHECK(hmac_sha512(key, message) == hmac_by_definition(key, message));
    }
  }
}

TEST_CASE("random bytes come in the number asked for and differ from call to call") {
  CHECK(random_bytes(0).empty());
  CHECK(random_bytes(33).size() == 33);
  CHECK(random_bytes(32) != random_bytes(32));
}

TEST_CASE("what is sealed to a key is opened by that key alone") {
  const PrivateKey mine = fixed_key("mine"), other = fixed_key("other");
  for (std::size_t size : {0u, 1u, 1000u}) {
    const Bytes message = sample_bytes("sealed", size);
    const Bytes box = seal_to(mine.sealing_public(), message);
    CHECK(box.size() == message.size() + 48);
    CHECK(require_ok(open_sealed(mine.sealing_secret(), box)) == message);
    check_refused(open_sealed(other.sealing_secret(), box), Errc::locked, "not sealed to this key");
  }
}

TEST_CASE("a sealed box with a byte changed or missing stays shut") {
  const PrivateKey key = fixed_key("mine");
  const Bytes box = seal_to(key.sealing_public(), as_bytes("to the licensee"));
  for (std::size_t at = 0; at < box.size(); ++at) {
    Bytes changed = box;
    changed[at] ^= 1;
    // The last bit of the sender's point is ignored by X25519 itself, but the box's nonce is a hash of the point.
    CHECK_FALSE(open_sealed(key.sealing_secret(), changed).ok());
    CHECK_FALSE(open_sealed(key.sealing_secret(), ByteView(box).first(at)).ok());
  }
}

TEST_CASE("sealing to a point of low order is refused aloud") {
  CHECK_THROWS_AS(seal_to(Bytes(32, 0), as_bytes("message")), std::invalid_argument);
}
