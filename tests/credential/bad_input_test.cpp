// Hostile bytes at every decoder, from one table: what the fuzz programs drive, with the seeds that they start from. A decoder's
// `take` ends the process where it accepts bytes that are not the one encoding of what they hold, so a changed seed is refused or
// another value.
#include <cmath>
#include <limits>
#include <map>

#include <stegpass/credential/core/text.hpp>

#include "largest_allocation.hpp"
#include "papers_fixture.hpp"
#include "tests/fuzz/decoders.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

using fuzz::Decoder;
using fuzz::Seed;

const std::vector<Seed>& all_seeds() {
  static const std::vector<Seed> seeds = fuzz::seeds();
  return seeds;
}

const Decoder& decoder_of(const Seed& seed) {
  for (const Decoder& decoder : fuzz::decoders()) {
    if (decoder.name == seed.decoder) return decoder;
  }
  throw std::logic_error("a seed of no decoder: " + seed.decoder);
}

/// Lines, notes and PEM may end earlier and still be what they are.
bool is_binary(const Seed& seed) {
  return seed.decoder != "text" && seed.decoder != "note" && !as_text(seed.bytes).starts_with("-----");
}

constexpr std::size_t kWholeSeed = 600;  // of longer ones every bit of every 64th byte is flipped

Bytes repeated(std::string_view unit, std::size_t count) {
  Bytes out;
  for (std::size_t i = 0; i < count; ++i) append(out, unit);
  return out;
}

void at_every_decoder(const Bytes& bytes) {
  for (const Decoder& decoder : fuzz::decoders()) {
    CAPTURE(decoder.name);
    CHECK_FALSE(decoder.take(bytes));
  }
}

/// The claims of every seed of that decoder with one claim put in another's place.
void claims_with(std::int64_t label, const Cbor& value, const std::function<void(const Seed&, bool)>& judge) {
  for (const Seed& seed : all_seeds()) {
    if (seed.decoder != "claims") continue;
    CborMap claims = *decode_cbor(seed.bytes)->as_map();
    bool there = false;
    for (auto& [key, item] : claims) {
      if (key == Cbor::integer(label)) item = value, there = true;
    }
    if (there) judge(seed, decoder_of(seed).take(encode_cbor(Cbor::map(claims))));
  }
}

}  // namespace

TEST_CASE("every decoder has a seed, and takes it") {
  std::map<std::string_view, int> taken;
  for (const Seed& seed : all_seeds()) taken[decoder_of(seed).name] += decoder_of(seed).take(seed.bytes);
  for (const Decoder& decoder : fuzz::decoders()) {
    CAPTURE(decoder.name);
    // By a key or authority that nobody named, so always refused; their seeds reach the signature.
    if (decoder.name == "receipt" || decoder.name == "time") continue;
    CHECK(taken[decoder.name] > 0);
  }
}

TEST_CASE("every truncation of every seed is refused") {
  for (const Seed& seed : all_seeds()) {
    const std::size_t step = std::max<std::size_t>(1, seed.bytes.size() / 2000);
    for (std::size_t size = 0; size < seed.bytes.size(); size += step) {
      const bool taken = decoder_of(seed).take(ByteView(seed.bytes).first(size));
      if (!taken || !is_binary(seed)) continue;
      CAPTURE(seed.decoder, size);
      CHECK(as_text(ByteView(seed.bytes).subspan(size)).find_first_not_of("\n") ==
            std::string_view::npos);  // a last line feed may go
    }
  }
}

TEST_CASE("every single-bit flip of every seed is refused, or another value") {
  std::size_t flips = 0;
  for (const Seed& seed : all_seeds()) {
    Bytes bytes = seed.bytes;
    const std::size_t step = bytes.size() <= kWholeSeed ? 1 : 64;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      for (int bit = 0; bit < (seed.decoder == "claims" ? 1 : 8); ++bit, ++flips) {  // claims are signed as every kind
        bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
        static_cast<void>(decoder_of(seed).take(bytes));
        bytes[at] ^= static_cast<std::uint8_t>(1 << bit);
      }
    }
  }
  CHECK(flips > 10'000);
}

TEST_CASE("bytes after the end of a seed are refused") {
  for (const Seed& seed : all_seeds()) {
    if (!is_binary(seed)) continue;
    Bytes bytes = seed.bytes;
    bytes.push_back(0);
    CAPTURE(seed.decoder);
    CHECK_FALSE(decoder_of(seed).take(bytes));
  }
}

