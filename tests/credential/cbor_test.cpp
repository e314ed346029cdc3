#include <stegpass/credential/cbor.hpp>

#include <cmath>
#include <limits>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// One item with every type of content, several widths of head and some nesting.
Cbor sample_item() {
  return Cbor::map(
      {{num(1), txt("ledger.example")},
       {num(-7), Cbor::array({num(0), num(23), num(24), num(256), num(65536), Cbor::unsigned_integer(UINT64_MAX)})},
       {txt("name"), Cbor::tag(61, Cbor::tag(18, bin(Bytes{1, 2, 3})))},
       {num(300), Cbor::map({{Cbor::simple(59), Cbor::boolean(true)}, {txt("z"), Cbor::null()}})},
       {bin(Bytes{9}), Cbor::array({Cbor::floating(1.5), Cbor::floating(0.1), Cbor::floating(100000.0), Cbor::simple(23)})},
       {num(-1000), Cbor::array({})}});
}

Cbor decoded(std::string_view hex) { return require_ok(decode_cbor(from_hex(hex))); }
Cbor foreign(std::string_view hex) { return require_ok(decode_foreign_cbor(from_hex(hex))); }

void check_malformed(std::string_view hex, std::string_view part) {
  INFO(hex);
  check_refused(decode_cbor(from_hex(hex)), Errc::malformed, part);
}

std::string nested(std::string_view head, int depth, std::string_view last) {
  std::string out;
  for (int i = 0; i < depth; ++i) out += head;
  return out += last;
}

}  // namespace

TEST_CASE("a cbor item with content of every type comes back equal") {
  const Bytes bytes = encode_cbor(sample_item());
  const Cbor again = require_ok(decode_cbor(bytes));
  CHECK(again == sample_item());
  CHECK(encode_cbor(again) == bytes);
}

TEST_CASE("every truncation of a cbor item is refused") {
  const Bytes bytes = encode_cbor(sample_item());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    check_refused(decode_cbor(ByteView(bytes).first(size)), Errc::malformed);
    check_refused(decode_foreign_cbor(ByteView(bytes).first(size)), Errc::malformed);
  }
}

TEST_CASE("every flipped bit of a cbor item is refused or gives another value") {
  const Bytes bytes = encode_cbor(sample_item());
  int refused = 0;
  for_each_bit_flip(bytes, [&](const Bytes& changed, std::size_t bit) {
    const auto item = decode_cbor(changed);
    refused += !item.ok();
    INFO("bit " << bit);
    if (item.ok()) {
      CHECK_FALSE(*item == sample_item());
      CHECK(encode_cbor(*item) == changed);
    }
  });
  CHECK(refused > 0);
}

TEST_CASE("bytes after a cbor item are refused") {
  check_malformed("0000", "1 bytes follow");
  check_malformed("8001f6", "2 bytes follow");
  check_refused(decode_foreign_cbor(from_hex("0000")), Errc::malformed, "1 bytes follow");
}

TEST_CASE("an empty input is no cbor item") { check_refused(decode_cbor({}), Errc::malformed, "ends where"); }

TEST_CASE("duplicate map keys are refused in both readings") {
  check_malformed("a201000100", "twice");
  check_malformed("a2616100616100", "twice");
  check_refused(decode_foreign_cbor(from_hex("a3010002000100")), Errc::malformed, "twice");
  check_refused(decode_foreign_cbor(from_hex("a20100180100")), Errc::malformed, "twice");
}

TEST_CASE("map keys out of bytewise order are refused, and read from foreign tokens") {
  check_malformed("a202000100", "deterministic");
  check_malformed("a220000a00", "deterministic");
  CHECK(foreign("a202000100") == decoded("a201000200"));
}

TEST_CASE("map keys are written in bytewise order of their encoding, not by length") {
  const Cbor map = Cbor::map({{num(-1), num(0)}, {num(100), num(0)}, {num(10), num(0)}});
  CHECK(to_hex(encode_cbor(map)) == "a30a001864002000");
}

TEST_CASE("heads wider than needed are refused, and read from foreign tokens") {
  for (const char* hex : {"1817", "190017", "1900ff", "1a0000ffff", "1b00000000ffffffff", "3817", "5800", "7800", "9800", "b800",
                          "d81201", "590001aa", "f90000f9", "d800f6"}) {
    INFO(hex);
    CHECK_FALSE(decode_cbor(from_hex(hex)).ok());
  }
  CHECK(foreign("1b0000000000000001") == num(1));
  CHECK(foreign("5801aa") == bin(Bytes{0xaa}));
  CHECK(foreign("d81201") == Cbor::tag(18, num(1)));
}

