#include "tests/support/catch.hpp"

#include <fstream>
#include <iterator>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "cli/vault.hpp"

using namespace stegpass;
using namespace stegpass::cli;
using credential::Cbor;
using credential::CborMap;
using credential::SecretBytes;
using credential::SecretKind;

namespace {

constexpr credential::PassphraseCost kCheap{.passes = 1, .memory_kib = 8};

SecretBytes passphrase(std::string_view text = "correct horse") { return SecretBytes::copy_of(as_bytes(text)); }

Vault sample_vault() {
  Vault vault = new_vault();
  for (const char* role : {"cover", "reserve-1", "reserve-2"}) {
    vault.passports.push_back({role, to_bytes(std::string("picture of ") + role), Bytes(32, 1), Bytes(64, 2), Bytes(32, 3)});
  }
  vault.registrations.push_back({Bytes(16, 4), Bytes(32, 5), Digest32{6}, Digest32{7}, Digest32{8}});
  vault.licenses.push_back({.registration_id = Bytes(16, 4),
                            .licensee = Digest32{9},
                            .license_id = Bytes(16, 10),
                            .identity = {1, 2, 3},
                            .identity_salt = Bytes(32, 11),
                            .isn_key_salt = Bytes(32, 12),
                            .user_passport = Digest64{13},
                            .reveal_psnr_mdb = 35123,
                            .reveal_bar_mdb = 30000});
  vault.licenses.push_back({.registration_id = Bytes(16, 4),
                            .licensee = Digest32{14},
                            .license_id = {},
                            .identity = {4},
                            .identity_salt = Bytes(32, 15),
                            .isn_key_salt = Bytes(32, 16),
                            .user_passport = Digest64{17}});
  return vault;
}

Result<Vault> round_trip(const Vault& vault) { return open_vault(seal_vault(vault, passphrase(), kCheap), passphrase()); }

/// The content of a sealed vault, to be changed by a test.
CborMap content_of(const Vault& vault) {
  const auto content = credential::decrypt_secret_file(SecretKind::vault, seal_vault(vault, passphrase(), kCheap), passphrase());
  return *credential::decode_cbor(content->expose())->as_map();
}

Result<Vault> open_content(const CborMap& content) {
  return open_vault(credential::encrypt_secret_file(SecretKind::vault, encode_cbor(Cbor::map(content)), passphrase(), kCheap),
                    passphrase());
}

void set_field(CborMap& map, std::string_view name, Cbor value) {
  for (auto& [key, item] : map) {
    if (key == Cbor::text(name)) item = std::move(value);
  }
}

}  // namespace

TEST_CASE("a vault comes back as it was sealed") {
  const Vault vault = sample_vault();
  const auto opened = round_trip(vault);
  REQUIRE(opened);
  CHECK(opened->secret == vault.secret);
  REQUIRE(opened->passports.size() == 3);
  CHECK(opened->passports[1].role == "reserve-1");
  CHECK(opened->passports[1].picture == vault.passports[1].picture);
  CHECK(opened->passports[1].seed == vault.passports[1].seed);
  REQUIRE(opened->registrations.size() == 1);
  CHECK(opened->registrations[0].owner_model == Digest32{6});
  CHECK(opened->registrations[0].isn == Digest32{8});
}

TEST_CASE("what was minted comes back, issued or not") {
  const auto opened = round_trip(sample_vault());
  REQUIRE(opened);
  REQUIRE(opened->licenses.size() == 2);
  CHECK(opened->licenses[0].license_id == Bytes(16, 10));
  CHECK(opened->licenses[0].reveal_psnr_mdb == 35123);
  CHECK(opened->licenses[0].reveal_bar_mdb == 30000);
  CHECK(opened->licenses[1].license_id.empty());
  CHECK(opened->licenses[1].user_passport == Digest64{17});
}

TEST_CASE("two new vaults have different secrets") {
  const Vault first = new_vault(), second = new_vault();
  CHECK(first.secret.size() == 32);
  CHECK_FALSE(first.secret == second.secret);
}

TEST_CASE("a vault stays closed to a wrong passphrase") {
  const auto opened = open_vault(seal_vault(sample_vault(), passphrase(), kCheap), passphrase("wrong"));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::locked);
}

TEST_CASE("a key file is not taken for a vault") {
  const auto key = credential::PrivateKey::generate(credential::KeyType::ed25519);
  CHECK_FALSE(open_vault(credential::encode_key_file(key, passphrase(), kCheap), passphrase()));
}

TEST_CASE("a vault that was changed in any byte is refused") {
  const Bytes sealed = seal_vault(new_vault(), passphrase(), kCheap);
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    Bytes changed = sealed;
    changed[at] ^= 1;
    CAPTURE(at);
    CHECK_FALSE(open_vault(changed, passphrase()));
  }
}

TEST_CASE("a truncated vault is refused") {
  const Bytes sealed = seal_vault(new_vault(), passphrase(), kCheap);
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(open_vault(ByteView(sealed).first(size), passphrase()));
  }
}