TEST_CASE("a length that claims more than there is costs nothing, wherever it stands") {
  const std::vector<Bytes> heads = {{0x5a, 0x40, 0, 0, 0},
                                    {0x7a, 0x40, 0, 0, 0},
                                    {0x9a, 0x40, 0, 0, 0},
                                    {0xba, 0x40, 0, 0, 0},
                                    {0x5b, 255, 255, 255, 255, 255, 255, 255, 255},
                                    {0x9b, 255, 255, 255, 255, 255, 255, 255, 255},
                                    {0xbb, 127, 255, 255, 255, 255, 255, 255, 255},
                                    {255, 255, 255, 255, 255, 255, 255, 127}};
  for (const Seed& seed : all_seeds()) {
    const std::size_t step = std::max<std::size_t>(1, seed.bytes.size() / 40);
    for (const Bytes& head : heads) {
      for (std::size_t at = 0; at < seed.bytes.size(); at += step) {
        Bytes bytes = to_bytes(ByteView(seed.bytes).first(at));
        append(bytes, head);
        append(bytes, ByteView(seed.bytes).subspan(std::min(seed.bytes.size(), at + head.size())));
        largest_allocation();
        static_cast<void>(decoder_of(seed).take(bytes));
        const std::size_t most = largest_allocation();
        CAPTURE(seed.decoder, at, most);
        if (most > 128 * bytes.size() + (8u << 20)) FAIL("a block beyond the input's size class");
      }
    }
  }
}

TEST_CASE("a gigabyte that is claimed in ten bytes is not allocated by any decoder") {
  for (const std::uint8_t head : {0x1b, 0x3b, 0x5b, 0x7b, 0x9b, 0xbb, 0xdb}) {
    largest_allocation();
    at_every_decoder({head, 0, 0, 0, 0, 0x40, 0, 0, 0, 0});
    CHECK(largest_allocation() < 8u << 20);
  }
}

