#include <stegpass/credential/cbor.hpp>

#include <set>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// Well formed by RFC 7049, the source of the table, and not by RFC 8949: simple values under 32 in two bytes.
// Out of our range: an integer below -2^63.
const std::set<std::string> kRefused = {"f818", "3bffffffffffffffff"};

}  // namespace

TEST_CASE("every item of RFC 8949 appendix A is read as a foreign one") {
  int read = 0;
  for (const Json& row : read_json(vector_path("cbor/appendix_a.json"))) {
    const std::string hex = row.at("hex");
    INFO(hex);
    CHECK(decode_foreign_cbor(from_hex(hex)).ok() == !kRefused.contains(hex));
    ++read;
  }
  CHECK(read == 82);
}

TEST_CASE("items of appendix A that an encoder reproduces are our deterministic ones, and the others are refused") {
  for (const Json& row : read_json(vector_path("cbor/appendix_a.json"))) {
    const std::string hex = row.at("hex");
    INFO(hex);
    const auto item = decode_cbor(from_hex(hex));
    CHECK(item.ok() == (row.at("roundtrip").get<bool>() && !kRefused.contains(hex)));
    if (item.ok()) CHECK(to_hex(encode_cbor(*item)) == hex);
  }
}

TEST_CASE("diagnostic notation of appendix A is ours where the item is deterministic") {
  int compared = 0;
  for (const Json& row : read_json(vector_path("cbor/appendix_a.json"))) {
    const auto item = decode_cbor(from_hex(row.at("hex").get<std::string>()));
    if (!row.contains("diagnostic") || !item.ok()) continue;
    CHECK(cbor_diagnostic(*item) == row.at("diagnostic").get<std::string>());
    ++compared;
  }
  CHECK(compared > 10);
}

TEST_CASE("the decoded values of appendix A are what the items hold") {
  int compared = 0;
  for (const Json& row : read_json(vector_path("cbor/appendix_a.json"))) {
    if (!row.contains("decoded")) continue;
    const auto item = decode_foreign_cbor(from_hex(row.at("hex").get<std::string>()));
    const Json& value = row.at("decoded");
    INFO(row.dump());
    if (!item.ok()) continue;
    if (value.is_string() && item->as_text()) CHECK(*item->as_text() == value.get<std::string>()), ++compared;
    if (value.is_boolean()) CHECK(*item->as_boolean() == value.get<bool>()), ++compared;
    if (value.is_number_float() && item->as_floating()) CHECK(*item->as_floating() == value.get<double>()), ++compared;
    if (value.is_number_unsigned() && item->as_unsigned()) CHECK(*item->as_unsigned() == value.get<std::uint64_t>()), ++compared;
  }
  CHECK(compared > 40);
}

TEST_CASE("shortest number encodings of the dCBOR draft are ours, and the longer ones it lists are refused") {
  const Json rows = read_json(vector_path("cbor/dcbor-numeric.json"));
  for (const Json& row : rows.at("valid")) {
    const Bytes bytes = hex_field(row, "hex");
    INFO(row.dump());
    CHECK(encode_cbor(require_ok(decode_cbor(bytes))) == bytes);
  }
  for (const Json& row : rows.at("invalid_for_dcbor")) {
    INFO(row.dump());
    const bool only_reduced = row.at("hex") == "f94a00";  // an integral float: dCBOR's own rule, not RFC 8949's
    CHECK(decode_cbor(hex_field(row, "hex")).ok() == only_reduced);
  }
}

TEST_CASE("map keys sort as the worked example of RFC 8949 section 4.2.1 has them") {
  const Json rows = read_json(vector_path("cbor/rfc8949-map-order.json"));
  CborMap pairs;
  Bytes expected = {0xa8};
  for (const Json& key : rows.at("length_first_order"))
    pairs.emplace_back(require_ok(decode_cbor(from_hex(key.get<std::string>()))), num(0));
  for (const Json& key : rows.at("bytewise_order")) {
    append(expected, from_hex(key.get<std::string>()));
    expected.push_back(0);
  }
  CHECK(encode_cbor(Cbor::map(pairs)) == expected);
}