TEST_CASE("indefinite lengths are refused, and read from foreign tokens") {
  for (const char* hex : {"9fff", "bfff", "5fff", "7fff", "9f01ff", "bf0102ff", "5f4101ff", "7f6161ff"})
    check_malformed(hex, "deterministic");
  CHECK(foreign("9f01820203ff") == decoded("8201820203"));
  CHECK(foreign("bf0102ff") == decoded("a10102"));
  CHECK(foreign("5f41014102ff") == bin(Bytes{1, 2}));
  CHECK(foreign("7f61616162ff") == txt("ab"));
}

TEST_CASE("indefinite strings of mixed chunks and stray breaks are refused") {
  for (const char* hex : {"ff", "81ff", "a1ff", "bf01ff", "c0ff", "5f6161ff", "7f4161ff", "5f5f4101ffff", "9f", "9f01", "bf0102",
                          "5f4101", "5f01ff"}) {
    INFO(hex);
    check_refused(decode_foreign_cbor(from_hex(hex)), Errc::malformed, "cbor");
  }
}

TEST_CASE("nesting of sixteen is read and of seventeen refused, in arrays, maps and tags") {
  CHECK(decode_cbor(from_hex(nested("81", 16, "00"))).ok());
  check_malformed(nested("81", 17, "00"), "deep");
  CHECK(decode_cbor(from_hex(nested("c1", 16, "00"))).ok());
  check_malformed(nested("c1", 17, "00"), "deep");
  CHECK(decode_cbor(from_hex(nested("a100", 16, "00"))).ok());
  check_malformed(nested("a100", 17, "00"), "deep");
  check_refused(decode_foreign_cbor(from_hex(nested("9f", 100000, ""))), Errc::malformed, "deep");
}

TEST_CASE("lengths beyond the input are refused before anything is allocated") {
  for (const char* hex :
       {"5bffffffffffffffff", "5b7fffffffffffffff00", "7bffffffffffffffff61", "9bffffffffffffffff", "9b000000010000000000",
        "bbffffffffffffffff", "bb7fffffffffffffff0000", "5a7fffffff00", "9a7fffffff00", "ba7fffffff0000", "4201", "6261"}) {
    INFO(hex);
    check_refused(decode_foreign_cbor(from_hex(hex)), Errc::malformed, "cbor");
  }
}

TEST_CASE("more than a million items are refused") {
  Bytes many = {0x9a, 0x00, 0x20, 0x00, 0x00};
  many.resize(many.size() + (1 << 21), 0x00);
  check_refused(decode_cbor(many), Errc::malformed, "items");
}

TEST_CASE("text that is not UTF-8 is refused") {
  for (const char* hex : {"61ff", "6180", "62c080", "61c3", "63eda080", "64f4908080", "63e08080", "64f0808080", "62c328"})
    check_malformed(hex, "UTF-8");
  check_refused(decode_foreign_cbor(from_hex("7f61c361bcff")), Errc::malformed, "UTF-8");
  CHECK(*decoded("64f0908591").as_text() == "\xf0\x90\x85\x91");
}

TEST_CASE("reserved heads and simple values under 32 in two bytes are refused") {
  for (const char* hex :
       {"1c", "1d", "1e", "1f", "3c", "3f", "5c", "7d", "9e", "bc", "dc", "df", "fc", "fd", "fe", "f800", "f814", "f81f", "f8"}) {
    INFO(hex);
    check_refused(decode_foreign_cbor(from_hex(hex)), Errc::malformed, "cbor");
  }
}

TEST_CASE("simple values are kept, and those with a meaning are what they mean") {
  CHECK(decoded("f83b").as_simple()->value == 59);
  CHECK(decoded("e0").as_simple()->value == 0);
  CHECK(decoded("f7").as_simple()->value == 23);
  CHECK(Cbor::simple(21) == Cbor::boolean(true));
  CHECK(Cbor::simple(22).is_null());
  CHECK(decoded("f6").is_null());
}

TEST_CASE("integers reach from -2^63 to 2^64-1, and no further") {
  std::int64_t value = 0;
  CHECK(decoded("3b7fffffffffffffff").as_integer(value));
  CHECK(value == INT64_MIN);
  CHECK(to_hex(encode_cbor(num(INT64_MIN))) == "3b7fffffffffffffff");
  CHECK_FALSE(decoded("1bffffffffffffffff").as_integer(value));
  CHECK(*decoded("1bffffffffffffffff").as_unsigned() == UINT64_MAX);
  check_malformed("3b8000000000000000", "below -2^63");
}

