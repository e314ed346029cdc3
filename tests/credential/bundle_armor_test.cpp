#include <stegpass/credential/bundle_armor.hpp>

#include <string>

#include <stegpass/credential/core/text.hpp>

#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::credential;

namespace {

Bytes counted_bytes(std::size_t count) {
  Bytes out(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  return out;
}

bool armor_refused(const std::string& text) {
  const auto bytes = unarmor_bundle(as_bytes(text));
  return !bytes && bytes.error().code == Errc::malformed;
}

}  // namespace

TEST_CASE("a bundle comes back from its text, whatever its length") {
  for (std::size_t count = 1; count < 200; ++count) {
    const Bytes bytes = counted_bytes(count);
    const std::string text = armor_bundle(bytes);
    CHECK(is_armored_bundle(as_bytes(text)));
    const auto back = unarmor_bundle(as_bytes(text));
    REQUIRE(back);
    CHECK(*back == bytes);
  }
}

TEST_CASE("an armored bundle is lines of 64 characters between two fixed ones") {
  CHECK(armor_bundle(Bytes(50, 0)) ==
        "-----BEGIN STEGPASS BUNDLE-----\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\nAAA=\n-----END "
        "STEGPASS BUNDLE-----\n");
}

TEST_CASE("every truncation of an armored bundle is refused") {
  const std::string text = armor_bundle(counted_bytes(300));
  for (std::size_t length = 0; length < text.size(); ++length) CHECK(armor_refused(text.substr(0, length)));
}

TEST_CASE("every changed character of an armored bundle is refused or gives other bytes") {
  const Bytes bytes = counted_bytes(101);
  const std::string text = armor_bundle(bytes);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char other : {'A', 'z', '/', '=', ' ', '\n', '\r', '-', '\0', '\xc3'}) {
      if (text[at] == other) continue;
      std::string changed = text;
      changed[at] = other;
      const auto back = unarmor_bundle(as_bytes(changed));
      INFO(at << " " << static_cast<int>(other));
      CHECK((!back || *back != bytes));
      if (back) CHECK(armor_bundle(*back) == changed);
    }
  }
}

TEST_CASE("text around an armored bundle, other lines and other labels are refused") {
  const Bytes bytes = counted_bytes(100);
  const std::string text = armor_bundle(bytes);
  CHECK(armor_refused(" " + text));
  CHECK(armor_refused(text + "\n"));
  CHECK(armor_refused(text + text));
  CHECK(armor_refused("-----BEGIN STEGPASS BUNDLE-----\n-----END STEGPASS BUNDLE-----\n"));
  CHECK(armor_refused("-----BEGIN STEGPASS BUNDLE-----\n" + to_base64(bytes) + "\n-----END STEGPASS BUNDLE-----\n"));
  std::string windows;
  for (const char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  REQUIRE(armor_refused(windows));
  CHECK(unarmor_bundle(as_bytes(windows)).error().detail.find("carriage returns") != std::string::npos);
  std::string other = text;
  other.replace(other.find("BUNDLE"), 6, "BANDLE");
  CHECK(!is_armored_bundle(as_bytes(other)));
}