TEST_CASE("a vault of another version is unsupported") {
  CborMap content = content_of(sample_vault());
  set_field(content, "version", Cbor::unsigned_integer(3));
  const auto opened = open_content(content);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::unsupported);
}

TEST_CASE("a vault with a secret of another length is malformed") {
  CborMap content = content_of(sample_vault());
  set_field(content, "secret", Cbor::bytes(Bytes(31)));
  const auto opened = open_content(content);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == Errc::malformed);
  CHECK(opened.error().detail == "vault has no well-formed field 'secret'");
}

TEST_CASE("a vault with a field that nobody knows is malformed") {
  CborMap content = content_of(sample_vault());
  content.emplace_back(Cbor::text("extra"), Cbor::boolean(true));
  CHECK_FALSE(open_content(content));
}

TEST_CASE("a vault that lacks a list is malformed") {
  for (const char* name : {"passports", "registrations", "licenses"}) {
    CborMap content = content_of(sample_vault());
    std::erase_if(content, [&](const auto& pair) { return pair.first == Cbor::text(name); });
    CAPTURE(name);
    CHECK_FALSE(open_content(content));
  }
}

TEST_CASE("a vault with one passport role twice is malformed") {
  Vault vault = sample_vault();
  vault.passports[2].role = "reserve-1";
  const auto opened = round_trip(vault);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().detail == "vault holds the passport 'reserve-1' twice");
}

TEST_CASE("a passport in the vault needs a seed of 64 bytes") {
  Vault vault = sample_vault();
  vault.passports[0].seed.pop_back();
  CHECK_FALSE(round_trip(vault));
}

TEST_CASE("the vault finds passports by role") {
  const Vault vault = sample_vault();
  REQUIRE(vault.passport("reserve-2") != nullptr);
  CHECK(vault.passport("reserve-2")->role == "reserve-2");
  CHECK(vault.passport("reserve-3") == nullptr);
}

TEST_CASE("the vault finds licenses by id, and none by an empty id") {
  const Vault vault = sample_vault();
  REQUIRE(vault.license(Bytes(16, 10)) != nullptr);
  CHECK(vault.license(Bytes(16, 10))->licensee == Digest32{9});
  CHECK(vault.license(Bytes{}) == nullptr);
  CHECK(vault.license(Bytes(16, 99)) == nullptr);
}

TEST_CASE("the vault finds a mint by licensee and passport together") {
  Vault vault = sample_vault();
  CHECK(vault.minted(Digest32{14}, Digest64{17}) == &vault.licenses[1]);
  CHECK(vault.minted(Digest32{14}, Digest64{13}) == nullptr);
  CHECK(vault.minted(Digest32{9}, Digest64{17}) == nullptr);
}

TEST_CASE("every license has its own ISN key, the same each time") {
  const Vault vault = new_vault();
  const Bytes registration(16, 1), other(16, 2);
  const Bytes key = isn_key(vault, registration, Digest32{1});
  CHECK(key.size() == 64);
  CHECK(key == isn_key(vault, registration, Digest32{1}));
  CHECK(key != isn_key(vault, registration, Digest32{2}));
  CHECK(key != isn_key(vault, other, Digest32{1}));
  CHECK(key != isn_key(new_vault(), registration, Digest32{1}));
}

TEST_CASE("the ISN key is the HMAC of registration and licensee under the vault's secret") {
  Vault vault;
  vault.secret = SecretBytes::copy_of(Bytes(32, 7));
  Bytes message(16, 1);
  append(message, Digest32{2});
  CHECK(isn_key(vault, Bytes(16, 1), Digest32{2}) == to_bytes(ByteView(credential::hmac_sha512(Bytes(32, 7), message))));
}

namespace {

/// What stands between the first fence of a language in schemas/vault.md and its end, without line breaks and indentation.
std::string block_of_page(const std::string& language) {
  std::ifstream file(std::string(STEGPASS_SOURCE_DIR) + "/schemas/vault.md");
  const std::string page(std::istreambuf_iterator<char>(file), {}), fence = "```" + language + "\n";
  const std::size_t begin = page.find(fence) + fence.size();
  std::string block = page.substr(begin, page.find("```", begin) - begin);
  std::erase_if(block, [](char c) { return c == '\n' || c == ' '; });
  return block;
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

}  // namespace

TEST_CASE("the example of a vault is real") {
  const Bytes content = *parse_hex(block_of_page("hex"));
  const auto vault = open_vault(credential::encrypt_secret_file(SecretKind::vault, content, passphrase(), kCheap), passphrase());
  REQUIRE(vault);
  CHECK(vault->passports.size() == 3);
  CHECK(vault->licenses.size() == 1);
  const auto again = credential::decrypt_secret_file(SecretKind::vault, seal_vault(*vault, passphrase(), kCheap), passphrase());
  CHECK(to_hex(again->expose()) == to_hex(content));
}

TEST_CASE("the example of a vault says in words what it says in bytes") {
  const Bytes content = *parse_hex(block_of_page("hex"));
  CHECK(without_spaces(cbor_diagnostic(*credential::decode_cbor(content))) == block_of_page("cbor-diag"));
}