TEST_CASE("floats are written in the shortest of three widths that keeps the value") {
  const std::pair<double, const char*> rows[] = {{0.0, "f90000"},
                                                 {-0.0, "f98000"},
                                                 {1.0, "f93c00"},
                                                 {65504.0, "f97bff"},
                                                 {65505.0, "fa477fe100"},
                                                 {65536.0, "fa47800000"},
                                                 {std::ldexp(1.0, -24), "f90001"},
                                                 {std::ldexp(3.0, -24), "f90003"},
                                                 {std::ldexp(1.0, -14), "f90400"},
                                                 {std::ldexp(1.0, -25), "fa33000000"},
                                                 {std::ldexp(1.0, -149), "fa00000001"},
                                                 {3.4028234663852886e+38, "fa7f7fffff"},
                                                 {3.4028235e+38, "fb47efffffe54daff8"},
                                                 {1.1, "fb3ff199999999999a"},
                                                 {5e-324, "fb0000000000000001"},
                                                 {INFINITY, "f97c00"},
                                                 {-INFINITY, "f9fc00"},
                                                 {std::numeric_limits<double>::quiet_NaN(), "f97e00"}};
  for (const auto& [value, hex] : rows) {
    CHECK(to_hex(encode_cbor(Cbor::floating(value))) == hex);
    CHECK(decoded(hex) == Cbor::floating(value));
  }
}

TEST_CASE("every half-precision float comes back in the same two bytes, but for other forms of NaN") {
  int refused = 0;
  for (unsigned bits = 0; bits < 65536; ++bits) {
    const Bytes bytes = {0xf9, static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)};
    const bool nan = (bits & 0x7c00) == 0x7c00 && (bits & 0x3ff) != 0;
    const auto item = decode_cbor(bytes);
    if (item.ok() != (!nan || bits == 0x7e00)) FAIL("half " << bits);
    refused += !item.ok();
  }
  CHECK(refused == 2 * 1023 - 1);
}

TEST_CASE("floats in a wider form than needed are refused") {
  for (const char* hex :
       {"fa3f800000", "fb3ff0000000000000", "fa7fc00000", "fb7ff8000000000000", "fb7ff0000000000000", "fb40f86a0000000000"}) {
    check_malformed(hex, "deterministic");
  }
}

TEST_CASE("equal items have equal encodings: integers and floats differ, the order of pairs does not matter") {
  CHECK_FALSE(num(1) == Cbor::floating(1.0));
  CHECK_FALSE(Cbor::floating(0.0) == Cbor::floating(-0.0));
  CHECK_FALSE(txt("a") == bin(as_bytes("a")));
  CHECK(Cbor::map({{num(1), num(2)}, {num(3), num(4)}}) == Cbor::map({{num(3), num(4)}, {num(1), num(2)}}));
}

TEST_CASE("values of a map are found by integer and by text key, and nothing is found elsewhere") {
  const Cbor item = sample_item();
  REQUIRE(item.find(1) != nullptr);
  CHECK(*item.find(1)->as_text() == "ledger.example");
  CHECK(item.find("name")->as_tag()->number == 61);
  CHECK(item.find(-1000)->as_array()->empty());
  CHECK(item.find(2) == nullptr);
  CHECK(item.find("1") == nullptr);
  CHECK(num(1).find(1) == nullptr);
  CHECK(num(1).find("name") == nullptr);
}

TEST_CASE("an item of another type gives null") {
  CHECK(num(-1).as_unsigned() == nullptr);
  CHECK(txt("").as_bytes() == nullptr);
  CHECK(num(0).as_text() == nullptr);
  CHECK(num(0).as_array() == nullptr);
  CHECK(num(0).as_tag() == nullptr);
  CHECK(num(1).as_floating() == nullptr);
  CHECK(num(1).as_boolean() == nullptr);
  CHECK_FALSE(num(0).is_null());
}

TEST_CASE("diagnostic notation shows one line, with quotes and control characters escaped") {
  CHECK(cbor_diagnostic(decoded("a2010a6161f5")) == "{1: 10, \"a\": true}");
  CHECK(cbor_diagnostic(Cbor::tag(18, Cbor::array({bin(Bytes{0xa1}), Cbor::map({}), Cbor::null()}))) == "18([h'a1', {}, null])");
  CHECK(cbor_diagnostic(txt("a\"b\\c\n")) == "\"a\\\"b\\\\c\\u000a\"");
  CHECK(cbor_diagnostic(Cbor::array({Cbor::floating(1), Cbor::floating(-1.5), Cbor::floating(1e300), Cbor::floating(NAN)})) ==
        "[1.0, -1.5, 1.0e+300, NaN]");
  CHECK(cbor_diagnostic(Cbor::array({Cbor::simple(59), Cbor::simple(23), num(-5), Cbor::floating(-INFINITY)})) ==
        "[simple(59), undefined, -5, -Infinity]");
}
