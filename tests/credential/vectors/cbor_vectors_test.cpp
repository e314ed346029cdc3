#include <stegpass/credential/cbor.hpp>

#include <optional>
#include <set>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// Well formed by RFC 7049, the source of the table, and not by RFC 8949: simple values under 32 in two bytes.
// Out of our range: an integer below -2^63.
const std::set<std::string> kRefused = {"f818", "3bffffffffffffffff"};

// The item as JSON has it; nothing where JSON has no such value (byte strings, tags, integers as floats, keys not text).
std::optional<Json> shown_as_json(const Cbor& item) {
  std::int64_t integer = 0;
  if (item.as_unsigned()) return Json(*item.as_unsigned());
  if (item.as_integer(integer)) return Json(integer);
  if (item.as_text()) return Json(*item.as_text());
  if (item.as_boolean()) return Json(*item.as_boolean());
  if (item.as_floating()) return Json(*item.as_floating());
  if (item.is_null()) return Json(nullptr);
  Json out = item.as_map() ? Json::object() : Json::array();
  if (item.as_array()) {
    for (const Cbor& element : *item.as_array()) {
      const auto shown = shown_as_json(element);
      if (!shown) return std::nullopt;
      out.push_back(*shown);
    }
    return out;
  }
  if (!item.as_map()) return std::nullopt;
  for (const auto& [key, value] : *item.as_map()) {
    const auto shown = shown_as_json(value);
    if (!key.as_text() || !shown) return std::nullopt;
    out[*key.as_text()] = *shown;
  }
  return out;
}

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
    const auto item = decode_foreign_cbor(from_hex(row.at("hex").get<std::string>()));
    if (!row.contains("decoded") || !item.ok()) continue;
    const auto shown = shown_as_json(*item);
    if (!shown) continue;
    INFO(row.dump());
    CHECK(*shown == row.at("decoded"));
    ++compared;
  }
  CHECK(compared > 50);
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