TEST_CASE("nesting bombs are refused by every decoder") {
  for (const std::string_view unit :
       {std::string_view("\x81"), {"\xd2"}, {"\xa1\x00", 2}, {"\x9f"}, {"\xbf\x00", 2}, {"\x5f"}, {"["}, {"{\"a\":"}, {"\xc0"}}) {
    at_every_decoder(repeated(unit, 100'000));
    at_every_decoder(repeated(unit, 17));
  }
}

TEST_CASE("text that is no UTF-8 is refused by every decoder") {
  for (const std::string_view text :
       {std::string_view("\x61\xff"), {"\x62\xc0\x80"}, {"\x63\xed\xa0\x80"}, {"\x64\xf4\x90\x80\x80"}, {"\"\xff\""}}) {
    at_every_decoder(to_bytes(text));
  }
  for (const Seed& seed : all_seeds()) {
    const std::string text(as_text(seed.bytes));
    const std::size_t at = text.find("stegpass");
    if (at == std::string::npos || seed.decoder == "text") continue;
    Bytes bytes = seed.bytes;
    bytes[at] = 0xff;
    CAPTURE(seed.decoder);
    CHECK_FALSE(decoder_of(seed).take(bytes));
  }
}

TEST_CASE("NaN, infinities and other fractions stand in no claim of any statement") {
  for (const double value : {std::nan(""), HUGE_VAL, -HUGE_VAL, 1.0}) {
    for (const std::int64_t label : {2, 4, 5, 6, 7, 8, 65533, 65534, 65535}) {
      claims_with(label, Cbor::floating(value), [&](const Seed&, bool taken) {
        CAPTURE(value, label);
        CHECK_FALSE(taken);
      });
    }
  }
}

TEST_CASE("times before 1970 and after 9999 stand in no claim, nor times that are no numbers") {
  const std::vector<Cbor> times = {Cbor::integer(-1),           Cbor::integer(std::numeric_limits<std::int64_t>::min()),
                                   Cbor::integer(253402300800), Cbor::unsigned_integer(std::numeric_limits<std::uint64_t>::max()),
                                   Cbor::text("2027-01-01"),    Cbor::null()};
  for (const Cbor& time : times) {
    for (const std::int64_t label : {4, 5, 6}) {
      claims_with(label, time, [&](const Seed&, bool taken) {
        INFO(label << " " << cbor_diagnostic(time));
        CHECK_FALSE(taken);
      });
    }
  }
}

TEST_CASE("leap seconds and the last second of 9999 are times like any other") {
  for (const std::int64_t time : {std::int64_t{1483228800}, std::int64_t{253402300799}}) {  // after 2016-12-31T23:59:60Z
    bool any = false;
    claims_with(4, Cbor::integer(time), [&](const Seed&, bool taken) { any = any || taken; });
    CHECK((any || time < kNow));
  }
}

TEST_CASE("keys of another type, curve or form are refused as such") {
  const Cbor x = Cbor::bytes(Bytes(32, 1));
  const auto key = [&](std::int64_t type, std::int64_t curve, std::vector<std::pair<std::int64_t, Cbor>> more) {
    CborMap members = {{Cbor::integer(1), Cbor::integer(type)}, {Cbor::integer(-1), Cbor::integer(curve)}};
    for (auto& [label, value] : more) members.emplace_back(Cbor::integer(label), value);
    return PublicKey::decode(encode_cbor(Cbor::map(members)));
  };
  CHECK(key(1, 4, {{-2, x}}).error().code == Errc::unsupported);           // X25519 signs nothing
  CHECK(key(1, 7, {{-2, x}}).error().code == Errc::unsupported);           // Ed448
  CHECK(key(2, 8, {{-2, x}, {-3, x}}).error().code == Errc::unsupported);  // secp256k1
  CHECK(key(4, 6, {}).error().code == Errc::unsupported);                  // symmetric
  CHECK_FALSE(key(2, 1, {{-2, x}, {-3, x}}).ok());                         // no point of the curve
  CHECK_FALSE(
      key(2, 1, {{-2, Cbor::bytes(Bytes(32))}, {-3, Cbor::bytes(Bytes(32))}}).ok());  // the point at infinity has no such form
  CHECK_FALSE(key(2, 1, {{-2, x}, {-3, Cbor::boolean(true)}}).ok());                  // compressed
  CHECK_FALSE(key(1, 6, {{-2, x}, {-4, x}}).ok());                                    // the secret with it
}

TEST_CASE("no signature of small order or beyond the field verifies, whatever it is said to sign") {
  // The eight points of small order and their encodings beyond the prime, as everybody lists them (libsodium's table).
  const std::vector<std::string> points = {"0000000000000000000000000000000000000000000000000000000000000000",
                                           "0100000000000000000000000000000000000000000000000000000000000000",
                                           "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                                           "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
                                           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                           "0000000000000000000000000000000000000000000000000000000000000080",
                                           "0100000000000000000000000000000000000000000000000000000000000080",
                                           "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"};
  for (const std::string& a : points) {
    const PublicKey key = PublicKey::create_ed25519(parse_hex(a).value()).value();
    for (const std::string& r : points) {
      Bytes signature = parse_hex(r).value();
      signature.resize(64);
      for (int message = 0; message < 16; ++message)
        CHECK_FALSE(key.verify(Bytes(1, static_cast<std::uint8_t>(message)), signature));
    }
  }
}

TEST_CASE("an S that is not reduced does not verify") {
  const PrivateKey key = named_key("owner");
  Bytes signature = key.sign(as_bytes("text"));
  const Bytes order = parse_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  unsigned carry = 0;
  for (std::size_t i = 0; i < 32; ++i) {
    carry += signature[32 + i] + unsigned{order[i]};
    signature[32 + i] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  CHECK_FALSE(key.public_key().verify(as_bytes("text"), signature));
}

TEST_CASE("statements of other profiles are unsupported, which is exit code 3, not false") {
  const PrivateKey key = named_key("owner");
  const auto statement_of = [&](const std::string& typ) {
    const CborMap header = {{Cbor::integer(3), Cbor::text("application/cbor")},
                            {Cbor::integer(4), Cbor::bytes(key.public_key().thumbprint())},
                            {Cbor::integer(16), Cbor::text(typ)}};
    return encode_sign1(sign_sign1(key, header, {}, encode_cbor(Cbor::map({}))));
  };
  for (const char* typ : {"application/sd-cwt", "application/cwt", "application/vc+cose"}) {
    CHECK(Statement::decode(statement_of(typ)).error().code == Errc::unsupported);
  }
}

}  // namespace stegpass::credential::testing
